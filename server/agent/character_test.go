package agent_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
)

const full = `{
	"id": "B850BC30-45F8-0041-A00A-83DF46D8555D",
	"name": "Ada", "username": "ada", "system": "Be Ada.", "bio": ["one", "two"],
	"messageExamples": [[{"name": "{{name1}}", "content": {"text": "hi"}}, {"name": "Ada", "content": {"text": "hello", "actions": ["REPLY"], "mood": 3}}]],
	"postExamples": ["a post"], "topics": ["engines"], "adjectives": ["exact"],
	"knowledge": ["a fact", {"path": "a.md", "shared": true}, {"id": "k1", "path": "b.md", "content": "what b says"}, {"content": "alone", "id": "k2"}, {"directory": "docs"}],
	"plugins": ["@elizaos/plugin-openai"],
	"settings": {"avatar": "x.png", "big": 12345678901234567890, "voice": {"model": "v", "speed": 1.50}, "secrets": {"K": "v", "gone": null}},
	"secrets": {"A": "b", "on": true, "n": 1},
	"style": {"all": ["short"], "chat": [], "post": ["long"]},
	"templates": {"replyTemplate": "{{providers}}"},
	"documents": [{"item": 1}], "advancedPlanning": false, "advancedMemory": true, "metadata": {"k": [1]}
}`

