package doctor_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/doctor"
)

var (
	start = time.Date(2026, 3, 3, 14, 5, 0, 0, time.UTC)
	room  = uuid.MustParse("3f1f2a52-6a0e-4f6e-9f0a-3d9f3a1c2b4d")
)

func newProvider(t testing.TB, options doctor.Options) *doctor.Provider {
	t.Helper()
	p, err := doctor.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// talk is a conversation of Anna with Eliza.
type talk struct {
	t        testing.TB
	provider *doctor.Provider
	state    model.State
}

func newTalk(t testing.TB) *talk {
	t.Helper()
	return newTalkWith(t, newProvider(t, doctor.Options{HideNotice: true}))
}

func newTalkWith(t testing.TB, provider *doctor.Provider) *talk {
	return &talk{t, provider, model.State{
		Agent:       model.Persona{Name: "Eliza", Bio: []string{"I listen to people. I ask questions."}},
		Sender:      "Anna",
		ChannelID:   room,
		ChannelType: "DM",
		Actions:     []model.Action{{Name: "REPLY"}, {Name: "IGNORE"}, {Name: "MUTE_ROOM"}, {Name: "FOLLOW_ROOM"}, {Name: "CHOOSE_OPTION"}},
		StartedAt:   start,
	}}
}

// answer is a parsed frame.
type answer struct{ thought, actions, text string }

var frame = regexp.MustCompile(`(?s)^<response>\n<thought>(.+)</thought>\n(?:<actions>(.+)</actions>\n<providers></providers>\n)?<text>(.+)</text>\n</response>$`)

// say answers text and adds both to the history.
func (c *talk) say(text string) answer {
	c.t.Helper()
	c.state.Text = text
	got := c.generate(model.Handle)
	c.state.History = append(c.state.History,
		model.Line{Author: c.state.Sender, Text: text, At: c.state.StartedAt},
		model.Line{Author: "Eliza", FromAgent: true, FromSelf: true, Text: got.text, At: c.state.StartedAt})
	c.state.StartedAt = c.state.StartedAt.Add(time.Minute)
	return got
}

// generate answers the state as it is.
func (c *talk) generate(purpose model.Purpose) answer {
	c.t.Helper()
	out := c.raw(purpose)
	parts := frame.FindStringSubmatch(out)
	if parts == nil {
		c.t.Fatalf("%q is answered with %q, which isn't a frame", c.state.Text, out)
	}
	unescape := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	return answer{parts[1], parts[2], unescape.Replace(parts[3])}
}

func (c *talk) raw(purpose model.Purpose) string {
	c.t.Helper()
	state := c.state
	got, err := model.Collect(c.provider.Generate(c.t.Context(), model.Request{Kind: model.TextLarge, Purpose: purpose, State: &state}))
	if err != nil {
		c.t.Fatal(err)
	}
	return got.Text
}

func TestExampleSpeaksLikeTheCharacter(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	c.state.Agent.MessageExamples = [][]model.ExampleLine{{
		{Name: "{{name1}}", Text: "Any plans for the rainy weekend?"}, {Name: "Eliza", Text: "A book and a blanket, {{name1}}."},
	}}
	if got := c.say("any plans for the rainy weekend"); got.text != "A book and a blanket, Anna." {
		t.Errorf("answer %q: %s", got.text, got.thought)
	}
	if got := c.say("any plans for the rainy weekend"); strings.Contains(got.text, "blanket") {
		t.Errorf("the line is repeated: %q", got.text)
	}
}

func TestReplyHasNoActions(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	c.state.Text = "what time is it?"
	handled, replied := c.generate(model.Handle), c.generate(model.Reply)
	if handled.actions != "REPLY" || replied.actions != "" || handled.text != replied.text {
		t.Errorf("%+v, %+v", handled, replied)
	}
}

// A reply after the actions of a plan is about what they brought.
func TestReplyTellsWhatWasBrought(t *testing.T) {
	t.Parallel()
	for want, results := range map[string][]model.ActionResult{
		"It is 12 degrees.":                       {{Action: "MUTE_ROOM", Success: true}, {Action: "WEATHER", Success: true, Text: "It is 12 degrees."}},
		"This did not work: weather (no answer).": {{Action: "WEATHER", Text: "no answer"}},
		"144": {{Action: "MUTE_ROOM", Success: true, Text: "The room is muted."}}, // which is not what was asked
	} {
		c := newTalk(t)
		c.state.Text, c.state.Results = "12 * 12", results
		if got := c.generate(model.Reply); !strings.Contains(got.text, want) {
			t.Errorf("after %+v it says %q, want %q", results, got.text, want)
		}
	}
}

func TestNotice(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	c.provider = newProvider(t, doctor.Options{})
	noticed := func(text string) bool { return strings.HasSuffix(c.say(text).text, "\n\n"+doctor.Notice) }
	if noticed("I want to kill myself") {
		t.Error("the answer to a person in danger mentions API keys")
	}
	if !noticed("hello") {
		t.Error("the first reply lacks the notice")
	}
	for range 40 {
		if noticed("well") {
			t.Fatal("the notice is repeated")
		}
	}
	c.state.StartedAt = c.state.StartedAt.Add(25 * time.Hour)
	if !noticed("hello") {
		t.Error("after a day the notice isn't given again")
	}
	c.state.History = nil
	c.provider = newProvider(t, doctor.Options{HideNotice: true})
	if noticed("hello") {
		t.Error("the notice isn't hidden")
	}
}

func TestStyle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		style []string
		text  string
		want  string // regular expression for the complete answer
	}{
		"lower case":    {[]string{"always write in lowercase"}, "hello", `^[^A-Z]+$`},
		"brief":         {[]string{"Keep it short."}, "hello", `^[^.!?]+[.!?]$`},
		"short words":   {[]string{"Plain words, short sentences"}, "hello", `[.!?] .*[.!?]`},
		"not brief":     {[]string{"Don't be too brief"}, "hello", `[.!?] .*[.!?]`},
		"formal":        {[]string{"formal tone"}, "hello", `^[^']+$`},
		"asks":          {[]string{"Asks thoughtful questions"}, "bye", `\?$`},
		"brief, danger": {[]string{"one sentence only"}, "I want to kill myself", `[.!?] .*[.!?] `},
		"no emoji":      {[]string{"never use emojis"}, "pizza", `^Yum!$`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTalk(t)
			c.state.Agent.Style = test.style
			c.state.Agent.BuiltinScript = []byte(`{"rules":[{"patterns":["pizza"],"replies":["Yum! 🍕"]}]}`)
			if got := c.say(test.text); !regexp.MustCompile("(?s)" + test.want).MatchString(got.text) {
				t.Errorf("answer %q doesn't match %s", got.text, test.want)
			}
		})
	}
}

