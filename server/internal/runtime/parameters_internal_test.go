package runtime

import (
	"fmt"
	"strings"
	"testing"
)

// A schema is checked against only if that costs little: whoever brings it may not make the server follow it without end.
func TestSchemasThatCostTooMuch(t *testing.T) {
	t.Parallel()
	var doubling strings.Builder
	for i := range 40 {
		fmt.Fprintf(&doubling, `"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	for name, tt := range map[string]struct {
		schema  string
		checked bool
	}{
		"plain":            {`{"type":"object","properties":{"a":{"type":"integer"}}}`, true},
		"with references":  {`{"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"integer"}}}`, true},
		"of another draft": {`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","properties":{"a":{"type":"integer"}}}`, true},
		"of itself":        {`{"type":"object","allOf":[{"$ref":"#"}]}`, false},
		"of each other":    {`{"type":"object","$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`, false},
		"doubling":         {`{"type":"object","$ref":"#/$defs/d0","$defs":{` + doubling.String() + `"d40":{}}}`, false},
		"from elsewhere":   {`{"type":"object","properties":{"a":{"$ref":"https://example.com/schema"}}}`, false},
		"look-ahead":       {`{"type":"object","properties":{"a":{"type":"string","pattern":"^(?=x)"}}}`, false},
	} {
		p, unchecked, err := compileParameters([]byte(tt.schema))
		if err != nil || p == nil || (unchecked == nil) != tt.checked {
			t.Errorf("%s: unchecked %v, error %v", name, unchecked, err)
			continue
		}
		if _, err := p.read(`{"a":7}`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.read(`{"a":[true]}`); tt.checked && err == nil {
			t.Errorf("%s: nothing is wrong", name)
		}
		if got, err := p.read("{\"c\":\"x\xff\"}"); err != nil || string(got) != `{"c":"x`+"\uFFFD"+`"}` {
			t.Errorf("%s: what is no text became %q, %v", name, got, err)
		}
		if _, err := p.read(`7`); err == nil {
			t.Errorf("%s: a number is an object", name)
		}
	}
	for name, schema := range map[string]string{"no object": `[]`, "of a number": `{"type":"number"}`, "no JSON": `{`, "too long": `{"description":"` + strings.Repeat("x", maxSchema) + `"}`} {
		if _, _, err := compileParameters([]byte(schema)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
