package frame_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// TestPlainAnswersAreComplete reads answers that don't follow the form: people read them unchanged.
func TestPlainAnswersAreComplete(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"link in brackets":        "See <https://example.org/start> first. Then write:\n\n```html\n<p>Hello</p>\n```\n\nThat is all.",
		"mail address":            "Write to <ada@example.org>.",
		"heart":                   "I <3 you",
		"heart and more":          "<3 <3 and 1 < 2 > 0",
		"html page":               "<!doctype html>\n<html><body><p>Hi</p></body></html>",
		"html element":            "<b>Hello</b>",
		"lone tags":               "Use <br> or <hr/> and </p>.",
		"xml in a fence":          "Here:\n```xml\n<config><name>x</name></config>\n```",
		"svg with text in it":     "Here:\n```svg\n<svg><text x=\"1\">hi</text></svg>\n```\nDone.",
		"svg alone":               "<svg viewBox=\"0 0 1 1\"><text x=\"1\">hi</text></svg>",
		"svg bare, in words":      "An example: <svg><text>hi</text></svg> That's it.",
		"generics":                "Use Map<String, List<Integer>> and vector<int>.",
		"the form spoken of":      "Put it into `<text>` inside `<response>`.",
		"more of the form":        "The tags <text> and <thought> are not closed here.",
		"thinking spoken of":      "Qwen writes `<think>` and `</think>` around it.",
		"thinking spoken of, too": "The tag </think> closes a thought.",
		"brackets":                "A [THINKING] is no mark without an end? It is [a link](https://example.org).",
		"a list":                  "[1, 2, 3]",
		"markdown":                "# Title\n\n* one\n* **two** `three`\n\n| a | b |\n|---|---|\n| 1 | 2 |",
		"emoji":                   "👩‍🚀🎉 ok 🇵🇱",
		"JSON that was asked for": `{"name": "Ada", "age": 36}`,
		"JSON in a fence":         "Here you are:\n```json\n{\"text\": \"a\", \"lang\": \"en\"}\n```",
		"JSON with text and more": `{"text": "a", "lang": "en"}`,
		"template braces":         "{{user}} says {hi}",
		"code with entities":      "Write &lt;b&gt; and &amp; as they are.",
		"a prompt":                "$ cat <<EOF > file\nhello\nEOF",
		"an arrow":                "a -> b <- c <-> d",
		"jsx":                     "<App title={\"x\"}><Text>hi</Text></App>",
		"quote":                   "> quoted\n\nand answered",
		"latex":                   `\[ a < b \]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := frame.Decision{Actions: []string{"REPLY"}, Text: answer, Unframed: true}
			for _, n := range []int{1, 3, 1000} {
				for _, manner := range manners {
					x := frame.NewExtractor(n == 1, manner)
					shown := strings.Join(stream(x, answer, n), "")
					if rest, _ := x.Finish(answer); shown+rest != answer {
						t.Errorf("in pieces of %d, %+v: %q is shown on the way, and %q at the end", n, manner, shown, rest)
					}
				}
			}
			got, ok := frame.Decide(answer)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%v (-want +got):\n%s", ok, diff)
			}
		})
	}
}

// manners are those of models that begin outside of thoughts, as far as is known.
var manners = []frame.Manner{{}, {Known: true}, {Known: true, Plain: true}}

// TestThoughtsAreHidden reads thoughts in the marks of many models: neither the stream nor the text holds any of it.
func TestThoughtsAreHidden(t *testing.T) {
	t.Parallel()
	const framed = "<response><thought>SECRET</thought><actions>REPLY</actions><text>Good morning!</text></response>"
	const plain = "Good morning!"
	before := map[string]string{
		"think": "<think>SECRET</think>\n\n", "thinking": "<thinking>\nSECRET\n</thinking>\n", "capitals": "<THINK>SECRET</THINK>",
		"attribute": "<think duration=\"3\">SECRET</think>", "reasoning": "<reasoning>SECRET</reasoning>", "scratchpad": "<scratchpad>SECRET</scratchpad>",
		"antThinking": "<antThinking>SECRET</antThinking>", "Seed": "<seed:think>SECRET</seed:think>", "reflection": "<reflection>SECRET</reflection>",
		"Magistral": "[THINK]SECRET[/THINK]", "brackets": "[thinking] SECRET [/thinking] ", "Kimi": "◁think▷SECRET◁/think▷",
		"OpenThinker": "<|begin_of_thought|>\nSECRET\n<|end_of_thought|>\n\n", "Cohere": "<|START_THINKING|>SECRET<|END_THINKING|>",
		"gpt-oss":    "<|channel|>analysis<|message|>SECRET<|end|><|start|>assistant<|channel|>final<|message|>",
		"Open WebUI": "<details type=\"reasoning\" done=\"true\">\n<summary>Thought for 3 s</summary>\nSECRET\n</details>\n",
		"twice":      "<think>SECRET</think>\n<think>SECRET</think>", "empty and more": "<think>\n\n</think>\n\n", "tags inside": "<think>SECRET <b>x</b> <text>SECRET</text></think>",
		"frame inside": "<think>SECRET <response><text>SECRET</text></response></think>",
	}
	inside := map[string]string{
		"no beginning": "The user greets me: SECRET.\n</think>\n\n", "no beginning, same line": "SECRET.</think>", "no beginning, capitals": "SECRET\n</THINKING>\n",
		"no beginning, brackets": "SECRET\n[/THINK]\n", "no beginning, Kimi": "SECRET◁/think▷",
		"no beginning, code in it": "Maybe `x` SECRET\n```\ncode\n```\n</think>\n", "no beginning, code not closed": "Maybe ```\nSECRET\n</think>\n",
		"a draft in it":         "I could say <response><thought>SECRET</thought><actions>REPLY</actions><text>SECRET</text></response>, or not.\n</think>\n",
		"two drafts in it":      "<response><text>SECRET</text></response> or\n```xml\n<response><actions>REPLY</actions><text>SECRET</text></response>\n```\n</think>",
		"a draft of JSON in it": "{\"thought\": \"SECRET\", \"actions\": [\"REPLY\"], \"text\": \"SECRET\"}. Good.\n</think>\n",
		"a draft of fields":     "<thought>SECRET</thought><actions>REPLY</actions><text>SECRET</text>\n</think>\n",
	}
	check := func(t *testing.T, answer string, manners ...frame.Manner) {
		t.Helper()
		for _, n := range []int{1, 2, 5, 1000} {
			for _, manner := range manners {
				x := frame.NewExtractor(n == 2, manner)
				shown := strings.Join(stream(x, answer, n), "")
				d, ok := frame.Decide(answer)
				if _, final := x.Finish(d.Text); !ok || final != plain || !strings.HasPrefix(plain, shown) {
					t.Fatalf("%q in pieces of %d: %q is shown, then %q is the text (%v)", answer, n, shown, final, ok)
				}
			}
		}
	}
	for name, thought := range before {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, thought+plain, manners...)
			check(t, thought+framed, manners...)
		})
	}
	for name, thought := range inside {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begins := after(frame.Manner{}, thought+framed)
			if !begins.Inside {
				t.Error("the model is not known to begin inside a thought")
			}
			known := []frame.Manner{begins, after(begins, thought+plain)}
			if strings.IndexAny(thought, "<{") != 0 { // impossible to tell apart
				known = append(known, frame.Manner{})
			}
			check(t, thought+plain, known...)
			check(t, thought+framed, known...)
		})
	}
	for name, answer := range map[string]string{
		"thought before plain text":   "<thought>SECRET</thought>\n\nGood morning!",
		"thought after plain text":    "Good morning!\n<think>SECRET</think>",
		"an answer element":           "<think>SECRET</think><answer>Good morning!</answer>",
		"a solution":                  "<|begin_of_thought|>SECRET<|end_of_thought|><|begin_of_solution|>Good morning!<|end_of_solution|>",
		"words instead of text":       "<response><thought>SECRET</thought><actions>REPLY</actions>Good morning!</response>",
		"frame with nothing but text": "<response>Good morning!</response>",
		"marks in the text":           "<response><actions>REPLY</actions><text>[THINK]SECRET[/THINK]Good morning!</text></response>",
		"leftovers":                   "Good morning!<|im_end|>\n",
		"more leftovers":              "Good morning!</s>",
		"JSON":                        `{"thought": "SECRET", "actions": ["REPLY"], "text": "Good morning!"}`,
		"JSON after a thought":        "<think>SECRET</think>\n```json\n{\"thought\": \"SECRET\", \"text\": \"Good morning!\"}\n```",
		"JSON in the frame":           `<response>{"thought": "SECRET", "actions": ["REPLY"], "text": "Good morning!"}</response>`,
		"thought in JSON's text":      `{"actions": ["REPLY"], "text": "<think>SECRET</think>Good morning!"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, answer, manners...)
		})
	}
	for name, answer := range map[string]string{
		"not closed": "<think>SECRET", "brackets, not closed": "[THINK]SECRET", "closed, then nothing": "<think>SECRET</think>\n ",
		"only an end": "SECRET</think>", "thought of the frame": "<response><thought>SECRET", "thought alone": "<thought>SECRET</thought>",
		"JSON, cut in the thought": `{"thought": "SECRET`, "JSON of a thought": `{"thought": "SECRET"}`, "Kimi, not closed": "◁think▷SECRET",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d, ok := frame.Decide(answer); ok {
				t.Errorf("Decide(%q) = %+v", answer, d)
			}
			if shown := frame.NewExtractor(false, frame.Manner{}).Write(answer); shown != "" {
				t.Errorf("%q is shown", shown)
			}
		})
	}
}