func TestNameIsUsedSparingly(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	var named []int
	for i := range 12 {
		if strings.Contains(c.say("hello").text, "Anna") {
			named = append(named, i)
		}
	}
	for i := 1; i < len(named); i++ {
		if named[i]-named[i-1] < 3 {
			t.Errorf("the name is used in replies %v", named)
		}
	}
	if len(named) == 0 {
		t.Error("the name is never used")
	}
}

func TestSameSituationSameAnswer(t *testing.T) {
	t.Parallel()
	a, b := newTalk(t), newTalk(t)
	for _, text := range []string{"hi", "I feel tired", "tell me a joke", "why?", "lorem"} {
		if diff := cmp.Diff(a.say(text).text, b.say(text).text); diff != "" {
			t.Error(diff)
		}
	}
	b.state.ChannelID = uuid.MustParse("00000000-0000-4000-8000-000000000001")
	b.state.History, a.state.History = nil, nil
	varied := 0
	for range 10 {
		if a.say("lorem ipsum").text != b.say("lorem ipsum").text {
			varied++
		}
	}
	if varied < 5 {
		t.Errorf("two rooms had different answers only %d times of 10", varied)
	}
}

func TestNeverEmptyNeverTheSame(t *testing.T) {
	t.Parallel()
	inputs := []string{"", "hi", "help", "what time is it?", "I want to die", "yes", "no", "lorem ipsum", "ich bin müde und nicht froh", "你好", "who are you?",
		"my name is Bo", "what is my name?", "1+1", "tell me a joke", "be quiet", "why?", "my mother", "what is love?", "😀", "remember that tea is hot",
		"what do you know about me?", "what did I say about tea?", "what's the weather?"}
	for _, input := range inputs {
		c := newTalk(t)
		var last []string
		for range 12 {
			text := c.say(input).text
			for _, earlier := range last[max(0, len(last)-3):] {
				if text == earlier {
					t.Fatalf("%q is answered with %q again", input, text)
				}
			}
			last = append(last, text)
		}
	}
}

