package realtime

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/socketio"
)

// Names of events that clients send.
const (
	eventTypingStart = "typing_start"
	eventTypingStop  = "typing_stop"
	eventLeave       = "leave_channel"
	eventCancel      = "cancel_answer"
)

const (
	typingLasts = 5 * time.Second        // after which a typist is said to have stopped
	typingPause = 500 * time.Millisecond // between two events of one socket in one channel

	maxSenderName = 1024 // bytes of a name that is passed on
)

// typists is what one socket is typing, by channel.
type typists struct {
	log  *slog.Logger
	mu   sync.Mutex
	last map[string]time.Time
	stop map[string]*time.Timer
}

// typingHub keeps what sockets are typing: of those that ever did, as most never say so.
type typingHub struct {
	mu  sync.Mutex
	all map[*socketio.Socket]*typists
}

// of returns what a socket is typing.
func (h *typingHub) of(s *socketio.Socket, log *slog.Logger) *typists {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.all[s]
	if t == nil {
		t = &typists{log: log, last: map[string]time.Time{}, stop: map[string]*time.Timer{}}
		if h.all == nil {
			h.all = map[*socketio.Socket]*typists{}
		}
		h.all[s] = t
	}
	return t
}

// end forgets a socket that is gone.
func (h *typingHub) end(s *socketio.Socket) {
	h.mu.Lock()
	t := h.all[s]
	delete(h.all, s)
	h.mu.Unlock()
	if t != nil {
		t.end()
	}
}

// listenTyping registers the typing events: they are passed on to the others in the channel, if they can take them now.
func (g *Gateway) listenTyping() {
	g.ns.On(eventTypingStart, func(_ context.Context, ev *socketio.Event) { g.typed(ev, true) })
	g.ns.On(eventTypingStop, func(_ context.Context, ev *socketio.Event) { g.typed(ev, false) })
	g.ns.OnDisconnect(g.typing.end)
}

func (g *Gateway) typed(ev *socketio.Event, started bool) {
	p := readPayload(argument(ev))
	channel := p.channelName()
	if !slices.Contains(ev.Socket.Rooms(), room(channel)) {
		g.ack(ev, api.SocketRefusal{Error: "Not a member of this channel", Code: "ACCESS_DENIED"})
		return
	}
	who := api.SocketTyping{ChannelID: channel, RoomID: channel, EntityID: entityOf(ev.Socket), SenderName: names.Clean(firstText(p.person[:]...))}
	if len(who.SenderName) > maxSenderName {
		who.SenderName = ""
	}
	if g.typing.of(ev.Socket, g.log).note(channel, started, g.now(), func() { g.relayTyping(ev.Socket, eventTypingStop, who) }) {
		g.relayTyping(ev.Socket, ev.Name, who)
	}
	g.ack(ev, api.Done{Success: true})
}

func (g *Gateway) relayTyping(s *socketio.Socket, event string, who api.SocketTyping) {
	g.emit(s.To(room(who.ChannelID)).Local().Volatile(), event, who)
}

// note records an event and reports whether it is passed on. A start is followed by lapse when no stop comes.
func (t *typists) note(channel string, started bool, now time.Time, lapse func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if timer := t.stop[channel]; timer != nil {
		timer.Stop()
		delete(t.stop, channel)
	} else if !started {
		return false // it is known already
	}
	if !started {
		delete(t.last, channel)
		return true
	}
	t.stop[channel] = time.AfterFunc(typingLasts, func() {
		defer lifecycle.Contain(t.log, "the end of typing")
		t.mu.Lock()
		delete(t.stop, channel)
		delete(t.last, channel)
		t.mu.Unlock()
		lapse()
	})
	quick := now.Sub(t.last[channel]) < typingPause
	if !quick {
		t.last[channel] = now
	}
	return !quick
}

func (t *typists) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for channel, timer := range t.stop {
		timer.Stop()
		delete(t.stop, channel)
	}
}

// listenLeave registers the way out of a channel.
func (g *Gateway) listenLeave() {
	g.ns.On(eventLeave, func(_ context.Context, ev *socketio.Event) {
		p := readPayload(argument(ev))
		channel := p.channelName()
		if channel == "" {
			g.fail(ev, api.SocketError{Error: textChannelRequired, Code: codeChannelRequired})
			return
		}
		if id, err := auth.ParseID(channel); err == nil {
			channel = id.String()
		}
		ev.Socket.Leave(room(channel))
		l := api.SocketLeft{Success: true, ChannelID: channel, RoomID: channel}
		emit(g, ev.Socket, eventLeft, l)
		g.ack(ev, l)
	})
}
