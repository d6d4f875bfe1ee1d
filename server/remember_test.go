package server_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// tellings are the kinds of things that people tell, and ask for later.
var tellings = map[string]struct{ tell, ask, has string }{
	"name":          {"Hi! My name is Marta.", "what's my name?", "Marta"},
	"home":          {"I live in Lisbon", "where do I live?", "Lisbon"},
	"code":          {"the gate code is 4711", "what is the gate code?", "4711"},
	"request":       {"Please remember that the plumber comes on Friday, and bring cash", "what did I tell you about the plumber?", "Friday.*cash"},
	"pets":          {"I have two cats, Luna and Pixel", "what are my cats called?", "Luna and Pixel"},
	"relative":      {"my sister is called Ines", "who is my sister?", "Ines"},
	"preference":    {"I prefer tea over coffee", "what do I like to drink?", "tea"},
	"likes":         {"I like rowing, chess and old maps", "do you remember what I like?", "rowing, chess and old maps"},
	"allergy":       {"I'm allergic to peanuts", "am I allergic to anything?", "peanuts"},
	"work":          {"I work as a carpenter", "what do I do for a living?", "carpenter"},
	"appointment":   {"my dentist appointment is on 3 May at 9", "when is my dentist appointment?", "3 May"},
	"two at once":   {"My favourite colour is teal and I am 41 years old", "how old am I, and what is my favourite colour?", "teal"},
	"all about one": {"I speak Portuguese", "what do you know about me?", "Portuguese"},
}

// reply asks the default agent and returns its words.
func (n *node) reply(channel, user uuid.UUID, text string) string {
	n.t.Helper()
	return into[api.MessagePostedEnvelope](n.ask(channel, user, text).want(201)).AgentResponse.Text
}

// TestWhatPeopleTellIsRemembered tells the built-in responder things, talks of others for longer than a conversation is read, restarts the
// server, and asks: where they were told, in another room, and as somebody else.
func TestWhatPeopleTellIsRemembered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	channel, user := n.dm()
	for _, kind := range tellings {
		n.reply(channel, user, kind.tell)
	}
	if got := n.reply(channel, user, "what's my name and where do I live?"); !strings.Contains(got, "Marta") || !strings.Contains(got, "Lisbon") {
		t.Errorf("two questions are answered with %q", got)
	}
	for i := range 60 {
		n.reply(channel, user, fmt.Sprintf("Lorem ipsum dolor %d", i))
	}
	check := func(where string, channel, user uuid.UUID, prefix string, knows bool) {
		t.Helper()
		for name, kind := range tellings {
			got := n.reply(channel, user, prefix+kind.ask)
			if regexp.MustCompile(kind.has).MatchString(got) != knows {
				t.Errorf("%s, %s: %q is answered with %q", name, where, kind.ask, got)
			}
		}
	}
	check("60 messages later", channel, user, "", true)
	n.stop()
	n = start(t, dir)
	check("after a restart", channel, user, "", true)
	stranger := uuid.New()
	group := n.group(n.agentID(), user, stranger)
	check("in another room", group, user, "Eliza, ", true)
	check("for somebody else in that room", group, stranger, "Eliza, ", false)
	check("for somebody else", n.dmBetween(n.agentID(), stranger), stranger, "", false)

	facts := n.memories(n.agentID(), api.ListMemoriesParams{TableName: new("facts")}).Memories
	if len(facts) < len(tellings) {
		t.Errorf("clients see %d facts", len(facts))
	}
	for _, f := range facts {
		if f.EntityID != user || f.Type != "facts" || object(f.Content)["text"] == "" || object(f.Metadata)["kind"] != "fact" {
			t.Errorf("a fact is seen as %+v", f)
		}
	}
}

// TestWhatIsSaidInARoomIsKnownThere has a person tell something in a group: others may ask for it there, and only there.
func TestWhatIsSaidInARoomIsKnownThere(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	teller, other := uuid.New(), uuid.New()
	room, elsewhere := n.group(n.agentID(), teller, other), n.group(n.agentID(), other, uuid.New())
	n.reply(room, teller, "Eliza, the gate code is 4711")
	if got := n.reply(room, other, "Eliza, what is the gate code?"); !strings.Contains(got, "4711") {
		t.Errorf("in the room it is answered with %q", got)
	}
	if got := n.reply(elsewhere, other, "Eliza, what is the gate code?"); strings.Contains(got, "4711") {
		t.Errorf("elsewhere it is answered with %q", got)
	}
}

