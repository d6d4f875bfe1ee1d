package agent_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/agent"
)

func TestImportCharacter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, want string
		report     agent.ImportReport
	}{
		"first generation": {
			file: `{"name":"Old","bio":["b"],"lore":["l"],"clients":[],"modelProvider":"openai","people":[],"system":null,
				"settings":{"secrets":{},"voice":{"model":"m"},"model":null},
				"messageExamples":[[{"user":"{{user1}}","content":{"text":"hi"}}]]}`,
			want: `{"name":"Old","bio":["b"],"messageExamples":[[{"name":"{{user1}}","content":{"text":"hi"}}]],
				"settings":{"secrets":{},"voice":{"model":"m"},"imported":{"lore":["l"],"clients":[],"modelProvider":"openai","people":[]}}}`,
			report: agent.ImportReport{Format: "character", Kept: []string{"clients", "lore", "modelProvider", "people"}},
		},
		"card": {
			file:   `{"spec":"chara_card_v2","spec_version":"2.0","data":{"name":"Card","description":"d","personality":"p","system_prompt":"s","tags":["x"],"first_mes":"hello"}}`,
			want:   `{"name":"Card","bio":["d","p"],"system":"s","topics":["x"],"settings":{"imported":{"first_mes":"hello"}}}`,
			report: agent.ImportReport{Format: "card", Kept: []string{"first_mes"}},
		},
		"present": {file: base, want: base, report: agent.ImportReport{Format: "character"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, report, err := agent.ImportCharacter([]byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(&c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(generic(t, tt.want), generic(t, string(got))); diff != "" {
				t.Errorf("character (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.report, report); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImportCharacterRefusesWhatIsNoCharacter(t *testing.T) {
	t.Parallel()
	for _, file := range []string{`[]`, `{}`, `{"spec":"chara_card_v2","data":{}}`, `{"name":"A"}`} {
		if c, _, err := agent.ImportCharacter([]byte(file)); err == nil {
			t.Errorf("%s became %+v", file, c)
		}
	}
}
