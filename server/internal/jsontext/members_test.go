package jsontext_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// The members of an object are those that encoding/json finds; invalid JSON does no harm.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[{"c":"d"}],"a":"\"}{"}`, ` { "\u0061" : null , "b" : -1.5e3 } `, `{}`, `[]`, `null`, ``, `{`, `{"a"`, `{"a":`, `{"a":}`, `{"a":"`, `{"a":"\`,
		`{"a":1]`, `{"a":[}`, `{,}`, `{"a":{"":{"b":"}","c":-1},"d":["]",{"e":{}}]},"f":true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, want := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		for name, value := range jsontext.Members(raw) {
			got[string(name)] = value
		}
		if !utf8.Valid(raw) || !json.Valid(raw) || json.Unmarshal(raw, &want) != nil {
			return
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b json.RawMessage) bool { return string(a) == string(b) })); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("members of %s (- want, + got)\n%s", raw, diff)
		}
	})
}
