package realtime

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/socketio"
)

// Where data is isolated, connections listen only to channels in which their entities take part. It is asked when a connection begins
// to listen, and when it comes back with what it listened to; one whose entity leaves a channel is taken out of it.

// mayListen returns NOT_FOUND for a caller who takes no part in a channel, as for one that isn't there. With making, the caller is
// about to make a channel that isn't there by its first message, and may listen to it.
func (g *Gateway) mayListen(ctx context.Context, who auth.Identity, channelID uuid.UUID, making bool) error {
	if who.SeesEveryone() {
		return nil
	}
	_, err := g.messaging.Channel(ctx, who, channelID)
	if !making || !apierr.IsCode(err, apierr.NotFound) {
		return err
	}
	if _, hidden := g.messaging.Channel(ctx, auth.System(), channelID); !apierr.IsCode(hidden, apierr.NotFound) {
		return err
	}
	return nil
}

// keepRooms takes a socket that comes back with its rooms out of those that it may not listen to any longer.
func (g *Gateway) keepRooms(ctx context.Context, s *socketio.Socket) error {
	who := identityOf(s)
	if who.SeesEveryone() {
		return nil
	}
	for _, name := range s.Rooms() {
		id, ok := channelIn(name)
		if !ok {
			continue
		}
		if err := g.mayListen(ctx, who, id, false); apierr.IsCode(err, apierr.NotFound) {
			s.Leave(name)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// dismiss takes those out of a channel who do not take part in it any longer, and says so.
func (g *Gateway) dismiss(c *messaging.Channel) {
	if !g.guard.Isolates() {
		return
	}
	stays := func(who auth.Identity) bool {
		return who.SeesEveryone() || slices.Contains(c.Participants, who.Entity())
	}
	left := api.SocketLeft{Success: true, ChannelID: c.ID.String(), RoomID: c.ID.String()}
	for _, s := range g.ns.To(channelRoom(c.ID)).Local().Sockets() {
		if !stays(identityOf(s)) {
			s.Leave(channelRoom(c.ID))
			emit(g, s, eventLeft, left)
		}
	}
	for _, p := range g.plain.members(c.ID) {
		if !stays(p.came) {
			g.plain.quit(p, c.ID)
		}
	}
}
