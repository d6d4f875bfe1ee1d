package settings

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// parsed makes a kong mapper from a function that reads one value from text.
func parsed[T any](what string, parse func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto(what, &text); err != nil {
			return err
		}
		v, err := parse(text)
		if err != nil {
			return err
		}
		target.Set(reflect.ValueOf(v))
		return nil
	}
}

// parseMillis reads a duration: a plain number counts milliseconds, as the variables' names say, and 30s or 5m is Go's form.
func parseMillis(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if ms, numErr := strconv.ParseInt(text, 10, 64); numErr == nil {
		if ms > math.MaxInt64/int64(time.Millisecond) {
			return 0, fmt.Errorf("%q is too long a time", text)
		}
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time; write milliseconds such as 30000, or 30s, or 5m", text)
	}
	return d, nil
}

// parseSize reads a number of bytes with an optional unit. As in the variables' origin, kb is 1024 bytes.
func parseSize(text string) (int64, error) {
	number := strings.ToLower(strings.TrimSpace(text))
	unit := int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"b", 1}} {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0) || n*float64(unit) > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size; write bytes, or 512kb, or 2mb", text)
	}
	return int64(n * float64(unit)), nil
}

// parseSwitch reads a yes or no in any of the documented spellings.
func parseSwitch(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	default:
		return false, fmt.Errorf("%q is neither on nor off; write on or off", text)
	}
}

// switchMapper is kong's mapper for booleans, with the words on and off. It also fills *bool, which distinguishes unset from off.
type switchMapper struct{}

// IsBool lets the flag be given without a value.
func (switchMapper) IsBool() bool { return true }

func (switchMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	on := true
	if token := ctx.Scan.Peek(); token.Type == kong.FlagValueToken {
		ctx.Scan.Pop()
		switch v := token.Value.(type) {
		case bool:
			on = v
		default:
			var err error
			if on, err = parseSwitch(fmt.Sprint(v)); err != nil {
				return err
			}
		}
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.ValueOf(&on))
		return nil
	}
	target.SetBool(on)
	return nil
}
