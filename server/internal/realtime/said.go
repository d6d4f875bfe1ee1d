package realtime

import (
	"encoding/json"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/names"
)

// said is what a client says, read once: the values of the payload, those under several names in the order in which they count.
// set is the table of the names; tags of the fields would say the same, and need reflection for each message.
type said struct {
	channel, client                                   [2]json.RawMessage
	text, reply                                       [3]json.RawMessage
	server, sender, person                            [4]json.RawMessage
	source, target, agent, lastSeq                    json.RawMessage
	metadata, attachments, thought, actions, mentions json.RawMessage
}

// set puts a value where its name belongs; of values under the same name the last one stays.
func (s *said) set(name []byte, value json.RawMessage) {
	switch string(name) {
	case "channelId":
		s.channel[0] = value
	case "roomId":
		s.channel[1] = value
	case "messageServerId":
		s.server[0] = value
	case "serverId":
		s.server[1] = value
	case "message_server_id":
		s.server[2] = value
	case "server_id":
		s.server[3] = value
	case "senderId":
		s.sender[0] = value
	case "entityId":
		s.sender[1] = value
	case "authorId":
		s.sender[2] = value
	case "author_id":
		s.sender[3] = value
	case "message":
		s.text[0] = value
	case "text":
		s.text[1] = value
	case "content":
		s.text[2] = value
	case "senderName":
		s.person[0] = value
	case "entityName":
		s.person[1] = value
	case "displayName":
		s.person[2] = value
	case "username":
		s.person[3] = value
	case "messageId":
		s.client[0] = value
	case "clientMessageId":
		s.client[1] = value
	case "inReplyTo":
		s.reply[0] = value
	case "inReplyToMessageId":
		s.reply[1] = value
	case "in_reply_to_message_id":
		s.reply[2] = value
	case "source":
		s.source = value
	case "targetUserId":
		s.target = value
	case "agentId":
		s.agent = value
	case "lastSeq":
		s.lastSeq = value
	case "metadata":
		s.metadata = value
	case "attachments":
		s.attachments = value
	case "thought":
		s.thought = value
	case "actions":
		s.actions = value
	case "mentionContext":
		s.mentions = value
	}
}

// readSaid reads a payload, which is known to be JSON; anything but an object says nothing.
func readSaid(payload json.RawMessage) (s said) {
	for name, value := range jsontext.Members(payload) {
		s.set(name, value)
	}
	return s
}

// said reads a payload whose members are known already.
func (o object) said() (s said) {
	for _, m := range o {
		s.set(m.name, m.value)
	}
	return s
}

// channelName returns the channel that a payload is about.
func (s *said) channelName() string { return firstText(s.channel[:]...) }

// clientID returns the client's own id of what it says.
func (s *said) clientID() string { return firstText(s.client[:]...) }

// entity returns the entity that a client presents itself as.
func (s *said) entity() string { return firstText(s.sender[1]) }

// draft makes a message of what is said: its text and all that comes with it. It is not ok without a text or attachments, and with
// a message server that is none.
func (s *said) draft(clientID string) (messaging.Draft, bool) {
	d := messaging.Draft{
		AuthorName: names.Clean(firstText(s.person[:]...)), ClientID: clientID, SourceType: firstText(s.source), Metadata: s.metadata,
		Extras: messaging.Extras{Attachments: s.attachments, Thought: s.thought, Actions: s.actions, MentionContext: s.mentions},
	}
	if !isObject(d.Metadata) {
		d.Metadata = nil
	}
	if id, err := auth.ParseID(firstText(s.reply[:]...)); err == nil {
		d.InReplyTo = &id
	}
	if anyThere(s.server[:]...) {
		id, err := auth.ParseID(firstText(s.server[:]...))
		if err != nil {
			return d, false
		}
		d.ServerID = &id
	}
	var ok bool
	d.Content, ok = s.content()
	return d, ok || isThere(s.attachments) || isThere(fields(d.Metadata).get("attachments"))
}

// content returns the text, which must be one; not ok for anything else, and for an empty one.
func (s *said) content() (string, bool) {
	for _, raw := range s.text {
		if !isThere(raw) {
			continue
		}
		text, ok := textIn(raw)
		if !ok {
			return "", false
		}
		if text != "" {
			return text, true
		}
	}
	return "", false
}

// firstText returns the first non-empty text of some values; a number counts as its text.
func firstText(values ...json.RawMessage) string {
	for _, raw := range values {
		if text := textOf(raw); text != "" {
			return text
		}
	}
	return ""
}

// anyThere reports whether any of some values is there and isn't null.
func anyThere(values ...json.RawMessage) bool {
	for _, raw := range values {
		if isThere(raw) {
			return true
		}
	}
	return false
}

func isThere(raw json.RawMessage) bool { return raw != nil && string(raw) != "null" }
