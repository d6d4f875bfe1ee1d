package realtime

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
)

// pageSize is how many missed messages are read at a time.
const pageSize = 200

// deliver writes the events of the bus to the sockets of this node until the subscription ends.
func (g *Gateway) deliver(ctx context.Context) {
	for {
		select {
		case m, ok := <-g.sub.C():
			if !ok {
				return
			}
			g.received(ctx, m)
		case r := <-g.rejoins:
			r.done <- g.readmit(ctx, r)
		}
	}
}

func (g *Gateway) received(ctx context.Context, m bus.Message) {
	if m.Lost {
		g.catchUpAll(ctx)
		return
	}
	// Most channels of a busy server have no listener on a node: their events are not even decoded.
	if id, ok := messaging.EventChannel(m.Subject); ok && g.pending.none() && !g.listened(id) {
		g.cursors.drop(id)
		return
	}
	e, err := messaging.DecodeEvent(m.Data)
	if err != nil {
		g.log.Error("event not understood", "subject", m.Subject, "error", err)
		return
	}
	g.event(ctx, e)
}

func (g *Gateway) event(ctx context.Context, e messaging.Event) {
	if !g.listened(e.ChannelID) {
		g.cursors.drop(e.ChannelID)
		if e.Message != nil {
			g.pending.take(e.Message.ID)
		}
		return
	}
	if e.Type == messaging.EventMessage {
		g.message(ctx, *e.Message)
		return
	}
	if e.Seq > 0 {
		g.catchUp(ctx, e.ChannelID, e.Seq)
	}
	g.other(e)
}

// message delivers a message in its turn: after those before it, and once.
func (g *Gateway) message(ctx context.Context, m messaging.Message) {
	last, known := g.cursors.at(m.ChannelID)
	switch {
	case known && m.Seq <= last:
		return
	case known && m.Seq > last+1:
		g.catchUp(ctx, m.ChannelID, m.Seq-1)
		if last, _ = g.cursors.at(m.ChannelID); m.Seq <= last {
			return
		}
	}
	g.broadcast(m)
	g.cursors.advance(m.ChannelID, m.Seq)
}

// catchUp delivers what is missing up to number seq, from the database. Numbers without a message were deleted since.
func (g *Gateway) catchUp(ctx context.Context, channelID uuid.UUID, seq int64) {
	last, known := g.cursors.at(channelID)
	if !known {
		g.cursors.begin(channelID, seq)
		return
	}
	for last < seq {
		missed, err := g.messaging.MessagesSince(ctx, auth.Service(), channelID, last, pageSize)
		if err != nil {
			g.log.ErrorContext(ctx, "missed messages not read", "channel", channelID, "error", err)
			return
		}
		for _, m := range missed {
			g.broadcast(m)
			last = m.Seq
		}
		if len(missed) < pageSize {
			last = max(last, seq)
		}
		g.cursors.advance(channelID, last)
	}
}

// catchUpAll brings every channel up to date after events were lost.
func (g *Gateway) catchUpAll(ctx context.Context) {
	for _, id := range g.cursors.channels() {
		channel, err := g.messaging.Channel(ctx, auth.Service(), id)
		if err != nil {
			continue // gone, or there will be another event
		}
		g.catchUp(ctx, id, channel.LastSeq)
	}
}
