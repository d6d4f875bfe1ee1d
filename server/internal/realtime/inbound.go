package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/socketio"
)

// intent is what a client wants with an event, however it spells it.
type intent int

const (
	unknown intent = iota
	join
	send
)

// The spellings of the intents, as event names and as the "type" of a "message" event. A number on the wire is its text.
func spellings() map[string]intent {
	return map[string]intent{
		"1": join, "room_joining": join, "ROOM_JOINING": join, "join_channel": join,
		"2": send, "send_message": send, "SEND_MESSAGE": send,
	}
}

// listen registers the handlers of a socket.
func (g *Gateway) listen(s *socketio.Socket) {
	g.listenLogs(s)
	g.listenTyping(s)
	g.listenLeave(s)
	known := spellings()
	for name, what := range known {
		s.On(name, func(ctx context.Context, ev *socketio.Event) { g.handle(ctx, ev, what, argument(ev)) })
	}
	s.On(eventWrapper, func(ctx context.Context, ev *socketio.Event) {
		wrapper := fields(argument(ev))
		what, ok := known[wrapper.text("type")]
		if !ok {
			g.fail(ev, messageError{Error: textUnknownType, Code: codeInvalidMessage})
			return
		}
		g.handle(ctx, ev, what, wrapper["payload"])
	})
	s.OnAny(func(ctx context.Context, ev *socketio.Event) {
		if !g.heard[ev.Name] { // there is nobody to answer it; client libraries of other products send many kinds
			g.log.DebugContext(ctx, "socket event of unknown name", "event", ev.Name)
		}
	})
}

// eventWrapper is the event in which clients wrap another one, with its type.
const eventWrapper = "message"

// heardEvents returns the names of the inbound events.
func heardEvents() map[string]bool {
	heard := map[string]bool{eventWrapper: true, eventLeave: true}
	for name := range spellings() {
		heard[name] = true
	}
	for _, name := range []string{eventTypingStart, eventTypingStop, eventSubscribeLogs, eventUnsubscribeLogs} {
		heard[name] = true
	}
	for name := range filterEvents() {
		heard[name] = true
	}
	return heard
}

func (g *Gateway) handle(ctx context.Context, ev *socketio.Event, what intent, payload json.RawMessage) {
	switch what {
	case join:
		g.join(ctx, ev, fields(payload))
	case send:
		g.send(ctx, ev, payload)
	case unknown:
	}
}

func argument(ev *socketio.Event) json.RawMessage {
	if len(ev.Args) == 0 {
		return nil
	}
	return ev.Args[0]
}

// object is a payload of which nothing is certain.
type object map[string]json.RawMessage

// fields reads a payload; anything but an object has no fields.
func fields(raw json.RawMessage) object {
	var o object
	_ = json.Unmarshal(raw, &o)
	return o
}

// text returns the first of the named fields that holds a non-empty text; a number counts as its text.
func (o object) text(names ...string) string {
	for _, name := range names {
		raw := o[name]
		if len(raw) == 0 {
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) == nil {
			if s != "" {
				return s
			}
			continue
		}
		var n json.Number
		if json.Unmarshal(raw, &n) == nil {
			return n.String()
		}
	}
	return ""
}

// number returns the first of the named fields that holds a whole number of at least 0.
func (o object) number(names ...string) (int64, bool) {
	for _, name := range names {
		if n, err := strconv.ParseInt(o.text(name), 10, 64); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

// has reports whether any of the named fields is there and isn't null.
func (o object) has(names ...string) bool {
	for _, name := range names {
		if raw, ok := o[name]; ok && string(raw) != "null" {
			return true
		}
	}
	return false
}

// The aliases of the payload's fields; the first present wins.
var (
	channelNames = [...]string{"channelId", "roomId"}
	serverNames  = [...]string{"messageServerId", "serverId", "message_server_id", "server_id"}
	senderNames  = [...]string{"senderId", "entityId", "authorId", "author_id"}
	textNames    = [...]string{"message", "text", "content"}
	personNames  = [...]string{"senderName", "entityName", "displayName", "username"}
	clientNames  = [...]string{"messageId", "clientMessageId"}
	replyNames   = [...]string{"inReplyTo", "inReplyToMessageId", "in_reply_to_message_id"}
)

// Codes and texts of refusals that clients match on.
const (
	codeChannelRequired = "CHANNEL_ID_REQUIRED"
	codeInvalidMessage  = "INVALID_MESSAGE"
	textChannelRequired = "channelId is required for joining."
	textUnknownType     = "message needs a type and a payload; the types are ROOM_JOINING (1) and SEND_MESSAGE (2). Both are required."
	textInvalidMessage  = "For SEND_MESSAGE: channelId, messageServerId (message_server_id), senderId (author_id), and message are required."
)

type messageError struct {
	Error           string `json:"error"`
	Code            string `json:"code"`
	Details         string `json:"details,omitempty"`
	ClientMessageID string `json:"clientMessageId,omitempty"`
	ChannelID       string `json:"channelId,omitempty"`
	RoomID          string `json:"roomId,omitempty"`
}

type ackError struct {
	Success bool   `json:"success"`
	Error   string `json:"error"`
	Code    string `json:"code"`
}

// fail tells a socket that its event was refused; the connection stays.
func (g *Gateway) fail(ev *socketio.Event, e messageError) {
	emit(g, ev.Socket, "messageError", e)
	g.ack(ev, ackError{Error: e.Error, Code: e.Code})
}

// ack answers an event that asked for it.
func (g *Gateway) ack(ev *socketio.Event, payload any) {
	if err := ev.Ack(payload); err != nil {
		g.log.Warn("event not acknowledged", "event", ev.Name, "error", err)
	}
}

// refusal translates an error of the domain for a client. What the server did wrong stays in the log.
func (g *Gateway) refusal(ctx context.Context, err error) messageError {
	e := apierr.From(err)
	if e.Code == apierr.Internal {
		g.log.ErrorContext(ctx, "message not stored", "error", err)
		return messageError{Error: fmt.Sprintf("Error processing your message: %s", e.Message), Code: string(e.Code)}
	}
	return messageError{Error: e.Message, Code: string(e.Code), Details: e.Details}
}
