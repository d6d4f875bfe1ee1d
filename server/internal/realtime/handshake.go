package realtime

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/socketio"
)

// Keys of the data kept with a socket.
const (
	dataEntity    = "entity"    // uuid.UUID: who the socket speaks for
	dataAnonymous = "anonymous" // bool: the entity was made up by us
	dataNamed     = "named"     // bool: the client named the entity when it connected
)

// Refusals, as clients know them. A client library doesn't retry after one.
const (
	refusedKey    = "Invalid or missing API Key"
	refusedEntity = "Valid entityId required"
	refusedAuth   = "Authentication failed"
)

func refuse(message, code string) error {
	return &socketio.ConnectError{Message: message, Data: map[string]string{"code": code}}
}

// authenticate decides who a socket is: the key first, then the entity that the client names. Clients that name none get
// an identity of their own, unless the operator wants them refused.
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
	if key == "" {
		key = h.Header.Get(auth.HeaderAPIKey)
	}
	if !g.keys.Allow(key) {
		return refuse(refusedKey, "UNAUTHORIZED")
	}
	s.Set(dataNamed, claim.EntityID != nil)
	if claim.EntityID == nil {
		if g.requireEntity {
			return refuse(refusedEntity, "ENTITY_ID_REQUIRED")
		}
		if _, known := socketio.Value[uuid.UUID](s, dataEntity); !known {
			s.Set(dataEntity, uuid.New())
			s.Set(dataAnonymous, true)
		}
		return nil
	}
	text, _ := claim.EntityID.(string)
	id, err := auth.ParseID(text)
	if err != nil {
		return refuse(refusedEntity, "ENTITY_ID_REQUIRED")
	}
	s.Set(dataEntity, id)
	s.Set(dataAnonymous, false)
	return nil
}

// connected greets a socket and listens to it.
func (g *Gateway) connected(s *socketio.Socket) {
	g.listen(s)
	g.resume(s)
	emit(g, s, "authenticated", authenticated{EntityID: entityOf(s), Timestamp: g.now().UnixMilli()})
	emit(g, s, "connection_established", connectionEstablished{Message: "Connected to Eliza Socket.IO server", SocketID: s.ID()})
	if s.Recovered() {
		g.rewatchLogs(s)
	}
}

type authenticated struct {
	EntityID  uuid.UUID `json:"entityId"`
	Timestamp int64     `json:"timestamp"`
}

type connectionEstablished struct {
	Message  string `json:"message"`
	SocketID string `json:"socketId"`
}

// entityOf returns who a socket speaks for.
func entityOf(s *socketio.Socket) uuid.UUID {
	id, _ := socketio.Value[uuid.UUID](s, dataEntity)
	return id
}

// adopt lets a socket that came without an identity take the first one that it presents.
func adopt(s *socketio.Socket, id uuid.UUID) {
	if anonymous, _ := socketio.Value[bool](s, dataAnonymous); anonymous {
		s.Set(dataEntity, id)
		s.Set(dataAnonymous, false)
	}
}

// emit sends an event to one socket. That the client is gone is no news; anything else is a bug worth a line.
func emit(g *Gateway, s *socketio.Socket, event string, payload any) {
	if err := s.Emit(event, payload); err != nil && s.Connected() {
		g.log.Warn("event not sent", "event", event, "error", err)
	}
}

// Identity names who a socket speaks for, so that a lost session is given back to nobody else.
func Identity(s *socketio.Socket) string {
	if named, _ := socketio.Value[bool](s, dataNamed); !named {
		return "" // whoever holds the session's secret, whatever name it has taken since
	}
	return entityOf(s).String()
}
