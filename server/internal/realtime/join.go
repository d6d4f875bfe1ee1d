package realtime

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/socketio"
)

const maxChannelName = 128

// join makes a socket a member of a channel. The channel need not exist yet: the first message may make it.
func (g *Gateway) join(ctx context.Context, ev *socketio.Event, p payload) {
	channel := p.channelName()
	if !g.charge(ev, "", channel) {
		return
	}
	if channel == "" || len(channel) > maxChannelName {
		g.fail(ev, api.SocketError{Error: textChannelRequired, Code: codeChannelRequired})
		return
	}
	if id, err := auth.ParseID(p.entity()); err == nil {
		adopt(ev.Socket, id)
	}
	confirmation := api.SocketJoined{
		Success: true, Message: "Socket " + ev.Socket.ID() + " successfully joined channel " + channel + ".",
		ChannelID: channel, RoomID: channel, AgentID: firstText(p.agent),
	}
	id, err := auth.ParseID(channel)
	if err != nil { // a room of that name, of which nothing is stored
		if !identityOf(ev.Socket).SeesEveryone() { // it would be a way to others that nobody can close
			g.refuseJoin(ctx, ev, channel, apierr.New(apierr.NotFound, "Channel not found"))
			return
		}
		if err := enter(ev.Socket, room(channel)); err != nil {
			g.refuseJoin(ctx, ev, channel, err)
			return
		}
		g.confirmJoin(ev, confirmation)
		return
	}
	if err := g.mayListen(ctx, identityOf(ev.Socket), id, false); err != nil {
		ev.Socket.Leave(room(channel))
		g.refuseJoin(ctx, ev, channel, err)
		return
	}
	if seen, e := strconv.ParseInt(firstText(p.lastSeq), 10, 64); e == nil && seen >= 0 {
		err = g.rejoin(ctx, ev, confirmation, id, seen)
	} else {
		if err = enter(ev.Socket, room(channel)); err == nil {
			err = g.follow(ctx, identityOf(ev.Socket), id)
		}
		if err == nil {
			confirmation.Seq, _ = g.cursors.at(id)
			g.confirmJoin(ev, confirmation)
		}
	}
	if err != nil {
		ev.Socket.Leave(room(channel))
		g.refuseJoin(ctx, ev, channel, err)
	}
}

// refuseJoin answers a client why it did not become a member of a channel.
func (g *Gateway) refuseJoin(ctx context.Context, ev *socketio.Event, channel string, err error) {
	e := g.refusal(ctx, err)
	e.ChannelID, e.RoomID = channel, channel
	g.fail(ev, e)
}

// enter makes a socket a member of a room, unless it is in too many.
func enter(s *socketio.Socket, name string) error {
	if err := s.Join(name); err != nil {
		return apierr.Wrap(err, apierr.BadRequest, "This connection has joined %d channels, which is as many as it may.", s.MaxRooms())
	}
	return nil
}

func (g *Gateway) confirmJoin(ev *socketio.Event, confirmation api.SocketJoined) {
	emit(g, ev.Socket, "channel_joined", confirmation)
	emit(g, ev.Socket, "room_joined", confirmation)
	g.ack(ev, confirmation)
}

// follow makes sure that the delivery of a channel starts where its present history ends.
func (g *Gateway) follow(ctx context.Context, who auth.Identity, channelID uuid.UUID) error {
	if g.cursors.known(channelID) {
		return nil
	}
	channel, err := g.messaging.Channel(ctx, who, channelID)
	if err != nil && !apierr.IsCode(err, apierr.NotFound) {
		return err
	}
	g.cursors.begin(channelID, channel.LastSeq)
	g.sweepCursors()
	return nil
}

// sweepCursors drops the channels that have lost their listeners without an event that said so. It does
// something each time that their number has doubled.
func (g *Gateway) sweepCursors() {
	channels := g.cursors.dueForSweep()
	if channels == nil {
		return
	}
	for _, id := range channels {
		if !g.hasListeners(id) {
			g.cursors.drop(id)
		}
	}
	g.cursors.swept()
}

// resume follows the channels of a socket that came back with its rooms.
func (g *Gateway) resume(s *socketio.Socket) {
	if !s.Recovered() {
		return
	}
	for _, name := range s.Rooms() {
		id, ok := channelIn(name)
		if !ok {
			continue
		}
		if err := g.follow(s.Context(), identityOf(s), id); err != nil {
			g.log.Warn("channel of a recovered socket not followed", "channel", id, "error", err)
		}
	}
}
