package frame_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// stream feeds an answer in pieces of n characters and returns what was shown on the way.
func stream(x *frame.Extractor, answer string, n int) []string {
	var shown []string
	runes := []rune(answer)
	for i := 0; i < len(runes); i += n {
		if s := x.Write(string(runes[i:min(i+n, len(runes))])); s != "" {
			shown = append(shown, s)
		}
	}
	return shown
}

func TestExtractor(t *testing.T) {
	t.Parallel()
	const head = "<response><thought>secret</thought><actions>REPLY</actions><providers></providers>"
	tests := map[string]struct {
		answer string
		shown  string // before the end of the answer
		final  string
	}{
		"reply":                   {head + "<text>Hello there</text></response>", "Hello there", "Hello there"},
		"white space":             {head + "\n<text>\n  Hello\n\n there \n</text>\n</response>", "Hello\n\n there", "Hello\n\n there"},
		"reasoning before":        {"<think><text>secret</text></think>" + head + "<text>Hello</text></response>", "Hello", "Hello"},
		"no outer element":        {"<actions>reply</actions><text>Hello</text>", "Hello", "Hello"},
		"introduction":            {"Here 1 < 2 you go: " + head + "<text>Hello</text></response>", "Hello", "Hello"},
		"entities":                {head + "<text>&lt;b&gt; R&amp;D &nope; a & b &#x1F600;</text></response>", "<b> R&D &nope; a & b 😀", "<b> R&D &nope; a & b 😀"},
		"html":                    {head + "<text>use <b>bold</b> or <br/> 1 < 2</text></response>", "use <b>bold</b> or <br/> 1 < 2", "use <b>bold</b> or <br/> 1 < 2"},
		"cdata":                   {head + "<text>a <![CDATA[<b> </text>]]> c</text></response>", "a <b> </text> c", "a <b> </text> c"},
		"characters":              {head + "<text>żółć 日本語 👩‍🚀</text></response>", "żółć 日本語 👩‍🚀", "żółć 日本語 👩‍🚀"},
		"frame ends first":        {head + "<text>Hello</response>", "Hello", "Hello"},
		"cut":                     {head + "<text>Hello the", "Hello the", "Hello the"},
		"cut in the tag":          {head + "<text>Hello</te", "Hello", "Hello"},
		"cut in an entity":        {head + "<text>Hello &am", "Hello", "Hello &am"},
		"text before the actions": {"<response><text>Hello</text><actions>REPLY</actions></response>", "", "Hello"},
		"several actions":         {"<response><actions>REPLY, MUTE_ROOM</actions><text>Hello</text></response>", "", "Hello"},
		"no actions":              {"<response><text>Hello</text></response>", "", "Hello"},
		"providers wanted":        {"<response><actions>REPLY</actions><providers>FACTS</providers><text>Hello</text></response>", "", "Hello"},
		"thought after the text":  {"<response><actions>REPLY</actions><text>Hello</text><thought>secret</thought></response>", "Hello", "Hello"},
		"thought inside the text": {"<response><actions>REPLY</actions><text>Hello<thought>secret</thought></text></response>", "Hello", "Hello"},
		"thinking in the text":    {head + "<text><think>secret</think> Hello</text></response>", "", "Hello"},
		"same name inside":        {head + "<text>see <text>this</text> one</text></response>", "see", "see <text>this</text> one"},
		"unknown element":         {"<response><actions>REPLY</actions><draft><text>secret</text></draft><text>Hello</text></response>", "Hello", "Hello"},
		"plain text":              {"Hello there", "", "Hello there"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 2, 3, 7, 1000} {
				x := frame.NewExtractor(true, frame.Manner{Known: true})
				shown := strings.Join(stream(x, tt.answer, n), "")
				if shown != tt.shown || x.Shown() != shown {
					t.Errorf("in pieces of %d: shown %q, want %q", n, shown, tt.shown)
				}
				d, _ := frame.Decide(tt.answer)
				rest, final := x.Finish(d.Text)
				if final != tt.final || shown+rest != final {
					t.Errorf("in pieces of %d: %q and then %q, final %q; want %q", n, shown, rest, final, tt.final)
				}
			}
		})
	}
}

func TestExtractorOfReplyPromptNeedsNoActions(t *testing.T) {
	t.Parallel()
	x := frame.NewExtractor(false, frame.Manner{})
	if got := x.Write("<response><thought>secret</thought><text>Hello</text></response>"); got != "Hello" {
		t.Errorf("shown %q", got)
	}
}

