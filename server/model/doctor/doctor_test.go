package doctor_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
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
	return &talk{t, newProvider(t, doctor.Options{HideNotice: true}), model.State{
		Agent:       model.Persona{Name: "Eliza", Bio: []string{"I listen to people. I ask questions."}},
		Sender:      "Anna",
		ChannelID:   room,
		ChannelType: "DM",
		Actions:     []model.Action{{Name: "REPLY"}, {Name: "IGNORE"}, {Name: "MUTE_ROOM"}, {Name: "FOLLOW_ROOM"}, {Name: "CHOOSE_OPTION"}},
		StartedAt:   start,
	}}
}

// answer is a frame taken apart.
type answer struct{ thought, actions, text string }

var frame = regexp.MustCompile(`(?s)^<response>\n<thought>(.+)</thought>\n(?:<actions>(.+)</actions>\n<providers></providers>\n)?<text>(.+)</text>\n</response>$`)

// say answers text and takes both into the history.
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

// TestRules says something to each class of rules and looks for words that show what was understood.
func TestRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []string // said first
		change func(*model.State)
		text   string
		rule   string // beginning of the rule's name
		has    string // regular expression
		action string
	}{
		"crisis":                    {text: "hi, I just want to die", rule: "crisis.self", has: `(?i)emergency|crisis line`},
		"crisis in a long sentence": {text: "My boss is mean and honestly sometimes I think I would be better off dead", rule: "crisis.self"},
		"crisis, another":           {text: "my husband is hitting me", rule: "crisis.danger", has: `(?i)emergency`},
		"crisis, medical":           {text: "my dad has chest pains", rule: "crisis.medical"},
		"crisis in German":          {text: "ich will sterben", rule: "crisis.de", has: "112"},
		"crisis in Japanese":        {text: "死にたい", rule: "crisis.ja"},
		"no crisis":                 {text: "I love the Suicide Squad movie", rule: "fact.likes"},

		"attachment": {change: func(s *model.State) { s.Attachments = []model.Attachment{{ContentType: "image", Title: "cat.png"}} },
			rule: "attachment", has: `an image \(cat\.png\)`},
		"attachment with text": {change: func(s *model.State) {
			s.Attachments = []model.Attachment{{ContentType: "document", Text: strings.Repeat("word ", 100)}}
		}, text: "what is this?", rule: "attachment.text", has: `a document.*“(word ?){30,40}`},
		"attachment beside talk": {change: func(s *model.State) { s.Attachments = []model.Attachment{{ContentType: "image"}} },
			text: "I feel sad", rule: "sad"},

		"option":           {change: withOptions, text: "green", rule: "option", has: "Green", action: "CHOOSE_OPTION"},
		"option by number": {change: withOptions, text: "2", rule: "option", has: "Green", action: "CHOOSE_OPTION"},
		"option begun":     {change: withOptions, text: "gre", rule: "option", has: "Green", action: "CHOOSE_OPTION"},
		"no option":        {change: withOptions, text: "I feel sad", rule: "sad"},

		"mute":                 {text: "Eliza, be quiet please", rule: "command.mute", action: "MUTE_ROOM"},
		"follow":               {text: "follow this room", rule: "command.follow", action: "FOLLOW_ROOM"},
		"command not on offer": {change: func(s *model.State) { s.Actions = nil }, text: "shut up", rule: "social.insult"},

		"help":              {text: "What can you do?", rule: "help", has: `OPENAI_API_KEY.*|follow this room`},
		"who":               {text: "who are you?", rule: "about.name", has: "Eliza"},
		"bot":               {text: "Are you a real person?", rule: "about.bot", has: `(?i)program|software|machine`},
		"model":             {text: "which model are you using?", rule: "about.model", has: "doctor-1|rule-based"},
		"time":              {text: "what time is it?", rule: "time.clock", has: "14:05 UTC"},
		"time in a zone":    {change: func(s *model.State) { s.StartedAt = start.In(time.FixedZone("CET", 3600)) }, text: "what's the time", rule: "time.clock", has: "15:05 CET"},
		"date":              {text: "what's the date today?", rule: "time.date", has: "Tuesday, 3 March 2026"},
		"tomorrow":          {text: "what day is tomorrow", rule: "time.tomorrow", has: "Wednesday, 4 March 2026"},
		"name from display": {text: "what's my name?", rule: "recall.name", has: "Anna"},
		"name told":         {before: []string{"Hi! My name is Jo Park"}, text: "do you know my name?", rule: "recall.name", has: "Jo Park"},
		"name corrected":    {before: []string{"my name is Jo", "call me Max"}, text: "what is my name", rule: "recall.name", has: "Max"},
		"name in passing":   {before: []string{"Hi, I'm Marco"}, text: "who am I?", rule: "recall.name", has: "Marco"},
		"home":              {before: []string{"I live in New York, near the park"}, text: "where do I live?", rule: "recall.home", has: "New York"},
		"two at once":       {before: []string{"My name is Jo and I work as a nurse"}, text: "what do I do?", rule: "recall.work", has: "a nurse"},
		"favorite":          {before: []string{"my favourite colour is dark blue"}, text: "what's my favourite colour?", rule: "recall.favorite", has: "dark blue"},
		"pet":               {before: []string{"I have a dog named Rex"}, text: "what is my dog's name?", rule: "recall.slot", has: "Rex"},
		"likes":             {before: []string{"I like tea", "I love long walks"}, text: "what do I like?", rule: "recall.likes", has: "tea and you like long walks"},
		"note":              {before: []string{"Remember that my keys are in the kitchen"}, text: "what are my notes?", rule: "recall.note", has: "your keys are in the kitchen"},
		"everything":        {before: []string{"I live in Rome", "I am 30 years old"}, text: "what do you know about me?", rule: "recall.everything", has: "Rome.*30"},
		"said":              {before: []string{"I bought a green bicycle in May"}, text: "what did I say about the bicycle?", rule: "recall.said", has: "“I bought a green bicycle in May”"},
		"own words":         {before: []string{"12*12"}, text: "what did you say?", rule: "recall.own", has: "144"},
		"unknown":           {text: "where do I live?", rule: "recall.home", has: `\?|so far`},
		"from facts":        {change: func(s *model.State) { s.Facts = []string{"Anna's birthday is in June."} }, text: "when is my birthday?", rule: "recall.slot", has: "June"},
		"another's facts": {change: func(s *model.State) {
			s.History = []model.Line{{Author: "Bob", Text: "My name is Bob and I live in Oslo", At: start}}
		}, text: "where do I live?", rule: "recall.home", has: `^[^O]*$`},

		"name noted":  {text: "My name is anna-lena.", rule: "fact.name", has: "Anna-lena"},
		"not a name":  {text: "call me when you can", rule: ""},
		"home noted":  {text: "I moved to Lisbon", rule: "fact.home", has: "Lisbon"},
		"job noted":   {text: "I'm a software engineer", rule: "fact.work", has: "software engineer|it"},
		"not a fact":  {text: "I hate my life", rule: "hate"},
		"not a place": {text: "I was born in 1990", rule: "", has: ""},

		"knowledge": {change: func(s *model.State) {
			s.Knowledge = []model.Knowledge{{Title: "Manual", Text: "It is heavy. The pump needs oil twice a year. Keep it dry. And so on.", Score: 0.7}}
		}, text: "how much oil does the pump take?", rule: "knowledge", has: "The pump needs oil twice a year.*Manual|Manual.*The pump needs oil twice a year"},
		"knowledge by accident": {change: func(s *model.State) { s.Knowledge = []model.Knowledge{{Text: "Bananas are yellow.", Score: 0.4}} },
			text: "I feel sad", rule: "sad"},
		"greeting":        {text: "Hi Eliza!", rule: "social.greeting", has: "Anna.*Eliza"},
		"how are you":     {text: "hey, how are you?", rule: "social.howareyou"},
		"thanks":          {text: "Thank you so much for your patience", rule: "social.thanks"},
		"bye":             {text: "ok, good night Eliza", rule: "social.bye"},
		"called":          {text: "Eliza?", rule: "called"},
		"emoji":           {text: "👍🏽", rule: "emoji"},
		"punctuation":     {text: "?!", rule: "unclear"},
		"nothing":         {text: "   ", rule: "unclear"},
		"greeting first":  {text: "Hello Eliza, my dog died", rule: "died", has: `^(Hello|Hi|Good to).*dog|^(Hello|Hi|Good to)`},
		"sum":             {text: "What is (2 + 3) * 4?", rule: "arithmetic", has: "20"},
		"sum in words":    {text: "12 divided by 8", rule: "arithmetic", has: `1\.5`},
		"percent":         {text: "15% of 80", rule: "arithmetic", has: "12"},
		"decimals":        {text: "0.1 + 0.2", rule: "arithmetic", has: `0\.3\b`},
		"no result":       {text: "1/0 =", rule: "arithmetic.undefined"},
		"telephone":       {text: "555-1234", rule: ""},
		"date, not a sum": {text: "2026-03-04", rule: ""},
		"deep":            {text: strings.Repeat("(", 150) + "1+1", rule: ""},
		"joke":            {text: "tell me a joke", rule: "skill.joke"},
		"beyond":          {text: "Write a poem about the sea", rule: "skill.model", has: `(?i)model|rules`},
		"topic": {change: func(s *model.State) { s.Agent.Topics = []string{"gardening"} },
			text: "Yesterday we did some gardening together", rule: "topic", has: "gardening"},
		"topic of the bio": {change: func(s *model.State) {
			s.Agent.Topics, s.Agent.Bio = []string{"tulips"}, []string{"She came from Leiden. She grows tulips."}
		}, text: "A tulip would look fine there", rule: "topic.bio", has: "She grows tulips"},

		"feeling":        {text: "I feel so empty", rule: "feel", has: "so empty|feel"},
		"family":         {text: "My mother is strict with us", rule: "mother", has: "mother"},
		"pronouns":       {text: "you told me that you like me", rule: "", has: ""},
		"question":       {text: "What is the capital of France?", rule: "question.unknown"},
		"memory":         {before: []string{"my old bicycle squeaks, and today I am sad"}, text: "lorem ipsum", rule: "memory", has: "your old bicycle"},
		"neutral":        {text: "lorem ipsum", rule: "neutral"},
		"German":         {text: "Ich bin heute sehr müde und weiß nicht warum", rule: "neutral.de"},
		"Spanish":        {text: "hola, ¿cómo estás?", rule: "neutral.es"},
		"Russian":        {text: "Привет, как дела?", rule: "neutral.ru"},
		"Chinese":        {text: "你好吗", rule: "neutral.zh"},
		"Japanese":       {text: "今日は元気ですか", rule: "neutral.ja"},
		"English enough": {text: "the die is cast", rule: ""},

		"own rule": {change: func(s *model.State) {
			s.Agent.BuiltinScript = []byte(`{"rules":[{"patterns":["* pizza *"],"replies":["Pizza is life, {name}."]}]}`)
		}, text: "shall we order a pizza", rule: "own.0", has: "Pizza is life, Anna"},
		"broken own rules": {change: func(s *model.State) { s.Agent.BuiltinScript = []byte(`{"rules":[{}]}`) }, text: "hi", rule: "social.greeting"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTalk(t)
			for _, text := range test.before {
				c.say(text)
			}
			if test.change != nil {
				test.change(&c.state)
			}
			got := c.say(test.text)
			if !strings.Contains(got.thought, "“"+test.rule) {
				t.Errorf("%q: %s It says %q", test.text, got.thought, got.text)
			}
			if !regexp.MustCompile("(?s)" + test.has).MatchString(got.text) {
				t.Errorf("%q is answered with %q, which doesn't match %s", test.text, got.text, test.has)
			}
			want := "REPLY"
			if test.action != "" {
				want += "," + test.action
			}
			if got.actions != want {
				t.Errorf("actions %q, want %q", got.actions, want)
			}
		})
	}
}

