package jsontext_test

import (
	"encoding/json"
	"testing"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// Free JSON of clients never breaks a response.
func TestObjectOfAnything(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `null`, `"text"`, `[1]`, `{`, `{"actions":null}`, `{"actions":"REPLY"}`} {
		actions := []string{"kept"}
		o := jsontext.ObjectOf(json.RawMessage(raw))
		o.Read("actions", &actions)
		if len(actions) != 1 || actions[0] != "kept" || o.Text("thought") != "" {
			t.Errorf("%q: %v", raw, actions)
		}
	}
}

func TestMergeAndWithout(t *testing.T) {
	t.Parallel()
	raw := json.RawMessage(`{"b":1,"a":{"c":null}}`)
	if got := jsontext.Merge(raw, jsontext.Object{"d": json.RawMessage(`[]`), "b": json.RawMessage(`2`)}); string(got) != `{"a":{"c":null},"b":2,"d":[]}` {
		t.Errorf("merged: %s", got)
	}
	if got := jsontext.Without(raw, "b"); string(got) != `{"a":{"c":null}}` {
		t.Errorf("without b: %s", got)
	}
	if got := jsontext.Without(raw, "x"); string(got) != string(raw) {
		t.Errorf("without x: %s", got)
	}
}