func TestRandomInput(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("i you my your am are is was not and but because if mother feel want ... ? ! , hi thanks remember what name time eliza " +
		"dream always nobody don't can't it's ü 你 😀 12 + 3.5 ( ) \" ' - _ @ # {name} {1} <response> </text> &amp; http://x.y REPLY stop \x00 \xff \n ich nicht")
	c := newTalk(t)
	for range 3000 {
		text := make([]string, random.IntN(30))
		for i := range text {
			text[i] = words[random.IntN(len(words))]
		}
		got := c.say(strings.Join(text, " "))
		if !utf8.ValidString(got.text) {
			t.Fatalf("answer %q isn't valid text", got.text)
		}
		if len(c.state.History) > model.HistoryLimit {
			c.state.History = c.state.History[2:]
		}
	}
}

func FuzzHandle(f *testing.F) {
	for _, seed := range []string{"", "hi", "my name is Ann and I like tea", "what is 2^3^4?", "I feel that you don't like me", "((((", "死にたい", "@eliza !!", "{1}{name}"} {
		f.Add(seed, seed)
	}
	provider := newProvider(f, doctor.Options{HideNotice: true})
	f.Fuzz(func(t *testing.T, before, text string) {
		c := newTalkWith(t, provider)
		c.state.Agent.Topics = []string{before}
		c.state.Agent.Style = []string{text}
		first := c.say(before).text
		if second := c.say(text).text; second == first {
			t.Errorf("%q and %q have the same answer %q", before, text, second)
		}
	})
}

func TestGenerateStreamsSentences(t *testing.T) {
	t.Parallel()
	p := newProvider(t, doctor.Options{})
	var chunks []string
	var done *model.Done
	state := &model.State{Agent: model.Persona{Name: "Eliza"}, Sender: "Olga", Text: "Hello there"}
	for chunk, err := range p.Generate(t.Context(), model.Request{Kind: model.TextLarge, Purpose: model.Reply, State: state, Prompt: "x"}) {
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Text != "" {
			chunks = append(chunks, chunk.Text)
		}
		done = chunk.Done
	}
	for i, chunk := range chunks {
		if last := i == len(chunks)-1; !last && !strings.HasSuffix(strings.TrimRight(chunk, " "), ".") && !strings.ContainsAny(chunk, "?!") {
			t.Errorf("chunk %d ends inside a sentence: %q", i, chunk)
		}
	}
	if text := strings.Join(chunks, ""); len(chunks) < 3 || !strings.HasPrefix(text, "<response>") || !strings.HasSuffix(text, "</response>") {
		t.Errorf("chunks %q", chunks)
	}
	if done == nil || done.Model != "doctor-1" || p.Name() != "builtin" || done.FinishReason != model.FinishStop || !done.Usage.Estimated || done.Usage.OutputTokens == 0 {
		t.Errorf("end %+v", done)
	}
}

func TestGenerateCancelAndDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, doctor.Options{WordDelay: time.Second})
		reason := errors.New("superseded")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		time.AfterFunc(2500*time.Millisecond, func() { cancel(reason) })
		got, err := model.Collect(p.Generate(ctx, model.Request{Kind: model.TextLarge, Prompt: "hello"}))
		if !errors.Is(err, reason) || len(strings.Fields(got.Text)) != 2 {
			t.Errorf("got %q, %v", got.Text, err)
		}
	})
	p := newProvider(t, doctor.Options{})
	if _, err := model.Collect(p.Generate(t.Context(), model.Request{})); !model.IsKind(err, model.BadRequest) {
		t.Errorf("an empty request: %v", err)
	}
}

func TestRawPrompts(t *testing.T) {
	t.Parallel()
	p := newProvider(t, doctor.Options{})
	ask := func(req model.Request) string {
		req.Kind, req.Purpose = model.TextLarge, model.Raw
		got, err := model.Collect(p.Generate(t.Context(), req))
		if err != nil {
			t.Fatal(err)
		}
		return got.Text
	}
	if got := ask(model.Request{Prompt: "2 + 2"}); !strings.Contains(got, "4") || strings.Contains(got, "<") {
		t.Errorf("a plain prompt: %q", got)
	}
	if got := ask(model.Request{Prompt: "User: hello\nAssistant: Hi!\nUser: what is 3 * 3?\nAssistant:"}); !strings.Contains(got, "9") {
		t.Errorf("a transcript: %q", got)
	}
	earlier := []model.Message{{Role: model.RoleUser, Text: "My name is Jo"}, {Role: model.RoleAssistant, Text: "Hello, Jo."}}
	if got := ask(model.Request{Messages: earlier, Prompt: "What is my name?"}); !strings.Contains(got, "Jo") {
		t.Errorf("turns: %q", got)
	}
	if got := ask(model.Request{Prompt: "Greet. Answer with <response><text></text></response>"}); !strings.HasPrefix(got, "<response>") {
		t.Errorf("a frame was asked for: %q", got)
	}
}

func TestCheckRules(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		`{"rules":[{"patterns":["* pizza *"],"replies":["Yum."]}]}`: true,
		`{"rules":[]}`: true,
		`{"rules":[{"patterns":["* @nothing *"],"replies":["Yum."]}]}`: false,
		`{"rules":[{"patterns":["* *"],"replies":["Yum."]}]}`:          false,
		`{"rules":[{"patterns":["x"]}]}`:                               false,
		`{"rules":[null]}`:                                             false,
		`[`:                                                            false,
		`{"rules":[{"patterns":["x"],"replies":["` + strings.Repeat("y", 40000) + `"]}]}`: false,
	} {
		if err := doctor.CheckRules([]byte(text)); ok != (err == nil) {
			t.Errorf("CheckRules(%.60s) = %v", text, err)
		}
	}
}

func BenchmarkHandle(b *testing.B) {
	long := strings.Repeat("I feel that my mother never listens, and because of that I am always tired but nobody knows why. ", 21)
	persona := model.Persona{Name: "Eliza", Bio: []string{"Listens. Asks."}, Topics: strings.Fields("music art science code love"), Style: []string{"warm", "brief but kind", "ask questions"}}
	for range 20 {
		persona.MessageExamples = append(persona.MessageExamples, []model.ExampleLine{
			{Name: "{{name1}}", Text: "Could you tell me what you think of the weather in spring?"}, {Name: "Eliza", Text: "It changes."}})
	}
	var history []model.Line
	for i := range model.HistoryLimit {
		history = append(history, model.Line{Author: "Anna", FromAgent: i%2 == 1, FromSelf: i%2 == 1, Text: long[:400], At: start})
	}
	for name, text := range map[string]string{"short": "hello there", "long": long[:2000], "commas": strings.Repeat("a,", 1000), "neutral": strings.Repeat("lorem ", 333)} {
		b.Run(name, func(b *testing.B) {
			p := newProvider(b, doctor.Options{})
			state := model.State{Agent: persona, Sender: "Anna", Text: text, History: history, StartedAt: start, ChannelID: room}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				for range p.Generate(b.Context(), model.Request{Kind: model.TextLarge, Purpose: model.Handle, State: &state}) {
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
		})
	}
}