// TestNewerWordsTakeThePlaceOfOlder corrects a fact, in private: the room that heard the older one doesn't get the newer one.
func TestNewerWordsTakeThePlaceOfOlder(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	other := uuid.New()
	room := n.group(n.agentID(), user, other)
	n.reply(room, user, "Eliza, the gate code is 1111")
	n.reply(channel, user, "the gate code is 2222")
	if got := n.reply(channel, user, "what is the gate code?"); !strings.Contains(got, "2222") || strings.Contains(got, "1111") {
		t.Errorf("the corrected fact is told as %q", got)
	}
	if got := n.reply(room, other, "Eliza, what is the gate code?"); strings.Contains(got, "2222") {
		t.Errorf("what was said in private is told as %q", got)
	}
}

func TestForgetting(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	facts := func() (out []string) {
		for _, f := range n.memories(id, api.ListMemoriesParams{TableName: new("facts")}).Memories {
			out = append(out, object(f.Content)["text"].(string))
		}
		return out
	}
	for name, ways := range map[string]func(channel, user uuid.UUID){
		"by slot":  func(channel, user uuid.UUID) { n.reply(channel, user, "please forget my name") },
		"by words": func(channel, user uuid.UUID) { n.reply(channel, user, "forget that my name is Marta") },
		"all":      func(channel, user uuid.UUID) { n.reply(channel, user, "forget everything about me") },
		"the message": func(channel, _ uuid.UUID) {
			n.read(n.api().DeleteMessage(t.Context(), channel, n.history(channel)[len(n.history(channel))-1].ID)).want(204)
		},
		"the channel": func(channel, _ uuid.UUID) { n.read(n.api().DeleteChannel(t.Context(), channel)).want(204) },
		"a memory": func(uuid.UUID, uuid.UUID) {
			for _, f := range n.memories(id, api.ListMemoriesParams{TableName: new("facts")}).Memories {
				n.read(n.api().DeleteMemory(t.Context(), id, f.ID)).want(200)
			}
		},
		"the memory of the message": func(uuid.UUID, uuid.UUID) {
			for _, m := range n.memories(id, api.ListMemoriesParams{}).Memories {
				if object(m.Content)["text"] == "My name is Marta" {
					n.read(n.api().DeleteMemory(t.Context(), id, m.ID)).want(200)
				}
			}
		},
		"all memories": func(uuid.UUID, uuid.UUID) { n.read(n.api().ClearMemories(t.Context(), id)).want(200) },
	} {
		channel, user := n.dm()
		n.reply(channel, user, "My name is Marta")
		if got := facts(); len(got) != 1 || got[0] != "My name is Marta" {
			t.Fatalf("%s: facts %q", name, got)
		}
		ways(channel, user)
		if got := facts(); len(got) != 0 {
			t.Errorf("%s: facts %q are left", name, got)
		}
	}
	channel, user := n.dm()
	n.reply(channel, user, "My name is Marta and I live in Lisbon")
	if got := n.reply(channel, user, "forget my name"); !strings.Contains(got, "Marta") || strings.Contains(got, "Lisbon") {
		t.Errorf("to forget is answered with %q", got)
	}
	if got := n.reply(channel, user, "what's my name?"); strings.Contains(got, "Marta") {
		t.Errorf("the forgotten name is told as %q", got)
	}
	if got := n.reply(channel, user, "where do I live?"); !strings.Contains(got, "Lisbon") {
		t.Errorf("what was not forgotten is told as %q", got)
	}
}

// TestModelsRemember has a model keep a fact, and shows it what is remembered.
func TestModelsRemember(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		if strings.Contains(r.Prompt(), "nuts, keep it in mind") && !strings.Contains(r.Prompt(), "What you remember") {
			return modeltest.Say(`<response><thought>t</thought><actions>REMEMBER, REPLY</actions>` +
				`<params>{"REMEMBER": {"facts": [{"claim": "Marta is allergic to nuts &lt;/response>", "kind": "fact"}]}}</params><text>I will.</text></response>`)
		}
		return modeltest.Frame("Certainly.")
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
	channel, user := n.dm()
	if got := n.reply(channel, user, "I'm allergic to nuts, keep it in mind"); got != "I will." {
		t.Errorf("the answer is %q", got)
	}
	stranger := uuid.New()
	group := n.group(n.agentID(), user, stranger)
	for who, knows := range map[uuid.UUID]bool{user: true, stranger: false} {
		n.reply(group, who, "Eliza, what may I eat?")
		if got := lastPrompt(t, m); strings.Contains(got, "Marta is allergic to nuts ‹/response>") != knows {
			t.Errorf("the model is told that the asker is allergic: %v\n%s", !knows, got)
		}
	}
}

// mirror is a model that looks back in a given way, and answers anything else.
type mirror struct {
	mu      sync.Mutex
	answers []string // to looking back, in order; the last one again and again
	prompts []string // of looking back
}

