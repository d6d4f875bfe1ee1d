package jsontext_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// The texts that are replaced are those that encoding/json finds as values, under the names that it finds; invalid JSON does no harm.
func FuzzAppendReplacing(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":["x","y",{"c" : "x"}],"x":1,"d":"\"x\"","\u0061":"x"}`, `"x"`, `["x"`, `"x`, `{"x"`, `{"a":["b","c"],"d":{}}`, ` { } `, ``, `\`, `"\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := strings.Clone(string(raw))
		if got := jsontext.AppendReplacing([]byte("+"), raw, func(_, _ []byte) json.RawMessage { return nil }); string(got) != "+"+before {
			t.Fatalf("with nothing replaced, %q became %q", before, got)
		}
		got := jsontext.AppendReplacing(nil, raw, func(name, _ []byte) json.RawMessage { return jsontext.AppendString(nil, "in "+string(name)) })
		var want, value any
		if !utf8.Valid(raw) || json.Unmarshal(raw, &want) != nil {
			return
		}
		if err := json.Unmarshal(got, &value); err != nil {
			t.Fatalf("%s became %s: %v", before, got, err)
		}
		if diff := cmp.Diff(replaced("", want), value); diff != "" {
			t.Errorf("%s (- want, + got)\n%s", before, diff)
		}
	})
}

// replaced returns a JSON value with each text in it replaced by the name of the member that it is.
func replaced(name string, value any) any {
	switch v := value.(type) {
	case string:
		return "in " + name
	case []any:
		for i, item := range v {
			v[i] = replaced("", item)
		}
	case map[string]any:
		for name, member := range maps.All(v) {
			v[name] = replaced(name, member)
		}
	}
	return value
}
