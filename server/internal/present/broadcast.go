package present

import (
	"encoding/json"
	"strconv"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// AppendSocketBroadcast appends the JSON of a broadcast, which is written too often for encoding/json. The order is that of the fields.
func AppendSocketBroadcast(dst []byte, b *api.SocketBroadcast) []byte {
	dst = jsontext.AppendID(append(dst, `{"id":`...), b.ID)
	dst = jsontext.AppendID(append(dst, `,"senderId":`...), b.SenderID)
	dst = jsontext.AppendString(append(dst, `,"senderName":`...), b.SenderName)
	dst = jsontext.AppendString(append(dst, `,"text":`...), b.Text)
	dst = jsontext.AppendID(append(dst, `,"channelId":`...), b.ChannelID)
	dst = jsontext.AppendID(append(dst, `,"roomId":`...), b.RoomID)
	dst = jsontext.AppendID(append(dst, `,"serverId":`...), b.ServerID)
	dst = jsontext.AppendID(append(dst, `,"messageServerId":`...), b.MessageServerID)
	dst = strconv.AppendInt(append(dst, `,"createdAt":`...), int64(b.CreatedAt), 10)
	dst = strconv.AppendInt(append(dst, `,"updatedAt":`...), int64(b.UpdatedAt), 10)
	dst = jsontext.AppendString(append(dst, `,"source":`...), b.Source)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), b.Seq, 10)
	if b.Thought != "" {
		dst = jsontext.AppendString(append(dst, `,"thought":`...), b.Thought)
	}
	for _, member := range [...]jsontext.Member{
		{Name: `,"actions":`, Value: b.Actions}, {Name: `,"attachments":`, Value: b.Attachments},
		{Name: `,"rawMessage":`, Value: b.RawMessage}, {Name: `,"metadata":`, Value: b.Metadata},
	} {
		if len(member.Value) > 0 {
			dst = append(append(dst, member.Name...), member.Value...)
		}
	}
	if b.InReplyToMessageID != nil {
		dst = jsontext.AppendID(append(dst, `,"inReplyToMessageId":`...), *b.InReplyToMessageID)
	}
	return append(AppendClientID(dst, b.ClientMessageID), '}')
}

// AppendClientID appends the last member of a broadcast, which only the sender gets; nothing for "".
func AppendClientID(dst []byte, clientID string) []byte {
	if clientID == "" {
		return dst
	}
	return jsontext.AppendString(append(dst, `,"clientMessageId":`...), clientID)
}

// SocketBroadcast shows a message as every client of a socket reads it: the union of the names that they use.
func (d Documents) SocketBroadcast(m *messaging.Message) *api.SocketBroadcast {
	shown := d.shownMetadata(m)
	beside := messaging.BesideIn(shown)
	b := &api.SocketBroadcast{
		ID: m.ID, SenderID: m.AuthorID, SenderName: m.DisplayName(), Text: m.Content, ChannelID: m.ChannelID, RoomID: m.ChannelID,
		ServerID: m.MessageServerID, MessageServerID: m.MessageServerID, CreatedAt: wire.MillisOf(m.CreatedAt),
		UpdatedAt: wire.MillisOf(m.UpdatedAt), Source: m.SourceType, Seq: m.Seq, Metadata: shown, InReplyToMessageID: m.InReplyTo,
		Thought: beside.Thought, Actions: beside.Actions, Attachments: beside.Attachments,
	}
	if !cameBySocket(shown) { // else it is the sender's payload once more
		b.RawMessage = d.files.Shown(m.RawMessage, m.ChannelID)
	}
	return b
}

// SocketMessageUpdated shows a message that was changed.
func (d Documents) SocketMessageUpdated(m *messaging.Message) api.SocketMessageUpdated {
	b := d.SocketBroadcast(m)
	return api.SocketMessageUpdated{
		ID: b.ID, SenderID: b.SenderID, SenderName: b.SenderName, Text: b.Text, ChannelID: b.ChannelID, RoomID: b.RoomID,
		ServerID: b.ServerID, MessageServerID: b.MessageServerID, CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt, Source: b.Source,
		Seq: b.Seq, Thought: b.Thought, Actions: b.Actions, Attachments: b.Attachments, RawMessage: b.RawMessage,
		Metadata: b.Metadata, InReplyToMessageID: b.InReplyToMessageID, MessageID: b.ID, Content: b.Text,
	}
}

// SocketKey names the socket that a message came by in its metadata.
const SocketKey = "socket_id"

// cameBySocket reports whether a message was sent over a socket, according to its metadata.
func cameBySocket(metadata json.RawMessage) bool {
	for name := range jsontext.Members(metadata) {
		if string(name) == SocketKey {
			return true
		}
	}
	return false
}
