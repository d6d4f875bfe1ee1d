package runtime_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/internal/runtime"
)

// deciding is a model that gives one answer to whether to answer, and another to everything else.
func deciding(action string) func(modeltest.Request) modeltest.Script {
	return func(r modeltest.Request) modeltest.Script {
		if r.Model == "small" {
			return modeltest.Say("<response><name>Ada</name><reasoning>because</reasoning><action>" + action + "</action></response>")
		}
		return modeltest.Frame("Here I am.")
	}
}

func TestWhetherToAnswer(t *testing.T) {
	t.Parallel()
	type situation struct {
		fields   string // of the character
		env      env
		state    string // of the agent in the room
		kind     messaging.ChannelType
		source   string
		text     string
		metadata string // $agent stands for the agent's id
		model    string // what the model decides; empty: it must not be asked
	}
	tests := map[string]struct {
		situation
		answers bool
		reason  string
	}{
		"direct":                    {situation{kind: messaging.TypeDM}, true, "direct"},
		"api":                       {situation{kind: messaging.TypeAPI}, true, "direct"},
		"message says it is direct": {situation{metadata: `{"channelType":"dm"}`, model: "IGNORE"}, false, "model_ignore"},
		"always in groups":          {situation{fields: `"settings":{"ALWAYS_RESPOND_CHANNELS":"[forum, group]"}`}, true, "always_respond_channel"},
		"always in groups, older":   {situation{env: env{"SHOULD_RESPOND_BYPASS_TYPES": "GROUP"}}, true, "always_respond_channel"},
		"always from a source":      {situation{env: env{"ALWAYS_RESPOND_SOURCES": "Discord,slack"}, source: "bridge_slack"}, true, "always_respond_source"},
		"platform mention":          {situation{metadata: `{"mentionContext":{"isMention":true}}`}, true, "platform_mention"},
		"platform thread":           {situation{metadata: `{"mentionContext":{"isThread":true}}`, model: "IGNORE"}, false, "model_ignore"},
		"addressed by id":           {situation{metadata: `{"targetAgentId":"$agent"}`}, true, "addressed"},
		"no address":                {situation{metadata: `{"targetAgentId":7}`, model: "IGNORE"}, false, "model_ignore"},
		"addressed elsewhere":       {situation{metadata: `{"targetAgentId":"6f1d2c3b-0000-4000-8000-000000000001"}`, model: "IGNORE"}, false, "model_ignore"},
		"name":                      {situation{text: "what do you think, ADA?"}, true, "mention"},
		"at name":                   {situation{text: "@ada?"}, true, "mention"},
		"user name":                 {situation{fields: `"username":"lovelace"`, text: "hey @Lovelace"}, true, "mention"},
		"part of a word":            {situation{text: "Adaptation", model: "IGNORE"}, false, "model_ignore"},
		"web client":                {situation{source: "client_chat"}, true, "client_chat"},
		"web client group":          {situation{source: "client_group_chat", model: "RESPOND"}, true, "model_respond"},
		"model says yes":            {situation{model: "RESPOND"}, true, "model_respond"},
		"model says something else": {situation{model: "ANSWER"}, true, "model_respond"},
		"model says no":             {situation{model: "ignore"}, false, "model_ignore"},
		"model says none":           {situation{model: "NONE"}, false, "model_ignore"},
		"model says stop":           {situation{model: "STOP"}, false, "model_stop"},
		"model says nothing":        {situation{model: " "}, false, "model_ignore"},
		"off":                       {situation{env: env{"BOOTSTRAP_DEFLLMOFF": "true"}, kind: messaging.TypeDM}, false, "off"},
		"off, but followed":         {situation{env: env{"BOOTSTRAP_DEFLLMOFF": "true"}, state: agent.RoomFollowed, source: "client_chat"}, true, "client_chat"},
		"muted":                     {situation{state: agent.RoomMuted, kind: messaging.TypeDM}, false, "muted"},
		"muted, but named":          {situation{state: agent.RoomMuted, kind: messaging.TypeDM, text: "Ada, come back"}, true, "direct"},
		"muted, but addressed":      {situation{state: agent.RoomMuted, metadata: `{"targetAgentId":"$agent"}`}, true, "addressed"},
		"the character's own no":    {situation{fields: `"settings":{"ALWAYS_RESPOND_SOURCES":""}`, env: env{"ALWAYS_RESPOND_SOURCES": "test"}, model: "IGNORE"}, false, "model_ignore"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, models := scripted(t, deciding(tt.model))
			b := running(t, models, func(c *runtime.Config) {
				if tt.env != nil {
					c.Environment = tt.env
				}
			})
			ada := b.agent(t, "Ada", tt.fields)
			kind := tt.kind
			if kind == "" {
				kind = messaging.TypeGroup
			}
			room, err := b.messages.CreateChannel(t.Context(), b.who, messaging.NewChannel{Name: "room", Type: kind, Participants: []uuid.UUID{b.user, ada, uuid.New()}})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.messages.SetParticipantState(t.Context(), b.who, room.ID, ada, tt.state); err != nil {
				t.Fatal(err)
			}
			d := b.draft(room, "what a day")
			if tt.text != "" {
				d.Content = tt.text
			}
			if tt.source != "" {
				d.SourceType = tt.source
			}
			d.Metadata = json.RawMessage(strings.ReplaceAll(tt.metadata, "$agent", ada.String()))
			got := b.say(t, ada, d)
			if got.Turn.Reason != tt.reason || (got.Turn.Status == messaging.TurnReplied) != tt.answers || got.Turn.Detail == "" {
				t.Errorf("%s because of %s (%s), want %s", got.Turn.Status, got.Turn.Reason, got.Turn.Detail, tt.reason)
			}
			asked := false
			for _, r := range server.Requests() {
				asked = asked || r.Model == "small"
			}
			if asked != (tt.model != "") {
				t.Errorf("the model was asked whether to answer: %v", asked)
			}
		})
	}
}

