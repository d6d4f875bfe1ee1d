package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// minutesMapper is kong's mapper for a number of minutes with the bounds in the tags least and most. What is out of bounds
// becomes the nearest allowed value, and what is no number the default.
type minutesMapper struct{}

func (minutesMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("minutes", &text); err != nil {
		return err
	}
	value, ok := parseMinutes(text)
	if !ok {
		if value, ok = parseMinutes(ctx.Value.Default); !ok {
			return fmt.Errorf("the default %q is not a number of minutes", ctx.Value.Default)
		}
	}
	least, _ := parseMinutes(ctx.Value.Tag.Get("least"))
	most, _ := parseMinutes(ctx.Value.Tag.Get("most"))
	target.Set(reflect.ValueOf(min(max(value, least), most)))
	return nil
}

// longestMinutes keeps a count of minutes within what a duration holds.
const longestMinutes = 1e6

func parseMinutes(text string) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || n != n {
		return 0, false
	}
	return time.Duration(min(max(n, 0), longestMinutes) * float64(time.Minute)), true
}
