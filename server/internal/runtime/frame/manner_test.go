package frame_test

import (
	"encoding/json"
	"html"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// after returns the manner of a model after an answer.
func after(m frame.Manner, answer string) frame.Manner {
	if f, ok := frame.Read(answer); ok {
		return m.After(f)
	}
	return m
}

// TestWordsAreShownAsTheyCome checks what is shown before the end of answers that are no frame of elements.
func TestWordsAreShownAsTheyCome(t *testing.T) {
	t.Parallel()
	plain := after(frame.Manner{}, "Hello")
	inside := after(frame.Manner{}, "SECRET\n</think>\nHello")
	framed := after(frame.Manner{}, "<response><text>Hello</text></response>")
	for name, tt := range map[string]struct {
		manner               frame.Manner
		answer, shown, final string
	}{
		"the first words of a model":   {frame.Manner{}, "Hello there", "", "Hello there"},
		"words":                        {plain, "Hello there, *you* & I.\n\n1 < 2", "Hello there, *you* & I.\n\n1 < 2", ""},
		"a link and code":              {plain, "See [this](https://example.org):\n```go\nx := a[i] < 1\n```\n", "See [this](https://example.org):\n```go\nx := a[i] < 1\n```", ""},
		"markup":                       {plain, "Use <b>bold</b> or <https://example.org>.", "Use <b>bold</b> or <https://example.org>.", ""},
		"a leftover":                   {plain, "Hello\n<|im_end|>", "Hello", ""},
		"a thought behind":             {plain, "Hello <think>SECRET</think>you", "Hello", "Hello you"},
		"words after a thought":        {plain, "<think>SECRET</think>Hello", "Hello", ""},
		"words of a thinker":           {inside, "SECRET\n</think>\nHello", "Hello", ""},
		"a thinker that does not":      {inside, "Hello", "", "Hello"},
		"words of a model with frames": {framed, "Hello", "", "Hello"},
		"an introduction":              {plain, "Here:\n<response><thought>SECRET</thought><actions>REPLY</actions><text>Hi</text></response>", "Here:", "Here:\n\nHi"},
		"an introduction to JSON":      {plain, "Here:\n```json\n{\"thought\": \"SECRET\", \"actions\": [\"REPLY\"], \"text\": \"Hi\"}\n```", "Here:", "Here:\n\nHi"},
		"the form spoken of":           {plain, "Write `<text>` first.", "Write `", "Write `<text>` first."},
		"JSON":                         {framed, `{"thought": "SECRET", "actions": ["REPLY"], "text": "Say \"hi\" & <b>\u00e9\n\ud83d\ude00"}`, "Say \"hi\" & <b>é\n😀", ""},
		"JSON of an unknown model":     {frame.Manner{}, `{"action": "REPLY", "text": "a "b" c"}`, `a "b" c`, ""},
		"JSON that does more":          {framed, `{"actions": ["MUTE_ROOM", "REPLY"], "text": "Hi"}`, "", "Hi"},
		"JSON that asks for providers": {framed, `{"actions": ["REPLY"], "providers": ["FACTS"], "text": "Hi"}`, "", "Hi"},
		"JSON with its text in front":  {framed, `{"text": "Hi", "actions": ["REPLY"]}`, "", "Hi"},
		"JSON that was asked for":      {framed, `{"lang": "en", "text": "Hi"}`, "", `{"lang": "en", "text": "Hi"}`},
		"JSON with elements in it":     {framed, `{"thought": "SECRET", "actions": ["REPLY"], "text": "Use <response> here"}`, "Use", "Use <response> here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 2, 3, 7, 1000} {
				x := frame.NewExtractor(true, tt.manner)
				shown := strings.Join(stream(x, tt.answer, n), "")
				d, _ := frame.Decide(tt.answer)
				want := tt.final
				if want == "" {
					want = tt.shown
				}
				if rest, final := x.Finish(d.Text); shown != tt.shown || final != want || shown+rest != final {
					t.Errorf("in pieces of %d: %q is shown, then %q, final %q; want %q and %q", n, shown, rest, final, tt.shown, want)
				}
			}
		})
	}
}

// TestModelsNeverThinkAloud plays models that begin inside a thought or outside, draft answers in it, and answer in any form:
// people see the complete answer, and nothing of the thought, however it is split.
func TestModelsNeverThinkAloud(t *testing.T) {
	t.Parallel()
	const secret = "SECRET"
	words := rapid.Custom(func(t *rapid.T) string {
		return "Well" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			" word", "é", "🎉", " ", "\n", "<b>", "</b>", " 1 < 2", "&", "&amp;", " [a](b)", " `x`", "\n```go\nx := 1\n```\n", `"`, `\`, "{", "}",
		}), 0, 20).Draw(t, "words"), "") + "."
	})
	write := func(form, text string) string {
		switch form {
		case "elements":
			return "<response><thought>" + secret + "</thought><actions>REPLY</actions><text>" + html.EscapeString(text) + "</text></response>"
		case "introduced":
			return "Here it is:\n<response><thought>" + secret + "</thought><actions>REPLY</actions><text>" + html.EscapeString(text) + "</text></response>"
		case "JSON":
			out, err := json.Marshal(map[string]any{"actions": []string{"REPLY"}, "thought": secret, "text": text})
			if err != nil {
				panic(err)
			}
			return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(`{"thought": "` + secret + `",` + string(out[1:]))
		default:
			return text
		}
	}
	forms := rapid.SampledFrom([]string{"elements", "introduced", "JSON", "plain"})
	rapid.Check(t, func(t *rapid.T) {
		inside := rapid.Bool().Draw(t, "inside")
		var manner frame.Manner
		for range rapid.IntRange(1, 4).Draw(t, "answers") {
			text := words.Draw(t, "text")
			answer := write(forms.Draw(t, "form"), text)
			thought := "I think"
			for range rapid.IntRange(0, 3).Draw(t, "drafts") {
				thought += " " + secret + "\n" + write(forms.Draw(t, "form of the draft"), secret)
			}
			switch {
			case inside:
				answer = thought + "\n</think>\n" + answer
			case rapid.Bool().Draw(t, "thinks"):
				answer = "<think>" + thought + "</think>" + answer
			}
			x := frame.NewExtractor(rapid.Bool().Draw(t, "gated"), manner)
			shown := strings.Join(stream(x, answer, rapid.IntRange(1, 9).Draw(t, "piece")), "")
			d, ok := frame.Decide(answer)
			rest, final := x.Finish(d.Text)
			if !ok || shown+rest != final || !strings.HasSuffix(final, text) || strings.Contains(final, secret) {
				t.Fatalf("%+v, %q: %q is shown, then %q, final %q; want %q", manner, answer, shown, rest, final, text)
			}
			manner = after(manner, answer)
		}
	})
}
