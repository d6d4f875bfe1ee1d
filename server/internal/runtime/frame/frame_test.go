package frame_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/runtime/frame"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	reply := func(text string) frame.Decision { return frame.Decision{Actions: []string{"REPLY"}, Text: text} }
	tests := map[string]struct {
		answer string
		want   frame.Decision
		none   bool
	}{
		"well-formed": {
			answer: "<response>\n  <thought>hm</thought>\n  <actions>REPLY, FOLLOW_ROOM</actions>\n  <providers>FACTS</providers>\n  <text>Hi &amp; bye</text>\n</response>",
			want:   frame.Decision{Thought: "hm", Actions: []string{"REPLY", "FOLLOW_ROOM"}, Providers: []string{"FACTS"}, Text: "Hi & bye"},
		},
		"reasoning before":           {answer: "<think>I could say <response><text>no</text></response></think><response><text>yes</text></response>", want: reply("yes")},
		"reasoning not closed":       {answer: "<think>hmm\n<response><text>yes</text></response>", want: reply("yes")},
		"reasoning only":             {answer: "<think>hmm", none: true},
		"reasoning, then plain text": {answer: "<THINK>hmm</THINK>\n\nHello", want: frame.Decision{Actions: []string{"REPLY"}, Text: "Hello", Unframed: true}},
		"fenced":                     {answer: "Sure:\n```xml\n<response><text>yes</text></response>\n```", want: reply("yes")},
		"upper case":                 {answer: "<RESPONSE><TEXT>yes</TEXT></RESPONSE>", want: reply("yes")},
		"attributes":                 {answer: `<response kind="x"><text lang="en">yes</text></response>`, want: reply("yes")},
		"another outer element":      {answer: "<reply><thought>t</thought><text>yes</text></reply>", want: frame.Decision{Thought: "t", Actions: []string{"REPLY"}, Text: "yes"}},
		"no outer element":           {answer: "<thought>t</thought><actions>REPLY</actions><text>yes</text>", want: frame.Decision{Thought: "t", Actions: []string{"REPLY"}, Text: "yes"}},
		"frame after a field":        {answer: "<thought>t</thought><response><text>yes</text></response>", want: reply("yes")},
		"frame not closed":           {answer: "<response><thought>t</thought><text>yes</text>", want: frame.Decision{Thought: "t", Actions: []string{"REPLY"}, Text: "yes"}},
		"text cut":                   {answer: "<response><actions>REPLY</actions><text>I was about to sa", want: frame.Decision{Actions: []string{"REPLY"}, Text: "I was about to sa", Cut: true}},
		"text cut in a tag":          {answer: "<response><text>Yes.</te", want: frame.Decision{Actions: []string{"REPLY"}, Text: "Yes.", Cut: true}},
		"cut in the thought":         {answer: "<response><thought>I was abou", none: true},
		"cut before the text":        {answer: "<response><actions>REPLY</actions><text>", none: true},
		"text not closed":            {answer: "<response><text>yes</response>", want: reply("yes")},
		"text not closed, in front":  {answer: "<response><text>yes<actions>REPLY</actions></response>", want: reply("yes")},
		"thought is never text":      {answer: "<response><text>yes<thought>secret</thought><text>no</text></response>", want: frame.Decision{Thought: "secret", Actions: []string{"REPLY"}, Text: "no"}},
		"thought inside the text":    {answer: "<response><text>one <thought>secret</thought>two <thought> three</text></response>", want: reply("one two <thought> three")},
		"same name inside":           {answer: "<response><text><svg><text>hi</text></svg></text></response>", want: reply("<svg><text>hi</text></svg>")},
		"same name, not closed":      {answer: "<response><text>the <text> tag</text></response>", want: reply("the <text> tag")},
		"frame named in the text":    {answer: "<response><text>a <response> element</text></response>", want: reply("a <response> element")},
		"tag named in the thought":   {answer: "<response><thought>I use <text> now</thought><text>yes</text></response>", want: frame.Decision{Thought: "I use <text> now", Actions: []string{"REPLY"}, Text: "yes"}},
		"html":                       {answer: "<response><text>use <br> and <b>bold</text></response>", want: reply("use <br> and <b>bold")},
		"comparison":                 {answer: "<response><text>1 < 2 > 0 << 3</text></response>", want: reply("1 < 2 > 0 << 3")},
		"entities":                   {answer: "<response><text>&lt;b&gt; &amp;lt; &#65;&#x42; &quot;&apos; &nope; & &#0; &#xD800;</text></response>", want: reply(`<b> &lt; AB "' &nope; & &#0; &#xD800;`)},
		"cdata":                      {answer: "<response><text>a <![CDATA[<b> & </text>]]> c</text></response>", want: reply("a <b> & </text> c")},
		"comment and instruction":    {answer: "<?xml version='1.0'?><!-- <text>no</text> --><response><text>yes</text></response>", want: reply("yes")},
		"empty fields":               {answer: "<response><actions/><providers></providers><text>yes</text></response>", want: reply("yes")},
		"last one wins":              {answer: "<response><text>no</text><text>yes</text></response>", want: reply("yes")},
		"nested fields don't count":  {answer: "<response><draft><text>no</text></draft><text>yes</text></response>", want: reply("yes")},
		"list in brackets":           {answer: `<response><actions>["REPLY", "NONE",]</actions><text>yes</text></response>`, want: frame.Decision{Actions: []string{"REPLY", "NONE"}, Text: "yes"}},
		"list of elements":           {answer: `<response><actions><action>REPLY</action><action>NONE</action></actions><text>yes</text></response>`, want: frame.Decision{Actions: []string{"REPLY", "NONE"}, Text: "yes"}},
		"parameters in the list": {
			answer: `<response><actions>REPLY, <action><name>ROLL</name><params>{"sides": 6}</params></action><action><name>ROLL</name><params><sides>8</sides></params></action></actions></response>`,
			want:   frame.Decision{Actions: []string{"REPLY", "ROLL", "ROLL"}, Parameters: map[int]string{1: `{"sides": 6}`, 2: `{"sides":"8"}`}},
		},
		"parameters beside the list": {
			answer: `<response><actions>ROLL,ASK</actions><params><ASK><who>Ada</who></ASK><ROLL><sides>8</sides></ROLL></params></response>`,
			want:   frame.Decision{Actions: []string{"ROLL", "ASK"}, Parameters: map[int]string{0: `{"sides":"8"}`, 1: `{"who":"Ada"}`}},
		},
		"parameters of one":        {answer: `<response><actions>ROLL,REPLY</actions><parameters>{"sides": 6}</parameters></response>`, want: frame.Decision{Actions: []string{"ROLL", "REPLY"}, Parameters: map[int]string{0: `{"sides": 6}`}}},
		"parameters after IGNORE":  {answer: `<response><actions>IGNORE,<action><name>ROLL</name><params>{"sides": 6}</params></action></actions><text>yes</text></response>`, want: frame.Decision{Actions: []string{"ROLL"}, Parameters: map[int]string{0: `{"sides": 6}`}, Text: "yes"}},
		"parameters of nobody":     {answer: `<response><actions>REPLY</actions><params>{"sides": 6}</params><text>yes</text></response>`, want: reply("yes")},
		"parameters not closed":    {answer: `<response><actions>ROLL<params>{"sides": 6}</actions><text>yes</text></response>`, want: frame.Decision{Actions: []string{"ROLL"}, Text: "yes"}},
		"calls in the list":        {answer: `<response><actions>[{"name": "ROLL", "arguments": "{\"sides\": 6}"}, "REPLY"]</actions></response>`, want: frame.Decision{Actions: []string{"ROLL", "REPLY"}, Parameters: map[int]string{0: `{"sides": 6}`}}},
		"careless calls":           {answer: "{\"thought\": \"t\", \"actions\": [{\"name\": \"ROLL\", \"params\": {\"label\": \"a\nb\"}}], \"text\": \"yes\"}", want: frame.Decision{Thought: "t", Actions: []string{"ROLL"}, Text: "yes"}},
		"ignore":                   {answer: "<response><thought>no</thought><actions>IGNORE, REPLY</actions></response>", want: frame.Decision{Thought: "no", Actions: []string{"IGNORE"}}},
		"ignore with words":        {answer: "<response><actions>IGNORE</actions><text>yes</text></response>", want: reply("yes")},
		"ignore beside others":     {answer: "<response><actions>ignore,NONE</actions><text>yes</text></response>", want: frame.Decision{Actions: []string{"NONE"}, Text: "yes"}},
		"action without words":     {answer: "<response><actions>MUTE_ROOM</actions></response>", want: frame.Decision{Actions: []string{"MUTE_ROOM"}}},
		"neither action nor words": {answer: "<response><thought>hm</thought></response>", none: true},
		"plain text":               {answer: " Hello, 2 < 3! ", want: frame.Decision{Actions: []string{"REPLY"}, Text: "Hello, 2 < 3!", Unframed: true}},
		"begun tag only":           {answer: "<respon", none: true},
		"other markup":             {answer: "<html><b>x</b></html>", want: frame.Decision{Actions: []string{"REPLY"}, Text: "<html><b>x</b></html>", Unframed: true}},
		"only closing tags":        {answer: "</response></text>", none: true},
		"empty":                    {answer: "", none: true},
		"white space":              {answer: " \n ", none: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := frame.Decide(tt.answer)
			if ok == tt.none {
				t.Fatalf("Decide() = %+v, %v", got, ok)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Decide(%q) (-want +got):\n%s", tt.answer, diff)
			}
		})
	}
}

