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
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/socketio"
)

const defaultSource = "socketio_client"

// send posts a message. Its sender gets it through the delivery, like all others in the channel, so that the order
// is one; there it also gets its acknowledgement.
func (g *Gateway) send(ctx context.Context, ev *socketio.Event, payload json.RawMessage) {
	p := readPayload(payload)
	clientID, channel := p.clientID(), p.channelName()
	if !g.charge(ev, clientID, channel) {
		g.unlock(ev, channel)
		return
	}
	draft, ok := g.draft(ev.Socket, &p, clientID, channel)
	if !ok {
		g.failSend(ev, api.SocketError{Error: textInvalidMessage, Code: codeInvalidMessage}, clientID, channel)
		return
	}
	draft.RawMessage = payload
	adopt(ev.Socket, draft.AuthorID)
	name := channelRoom(draft.ChannelID)
	wasMember := slices.Contains(ev.Socket.Rooms(), name)
	// A client that was dropped may not have joined again; the answer must reach it all the same.
	var err error
	if !wasMember {
		err = g.mayListen(ctx, identityOf(ev.Socket), draft.ChannelID, true)
	}
	if err == nil {
		err = enter(ev.Socket, name)
	}
	if err == nil {
		err = g.follow(ctx, identityOf(ev.Socket), draft.ChannelID)
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
	posted, err := g.messaging.Post(ctx, identityOf(ev.Socket), draft)
	switch {
	case err != nil:
		g.pending.take(draft.ID)
		return err
	case posted.Duplicate:
		g.pending.take(draft.ID)
		from.confirm(&posted.Message, g.encodeBroadcast(&posted.Message))
	}
	return nil
}

// draft reads a message; it is not ok when something required is missing or malformed.
func (g *Gateway) draft(s *socketio.Socket, p *payload, clientID, channel string) (messaging.Draft, bool) {
	d, ok := p.draft(clientID)
	if !ok {
		return d, false
	}
	d.ID, d.NewID, d.AuthorID = messaging.NewID(), true, entityOf(s)
	if d.SourceType == "" {
		d.SourceType = defaultSource
	}
	var err error
	if d.ChannelID, err = auth.ParseID(channel); err != nil {
		return d, false
	}
	if anyThere(p.sender[:]...) {
		if d.AuthorID, err = auth.ParseID(firstText(p.sender[:]...)); err != nil {
			return d, false
		}
	}
	about := []jsontext.Member{{Name: present.SocketKey, Value: jsonString(s.ID())}}
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
	if id, err := auth.ParseID(firstText(p.target)); err == nil && d.Create.DM && len(d.Create.Others) == 0 {
		d.Create.Others = []uuid.UUID{id}
	}
	return d, true
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