// A message from a person who is alone with an agent is answered, in channels of every type, without a decision of the model.
func TestAloneWithOnePerson(t *testing.T) {
	t.Parallel()
	other := uuid.New()
	for name, tt := range map[string]struct {
		kind   messaging.ChannelType
		who    func(user, ada, bob uuid.UUID) []uuid.UUID // takes part
		before uuid.UUID                                  // who wrote something
		stop   bool                                       // Bob is stopped
		alone  bool
	}{
		"group":                   {messaging.TypeGroup, func(user, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada} }, uuid.Nil, false, true},
		"feed":                    {messaging.TypeFeed, func(user, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada} }, uuid.Nil, false, true},
		"voices":                  {messaging.TypeVoiceGroup, func(user, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada} }, uuid.Nil, false, true},
		"a guest":                 {messaging.TypeGroup, func(_, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{ada} }, uuid.Nil, false, true},
		"another takes part":      {messaging.TypeGroup, func(user, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada, other} }, uuid.Nil, false, false},
		"another guest spoke":     {messaging.TypeGroup, func(user, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada} }, other, false, false},
		"another agent":           {messaging.TypeGroup, func(user, ada, bob uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada, bob} }, uuid.Nil, false, false},
		"another agent, stopped":  {messaging.TypeGroup, func(user, ada, bob uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada, bob} }, uuid.Nil, true, true},
		"in a thread with people": {messaging.TypeThread, func(user, ada, _ uuid.UUID) []uuid.UUID { return []uuid.UUID{user, ada, other} }, uuid.Nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, models := scripted(t, deciding("IGNORE"))
			b := running(t, models)
			ada, bob := b.agent(t, "Ada", ""), b.agent(t, "Bob", "")
			if tt.stop {
				if _, err := b.Agents().Stop(t.Context(), b.who, bob); err != nil {
					t.Fatal(err)
				}
			}
			room, err := b.messages.CreateChannel(t.Context(), b.who, messaging.NewChannel{Name: "room", Type: tt.kind, Participants: tt.who(b.user, ada, bob)})
			if err != nil {
				t.Fatal(err)
			}
			if tt.before != uuid.Nil {
				d := b.draft(room, "I'm here too")
				d.AuthorID, d.Quiet = tt.before, true
				if _, err := b.messages.Post(t.Context(), b.who, d); err != nil {
					t.Fatal(err)
				}
			}
			got := b.say(t, ada, b.draft(room, "what a day"))
			if (got.Turn.Status == messaging.TurnReplied) != tt.alone || (got.Turn.Reason == "alone") != tt.alone {
				t.Errorf("%s because of %s", got.Turn.Status, got.Turn.Reason)
			}
			if tt.alone && len(server.Requests()) != 1 {
				t.Errorf("the model was asked %d times", len(server.Requests()))
			}
		})
	}
}