func withOptions(s *model.State) { s.Options = []model.Option{{Name: "Red"}, {Name: "Green"}} }

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

func TestNotice(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	c.provider = newProvider(t, doctor.Options{})
	noticed := func(text string) bool { return strings.HasSuffix(c.say(text).text, "\n\n"+doctor.Notice) }
	if noticed("I want to kill myself") {
		t.Error("somebody in danger is told about API keys")
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
		want  string // regular expression for the whole answer
	}{
		"lower case":    {[]string{"always write in lowercase"}, "hello", `^[^A-Z]+$`},
		"brief":         {[]string{"Keep it short."}, "hello", `^[^.!?]+[.!?]$`},
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
	for range 5000 {
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
	f.Fuzz(func(t *testing.T, before, text string) {
		c := newTalk(t)
		c.state.Agent.Topics = []string{before}
		c.state.Agent.Style = []string{text}
		first := c.say(before).text
		if second := c.say(text).text; second == first {
			t.Errorf("%q and %q have the same answer %q", before, text, second)
		}
	})
}

func TestGenerateStreamsWords(t *testing.T) {
	t.Parallel()
	p := newProvider(t, doctor.Options{})
	var chunks []string
	var done *model.Done
	for chunk, err := range p.Generate(t.Context(), model.Request{Kind: model.TextSmall, Prompt: "I feel a bit <odd> & strange"}) {
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Text != "" {
			chunks = append(chunks, chunk.Text)
		}
		done = chunk.Done
	}
	if len(chunks) < 3 || strings.Count(strings.Join(chunks, ""), " ") != len(chunks)-1 {
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
	turns := []model.Turn{{Role: model.RoleUser, Text: "My name is Jo"}, {Role: model.RoleAssistant, Text: "Hello, Jo."}}
	if got := ask(model.Request{Turns: turns, Prompt: "What is my name?"}); !strings.Contains(got, "Jo") {
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
			for b.Loop() {
				for range p.Generate(b.Context(), model.Request{Kind: model.TextLarge, Purpose: model.Handle, State: &state}) {
				}
			}
		})
	}
}