func TestParseCharacterKeepsEverything(t *testing.T) {
	t.Parallel()
	c, err := agent.ParseCharacter([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(full, "B850BC30-45F8-0041-A00A-83DF46D8555D", "b850bc30-45f8-0041-a00a-83df46d8555d", 1)
	want = strings.Replace(want, `"chat": [], `, "", 1)
	if diff := cmp.Diff(generic(t, want), generic(t, string(got))); diff != "" {
		t.Errorf("a character changed on the way (-in +out):\n%s", diff)
	}
	if !strings.Contains(string(got), "12345678901234567890") || !strings.Contains(string(got), "1.50") {
		t.Errorf("a number was rounded: %s", got)
	}
	again, err := agent.ParseCharacter(got)
	if err != nil || !again.Equal(&c) {
		t.Errorf("what was written reads differently: %v", err)
	}
}

func generic(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestBioKeepsItsForm(t *testing.T) {
	t.Parallel()
	for _, bio := range []string{`"text"`, `""`, `[]`, `["one"]`, `["one","two"]`} {
		c, err := agent.ParseCharacter([]byte(`{"name":"A","bio":` + bio + `}`))
		if err != nil {
			t.Errorf("bio %s: %v", bio, err)
			continue
		}
		if got, _ := json.Marshal(c.Bio); string(got) != bio {
			t.Errorf("bio %s came back as %s", bio, got)
		}
	}
}

func TestParseCharacterAcceptsAStoredAgent(t *testing.T) {
	t.Parallel()
	c, err := agent.ParseCharacter([]byte(`{"name":"A","bio":"b","enabled":true,"status":"active","createdAt":1,"updatedAt":2,"server_id":null,"characterName":"A",` +
		`"model":{"provider":"builtin"},"pluginStatus":[],"secretKeys":["K"]}`))
	if err != nil || c.Name != "A" {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := agent.ParseCharacter([]byte(`{"name":"A","bio":"b","model":"gpt"}`)); err == nil {
		t.Error("a model that is set is dropped silently")
	}
}

func TestParseCharacterAcceptsExampleGroups(t *testing.T) {
	t.Parallel()
	c, err := agent.ParseCharacter([]byte(`{"name":"A","bio":"b","messageExamples":[{"examples":[{"name":"A","content":{"text":"hi"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(c.MessageExamples); string(got) != `[[{"name":"A","content":{"text":"hi"}}]]` {
		t.Errorf("examples = %s", got)
	}
}

func TestParseCharacterNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ doc, want string }{
		"empty":            {`{}`, "bio is required; name is required"},
		"no object":        {`[]`, "must be a JSON object"},
		"null":             {`null`, "must be a JSON object"},
		"two documents":    {`{"name":"A","bio":""} {}`, "must be a JSON object"},
		"empty name":       {`{"name":"","bio":""}`, "name: must not be empty"},
		"null name":        {`{"name":null,"bio":""}`, "name: must be a text, not null"},
		"null system":      {`{"name":"A","bio":"","system":null}`, "system: must be a text, not null"},
		"unknown key":      {`{"name":"A","bio":"","lore":[]}`, "lore: Unrecognized key"},
		"escaped key":      {`{"name":"A","bio":"","a/b~c":1}`, "a/b~c: Unrecognized key"},
		"bad id":           {`{"name":"A","bio":"","id":"x"}`, "id: must be a UUID"},
		"number as id":     {`{"name":"A","bio":"","id":7}`, "id: must be a text, not a number"},
		"bio":              {`{"name":"A","bio":["a",1]}`, "bio[1]: must be a text, not a number"},
		"user for name":    {`{"name":"A","bio":"","messageExamples":[[{"user":"u","content":{}}]]}`, "messageExamples[0][0].name: must be a text, not null"},
		"content":          {`{"name":"A","bio":"","messageExamples":[[{"name":"u","content":{"text":1}}]]}`, "messageExamples[0][0].content.text: must be a text, not a number"},
		"no content":       {`{"name":"A","bio":"","messageExamples":[[{"name":"u"}]]}`, "messageExamples[0][0].content: must be an object, not null"},
		"style as list":    {`{"name":"A","bio":"","style":[]}`, "style: must be an object, not a list"},
		"style line":       {`{"name":"A","bio":"","style":{"chat":"x"}}`, "style.chat: must be a list, not a text"},
		"knowledge":        {`{"name":"A","bio":"","knowledge":[{}]}`, "knowledge[0]: must have either a path or a directory, or a content"},
		"null setting":     {`{"name":"A","bio":"","settings":{"x":null}}`, "settings.x: must not be null"},
		"secret object":    {`{"name":"A","bio":"","secrets":{"x":{}}}`, "secrets.x: must be a text, a boolean or a number, not an object"},
		"setting secret":   {`{"name":"A","bio":"","settings":{"secrets":{"x":[]}}}`, "settings.secrets.x: must be a text, a boolean or a number, not a list"},
		"template":         {`{"name":"A","bio":"","templates":{"t":1}}`, "templates.t: must be a text, not a number"},
		"several at once":  {`{"bio":1,"name":2}`, "bio: must be a text or a list of texts, not a number; name: must be a text, not a number"},
		"advanced as text": {`{"name":"A","bio":"","advancedMemory":"yes"}`, "advancedMemory: must be true or false, not a text"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := agent.ParseCharacter([]byte(tt.doc))
			e, ok := errors.AsType[*apierr.Error](err)
			if !ok {
				t.Fatalf("err = %v", err)
			}
			if want := "Character validation failed: " + tt.want; e.Message != want || e.Code != apierr.CreateFailed {
				t.Errorf("%s: %s\nwant %s", e.Code, e.Message, want)
			}
			if invalid, ok := errors.AsType[*agent.ValidationError](err); !ok || len(invalid.Problems) == 0 {
				t.Error("the error holds no list of problems")
			}
		})
	}
}

func TestValidationErrorIsBounded(t *testing.T) {
	t.Parallel()
	_, err := agent.ParseCharacter([]byte(`{"name":"A","bio":[` + strings.TrimSuffix(strings.Repeat("1,", 10_000), ",") + `]}`))
	if text := err.Error(); len(text) > 5_000 || !strings.Contains(text, "and 9980 more") {
		t.Errorf("%d bytes of error text", len(text))
	}
}

func FuzzParseCharacter(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(`{"name":"A","bio":[],"knowledge":[{"path":"x"}]}`))
	f.Add([]byte(`{"name":"A","bio":[],"style":{"all":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := agent.ParseCharacter(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := agent.ParseCharacter(out)
		if err != nil || !again.Equal(&c) {
			t.Fatalf("%s reads as another character than it was written from: %v", out, err)
		}
	})
}