// Older templates ask for one word in brackets, and small models write the bare word.
func TestWhetherToAnswerInOneWord(t *testing.T) {
	t.Parallel()
	limited := modeltest.Say("<think>hm")
	limited.Finish = "length"
	for name, tt := range map[string]struct {
		script modeltest.Script
		reason string
		detail string
	}{
		"brackets":         {modeltest.Say("[RESPOND]"), "model_respond", ""},
		"bare":             {modeltest.Say("RESPOND"), "model_respond", ""},
		"with a thought":   {modeltest.Say("<think>[IGNORE]?</think>\n[RESPOND]"), "model_respond", ""},
		"JSON":             {modeltest.Say(`{"name":"Ada","reasoning":"asked","action":"RESPOND"}`), "model_respond", "asked"},
		"no":               {modeltest.Say("[IGNORE]"), "model_ignore", ""},
		"stop":             {modeltest.Say("[STOP]"), "model_stop", ""},
		"a sentence":       {modeltest.Say("I will respond."), "no_decision", ""},
		"thought to limit": {limited, "no_decision", "TEXT_SMALL_MAX_TOKENS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, models := scripted(t, func(r modeltest.Request) modeltest.Script {
				if r.Model == "small" {
					return tt.script
				}
				return modeltest.Frame("Here I am.")
			})
			b := running(t, models)
			ada := b.agent(t, "Ada", "")
			got := b.say(t, ada, b.draft(b.group(t, ada), "what a day"))
			if got.Turn.Reason != tt.reason || !strings.Contains(got.Turn.Detail, tt.detail) {
				t.Errorf("%s because of %s (%s), want %s", got.Turn.Status, got.Turn.Reason, got.Turn.Detail, tt.reason)
			}
		})
	}
}

func TestReplyToTheAgentIsAnswered(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, deciding("IGNORE"))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	room := b.group(t, ada)
	first := b.say(t, ada, b.draft(room, "Ada?"))
	d := b.draft(room, "and then?")
	d.InReplyTo = &first.Reply.ID
	if got := b.say(t, ada, d); got.Turn.Reason != "reply" {
		t.Errorf("turn = %+v", got.Turn)
	}
}

func TestRequestToStopMutesTheRoom(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, deciding("STOP"))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	room := b.group(t, ada)
	b.say(t, ada, b.draft(room, "be quiet"))
	if got := b.say(t, ada, b.draft(room, "what a day")); got.Turn.Reason != "muted" {
		t.Errorf("afterwards: %+v", got.Turn)
	}
}

