package realtime

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/socketio"
)

const defaultSource = "socketio_client"

// send posts a message. Its sender hears of it through the delivery, like everybody else in the channel, so that the order
// is one; there it also gets its acknowledgement.
func (g *Gateway) send(ctx context.Context, ev *socketio.Event, payload json.RawMessage) {
	o := fields(payload)
	clientID, channel := o.text(clientNames[:]...), o.text(channelNames[:]...)
	if !g.charge(ev, clientID, channel) {
		g.unlock(ev, channel)
		return
	}
	draft, ok := g.draft(ev.Socket, o, payload)
	if !ok {
		g.failSend(ev, api.SocketError{Error: textInvalidMessage, Code: codeInvalidMessage}, clientID, channel)
		return
	}
	adopt(ev.Socket, draft.AuthorID)
	name := channelRoom(draft.ChannelID)
	wasMember := slices.Contains(ev.Socket.Rooms(), name)
	// A client that was dropped may not have joined again; the answer must reach it all the same.
	err := enter(ev.Socket, name)
	if err == nil {
		err = g.follow(ctx, entityOf(ev.Socket), draft.ChannelID)
	}
	if err == nil {
		err = g.post(ctx, ev, draft, clientID)
	}
	if err != nil {
		if !wasMember {
			ev.Socket.Leave(name)
		}
		g.failSend(ev, g.refusal(ctx, err), clientID, channel)
	}
}

func (g *Gateway) post(ctx context.Context, ev *socketio.Event, draft messaging.Draft, clientID string) error {
	from := socketOrigin{gateway: g, event: ev, clientID: clientID}
	g.pending.add(draft.ID, from)
	posted, err := g.messaging.Post(ctx, auth.Entity(entityOf(ev.Socket)), draft)
	switch {
	case err != nil:
		g.pending.take(draft.ID)
		return err
	case posted.Duplicate:
		g.pending.take(draft.ID)
		from.confirm(&posted.Message, encodeBroadcast(&posted.Message))
	}
	return nil
}

// draft reads a message; it is not ok when something required is missing or malformed.
func (g *Gateway) draft(s *socketio.Socket, o object, payload json.RawMessage) (messaging.Draft, bool) {
	d, ok := said(o)
	if !ok {
		return d, false
	}
	d.ID, d.NewID, d.AuthorID, d.RawMessage = messaging.NewID(), true, entityOf(s), payload
	if d.SourceType == "" {
		d.SourceType = defaultSource
	}
	var err error
	if d.ChannelID, err = auth.ParseID(o.text(channelNames[:]...)); err != nil {
		return d, false
	}
	if o.has(senderNames[:]...) {
		if d.AuthorID, err = auth.ParseID(o.text(senderNames[:]...)); err != nil {
			return d, false
		}
	}
	about := []jsontext.Member{{Name: socketKey, Value: jsonString(s.ID())}}
	if d.AuthorName != "" {
		about = append(about, jsontext.Member{Name: "user_display_name", Value: jsonString(d.AuthorName)})
	}
	if d.ServerID != nil {
		about = append(about, jsontext.Member{Name: "messageServerId", Value: jsonString(d.ServerID.String())})
	}
	if d.Metadata == nil {
		d.Metadata = json.RawMessage("{}")
	}
	d.Metadata = jsontext.With(d.Metadata, about)
	d.Create = messaging.AutoCreateFrom(d.Metadata, "socketio_auto_creation")
	if id, err := auth.ParseID(o.text("targetUserId")); err == nil && d.Create.DM && len(d.Create.Others) == 0 {
		d.Create.Others = []uuid.UUID{id}
	}
	return d, true
}

// said reads what a client says, in whichever dialect: its text and all that comes with it. It is not ok without a text or
// attachments, and with a message server that is none.
func said(o object) (messaging.Draft, bool) {
	d := messaging.Draft{
		AuthorName: names.Clean(o.text(personNames[:]...)), ClientID: o.text(clientNames[:]...), SourceType: o.text("source"), Metadata: o.get("metadata"),
		Extras: messaging.Extras{
			Attachments: o.get("attachments"), Thought: o.get("thought"), Actions: o.get("actions"), MentionContext: o.get("mentionContext"),
		},
	}
	if !isObject(d.Metadata) {
		d.Metadata = nil
	}
	if id, err := auth.ParseID(o.text(replyNames[:]...)); err == nil {
		d.InReplyTo = &id
	}
	if o.has(serverNames[:]...) {
		id, err := auth.ParseID(o.text(serverNames[:]...))
		if err != nil {
			return d, false
		}
		d.ServerID = &id
	}
	var ok bool
	d.Content, ok = content(o)
	return d, ok || o.has("attachments") || fields(d.Metadata).has("attachments")
}

// content returns the text, which must be one; not ok for anything else, and for an empty one.
func content(o object) (string, bool) {
	for _, name := range textNames {
		raw := o.get(name)
		if raw == nil || string(raw) == "null" {
			continue
		}
		s, ok := textIn(raw)
		if !ok {
			return "", false
		}
		if s != "" {
			return s, true
		}
	}
	return "", false
}

// socketKey names the socket that a message came by in its metadata.
const socketKey = "socket_id"

// cameBySocket reports whether a message was sent over a socket, as its metadata tells.
func cameBySocket(metadata json.RawMessage) bool {
	for name := range jsontext.Members(metadata) {
		if string(name) == socketKey {
			return true
		}
	}
	return false
}

func jsonString(text string) json.RawMessage { return jsontext.AppendString(nil, text) }

// failSend refuses a message.
func (g *Gateway) failSend(ev *socketio.Event, e api.SocketError, clientID, channel string) {
	e.ClientMessageID, e.ChannelID, e.RoomID = clientID, channel, channel
	g.fail(ev, e)
	g.unlock(ev, channel)
}

// unlock frees the input that clients lock while they send.
func (g *Gateway) unlock(ev *socketio.Event, channel string) {
	const unlock = api.SocketControlActionEnableInput
	emit(g, ev.Socket, "controlMessage", api.SocketControl{
		Type: api.SocketControlTypeControl, Action: unlock, Payload: api.SocketControlPayload{Action: unlock},
		ChannelID: channel, RoomID: channel,
	})
}