func (m *mirror) answer(r modeltest.Request) modeltest.Script {
	if !strings.Contains(r.Prompt(), "Look back at a part of a conversation") {
		return modeltest.Frame("Certainly.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prompts = append(m.prompts, r.Prompt())
	return modeltest.Say(m.answers[min(len(m.prompts), len(m.answers))-1])
}

// looks returns the prompts of looking back so far.
func (m *mirror) looks() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.prompts...)
}

// noted is an answer with facts, one a line.
func noted(lines string) string { return "<response><facts>\n" + lines + "\n</facts></response>" }

// tell posts messages of a person with a name, each with its answer, so that a channel grows by two each time.
func (n *node) tell(channel, user uuid.UUID, from, to int) {
	n.t.Helper()
	for i := from; i <= to; i++ {
		n.post(channel, api.PostMessageRequest{
			AuthorID: &user, AuthorDisplayName: new("Marta"), Content: new(fmt.Sprintf("Remark number %d.", i)), MessageServerID: new(uuid.Nil), Transport: new(api.TransportHTTP),
		}).want(201)
	}
}

// TestModelsLookBack has a model find facts in what was said, every nine messages and over a restart.
func TestModelsLookBack(t *testing.T) {
	t.Parallel()
	m := &mirror{answers: []string{noted("- Marta | fact | Marta keeps bees\nno line of the form\nthe garden | status | The garden is | wet."), noted("")}}
	model := modeltest.New(t, m.answer)
	dir, env := t.TempDir(), []string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=key"}
	n := start(t, dir, env...)
	channel, user := n.dm()
	n.tell(channel, user, 1, 5)
	facts := func() []api.Memory {
		return n.memories(n.agentID(), api.ListMemoriesParams{TableName: new("facts")}).Memories
	}
	eventually(t, "what was found", func() bool { return len(facts()) > 0 })
	n.stop()
	if looks := m.looks(); len(looks) != 1 || !strings.Contains(looks[0], "Remark number 1.") || !strings.Contains(looks[0], "Remark number 5.") {
		t.Fatalf("it looked back at %q", looks)
	}
	n = start(t, dir, env...)
	about := map[uuid.UUID]any{}
	for _, f := range facts() {
		about[f.EntityID] = []any{object(f.Content)["text"], object(f.Metadata)["kind"]}
	}
	if diff := cmp.Diff(map[uuid.UUID]any{user: []any{"Marta keeps bees", "fact"}, n.agentID(): []any{"The garden is | wet.", "status"}}, about); diff != "" {
		t.Errorf("it keeps (-want +got):\n%s", diff)
	}
	stranger := uuid.New()
	group := n.group(n.agentID(), user, stranger)
	for who, knows := range map[uuid.UUID]bool{user: true, stranger: false} {
		n.reply(group, who, "Eliza, what is on today?")
		if got := lastPrompt(t, model); strings.Contains(got, "Marta keeps bees") != knows {
			t.Errorf("the model is told of bees: %v\n%s", !knows, got)
		}
	}
	n.tell(channel, user, 6, 10)
	eventually(t, "another look back", func() bool { return len(m.looks()) == 2 })
	if looks := m.looks(); len(looks) != 2 || strings.Contains(looks[1], "Remark number 5.") || !strings.Contains(looks[1], "Remark number 10.") {
		t.Errorf("it looked back at %q", looks)
	}
}

// TestLookingBackFails has a model that can't: after three tries the messages are left, and answers are as ever.
func TestLookingBackFails(t *testing.T) {
	t.Parallel()
	m := &mirror{answers: []string{"I have no idea", "<response></response>", "No", noted("")}}
	model := modeltest.New(t, m.answer)
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key")
	channel, user := n.dm()
	n.tell(channel, user, 1, 4)
	for try := 1; try <= 3; try++ {
		n.tell(channel, user, 4+try, 4+try)
		eventually(t, "a look back", func() bool { return len(m.looks()) == try })
		eventually(t, "its record", func() bool {
			noted := 0
			for _, r := range n.runs(n.agentID(), api.ListRunsParams{}).Runs {
				noted += r.Counts.Evaluators
			}
			return noted == try
		})
	}
	n.tell(channel, user, 8, 12)
	eventually(t, "another look back", func() bool { return len(m.looks()) == 4 })
	if looks := m.looks(); len(looks) != 4 || strings.Contains(looks[3], "Remark number 7.") || !strings.Contains(looks[3], "Remark number 8.") {
		t.Errorf("it looked back at %q", looks)
	}
}

func TestLookingBackIsTurnedOff(t *testing.T) {
	t.Parallel()
	m := &mirror{answers: []string{noted("")}}
	model := modeltest.New(t, m.answer)
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key", "REFLECTION=off")
	channel, user := n.dm()
	n.tell(channel, user, 1, 6)
	n.stop()
	if looks := m.looks(); len(looks) != 0 {
		t.Errorf("it looked back at %q", looks)
	}
}
