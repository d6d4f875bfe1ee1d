package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/jsontext"
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

// listen registers the handlers of all sockets.
func (g *Gateway) listen() {
	g.listenLogs()
	g.listenTyping()
	g.listenLeave()
	g.listenCancel()
	known := spellings()
	for name, what := range known {
		g.ns.On(name, func(ctx context.Context, ev *socketio.Event) { g.handle(ctx, ev, what, argument(ev)) })
	}
	g.ns.On(eventWrapper, func(ctx context.Context, ev *socketio.Event) {
		wrapper := fields(argument(ev))
		what, ok := known[wrapper.text("type")]
		if !ok {
			g.fail(ev, api.SocketError{Error: textUnknownType, Code: codeInvalidMessage})
			return
		}
		g.handle(ctx, ev, what, wrapper.get("payload"))
	})
	g.ns.OnAny(func(ctx context.Context, ev *socketio.Event) {
		if !g.inbound[ev.Name] { // it has no handler; client libraries of other products send many kinds
			g.log.DebugContext(ctx, "socket event of unknown name", "event", ev.Name)
		}
	})
}

// eventWrapper is the event in which clients wrap another one, with its type.
const eventWrapper = "message"

// inboundEvents returns the names of the inbound events.
func inboundEvents() map[string]bool {
	inbound := map[string]bool{eventWrapper: true, eventLeave: true, eventCancel: true}
	for name := range spellings() {
		inbound[name] = true
	}
	for _, name := range []string{eventTypingStart, eventTypingStop, eventSubscribeLogs, eventUnsubscribeLogs} {
		inbound[name] = true
	}
	for name := range filterEvents() {
		inbound[name] = true
	}
	return inbound
}

func (g *Gateway) handle(ctx context.Context, ev *socketio.Event, what intent, payload json.RawMessage) {
	switch what {
	case join:
		g.join(ctx, ev, readPayload(payload))
	case send:
		g.send(ctx, ev, g.files.Taken(payload, identityOf(ev.Socket).SeesAgents()))
	case unknown:
	}
}

func argument(ev *socketio.Event) json.RawMessage {
	if len(ev.Args) == 0 {
		return nil
	}
	return ev.Args[0]
}

// object is a payload of which nothing is certain: its members in the order of the text. They are few, so a list is quicker made
// than a map, and as quickly read. nil is no object.
type object []member

type member struct {
	name  []byte
	value json.RawMessage
}

// fields reads a payload, which is known to be JSON; anything but an object has no fields.
func fields(raw json.RawMessage) object {
	if !isObject(raw) {
		return nil
	}
	o := make(object, 0, 8)
	for name, value := range jsontext.Members(raw) {
		o = append(o, member{name, value})
	}
	return o
}

// get returns the value of a field, nil if there is none; of fields of the same name, the last one.
func (o object) get(name string) json.RawMessage {
	for i := len(o) - 1; i >= 0; i-- {
		if string(o[i].name) == name {
			return o[i].value
		}
	}
	return nil
}

// isObject reports whether JSON is an object.
func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// text returns the text of a field; a number counts as its text.
func (o object) text(name string) string { return textOf(o.get(name)) }

// textOf returns the text or number that JSON holds, "" for anything else.
func textOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	if s, ok := textIn(raw); ok {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return ""
	}
	return n.String()
}

// textIn returns the text that JSON holds.
func textIn(raw json.RawMessage) (s string, ok bool) {
	if end := len(raw) - 1; end > 0 && raw[0] == '"' && raw[end] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1:end]), true // as most do
	}
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// has reports whether a field is there and isn't null.
func (o object) has(name string) bool { return isThere(o.get(name)) }

// Codes and texts of refusals that clients match on.
const (
	codeChannelRequired = "CHANNEL_ID_REQUIRED"
	codeInvalidMessage  = "INVALID_MESSAGE"
	textChannelRequired = "channelId is required for joining."
	textUnknownType     = "message needs a type and a payload; the types are ROOM_JOINING (1) and SEND_MESSAGE (2). Both are required."
	textInvalidMessage  = "For SEND_MESSAGE: channelId, messageServerId (message_server_id), senderId (author_id), and message are required."
)

// fail reports to a socket that its event was refused; the connection stays.
func (g *Gateway) fail(ev *socketio.Event, e api.SocketError) {
	emit(g, ev.Socket, "messageError", e)
	g.ack(ev, api.SocketRefusal{Error: e.Error, Code: e.Code})
}

// ack answers an event that asked for it.
func (g *Gateway) ack(ev *socketio.Event, payload any) {
	if err := ev.Ack(payload); err != nil {
		g.log.Warn("event not acknowledged", "event", ev.Name, "error", err)
	}
}

// refusal translates an error of the domain for a client. What the server did wrong stays in the log.
func (g *Gateway) refusal(ctx context.Context, err error) api.SocketError {
	e := apierr.From(err)
	if e.Code == apierr.Internal {
		g.log.ErrorContext(ctx, "message not stored", "error", err)
		return api.SocketError{Error: fmt.Sprintf("Error processing your message: %s", e.Message), Code: string(e.Code)}
	}
	return api.SocketError{Error: e.Message, Code: string(e.Code), Details: e.Details}
}
