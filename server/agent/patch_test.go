package agent_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
)

const base = `{"id":"b850bc30-45f8-0041-a00a-83df46d8555d","name":"Ada","bio":["one"],"system":"s","topics":["t"],"style":{"all":["a"],"chat":["c"]},` +
	`"settings":{"voice":{"model":"m","deep":{"x":1}},"list":[1,2],"n":1}}`

func TestPatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ patch, want string }{
		"nothing":            {`{}`, base},
		"own id":             {`{"id":"B850BC30-45F8-0041-A00A-83DF46D8555D"}`, base},
		"record keys":        {`{"status":"active","createdAt":5,"enabled":false,"model":{},"secretKeys":[]}`, base},
		"field replaced":     {`{"bio":"new"}`, strings.Replace(base, `["one"]`, `"new"`, 1)},
		"field removed":      {`{"system":null}`, strings.Replace(base, `"system":"s",`, "", 1)},
		"style replaced":     {`{"style":{"post":["p"]}}`, strings.Replace(base, `{"all":["a"],"chat":["c"]}`, `{"post":["p"]}`, 1)},
		"deep merge":         {`{"settings":{"voice":{"deep":{"y":2}},"n":null}}`, strings.Replace(strings.Replace(base, `{"x":1}`, `{"x":1,"y":2}`, 1), `,"n":1`, "", 1)},
		"list replaced":      {`{"settings":{"list":[3]}}`, strings.Replace(base, "[1,2]", "[3]", 1)},
		"emptied object":     {`{"settings":{"voice":{"deep":{"x":null}}}}`, strings.Replace(base, `,"deep":{"x":1}`, "", 1)},
		"scalar to object":   {`{"settings":{"n":{"a":1,"b":null}}}`, strings.Replace(base, `"n":1`, `"n":{"a":1}`, 1)},
		"all settings":       {`{"settings":null}`, base[:strings.Index(base, `,"settings"`)] + "}"},
		"settings one by on": {`{"settings":{"voice":null,"list":null,"n":null}}`, base[:strings.Index(base, `,"settings"`)] + "}"},
		"secrets":            {`{"secrets":{"A":"x","B":null}}`, strings.TrimSuffix(base, "}") + `,"secrets":{"A":"x"}}`},
		"newer keys":         {`{"metadata":{"a":1},"templates":{"replyTemplate":"x"}}`, strings.TrimSuffix(base, "}") + `,"metadata":{"a":1},"templates":{"replyTemplate":"x"}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := agent.ParseCharacter([]byte(base))
			if err != nil {
				t.Fatal(err)
			}
			patched, err := c.Patch(patchOf(t, tt.patch))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(&patched)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(generic(t, tt.want), generic(t, string(got))); diff != "" {
				t.Errorf("patched (-want +got):\n%s", diff)
			}
			if out, _ := json.Marshal(&c); cmp.Diff(generic(t, base), generic(t, string(out))) != "" {
				t.Errorf("the original changed: %s", out)
			}
		})
	}
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ patch, want string }{
		"other id":        {`{"id":"00000000-0000-0000-0000-000000000001"}`, "id: is not the id of this agent"},
		"no name":         {`{"name":null}`, "name is required"},
		"plugins as text": {`{"plugins":"x"}`, "plugins: must be a list, not a text"},
		"settings list":   {`{"settings":[]}`, "settings: must be an object, not a list"},
		"unknown":         {`{"lore":[]}`, "lore: Unrecognized key"},
		"two things":      {`{"bio":3,"name":""}`, "bio: must be a text or a list of texts, not a number; name: must not be empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := agent.ParseCharacter([]byte(base))
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Patch(patchOf(t, tt.patch))
			if e := apierr.From(err); e == nil || e.Code != apierr.UpdateFailed || e.Message != "Character validation failed: "+tt.want {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func patchOf(t *testing.T, text string) (patch map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &patch); err != nil {
		t.Fatal(err)
	}
	return patch
}
