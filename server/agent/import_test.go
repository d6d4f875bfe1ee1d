package agent_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/agent"
)

func TestImportCharacter(t *testing.T) {
	t.Parallel()
	const example = `"messageExamples":[[{"name":"{{name1}}","content":{"text":"hi"}},{"name":"A","content":{"text":"ho"}}]]`
	type report = agent.ImportReport
	character := func(used ...string) report { return report{Format: "character", Used: used} }
	reformed := character("messageExamples: lists of lines with name and content")
	tests := map[string]struct {
		file, want string
		report     report
	}{
		"first generation": {
			file: `{"name":"Old","bio":["b"],"lore":["l"],"clients":[],"modelProvider":"openai","people":[],"system":null,
				"settings":{"secrets":{},"voice":{"model":"m"},"model":null},
				"messageExamples":[[{"user":"{{user1}}","content":{"text":"hi"}}]]}`,
			want: `{"name":"Old","bio":["b","l"],"messageExamples":[[{"name":"{{user1}}","content":{"text":"hi"}}]],
				"settings":{"secrets":{},"voice":{"model":"m"},"modelProvider":"openai","imported":{"clients":[],"people":[]}}}`,
			report: report{Format: "character", Kept: []string{"clients", "people"}, Used: []string{"lore: part of the bio", "modelProvider: the setting modelProvider"}},
		},
		"card": {
			file:   `{"spec":"chara_card_v2","spec_version":"2.0","data":{"name":"Card","description":"d","personality":"p","system_prompt":"s","tags":["x"],"first_mes":"hello"}}`,
			want:   `{"name":"Card","bio":["d","p"],"system":"s","topics":["x"],"settings":{"imported":{"first_mes":"hello"}}}`,
			report: report{Format: "card", Kept: []string{"first_mes"}},
		},
		"present": {file: base, want: base, report: character()},
		"comments and commas": {
			file:   "// mine\n{\n\"name\": \"A\", /* a\ncomment */ \"bio\": [\"// no /* comment\", \"a, ]\",],\n}\n// end",
			want:   `{"name":"A","bio":["// no /* comment","a, ]"]}`,
			report: character(),
		},
		"mark":     {file: "\uFEFF{\r\n\"name\": \"A\",\r\n\"bio\": \"b\"}", want: `{"name":"A","bio":"b"}`, report: character()},
		"UTF-16":   {file: "\xFF\xFE{\x00\"\x00n\x00a\x00m\x00e\x00\"\x00:\x00\"\x00A\x00\"\x00,\x00\"\x00b\x00i\x00o\x00\"\x00:\x00\"\x00b\x00\"\x00}\x00", want: `{"name":"A","bio":"b"}`, report: character()},
		"answer":   {file: `{"success":true,"data":{"character":{"name":"A","bio":"b"}}}`, want: `{"name":"A","bio":"b"}`, report: character()},
		"agent":    {file: `{"success":true,"data":{"id":"x","name":"A","bio":"b","status":"active","character":{"name":"A","bio":["b"]}}}`, want: `{"name":"A","bio":["b"]}`, report: character()},
		"stored":   {file: `{"success":true,"data":{"name":"A","bio":"b","status":"active","createdAt":1,"model":{"provider":"x"}}}`, want: `{"name":"A","bio":"b"}`, report: character()},
		"list":     {file: `[{"name":"A","bio":"b"}]`, want: `{"name":"A","bio":"b"}`, report: character()},
		"nulls":    {file: `{"name":"A","bio":["b",null],"style":{"all":null,"chat":["c",null]},"topics":null,"knowledge":[null],"messageExamples":[null,[null]],"secrets":{"x":null}}`, want: `{"name":"A","bio":["b"],"style":{"chat":["c"]}}`, report: character()},
		"commas":   {file: `{"name":"A","bio":"b","topics":"a, b","adjectives":"x","plugins":"openai, sql"}`, want: `{"name":"A","bio":"b","topics":["a","b"],"adjectives":["x"],"plugins":["openai","sql"]}`, report: character("adjectives: a list of what stands between commas", "plugins: a list of what stands between commas", "topics: a list of what stands between commas")},
		"style":    {file: `{"name":"A","bio":"b","style":"be short\nbe kind","postExamples":"one"}`, want: `{"name":"A","bio":"b","style":{"all":["be short","be kind"]},"postExamples":["one"]}`, report: character("postExamples: a list of its lines", "style.all: a list of its lines", "style: directions for all places")},
		"story":    {file: `{"name":"A","description":"d","lore":"l","system":["one","two"]}`, want: `{"name":"A","bio":["d","l"],"system":"one\ntwo"}`, report: character("description: part of the bio", "lore: part of the bio", "system: its lines are one text")},
		"no id":    {file: `{"id":"ada","name":"A","bio":"b"}`, want: `{"name":"A","bio":"b"}`, report: report{Format: "character", Unused: []string{"id: is no UUID; the agent gets an id by its name"}}},
		"pairs":    {file: `{"name":"A","bio":"b","messageExamples":[["hi","ho"]]}`, want: `{"name":"A","bio":"b",` + example + `}`, report: reformed},
		"flat":     {file: `{"name":"A","bio":"b","messageExamples":[{"user":"{{name1}}","content":"hi"},{"user":"A","content":{"text":"ho"}}]}`, want: `{"name":"A","bio":"b",` + example + `}`, report: reformed},
		"answers":  {file: `{"name":"A","bio":"b","messageExamples":[{"user":"{{name1}}","content":"hi","response":"ho"}]}`, want: `{"name":"A","bio":"b",` + example + `}`, report: reformed},
		"question": {file: `{"name":"A","bio":"b","messageExamples":[{"user":"hi","assistant":"ho"}]}`, want: `{"name":"A","bio":"b",` + example + `}`, report: reformed},
		"roles":    {file: `{"name":"A","bio":"b","messageExamples":[[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]]}`, want: `{"name":"A","bio":"b",` + example + `}`, report: reformed},
		"action":   {file: `{"name":"A","bio":"b","messageExamples":[[{"user":"A","content":{"text":"x","action":"WAVE"}}]]}`, want: `{"name":"A","bio":"b","messageExamples":[[{"name":"A","content":{"text":"x","action":"WAVE"}}]]}`, report: character()},
		"clients": {
			file:   `{"name":"A","bio":"b","clients":["discord","Clients.TELEGRAM","direct","@elizaos/client-twitter"],"plugins":["@elizaos/plugin-twitter",{"name":"evm","actions":[]},{}]}`,
			want:   `{"name":"A","bio":"b","plugins":["@elizaos/plugin-twitter","evm","@elizaos/plugin-discord","@elizaos/plugin-telegram"]}`,
			report: report{Format: "character", Used: []string{"clients: @elizaos/client-twitter is among the plugins", "clients: Clients.TELEGRAM is among the plugins", "clients: discord is among the plugins"}, Unused: []string{"clients: direct is not needed, for the server itself is reached directly", "plugins: an object without a name"}},
		},
		"model": {
			file: `{"name":"A","bio":"b","modelProvider":"CLAUDE","settings":{"model":"claude-x","temperature":0.5,"modelConfig":{"temperature":0.7,"maxOutputTokens":100}}}`,
			want: `{"name":"A","bio":"b","settings":{"model":"claude-x","temperature":0.5,"modelConfig":{"temperature":0.7,"maxOutputTokens":100},"modelProvider":"anthropic","ANTHROPIC_LARGE_MODEL":"claude-x","MODEL_TEMPERATURE":0.7,"MODEL_MAX_TOKEN":100}}`,
			report: character("modelProvider: the setting modelProvider", "settings.model: the setting ANTHROPIC_LARGE_MODEL", "settings.modelConfig.maxOutputTokens: the setting MODEL_MAX_TOKEN",
				"settings.modelConfig.temperature: the setting MODEL_TEMPERATURE"),
		},
		"endpoint": {
			file:   `{"name":"A","bio":"b","modelProvider":"LLAMACLOUD","modelEndpointOverride":"https://x.example/v1"}`,
			want:   `{"name":"A","bio":"b","settings":{"imported":{"modelEndpointOverride":"https://x.example/v1","modelProvider":"LLAMACLOUD"}}}`,
			report: report{Format: "character", Kept: []string{"modelEndpointOverride", "modelProvider"}, Unused: []string{`modelEndpointOverride: whose address it is, modelProvider doesn't say; set the one of a provider, such as OPENAI_BASE_URL`, `modelProvider: "LLAMACLOUD" is none that this server knows`}},
		},
		"endpoint of a provider": {
			file:   `{"name":"A","bio":"b","modelProvider":"ollama","modelEndpointOverride":"http://127.0.0.1:11434","settings":{"OLLAMA_API_ENDPOINT":""}}`,
			want:   `{"name":"A","bio":"b","settings":{"OLLAMA_API_ENDPOINT":"","modelProvider":"ollama"}}`,
			report: character("modelProvider: the setting modelProvider"),
		},
		"endpoint of OpenAI": {
			file:   `{"name":"A","bio":"b","modelProvider":"openai","modelEndpointOverride":"https://x.example/v1"}`,
			want:   `{"name":"A","bio":"b","settings":{"OPENAI_BASE_URL":"https://x.example/v1","modelProvider":"openai"}}`,
			report: character("modelEndpointOverride: the setting OPENAI_BASE_URL", "modelProvider: the setting modelProvider"),
		},
		"unknown model": {
			file: `{"name":"A","bio":"b","modelProvider":"eternalai","settings":{"model":"large"}}`, want: `{"name":"A","bio":"b","settings":{"model":"large","imported":{"modelProvider":"eternalai"}}}`,
			report: report{Format: "character", Kept: []string{"modelProvider"}, Unused: []string{`modelProvider: "eternalai" is none that this server knows`, `settings.model: "large" is not used; name a model in LARGE_MODEL, or in the setting of its maker`}},
		},
		"knowledge": {
			file:   `{"name":"A","bio":"b","knowledge":["k",{"id":"1","path":"p","content":"c"},{"item":{"case":"path","value":"q"}},{"item":{"case":"directory","value":{"directory":"d"}}}]}`,
			want:   `{"name":"A","bio":"b","knowledge":["k",{"id":"1","path":"p","content":"c"},{"path":"q"},{"directory":"d"}]}`,
			report: report{Format: "character"},
		},
		"templates": {file: `{"name":"A","bio":"b","templates":{"x":"{{y}}","z":{"code":1}}}`, want: `{"name":"A","bio":"b","templates":{"x":"{{y}}"},"settings":{"imported":{"templates":{"z":{"code":1}}}}}`, report: report{Format: "character", Kept: []string{"templates"}}},
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
	for file, want := range map[string]string{
		`[]`: "no character", `null`: "must be a JSON object", `7`: "must be a JSON object", ``: "ends too early", `{}`: "name is required", `{"name":"A"}`: "bio is required",
		`{"spec":"chara_card_v2","data":{}}`: "name is required", "{\n\"name\": 'A'}": "line 2", "{\"name\": \"A\"": "too early", "{\n\n/* x": "line 3",
		"{\n\"name\": \"caf\xe9\"}": "line 2: is not UTF-8", "{\"name\":\"A\",\"bio\":\"b\"}\n{}": "line 1: text after", `[{"name":"A","bio":"b"},{"name":"B","bio":"b"}]`: "holds 2 characters",
		`{"name":"A","bio":5,"lore":["l"]}`: "bio: must be a text", `name: A`: "line 1",
	} {
		if c, _, err := agent.ImportCharacter([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s became %+v, %v; want %q", file, c, err, want)
		}
	}
}

// A character that cannot be read does not affect the others.
func TestImportCharacters(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		`[{"name":"A","bio":"b"},{"name":"B"},7,{"name":"C","bio":"c","lore":["l"]}]`,
		`{"characters":[{"name":"A","bio":"b"},{"name":"B"},7,{"name":"C","bio":"c","lore":["l"]}]}`,
		`{"success":true,"data":{"agents":[{"name":"A","bio":"b"},{"name":"B"},7,{"name":"C","bio":"c","lore":["l"]}]}}`,
	} {
		all, err := agent.ImportCharacters([]byte(file))
		if err != nil || len(all) != 4 || all[0].Err != nil || all[1].Err == nil || all[2].Err == nil || all[3].Err != nil || all[3].Character.Name != "C" || len(all[3].Report.Used) != 1 {
			t.Errorf("%s: %+v, %v", file, all, err)
		}
	}
}

// An imported character that is written again reads as the same character.
func TestFilesFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]agent.Bio{
		"character-with-mark.json":        agent.BioText("Counts things."),
		"lore-of-an-older-character.json": {Lines: []string{"Counts things.", "Was born in a lighthouse.", "Never trusts round numbers."}, List: true},
	} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := agent.ImportCharacter(data)
		if err != nil || c.Name != "Ada" || cmp.Diff(want, c.Bio) != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		exported, err := json.Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		if again, report, err := agent.ImportCharacter(exported); err != nil || !again.Equal(&c) || len(report.Used)+len(report.Kept) > 0 {
			t.Errorf("%s: what was exported reads as %+v, %+v, %v", name, again, report, err)
		}
	}
}

func FuzzImportCharacters(f *testing.F) {
	f.Add([]byte(`{"name":"A","bio":"b","lore":["l"],"messageExamples":[["x","y"],{"user":"u","content":"c"}],"clients":["discord"],"settings":{"modelConfig":{"temperature":1}}}`))
	f.Add([]byte("// x\n[{\"name\":\"A\",\"bio\":[\"b\",],},]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := agent.ImportCharacters(data)
		for _, one := range all {
			if err == nil && one.Err == nil && one.Character.Name == "" {
				t.Errorf("%s became %+v", data, one.Character)
			}
		}
	})
}
