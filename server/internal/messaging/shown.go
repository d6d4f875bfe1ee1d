package messaging

import (
	"encoding/json"
	"slices"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// What readers see of a message is the same whichever way they read it: every encoder shows what is returned here.

// shownMembers are what readers look for in a message's metadata, although an agent's reply carries it in its raw message.
var shownMembers = [...]string{thoughtKey, actionsKey, attachmentsKey}

// ShownMetadata returns a message's metadata as readers see it: with what its raw message says of thought, actions and
// attachments, where the metadata doesn't say it itself.
func (m *Message) ShownMetadata() json.RawMessage {
	var room [len(shownMembers)]jsontext.Member
	return jsontext.With(m.Metadata, m.shownOfRaw(room[:0]))
}

// AppendShownMetadata appends what [Message.ShownMetadata] returns.
func (m *Message) AppendShownMetadata(dst []byte) []byte {
	var room [len(shownMembers)]jsontext.Member
	return jsontext.AppendWith(dst, m.Metadata, m.shownOfRaw(room[:0]))
}

// shownOfRaw adds to list what is shown of the raw message.
func (m *Message) shownOfRaw(list []jsontext.Member) []jsontext.Member {
	for name, value := range jsontext.Members(m.RawMessage) {
		for _, known := range shownMembers {
			if string(name) == known {
				list = jsontext.Set(list, known, value)
			}
		}
	}
	if len(list) == 0 {
		return list
	}
	for name, value := range jsontext.Members(m.Metadata) {
		if string(value) != "null" && string(value) != "[]" {
			list = slices.DeleteFunc(list, func(member jsontext.Member) bool { return member.Name == string(name) })
		}
	}
	return list
}

// Beside is what a message brings beside its text, as readers see it.
type Beside struct {
	Thought     string
	Actions     json.RawMessage // nil: none
	Attachments json.RawMessage
}

// BesideIn reads what a message brings beside its text from its shown metadata.
func BesideIn(shown json.RawMessage) Beside {
	var out Beside
	for name, value := range jsontext.Members(shown) {
		out.note(string(name), value)
	}
	return out
}

// Beside reads the same from the documents that the shown metadata are made of, for callers that need only this.
func (m *Message) Beside() Beside {
	var room [len(shownMembers)]jsontext.Member
	var out Beside
	for name, value := range jsontext.Members(m.Metadata) {
		out.note(string(name), value)
	}
	for _, member := range m.shownOfRaw(room[:0]) {
		out.note(member.Name, member.Value)
	}
	return out
}

// note takes a member of a message's shown metadata in.
func (b *Beside) note(name string, value json.RawMessage) {
	switch name {
	case thoughtKey:
		_ = json.Unmarshal(value, &b.Thought) // what is no text is no thought
	case actionsKey:
		if value[0] == '[' { // readers go through it
			b.Actions = value
		}
	case attachmentsKey:
		if string(value) != "null" {
			b.Attachments = value
		}
	}
}

// DisplayName returns the name of a message's author as readers see it.
func (m *Message) DisplayName() string {
	switch {
	case m.AuthorName != "":
		return m.AuthorName
	case m.ByAgent():
		return "Agent"
	default:
		return "User"
	}
}

// ByAgent reports whether a message says or does something for an agent.
func (m *Message) ByAgent() bool { return isAgentSource(m.SourceType) }

// isAgentSource reports whether messages of a source are an agent's, and ask no agent.
func isAgentSource(source string) bool {
	return source == SourceAgentResponse || source == SourceAgentAction
}
