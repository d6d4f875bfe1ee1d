package realtime

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/socketio"
)

// Names of events that clients send.
const (
	eventTypingStart = "typing_start"
	eventTypingStop  = "typing_stop"
	eventLeave       = "leave_channel"
)

const (
	typingLasts = 5 * time.Second        // after which a typist is said to have stopped
	typingPause = 500 * time.Millisecond // between two events of one socket in one channel
)

type typing struct {
	ChannelID  string `json:"channelId"`
	RoomID     string `json:"roomId"`
	EntityID   string `json:"entityId"`
	SenderName string `json:"senderName,omitempty"`
}

// typists is what one socket is typing, by channel.
type typists struct {
	mu   sync.Mutex
	last map[string]time.Time
	stop map[string]*time.Timer
}

// listenTyping registers the typing events of a socket: they are passed on to the others in the channel, if they can take
// them now.
func (g *Gateway) listenTyping(s *socketio.Socket) {
	t := &typists{last: map[string]time.Time{}, stop: map[string]*time.Timer{}}
	s.On(eventTypingStart, func(_ context.Context, ev *socketio.Event) { g.typing(ev, t, true) })
	s.On(eventTypingStop, func(_ context.Context, ev *socketio.Event) { g.typing(ev, t, false) })
	s.OnDisconnecting(func(string) { t.end() })
}

func (g *Gateway) typing(ev *socketio.Event, t *typists, started bool) {
	o := fields(argument(ev))
	channel := o.text(channelNames[:]...)
	if !slices.Contains(ev.Socket.Rooms(), room(channel)) {
		g.ack(ev, ackError{Error: "Not a member of this channel", Code: "ACCESS_DENIED"})
		return
	}
	who := typing{ChannelID: channel, RoomID: channel, EntityID: entityOf(ev.Socket).String(), SenderName: o.text(personNames[:]...)}
	if t.note(channel, started, g.now(), func() { g.relayTyping(ev.Socket, eventTypingStop, who) }) {
		g.relayTyping(ev.Socket, ev.Name, who)
	}
	g.ack(ev, confirmed{Success: true})
}

type confirmed struct {
	Success bool `json:"success"`
}

func (g *Gateway) relayTyping(s *socketio.Socket, event string, who typing) {
	g.to(s.To(room(who.ChannelID)).Local().Volatile(), event, who)
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
		t.mu.Lock()
		delete(t.stop, channel)
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

type left struct {
	Success   bool   `json:"success"`
	ChannelID string `json:"channelId"`
	RoomID    string `json:"roomId"`
}

// listenLeave registers the way out of a channel.
func (g *Gateway) listenLeave(s *socketio.Socket) {
	s.On(eventLeave, func(_ context.Context, ev *socketio.Event) {
		channel := fields(argument(ev)).text(channelNames[:]...)
		if channel == "" {
			g.fail(ev, messageError{Error: textChannelRequired, Code: codeChannelRequired})
			return
		}
		if id, err := auth.ParseID(channel); err == nil {
			channel = id.String()
		}
		s.Leave(room(channel))
		l := left{Success: true, ChannelID: channel, RoomID: channel}
		emit(g, s, "channel_left", l)
		g.ack(ev, l)
	})
}
