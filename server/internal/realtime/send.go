package realtime

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
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
		g.failSend(ev, messageError{Error: textInvalidMessage, Code: codeInvalidMessage}, clientID, channel)
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
		from.confirm(posted.Message)
	}
	return nil
}

// draft reads a message; it is not ok when something required is missing or malformed.
func (g *Gateway) draft(s *socketio.Socket, o object, payload json.RawMessage) (messaging.Draft, bool) {
	d := messaging.Draft{
		ID: uuid.New(), AuthorID: entityOf(s), AuthorName: o.text(personNames[:]...), RawMessage: payload,
		ClientID: o.text(clientNames[:]...), SourceType: o.text("source"),
	}
	if d.SourceType == "" {
		d.SourceType = defaultSource
	}
	var err error
	if d.ChannelID, err = auth.ParseID(o.text(channelNames[:]...)); err != nil {
		return d, false
	}
	if o.has(serverNames[:]...) {
		id, err := auth.ParseID(o.text(serverNames[:]...))
		if err != nil {
			return d, false
		}
		d.ServerID = &id
	}
	if o.has(senderNames[:]...) {
		if d.AuthorID, err = auth.ParseID(o.text(senderNames[:]...)); err != nil {
			return d, false
		}
	}
	if id, err := auth.ParseID(o.text(replyNames[:]...)); err == nil {
		d.InReplyTo = &id
	}
	var ok bool
	if d.Content, ok = content(o); !ok {
		return d, false
	}
	d.Metadata = g.metadata(s, o, d)
	d.Create = messaging.AutoCreateFrom(d.Metadata, "socketio_auto_creation")
	if id, err := auth.ParseID(o.text("targetUserId")); err == nil && d.Create.DM && len(d.Create.Others) == 0 {
		d.Create.Others = []uuid.UUID{id}
	}
	return d, true
}

// content returns the text, which must be one. It may only be empty beside attachments.
func content(o object) (string, bool) {
	for _, name := range textNames {
		raw, ok := o[name]
		if !ok || string(raw) == "null" {
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		if s != "" {
			return s, true
		}
	}
	var attachments []json.RawMessage
	return "", json.Unmarshal(o["attachments"], &attachments) == nil && len(attachments) > 0
}

// metadata returns what is kept beside the message: the client's own, and where it came from.
func (g *Gateway) metadata(s *socketio.Socket, o object, d messaging.Draft) json.RawMessage {
	m := fields(o["metadata"])
	if m == nil {
		m = object{}
	}
	set := func(key string, v any) {
		if raw, err := json.Marshal(v); err == nil {
			m[key] = raw
		}
	}
	set("socket_id", s.ID())
	if d.AuthorName != "" {
		set("user_display_name", d.AuthorName)
	}
	if d.ServerID != nil {
		set("messageServerId", d.ServerID)
	}
	if raw := o["attachments"]; len(raw) > 0 && string(raw) != "null" {
		m["attachments"] = raw
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil // only values that came as JSON are in it
	}
	return raw
}

type control struct {
	Type      string        `json:"type"`
	Action    string        `json:"action"`
	Payload   controlAction `json:"payload"`
	ChannelID string        `json:"channelId"`
	RoomID    string        `json:"roomId"`
}

type controlAction struct {
	Action string `json:"action"`
}

// failSend refuses a message.
func (g *Gateway) failSend(ev *socketio.Event, e messageError, clientID, channel string) {
	e.ClientMessageID, e.ChannelID, e.RoomID = clientID, channel, channel
	g.fail(ev, e)
	g.unlock(ev, channel)
}

// unlock frees the input that clients lock while they send.
func (g *Gateway) unlock(ev *socketio.Event, channel string) {
	const unlock = "enable_input"
	emit(g, ev.Socket, "controlMessage", control{
		Type: "control", Action: unlock, Payload: controlAction{Action: unlock}, ChannelID: channel, RoomID: channel,
	})
}
