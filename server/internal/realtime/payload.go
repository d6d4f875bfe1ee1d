package realtime

import (
	"encoding/json"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/names"
)

// payload is what a client sends, read once: its values, those under several names in the order in which they count.
// set is the table of the names; tags of the fields would say the same, and need reflection for each message.
type payload struct {
	channel, client                                   [2]json.RawMessage
	text, reply                                       [3]json.RawMessage
	server, sender, person                            [4]json.RawMessage
	source, target, agent, lastSeq                    json.RawMessage
	metadata, attachments, thought, actions, mentions json.RawMessage
}

// set puts a value where its name belongs; of values under the same name the last one stays.
func (p *payload) set(name []byte, value json.RawMessage) {
	switch string(name) {
	case "channelId":
		p.channel[0] = value
	case "roomId":
		p.channel[1] = value
	case "messageServerId":
		p.server[0] = value
	case "serverId":
		p.server[1] = value
	case "message_server_id":
		p.server[2] = value
	case "server_id":
		p.server[3] = value
	case "senderId":
		p.sender[0] = value
	case "entityId":
		p.sender[1] = value
	case "authorId":
		p.sender[2] = value
	case "author_id":
		p.sender[3] = value
	case "message":
		p.text[0] = value
	case "text":
		p.text[1] = value
	case "content":
		p.text[2] = value
	case "senderName":
		p.person[0] = value
	case "entityName":
		p.person[1] = value
	case "displayName":
		p.person[2] = value
	case "username":
		p.person[3] = value
	case "messageId":
		p.client[0] = value
	case "clientMessageId":
		p.client[1] = value
	case "inReplyTo":
		p.reply[0] = value
	case "inReplyToMessageId":
		p.reply[1] = value
	case "in_reply_to_message_id":
		p.reply[2] = value
	case "source":
		p.source = value
	case "targetUserId":
		p.target = value
	case "agentId":
		p.agent = value
	case "lastSeq":
		p.lastSeq = value
	case "metadata":
		p.metadata = value
	case "attachments":
		p.attachments = value
	case "thought":
		p.thought = value
	case "actions":
		p.actions = value
	case "mentionContext":
		p.mentions = value
	}
}

// readPayload reads a payload, which is known to be JSON; anything but an object is empty.
func readPayload(payload json.RawMessage) (p payload) {
	for name, value := range jsontext.Members(payload) {
		p.set(name, value)
	}
	return p
}

// payload reads a payload whose members are known already.
func (o object) payload() (p payload) {
	for _, m := range o {
		p.set(m.name, m.value)
	}
	return p
}

// channelName returns the channel that a payload is about.
func (p *payload) channelName() string { return firstText(p.channel[:]...) }

// clientID returns the client's own id of the message.
func (p *payload) clientID() string { return firstText(p.client[:]...) }

// entity returns the entity that a client presents itself as.
func (p *payload) entity() string { return firstText(p.sender[1]) }

// draft makes a message of the payload: its text and all that comes with it. It is not ok without a text or attachments, nor with
// an invalid message server.
func (p *payload) draft(clientID string) (messaging.Draft, bool) {
	d := messaging.Draft{
		AuthorName: names.Clean(firstText(p.person[:]...)), ClientID: clientID, SourceType: firstText(p.source), Metadata: p.metadata,
		Extras: messaging.Extras{Attachments: p.attachments, Thought: p.thought, Actions: p.actions, MentionContext: p.mentions},
	}
	if !isObject(d.Metadata) {
		d.Metadata = nil
	}
	if id, err := auth.ParseID(firstText(p.reply[:]...)); err == nil {
		d.InReplyTo = &id
	}
	if anyThere(p.server[:]...) {
		id, err := auth.ParseID(firstText(p.server[:]...))
		if err != nil {
			return d, false
		}
		d.ServerID = &id
	}
	var ok bool
	d.Content, ok = p.content()
	return d, ok || isThere(p.attachments) || isThere(fields(d.Metadata).get("attachments"))
}

// content returns the text, which must be one; not ok for anything else, and for an empty one.
func (p *payload) content() (string, bool) {
	for _, raw := range p.text {
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