func TestDecideJSON(t *testing.T) {
	t.Parallel()
	reply := frame.Decision{Thought: "p", Actions: []string{"REPLY"}, Text: "Hi"}
	tests := map[string]struct {
		answer string
		want   frame.Decision
	}{
		"bare":                    {`{"thought":"p","actions":["REPLY"],"text":"Hi"}`, reply},
		"fenced":                  {"```json\n{\"thought\": \"p\", \"actions\": [\"REPLY\"], \"text\": \"Hi\"}\n```", reply},
		"fenced without a name":   {"```\n{\"thought\":\"p\",\"actions\":\"REPLY\",\"text\":\"Hi\"}\n```", reply},
		"fenced among words":      {"Here is my answer:\n```json\n{\"thought\":\"p\",\"actions\":[\"REPLY\"],\"text\":\"Hi\"}\n```\nI hope it helps.", reply},
		"v0":                      {`{ "user": "Ada", "text": "Hi", "action": "NONE" }`, frame.Decision{Actions: []string{"NONE"}, Text: "Hi"}},
		"v0, no action":           {`{"user":"Ada","text":"Hi","action":null}`, frame.Decision{Actions: []string{"REPLY"}, Text: "Hi"}},
		"v0, another action":      {"```json\n{ \"user\": \"Ada\", \"text\": \"Hi\", \"action\": \"FOLLOW_ROOM\" }\n```", frame.Decision{Actions: []string{"FOLLOW_ROOM"}, Text: "Hi"}},
		"other names":             {`{"thoughts":"p","action":"REPLY","message":"Hi"}`, reply},
		"text alone":              {`{"text":"Hi"}`, frame.Decision{Actions: []string{"REPLY"}, Text: "Hi"}},
		"in an object":            {`{"response":{"thought":"p","actions":["REPLY"],"text":"Hi"}}`, reply},
		"in a list":               {`[{"thought":"p","actions":["REPLY"],"text":"Hi"}]`, reply},
		"actions as objects":      {`{"thought":"p","actions":[{"name":"REPLY","params":{"a":1}}],"text":"Hi"}`, reply},
		"providers":               {`{"actions":["REPLY"],"providers":["FACTS"],"text":""}`, frame.Decision{Actions: []string{"REPLY"}, Providers: []string{"FACTS"}}},
		"ignore":                  {`{"thought":"p","actions":["IGNORE"],"text":""}`, frame.Decision{Thought: "p", Actions: []string{"IGNORE"}}},
		"line breaks in the text": {"{\"thought\":\"p\",\"actions\":[\"REPLY\"],\"text\":\"one\n\ntwo\"}", frame.Decision{Thought: "p", Actions: []string{"REPLY"}, Text: "one\n\ntwo"}},
		"quotes in the text":      {`{"thought":"p","actions":["REPLY"],"text":"say "Hi" to me"}`, frame.Decision{Thought: "p", Actions: []string{"REPLY"}, Text: `say "Hi" to me`}},
		"escapes":                 {`{"thought":"p","actions":["REPLY"],"text":"a\n\"b\" \u00e9 \ud83d\ude00 c:\\d"}`, frame.Decision{Thought: "p", Actions: []string{"REPLY"}, Text: "a\n\"b\" é 😀 c:\\d"}},
		"a comma too many":        {"{\n  \"thought\": \"p\",\n  \"actions\": [\"REPLY\",],\n  \"text\": \"Hi\",\n}", reply},
		"cut in the text":         {`{"thought":"p","actions":["REPLY"],"text":"I was about to`, frame.Decision{Thought: "p", Actions: []string{"REPLY"}, Text: "I was about to", Cut: true}},
		"a brace too few":         {`{"thought":"p","actions":["REPLY"],"text":"Hi"`, reply},
		"markup in the text":      {`{"thought":"p","actions":["REPLY"],"text":"see <https://example.org> & <b>x</b>"}`, frame.Decision{Thought: "p", Actions: []string{"REPLY"}, Text: "see <https://example.org> & <b>x</b>"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := frame.Decide(tt.answer)
			if diff := cmp.Diff(tt.want, got); !ok || diff != "" {
				t.Errorf("Decide(%q) = %v (-want +got):\n%s", tt.answer, ok, diff)
			}
			if shown := frame.NewExtractor(true, frame.Manner{}).Write(tt.answer); !strings.HasPrefix(tt.want.Text, shown) {
				t.Errorf("%q is shown before the end", shown)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"[RESPOND]": "RESPOND", "RESPOND": "RESPOND", "respond": "RESPOND", "[IGNORE]": "IGNORE", "[STOP]": "STOP", "**RESPOND**": "RESPOND",
		"[RESPOND]\nThe user asks me.": "RESPOND", "Result: [IGNORE]": "IGNORE", "Action: IGNORE.": "IGNORE", "`[STOP]`": "STOP",
		"<think>[IGNORE]? No.</think>[RESPOND]": "RESPOND", "They ask me. [IGNORE] no\n</think>\n[RESPOND]": "RESPOND",
		"[RESPOND], since [IGNORE] would be rude": "RESPOND", "Yes, I should RESPOND to them": "RESPOND", "\"RESPOND\"": "RESPOND", "[respond]": "RESPOND",
		"I will respond.": "", "RESPOND or IGNORE": "RESPOND", "Not RESPOND but IGNORE": "", "": "", "Hello": "", "RESPONDING": "",
	} {
		if got := frame.Choose(answer, "RESPOND", "IGNORE", "STOP"); got != want {
			t.Errorf("Choose(%q) = %q, want %q", answer, got, want)
		}
	}
}
