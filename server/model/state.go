package model

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// HistoryLimit is the number of lines of [State.History] that providers look at; callers need not send more.
const HistoryLimit = 32

// State is the situation a message is answered in. Everything is optional; missing parts only make the answer poorer.
type State struct {
	Agent        Persona
	ChannelID    uuid.UUID
	ChannelType  string   // DM, GROUP, …: the channel types of the wire
	Sender       string   // display name of the message's author; empty when unknown
	Participants []string // display names of the others in the channel: neither the agent nor the sender
	History      []Line   // what was said before, oldest first, the message itself not included
	HistoryCut   bool     // more was said before than History holds
	Introduced   bool     // the sender got the introduction within a day, elsewhere
	Setup        string   // what the server found when it looked for a model, in sentences; empty when it wasn't asked to
	Program      bool     // a program reads the answer, and wants nothing but the answer
	Text         string   // the message
	Attachments  []Attachment
	Actions      []Action       // what the agent may do now
	Options      []Option       // the choice that is open in the channel, if one is
	Results      []ActionResult // what was done so far in this run, in order
	Facts        []Fact         // what is remembered of the sender, and what others said here, newest first
	Remembers    bool           // Facts hold all that is known of the sender: History needn't be searched for it
	Knowledge    []Knowledge    // what was found for the message, best first
	StartedAt    time.Time      // when the run began, in the zone that clock times are given in
	Seed         uint64         // varies answers that nothing else decides
}

// Persona is the part of a character that shapes what it says.
type Persona struct {
	Name            string
	Username        string
	System          string
	Bio             []string
	Topics          []string
	Adjectives      []string
	Style           []string        // directions for messages: style.all and style.chat
	PostStyle       []string        // directions for posts: style.all and style.post
	MessageExamples [][]ExampleLine // conversations
	PostExamples    []string
	BuiltinScript   json.RawMessage // settings.builtinScript: the character's own rules for the built-in responder
}

// ExampleLine is one line of an example conversation. Names like {{user1}} and {{name1}} stand for people.
type ExampleLine struct {
	Name string
	Text string
}

// Line is one earlier message.
type Line struct {
	Author    string // display name
	FromAgent bool   // written by an agent, this one included
	FromSelf  bool   // written by the agent that answers now
	Text      string
	At        time.Time
}

// Attachment is a file or link that came with the message.
type Attachment struct {
	Title       string
	ContentType string // image, video, audio, document or link
	Description string
	Text        string // extracted text, if any
}

// Action is something the agent may do.
type Action struct {
	Name        string // upper snake case
	Similes     []string
	Description string
	Parameters  []string // names of its parameters
}

// Option is one way to answer an open choice.
type Option struct {
	Name        string
	Description string
}

// ActionResult is the outcome of an action of this run.
type ActionResult struct {
	Action  string
	Success bool
	Text    string
}

// Fact is something that is remembered about a person, in a sentence.
type Fact struct {
	Claim string
	About string // display name of a person who isn't the sender; empty: the sender
}

// Knowledge is a passage found in the agent's documents.
type Knowledge struct {
	Title string
	Text  string
	Score float64 // 0 to 1; what is below the caller's threshold is not in the list
}
