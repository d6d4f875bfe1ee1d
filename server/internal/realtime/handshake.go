package realtime

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/socketio"
)

// dataSpeaker is a *speaker in the data kept with a socket, and dataGrant an [auth.Grant] where a managed key was shown.
const (
	dataSpeaker = "speaker"
	dataGrant   = "grant"
)

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
	refusedScope  = "The API key lacks the scope chat"
	endedKey      = "The API key was revoked or has expired"
)

func refuse(message, code string) error {
	return &socketio.ConnectError{Message: message, Data: map[string]string{"code": code}}
}

// refuseKey says why a key was not accepted. A client whose keys are not looked at has no use for its connection, and one whose
// key can't be looked at now should try again.
func refuseKey(err error) error {
	if errors.Is(err, auth.ErrRefused) {
		return refuse(refusedKey, "UNAUTHORIZED")
	}
	blocked, ok := errors.AsType[*auth.BlockedError](err)
	if !ok {
		return fmt.Errorf("%w: %w", socketio.ErrTryLater, err)
	}
	e := blocked.Public()
	return &socketio.ConnectError{Message: e.Message, Final: true, Data: struct {
		Code       string `json:"code"`
		RetryAfter int    `json:"retryAfter"` // seconds
	}{string(e.Code), blocked.RetryAfter()}}
}

// authenticate identifies a socket: by the key first, then by the entity that the client names. Clients that name none get
// a new identity, unless the operator wants them refused.
func (g *Gateway) authenticate(ctx context.Context, s *socketio.Socket) error {
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
	grant, err := g.guard.Admit(ctx, h.Address, key)
	if err != nil {
		return refuseKey(err)
	}
	if grant.Scopes.Require(auth.ScopeChat) != nil {
		return refuse(refusedScope, "FORBIDDEN")
	}
	if _, before := grantOf(s); before || grant.Key != uuid.Nil {
		s.Set(dataGrant, grant)
	}
	if grant.Entity != uuid.Nil {
		s.Set(dataSpeaker, &speaker{entity: grant.Entity, named: true})
		return nil
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

// grantOf returns what the key of a socket allows; ok is false if it is none that was made while the server ran.
func grantOf(s *socketio.Socket) (grant auth.Grant, ok bool) {
	grant, ok = socketio.Value[auth.Grant](s, dataGrant)
	return grant, ok
}

// expel ends a socket that may not stay.
func (g *Gateway) expel(s *socketio.Socket, why string) {
	emit(g, s, "messageError", api.SocketError{Error: why, Code: "UNAUTHORIZED"})
	s.Disconnect(true)
}

// ExpelStrangers ends all sockets that came when no key was needed.
func (g *Gateway) ExpelStrangers() {
	for _, s := range g.ns.Sockets() {
		if _, ok := grantOf(s); !ok {
			g.expel(s, refusedKey)
		}
	}
	for _, c := range g.plain.everyone() {
		if c.grant.Key == uuid.Nil {
			c.refuse(refusedKey, "UNAUTHORIZED")
		}
	}
}

// connected sends a new socket its first events.
func (g *Gateway) connected(s *socketio.Socket) {
	if grant, ok := grantOf(s); ok {
		stop := g.guard.Watch(grant, func() { g.expel(s, endedKey) })
		s.OnDisconnect(func(string) { stop() })
	}
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
