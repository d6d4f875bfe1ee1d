package realtime

import (
	"context"
	"runtime"

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
		if m, ok := g.next(); ok {
			g.io.Corked(func(full func() bool) { g.receivedAll(ctx, m, full) })
			continue
		}
		select {
		case m, ok := <-g.sub.C():
			if !ok {
				return
			}
			g.io.Corked(func(full func() bool) { g.receivedAll(ctx, m, full) })
		case r := <-g.rejoins:
			r.done <- g.readmit(ctx, r)
		}
	}
}

// maxTogether bounds the events whose frames are written together.
const maxTogether = 256

// receivedAll delivers an event and those that wait behind it: what they have for the same socket is one write.
func (g *Gateway) receivedAll(ctx context.Context, m bus.Message, full func() bool) {
	for together := 1; ; together++ {
		g.received(ctx, m)
		if together == maxTogether || full() {
			return
		}
		var ok bool
		if m, ok = g.next(); !ok {
			return
		}
	}
}

// next returns the event to be delivered next, if there is one already.
func (g *Gateway) next() (m bus.Message, ok bool) {
	if len(g.ahead) == 0 {
		g.ahead = nil
		return g.poll()
	}
	m, g.ahead = g.ahead[0], g.ahead[1:]
	return m, true
}

// poll takes an event from the bus, if one waits.
func (g *Gateway) poll() (m bus.Message, ok bool) {
	select {
	case m, ok = <-g.sub.C():
		return m, ok
	default:
		return m, false
	}
}

// early returns the message of that number if its event has come, though behind those of later ones: callers that post at the
// same time publish in any order.
func (g *Gateway) early(channelID uuid.UUID, seq int64) *messaging.Message {
	runtime.Gosched() // the goroutine that stored it is about to publish it
	for len(g.ahead) < maxTogether {
		m, ok := g.poll()
		if !ok {
			break
		}
		g.ahead = append(g.ahead, m)
	}
	for _, m := range g.ahead {
		if id, ok := messaging.EventChannel(m.Subject); !ok || id != channelID {
			continue
		}
		if e, err := messaging.DecodeEvent(m); err == nil && e.Type == messaging.EventMessage && e.Seq == seq {
			return e.Message
		}
	}
	return nil
}

func (g *Gateway) received(ctx context.Context, m bus.Message) {
	if m.Lost {
		g.io.Uncorked(func() { g.catchUpAll(ctx) })
		return
	}
	// Most channels of a busy server have no listener on a node: their events are not even decoded.
	if id, ok := messaging.EventChannel(m.Subject); ok && g.pending.none() && !g.hasListeners(id) {
		g.cursors.drop(id)
		return
	}
	e, err := messaging.DecodeEvent(m)
	if err != nil {
		g.log.Error("event not understood", "subject", m.Subject, "error", err)
		return
	}
	g.event(ctx, e)
}

func (g *Gateway) event(ctx context.Context, e messaging.Event) {
	if !g.hasListeners(e.ChannelID) {
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
	if last, known := g.cursors.at(e.ChannelID); e.Seq > 0 && (!known || last < e.Seq) {
		g.fill(ctx, e.ChannelID, e.Seq)
	}
	g.deliverEvent(e)
}

// message delivers a message in its turn: after those before it, and once.
func (g *Gateway) message(ctx context.Context, m messaging.Message) {
	last, known := g.cursors.at(m.ChannelID)
	switch {
	case known && m.Seq <= last:
		return
	case known && m.Seq > last+1:
		g.fill(ctx, m.ChannelID, m.Seq-1)
		if last, _ = g.cursors.at(m.ChannelID); m.Seq <= last {
			return
		}
	}
	g.broadcast(m)
	g.cursors.advance(m.ChannelID, m.Seq)
}

// fill delivers what is missing up to number seq: from events that have come as well, or else from the database.
func (g *Gateway) fill(ctx context.Context, channelID uuid.UUID, seq int64) {
	for last, known := g.cursors.at(channelID); known && last < seq; last++ {
		m := g.early(channelID, last+1)
		if m == nil {
			break
		}
		g.broadcast(*m)
		g.cursors.advance(channelID, m.Seq)
	}
	if last, known := g.cursors.at(channelID); !known || last < seq {
		g.io.Uncorked(func() { g.catchUp(ctx, channelID, seq) })
	}
}

// catchUp delivers what is missing up to number seq, from the database. Numbers without a message were deleted since.
func (g *Gateway) catchUp(ctx context.Context, channelID uuid.UUID, seq int64) {
	last, known := g.cursors.at(channelID)
	if !known {
		g.cursors.begin(channelID, seq)
		return
	}
	for last < seq {
		missed, err := g.messaging.MessagesSince(ctx, auth.System(), channelID, last, pageSize)
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
		channel, err := g.messaging.Channel(ctx, auth.System(), id)
		if err != nil {
			continue // gone, or there will be another event
		}
		g.dismiss(&channel)
		g.catchUp(ctx, id, channel.LastSeq)
	}
}