func TestFinishKeepsWhatWasShown(t *testing.T) {
	t.Parallel()
	x := frame.NewExtractor(false, frame.Manner{})
	x.Write("<response><text>one</text><text>two</text></response>")
	if rest, final := x.Finish("two"); rest != "" || final != "one" {
		t.Errorf("Finish = %q, %q", rest, final)
	}
}

// Whatever is in an answer and however it is split, the pieces shown make up the final text.
func TestPiecesMakeTheFinalText(t *testing.T) {
	t.Parallel()
	parts := []string{
		"<response>", "</response>", "<text>", "</text>", "<thought>", "</thought>", "<actions>", "REPLY", "</actions>", "<b>", "</b>",
		"&amp;", "&", "<", ">", "/", "<![CDATA[", "]]>", "<!--", "-->", " ", "\n", "word", "é", "🎉", "<think>", "</think>", "<providers/>", "IGNORE",
		"`", "```", "json", "{", `"text"`, `"actions"`, `"`, `\`, "u00e9", ":", ",", "}", "[", "]", "[/INST]", "<|im_end|>",
	}
	rapid.Check(t, func(t *rapid.T) {
		answer := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 40).Draw(t, "parts"), "")
		switch rapid.IntRange(0, 2).Draw(t, "form") {
		case 1:
			answer = "<response><thought>SECRET</thought><actions>REPLY</actions><text>" + answer + "</text></response>"
		case 2:
			answer = `{"thought": "SECRET", "actions": ["REPLY"], "text": "` + answer + `"}`
		}
		manner := rapid.SampledFrom(append(manners, frame.Manner{Known: true, Inside: true})).Draw(t, "manner")
		x := frame.NewExtractor(true, manner)
		shown := strings.Join(stream(x, answer, rapid.IntRange(1, 9).Draw(t, "piece")), "")
		d, _ := frame.Decide(answer)
		rest, final := x.Finish(d.Text)
		if shown+rest != final {
			t.Fatalf("%q: %q + %q is not %q", answer, shown, rest, final)
		}
		complete := frame.NewExtractor(true, manner)
		if got := complete.Write(answer); got != shown {
			t.Fatalf("%q: at once %q is shown, in pieces %q", answer, got, shown)
		}
		literal := strings.Contains(answer, "<![CDATA[") // in which a tag is text
		if strings.Contains(shown, "SECRET") || strings.Contains(shown, "</text") && !literal || !utf8.ValidString(shown) {
			t.Fatalf("%q: %q must not be shown", answer, shown)
		}
	})
}

func FuzzExtractor(f *testing.F) {
	f.Add("<response><actions>REPLY</actions><text>a &lt; b</text></response>", 3, true, false, false)
	f.Add("<text><![CDATA[x]]>", 1, false, false, false)
	f.Add(`{"thought":"p","text":"a \"b\" \u00e9 c"}`, 2, true, false, true)
	f.Add("words, then <response><text>more</text></response>", 1, true, false, true)
	f.Add("thought\n</think>\nwords", 1, true, true, true)
	f.Fuzz(func(t *testing.T, answer string, n int, known, inside, plain bool) {
		if !utf8.ValidString(answer) {
			return
		}
		manner := frame.Manner{Known: known, Inside: inside, Plain: plain}
		x := frame.NewExtractor(false, manner)
		shown := strings.Join(stream(x, answer, max(n%16, 1)), "")
		d, _ := frame.Decide(answer)
		if rest, final := x.Finish(d.Text); shown+rest != final {
			t.Errorf("%q: %q + %q is not %q", answer, shown, rest, final)
		}
		if complete := frame.NewExtractor(false, manner).Write(answer); complete != shown {
			t.Errorf("%q: at once %q is shown, in pieces %q", answer, complete, shown)
		}
	})
}

func BenchmarkExtractor(b *testing.B) {
	answer := "<response><thought>t</thought><actions>REPLY</actions><text>" + strings.Repeat("Some words, &amp; more. ", 100) + "</text></response>"
	b.SetBytes(int64(len(answer)))
	for b.Loop() {
		x := frame.NewExtractor(true, frame.Manner{Known: true})
		for i := 0; i < len(answer); i += 4 {
			x.Write(answer[i:min(i+4, len(answer))])
		}
	}
}