func TestParseOtherFields(t *testing.T) {
	t.Parallel()
	f, ok := frame.Parse("<response><name>Ada</name><reasoning>asked</reasoning><action>RESPOND</action></response>", "name", "reasoning", "action")
	want := frame.Frame{Fields: map[string]string{"name": "Ada", "reasoning": "asked", "action": "RESPOND"}}
	if diff := cmp.Diff(want, f); !ok || diff != "" {
		t.Errorf("Parse() = %v (-want +got):\n%s", ok, diff)
	}
	if f, ok := frame.Parse("I will respond.", "name", "reasoning", "action"); ok {
		t.Errorf("plain text became %+v where no text was asked for", f)
	}
}

// Reading in quadratic time would take hours, and exceed the time-out of the test binary.
func TestGarbageTakesLinearTime(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"<", "<a", "<a>", "</a>", "<text>", "<text><thought>", "<response>", "<!--", "<![CDATA[", "<?", "<a ", "&", "&#", "<think>", "x", "</te", "<text/>", "]]>",
		"<think></think>", "</think>", "</think> x", "[", "[think]", "[/think]", "[think][/think]", "`", "``", "```", "`<response>", "`<think></think>`", "◁", "{", `{"`, `{"text":"`, `{"a":[`, `"`, `\`, `\u`, "<text></text>x",
	} {
		for _, frameAround := range []string{"", "<response><actions>REPLY</actions><text>"} {
			answer := frameAround + strings.Repeat(piece, (1<<17)/len(piece))
			frame.Decide(answer)
			x := frame.NewExtractor(true, frame.Manner{})
			for i := 0; i < len(answer); i += 7 {
				x.Write(answer[i:min(i+7, len(answer))])
			}
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	answer := "<response><thought>" + strings.Repeat("thinking ", 40) + "</thought><actions>REPLY</actions><providers></providers><text>" + strings.Repeat("Some words, &amp; more. ", 100) + "</text></response>"
	b.SetBytes(int64(len(answer)))
	for b.Loop() {
		frame.Decide(answer)
	}
}

func FuzzDecide(f *testing.F) {
	f.Add("<response><thought>t</thought><actions>REPLY</actions><text>yes &amp; no</text></response>")
	f.Add("<think>x</think><text>a<![CDATA[b]]></text>")
	f.Add("<a><text></a></text><response><text>")
	f.Fuzz(func(t *testing.T, answer string) {
		d, ok := frame.Decide(answer)
		if ok && len(d.Actions) == 0 {
			t.Errorf("a decision without actions from %q", answer)
		}
		if ok && strings.TrimSpace(d.Text) != d.Text {
			t.Errorf("text %q is not trimmed", d.Text)
		}
	})
}