// Of several agents in a room one answers a message typed in the web client; a message that names an agent is answered by that
// one.
func TestSeveralAgentsInTheWebClient(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, deciding("IGNORE"))
	b := running(t, models)
	ada, bob := b.agent(t, "Ada", ""), b.agent(t, "Bob", "")
	room := b.group(t, ada, bob)
	send := func(text, metadata string) (reasons map[uuid.UUID]string) {
		t.Helper()
		d := b.draft(room, text)
		d.Metadata = json.RawMessage(metadata)
		d.SourceType = "client_chat"
		p, err := b.messages.Post(t.Context(), b.who, d)
		if err != nil {
			t.Fatal(err)
		}
		reasons = map[uuid.UUID]string{}
		for _, turn := range p.Turns {
			reasons[turn.AgentID] = b.ended(t, turn).Reason
		}
		return reasons
	}
	ask := func(text string) map[uuid.UUID]string {
		t.Helper()
		return send(text, "")
	}
	first, second := ada, bob
	if b.messagesFirst(t, room) == bob {
		first, second = bob, ada
	}
	if got := ask("hello"); got[first] != "client_chat" || got[second] != "model_ignore" {
		t.Errorf("the first that joined answers: %v", got)
	}
	if got := ask("Bob, what do you say?"); got[bob] != "mention" || got[ada] != "addressed_other" {
		t.Errorf("the one that is named answers: %v", got)
	}
	if got := ask("go on"); got[bob] != "client_chat" || got[ada] != "model_ignore" {
		t.Errorf("the one that spoke last answers: %v", got)
	}
	if got := send("hm", `{"targetAgentId":"`+strings.ToUpper(bob.String())+`"}`); got[bob] != "addressed" || got[ada] != "addressed_other" {
		t.Errorf("the one that is addressed by its id answers: %v", got)
	}
	if _, err := b.Agents().Update(t.Context(), b.who, ada, patch(`{"settings":{"REPLY_MODE":"all"}}`)); err != nil {
		t.Fatal(err)
	}
	if got := ask("and now?"); got[bob] != "client_chat" || got[ada] != "client_chat" {
		t.Errorf("with REPLY_MODE=all: %v", got)
	}
}

// No model is called to find that a message is for another agent.
func TestTheNameOfAnotherAgent(t *testing.T) {
	t.Parallel()
	server, models := scripted(t, deciding("IGNORE"))
	b := running(t, models)
	ada, bob := b.agent(t, "Ada", ""), b.agent(t, "Bob", "")
	room := b.group(t, ada, bob)
	for text, want := range map[string]map[uuid.UUID]string{
		"Bob, what do you say?": {ada: "addressed_other", bob: "mention"},
		"Ada and Bob, hello":    {ada: "mention", bob: "mention"},
		"Bobby is late":         {ada: "model_ignore", bob: "model_ignore"},
	} {
		before := len(server.Requests())
		p, err := b.messages.Post(t.Context(), b.who, b.draft(room, text))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for _, turn := range p.Turns {
			got := b.ended(t, turn).Reason
			if got != want[turn.AgentID] {
				t.Errorf("%q: %s, want %s", text, got, want[turn.AgentID])
			}
			if want[turn.AgentID] == "model_ignore" {
				asked++
			}
		}
		calls := 0
		for _, r := range server.Requests()[before:] {
			if r.Model == "small" {
				calls++
			}
		}
		if calls != asked {
			t.Errorf("%q: %d calls to decide, want %d", text, calls, asked)
		}
	}
}

// messagesFirst returns the agent that joined a room first.
func (b *bench) messagesFirst(t *testing.T, room messaging.Channel) uuid.UUID {
	t.Helper()
	ids, err := b.messages.ChannelAgents(t.Context(), b.who, room.ID)
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

func patch(text string) (out map[string]json.RawMessage) {
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
}

func TestModelFailureWhileDeciding(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Fail(401, "no")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	got := b.say(t, ada, b.draft(b.group(t, ada), "what a day"))
	if got.Turn.Status != messaging.TurnFailed || got.Turn.Reason != "model_auth" || !strings.Contains(got.Turn.Detail, "OPENAI_API_KEY") {
		t.Errorf("turn = %+v", got.Turn)
	}
}
