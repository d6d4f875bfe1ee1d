package realtime

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/socketio"
)

// dataSpeaker is a *speaker in the data kept with a socket.
const dataSpeaker = "speaker"

// speaker is the entity that a socket speaks for. It is replaced, never changed.
type speaker struct {
	entity    uuid.UUID
	anonymous bool // the entity was made up by us
	named     bool // the client named the entity when it connected
}

func speakerOf(s *socketio.Socket) speaker {
	who, ok := socketio.Value[*speaker](s, dataSpeaker)
	if !ok {
		return speaker{}
	}
	return *who
}

// Refusals, as clients know them. A client library doesn't retry after one.
const (
	refusedKey    = "Invalid or missing API Key"
	refusedEntity = "Valid entityId required"
	refusedAuth   = "Authentication failed"
)

func refuse(message, code string) error {
	return &socketio.ConnectError{Message: message, Data: map[string]string{"code": code}}
}

// refuseKey says why a key was not accepted. A client whose keys are not looked at has no use for its connection.
func refuseKey(err error) error {
	blocked, ok := errors.AsType[*auth.BlockedError](err)
	if !ok {
		return refuse(refusedKey, "UNAUTHORIZED")
	}
	e := blocked.Public()
	return &socketio.ConnectError{Message: e.Message, Final: true, Data: struct {
		Code       string `json:"code"`
		RetryAfter int    `json:"retryAfter"` // seconds
	}{string(e.Code), blocked.RetryAfter()}}
}

// authenticate identifies a socket: by the key first, then by the entity that the client names. Clients that name none get
// a new identity, unless the operator wants them refused.
func (g *Gateway) authenticate(_ context.Context, s *socketio.Socket) error {
	var claim struct {
		APIKey   any `json:"apiKey"`
		EntityID any `json:"entityId"`
	}
	h := s.Handshake()
	if err := h.DecodeAuth(&claim); err != nil {
		return refuse(refusedAuth, "UNAUTHORIZED")
	}
	key, _ := claim.APIKey.(string)
	if strings.TrimSpace(key) == "" {
		key = auth.KeyIn(h.Header)
	}
	if err := g.guard.Check(h.Address, key); err != nil {
		return refuseKey(err)
	}
	if claim.EntityID == nil {
		if g.requireEntity {
			return refuse(refusedEntity, "ENTITY_ID_REQUIRED")
		}
		who := speakerOf(s) // that of a session which is taken up again
		if who.entity == uuid.Nil {
			who.entity, who.anonymous = uuid.New(), true
		}
		who.named = false
		s.Set(dataSpeaker, &who)
		return nil
	}
	text, _ := claim.EntityID.(string)
	id, err := auth.ParseID(text)
	if err != nil {
		return refuse(refusedEntity, "ENTITY_ID_REQUIRED")
	}
	s.Set(dataSpeaker, &speaker{entity: id, named: true})
	return nil
}

// connected sends a new socket its first events.
func (g *Gateway) connected(s *socketio.Socket) {
	g.resume(s)
	emit(g, s, "authenticated", api.SocketAuthenticated{EntityID: entityOf(s), Timestamp: g.now().UnixMilli()})
	emit(g, s, "connection_established", api.SocketConnected{Message: "Connected to Eliza Socket.IO server", SocketID: s.ID()})
	if s.Recovered() {
		g.rewatchLogs(s)
	}
}

// entityOf returns the entity that a socket speaks for.
func entityOf(s *socketio.Socket) uuid.UUID { return speakerOf(s).entity }

// adopt lets a socket that came without an identity take the first one that it presents.
func adopt(s *socketio.Socket, id uuid.UUID) {
	if who := speakerOf(s); who.anonymous {
		s.Set(dataSpeaker, &speaker{entity: id, named: who.named})
	}
}

// emit sends an event to one socket. That the client is gone is no news; anything else is a bug worth a line.
func emit(g *Gateway, s *socketio.Socket, event string, payload any) {
	if err := s.Emit(event, payload); err != nil && s.Connected() {
		g.log.Warn("event not sent", "event", event, "error", err)
	}
}

// Identity names the entity that a socket speaks for, so that a lost session is given back to no other.
func Identity(s *socketio.Socket) string {
	who := speakerOf(s)
	if !who.named {
		return "" // every holder of the session's secret, whatever name it has taken since
	}
	return who.entity.String()
}
