package realtime

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/socketio"
)

// A join replays at most so many missed messages, of so many bytes together. It must be well below what the queue of a
// socket holds, or a client that missed much would be cut off as too slow, and never catch up. The rest is had by joining again,
// or by REST.
const (
	maxMissed      = 100
	maxMissedBytes = 1 << 20
)

// rejoining is a join by a client that knows the number of the last message it saw.
type rejoining struct {
	event        *socketio.Event
	confirmation api.SocketJoined
	channelID    uuid.UUID
	seen         int64
	done         chan error // capacity 1
}

// rejoin makes a socket a member of a channel and sends it what it missed since message number seen, even when that was
// before a restart of the server. The delivery does it, between two events: so the client gets every message once and in
// order, the missed ones from the database and the others live.
func (g *Gateway) rejoin(ctx context.Context, ev *socketio.Event, confirmation api.SocketJoined, channelID uuid.UUID, seen int64) error {
	r := rejoining{event: ev, confirmation: confirmation, channelID: channelID, seen: seen, done: make(chan error, 1)}
	select {
	case g.rejoins <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readmit is rejoin inside the delivery.
func (g *Gateway) readmit(ctx context.Context, r rejoining) error {
	socket, who := r.event.Socket, identityOf(r.event.Socket)
	channel, err := g.messaging.Channel(ctx, who, r.channelID)
	if err != nil && !apierr.IsCode(err, apierr.NotFound) {
		return err
	}
	g.catchUp(ctx, r.channelID, channel.LastSeq) // the others get it now, so that what follows is news to all
	last, _ := g.cursors.at(r.channelID)
	missed, err := g.messaging.MessagesSince(ctx, who, r.channelID, r.seen, maxMissed)
	if err != nil {
		return err
	}
	for len(missed) > 0 && missed[len(missed)-1].Seq > last {
		missed = missed[:len(missed)-1] // posted meanwhile; it will come as an event
	}
	all := len(missed) < maxMissed
	if n := portion(missed); n < len(missed) {
		missed, all = missed[:n], false
	}
	if err := enter(socket, channelRoom(r.channelID)); err != nil {
		return err
	}
	r.confirmation.Seq = last
	r.confirmation.Missed, r.confirmation.Complete = new(len(missed)), &all
	g.confirmJoin(r.event, r.confirmation)
	for i := range missed {
		emit(g, socket, eventBroadcast, socketio.JSON(g.encodeBroadcast(&missed[i])))
	}
	return nil
}

// portion returns how many of the messages are within maxMissedBytes, the first in any case.
func portion(missed []messaging.Message) int {
	size := 0
	for i, m := range missed {
		size += len(m.Content) + len(m.RawMessage) + len(m.Metadata)
		if size > maxMissedBytes && i > 0 {
			return i
		}
	}
	return len(missed)
}
