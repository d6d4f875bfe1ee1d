package doctor_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/model"
)

// field returns the content of an element of a frame.
func field(t *testing.T, frame, name string) string {
	t.Helper()
	parts := regexp.MustCompile("(?s)<" + name + ">(.*)</" + name + ">").FindStringSubmatch(frame)
	if parts == nil {
		t.Fatalf("%q has no %s", frame, name)
	}
	return parts[1]
}

func TestShouldRespond(t *testing.T) {
	t.Parallel()
	spoke := func(ago time.Duration, to string) func(*model.State) {
		return func(s *model.State) {
			s.History = []model.Line{
				{Author: to, Text: "tell me", At: start.Add(-ago)},
				{Author: "Eliza", FromAgent: true, FromSelf: true, Text: "Gladly.", At: start.Add(-ago)},
			}
		}
	}
	alone := func(s *model.State) { s.Participants = nil }
	tests := map[string]struct {
		text   string
		change func(*model.State)
		want   string
	}{
		"named":                  {"what do you think, Eliza?", nil, "RESPOND"},
		"mentioned":              {"@eliza come here", nil, "RESPOND"},
		"username":               {"hey eliza_bot", nil, "RESPOND"},
		"named and hushed":       {"Eliza, be quiet", nil, "STOP"},
		"part of a word":         {"she lives in Elizabeth street", nil, "IGNORE"},
		"another's name":         {"Bob, are you there?", nil, "IGNORE"},
		"another, during a talk": {"Bob: look", spoke(time.Minute, "Anna"), "IGNORE"},
		"goes on":                {"and then we left", spoke(time.Minute, "Anna"), "RESPOND"},
		"goes on after a pause":  {"and then we left", spoke(10*time.Minute, "Anna"), "IGNORE"},
		"another one's talk":     {"and then we left", spoke(time.Minute, "Bob"), "IGNORE"},
		"question among others":  {"who wants tea?", nil, "IGNORE"},
		"question, alone":        {"who wants tea?", alone, "RESPOND"},
		"statement, alone":       {"I want tea", alone, "IGNORE"},
		"nothing":                {"", nil, "IGNORE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTalk(t)
			c.state.Text, c.state.Participants, c.state.Agent.Username = test.text, []string{"Bob Stone", "Carl"}, "eliza_bot"
			if test.change != nil {
				test.change(&c.state)
			}
			out := c.raw(model.ShouldRespond)
			if got := field(t, out, "action"); got != test.want || field(t, out, "name") != "Eliza" || field(t, out, "reasoning") == "" {
				t.Errorf("%q: %s", test.text, out)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	actions := []model.Action{
		{Name: "REPLY"},
		{Name: "SEND_MESSAGE", Similes: []string{"DM"}, Description: "Writes to another person.", Parameters: []string{"target", "text"}},
		{Name: "FETCH_PAGE", Description: "Downloads a web page.", Parameters: []string{"url"}},
	}
	tests := map[string]struct {
		text       string
		done       []model.ActionResult
		action     string
		parameters string
	}{
		"by name":            {`send a message, target: Bob, text: "see you"`, nil, "SEND_MESSAGE", `{"target":"Bob","text":"see you"}`},
		"by the description": {"please download this page http://example.com/a", nil, "FETCH_PAGE", `{"url":"http://example.com/a"}`},
		"already done":       {"download this page", []model.ActionResult{{Action: "FETCH_PAGE"}}, "", `{}`},
		"nothing asked":      {"how are you?", nil, "", `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTalk(t)
			c.state.Text, c.state.Actions, c.state.Results = test.text, actions, test.done
			out := c.raw(model.Decide)
			finish := map[bool]string{true: "true", false: "false"}[test.action == ""]
			if field(t, out, "action") != test.action || field(t, out, "parameters") != test.parameters || field(t, out, "isFinish") != finish {
				t.Errorf("%q: %s", test.text, out)
			}
		})
	}
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	c.state.Text = "hello"
	if got := field(t, c.raw(model.Summarize), "text"); got == "" {
		t.Error("without results there is no text")
	}
	c.state.Results = []model.ActionResult{{Action: "FETCH_PAGE", Success: true, Text: "The page has 3 lines."}, {Action: "SEND_MESSAGE", Text: "Bob is away"}, {Action: "MUTE_ROOM", Success: true}}
	want := "The page has 3 lines.\nMute room: done.\nThis did not work: send message (Bob is away)."
	if got := field(t, c.raw(model.Summarize), "text"); got != want {
		t.Errorf("summary %q", got)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"yes please": "yes", "be quiet": "yes", "no": "no", "I feel sad": "no", "": "no"} {
		c := newTalk(t)
		if c.state.Text = text; c.raw(model.Choose) != want {
			t.Errorf("%q: %s", text, c.raw(model.Choose))
		}
	}
	for text, want := range map[string]string{"green": "Green", "1": "Red", "blue": "none"} {
		c := newTalk(t)
		withOptions(&c.state)
		if c.state.Text = text; c.raw(model.Choose) != want {
			t.Errorf("%q: %s", text, c.raw(model.Choose))
		}
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	c := newTalk(t)
	c.state.Agent.Topics = []string{"tulips"}
	if got := field(t, c.raw(model.Post), "post"); !strings.Contains(got, "tulips") {
		t.Errorf("post %q", got)
	}
	c.state.Agent = model.Persona{}
	if got := field(t, c.raw(model.Post), "post"); got == "" {
		t.Error("a character without words posts nothing")
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Hi Eliza! Can you help me plan a birthday party for my daughter?": "Help me plan a birthday party",
		"I feel sad about my job": "Sad about my job",
		"python":                  "Talking about python",
		"broken laptop":           "About broken laptop",
		"hello":                   "A chat with Anna",
		"":                        "A chat with Anna",
		"😀":                       "A chat with Anna",
		strings.Repeat("Donaudampfschifffahrtsgesellschaft ", 50): "",
	}
	for text, want := range tests {
		c := newTalk(t)
		c.state.Text = text
		got := c.raw(model.Title)
		if n := len(strings.Fields(got)); n < 3 || n > 6 || len(got) > 200 || want != "" && got != want {
			t.Errorf("%.60q is titled %q", text, got)
		}
	}
	c := newTalk(t)
	c.say("Let's talk about the holidays in Norway")
	if c.state.Text = "yes"; !strings.Contains(c.raw(model.Title), "Norway") {
		t.Errorf("titled %q", c.raw(model.Title))
	}
}
