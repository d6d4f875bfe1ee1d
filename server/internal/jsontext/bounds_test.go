package jsontext_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/jsontext"
)

func TestExcess(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + strings.Repeat("]}", n/2) }
	for _, c := range []struct {
		name, raw string
		size      int
		want      string // the beginning of the error; empty: none
	}{
		{"small", `{"a":1}`, 7, ""},
		{"large", `{"a":12}`, 7, "must have at most 7 bytes of JSON, and has 8"},
		{"deep", nested(64), 1000, ""},
		{"deeper", nested(66), 1000, "must nest at most 64 deep"},
		{"brackets in texts", `{"a":"` + strings.Repeat("[", 200) + `\"` + strings.Repeat("{", 200) + `\\"}`, 1000, ""},
		{"side by side", `[` + strings.Repeat("[],", 200) + `[]]`, 1000, ""},
	} {
		if got := jsontext.Excess([]byte(c.raw), c.size); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
