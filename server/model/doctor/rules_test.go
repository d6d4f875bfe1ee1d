package doctor_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/model"
)

// TestRules sends a message for each class of rules and looks for words that show what was understood.
func TestRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []string // sent first
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
		"a question about a document": {change: func(s *model.State) {
			s.Attachments = []model.Attachment{{ContentType: "document", Title: "report.pdf", Text: "Revenue grew."}}
		}, text: "What does the document say?", rule: "attachment.text", has: `report\.pdf.*Revenue grew`},
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
		"from a note":       {before: []string{"remember my locker code is 4711"}, text: "what is my locker code?", rule: "recall.slot", has: "4711"},
		"everything":        {before: []string{"I live in Rome", "I am 30 years old"}, text: "what do you know about me?", rule: "recall.everything", has: "Rome.*30"},
		"said":              {before: []string{"I bought a green bicycle in May"}, text: "what did I say about the bicycle?", rule: "recall.said", has: "“I bought a green bicycle in May”"},
		"own words":         {before: []string{"12*12"}, text: "what did you say?", rule: "recall.own", has: "144"},
		"unknown":           {text: "where do I live?", rule: "recall.home", has: `\?|so far`},
		"from facts": {change: func(s *model.State) {
			s.Facts, s.Remembers = []model.Fact{{Claim: "Anna's birthday is in June."}}, true
		}, text: "when is my birthday?", rule: "recall.slot", has: "June"},
		"another's facts": {change: func(s *model.State) {
			s.History = []model.Line{{Author: "Bob", Text: "My name is Bob and I live in Oslo", At: start}}
		}, text: "where do I live?", rule: "recall.home", has: `^[^O]*$`},

		"name noted":      {text: "My name is anna-lena.", rule: "fact.name", has: "Anna-lena"},
		"not a name":      {text: "call me when you can", rule: ""},
		"nothing to note": {text: "Remember the Eliza", rule: ""},
		"home noted":      {text: "I moved to Lisbon", rule: "fact.home", has: "Lisbon"},
		"job noted":       {text: "I'm a software engineer", rule: "fact.work", has: "software engineer|it"},
		"not a fact":      {text: "I hate my life", rule: "hate"},
		"not a place":     {text: "I was born in 1990", rule: "", has: ""},

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

		"feeling":  {text: "I feel so empty", rule: "feel", has: "so empty|feel"},
		"family":   {text: "My mother is strict with us", rule: "mother", has: "mother"},
		"pronouns": {text: "you told me that you like me", rule: "", has: ""},
		"question": {text: "Will the ferry be red?", rule: "question.unknown"},
		"memory":   {before: []string{"my old bicycle squeaks, and today I am sad"}, text: "the ferry is red", rule: "memory", has: "your old bicycle"},
		"memory of what is another's": {before: []string{"my grandmother's garden is wild, and today I am sad"},
			text: "the ferry is red", rule: "memory", has: "your grandmother's garden"},
		"neutral":          {text: "the ferry is red", rule: "neutral"},
		"unknown words":    {text: "asdkfj qwepoi zxcv", rule: "unknown.words", has: `words|understand|make anything`},
		"names":            {text: "Luna Pixel", rule: "neutral"},
		"a fact":           {text: "What is the capital of France?", rule: "skill.fact", has: `(?i)model|documents`},
		"how many":         {text: "how many days are in a leap year?", rule: "skill.fact"},
		"who was":          {text: "who was the first person on the moon?", rule: "skill.fact"},
		"about themselves": {text: "how many times do I have to say it?", rule: ""},
		"summary": {text: "Please summarise this: The quick brown fox jumps over the lazy dog near my grandmother's house.", rule: "skill.model",
			has: `(?i)model|rules`},
		"the key is set": {change: func(s *model.State) { s.Setup = "At present no key and no address of a model is set." },
			text: "I already set the key but you still answer like this", rule: "setup", has: "At present no key and no address of a model is set"},
		"why still":       {text: "why do you still answer like this?", rule: "setup", has: "log"},
		"Spanish speaker": {text: "¿Hablas español?", rule: "honest.es"},
		"code":            {text: "can you help me debug my Go code?", rule: "skill.model"},
		"how to set it":   {text: "where do I set the key?", rule: ""},
		"French asked":    {text: "comment est-ce que tu vas, et qui es-tu ?", rule: "honest.fr", has: "langue|français"},
		"German told": {before: []string{"Ich bin heute sehr müde und weiß nicht warum"},
			text: "Ich bin auch nicht mehr jung und habe wenig Zeit", rule: "neutral.de"},
		"German asked again": {before: []string{"Ich bin heute sehr müde und weiß nicht warum"}, text: "Wie geht es dir heute?", rule: "honest.de"},
		"German":             {text: "Ich bin heute sehr müde und weiß nicht warum", rule: "honest.de"},
		"Spanish":            {text: "hola, ¿cómo estás?", rule: "honest.es"},
		"Russian":            {text: "Привет, как дела?", rule: "honest.ru"},
		"Chinese":            {text: "你好吗", rule: "honest.zh"},
		"Japanese":           {text: "今日は元気ですか", rule: "honest.ja"},
		"English enough":     {text: "the die is cast", rule: ""},

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

// TestPronouns lets the responder note sentences, which it repeats from its own point of view.
func TestPronouns(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"I am your friend":                     "you are my friend",
		"you are my friend":                    "I am your friend",
		"you gave me your book":                "I gave you my book",
		"I told you about myself":              "you told me about yourself",
		"she likes you":                        "she likes me",
		"the car is mine":                      "the car is yours",
		"the car is yours":                     "the car is mine",
		"I was there when you were young":      "you were there when I was young",
		"we talked about you and my Anna":      "we talked about me and your Anna",
		"they don't trust you because you lie": "they don't trust me because I lie",
		"my sister can't stand you":            "your sister can't stand me",
		"are you my friend":                    "am I your friend",
		"you hurt yourself":                    "I hurt myself",
	}
	for said, want := range tests {
		got := newTalk(t).say("Remember that " + said)
		if !strings.Contains(got.text, ": "+want+".") {
			t.Errorf("%q is noted as %q (%s)", said, got.text, got.thought)
		}
	}
}
