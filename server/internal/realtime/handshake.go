package realtime

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/socketio"
)

// dataSpeaker is a *speaker in the data kept with a socket.
const dataSpeaker = "speaker"

// speaker is who a socket speaks for. It is replaced, never changed.
type speaker struct {
	who       auth.Identity
	anonymous bool // the entity was made up by us
	named     bool // the client named the entity when it connected
}

func speakerOf(s *socketio.Socket) speaker {
	is, ok := socketio.Value[*speaker](s, dataSpeaker)
	if !ok {
		return speaker{}
	}
	return *is
}

// Refusals, as clients know them. A client library doesn't retry after one.
const (
	refusedKey    = "Invalid or missing API Key"
	refusedEntity = "Valid entityId required"
	refusedAuth   = "Authentication failed"
	refusedScope  = "The credentials lack the scope chat"
	endedKey      = "The API key was revoked or has expired"
	endedToken    = "The token has expired"
)

// endOf says why a socket may not stay any longer.
func endOf(who auth.Identity) string {
	if who.Proof() == auth.ByToken {
		return endedToken
	}
	return endedKey
}

func refuse(message, code string) error {
	return &socketio.ConnectError{Message: message, Data: map[string]string{"code": code}}
}

// refuseKey says why a key was not accepted. A client whose keys are not looked at has no use for its connection, and one whose
// key can't be looked at now should try again.
func refuseKey(err error) error {
	if errors.Is(err, auth.ErrRefused) {
		return refuse(refusalOf(err), "UNAUTHORIZED")
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

// refusalOf returns the words for a credential that is missing or wrong.
func refusalOf(err error) string {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e.Message
	}
	return refusedKey
}

// authenticate identifies a socket, and lets it keep of the rooms with which it comes back those that are still its.
func (g *Gateway) authenticate(ctx context.Context, s *socketio.Socket) error {
	if err := g.identify(ctx, s); err != nil {
		return err
	}
	if err := g.keepRooms(ctx, s); err != nil {
		return fmt.Errorf("%w: %w", socketio.ErrTryLater, err)
	}
	return nil
}

// identify finds out who a socket is: by its key or token first, then by the entity that the client names. Clients that name none get
// a new identity, unless the operator wants them refused.
func (g *Gateway) identify(ctx context.Context, s *socketio.Socket) error {
	var claim struct {
		APIKey   any `json:"apiKey"`
		Token    any `json:"token"`
		EntityID any `json:"entityId"`
	}
	h := s.Handshake()
	if err := h.DecodeAuth(&claim); err != nil {
		return refuse(refusedAuth, "UNAUTHORIZED")
	}
	key, _ := claim.APIKey.(string)
	token, _ := claim.Token.(string)
	who, err := g.guard.Admit(ctx, h.Address, auth.CredentialsIn(h.Header).Or(key, token))
	if err != nil {
		g.noteRefusal(h.Address, err)
		return refuseKey(err)
	}
	if who.Scopes().Require(auth.ScopeChat) != nil {
		g.refused(Refusal{h.Address, who, http.StatusForbidden})
		return refuse(refusedScope, "FORBIDDEN")
	}
	if who.Proven() {
		s.Set(dataSpeaker, &speaker{who: who, named: true})
		return nil
	}
	if claim.EntityID == nil {
		if g.requireEntity {
			return refuse(refusedEntity, "ENTITY_ID_REQUIRED")
		}
		before := speakerOf(s) // of a session which is taken up again
		is := speaker{who: who.Named(before.who.Entity()), anonymous: before.anonymous}
		if is.who.Entity() == uuid.Nil {
			is.who, is.anonymous = who.Named(uuid.New()), true
		}
		s.Set(dataSpeaker, &is)
		return nil
	}
	text, _ := claim.EntityID.(string)
	id, err := auth.ParseID(text)
	if err != nil {
		return refuse(refusedEntity, "ENTITY_ID_REQUIRED")
	}
	s.Set(dataSpeaker, &speaker{who: who.Named(id), named: true})
	return nil
}

// noteRefusal tells of a connection that was refused for its credentials, unless these could not be looked at.
func (g *Gateway) noteRefusal(network string, err error) {
	if errors.Is(err, auth.ErrRefused) {
		g.refused(Refusal{Network: network, Status: http.StatusUnauthorized})
	} else if _, blocked := errors.AsType[*auth.BlockedError](err); blocked {
		g.refused(Refusal{Network: network, Status: http.StatusTooManyRequests})
	}
}

// expel ends a socket that may not stay.
func (g *Gateway) expel(s *socketio.Socket, why string) {
	emit(g, s, "messageError", api.SocketError{Error: why, Code: "UNAUTHORIZED"})
	emit(g, s, "unauthorized", why)
	s.Disconnect(true)
}

// ExpelStrangers ends all sockets that came when no key was needed.
func (g *Gateway) ExpelStrangers() {
	for _, s := range g.ns.Sockets() {
		if identityOf(s).Proof() == auth.NoProof {
			g.expel(s, refusedKey)
		}
	}
	for _, c := range g.plain.everyone() {
		if c.came.Proof() == auth.NoProof {
			c.refuse(refusedKey, "UNAUTHORIZED")
		}
	}
}

// connected sends a new socket its first events.
func (g *Gateway) connected(s *socketio.Socket) {
	who := identityOf(s)
	stop := g.guard.Watch(who, func() { g.expel(s, endOf(who)) })
	s.OnDisconnect(func(string) { stop() })
	g.resume(s)
	emit(g, s, "authenticated", api.SocketAuthenticated{EntityID: entityOf(s), Timestamp: g.now().UnixMilli()})
	emit(g, s, "connection_established", api.SocketConnected{Message: "Connected to Eliza Socket.IO server", SocketID: s.ID()})
	if s.Recovered() {
		g.rewatchLogs(s)
	}
}

// identityOf returns who a socket speaks for.
func identityOf(s *socketio.Socket) auth.Identity { return speakerOf(s).who }

// entityOf returns the entity that a socket speaks for.
func entityOf(s *socketio.Socket) uuid.UUID { return identityOf(s).Entity() }

// adopt lets a socket that came without an identity take the first one that it presents.
func adopt(s *socketio.Socket, id uuid.UUID) {
	if is := speakerOf(s); is.anonymous {
		s.Set(dataSpeaker, &speaker{who: is.who.Named(id), named: is.named})
	}
}

// emit sends an event to one socket. That the client is gone is no news; anything else is a bug worth a line.
func emit(g *Gateway, s *socketio.Socket, event string, payload any) {
	if err := s.Emit(event, payload); err != nil && s.Connected() {
		g.log.Warn("event not sent", "event", event, "error", err)
	}
}

// Identity names the entity that a socket speaks for, so that a lost session is recovered by no other.
func Identity(s *socketio.Socket) string {
	is := speakerOf(s)
	if !is.named {
		return "" // every holder of the session's secret, whatever name it has taken since
	}
	return is.who.Entity().String()
}
