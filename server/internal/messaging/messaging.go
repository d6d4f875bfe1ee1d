// Package messaging is the core of elizad: message servers, channels, messages, and the turns that agents take.
//
// All messages are posted through one method, [Service.Post], whichever way they came in. A message, its number in the
// channel and the turns that it causes are one transaction; after the commit an event is published on the bus, and sockets,
// streams and agents react to it. Events are hints: each carries the number of the newest message that its reader must have
// seen, so a reader that missed something knows it and reads the database.
//
// The package knows nothing of how agents think. It stores turns and says that there is work; the runtime of the agents claims
// turns ([Service.ClaimTurns]), and ends each by [Service.FinishTurn], which stores the reply by the same rules. Parts of the
// server that make their own channels get notice of what ends in them as an [Observer].
package messaging

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/quota"
	"github.com/elizad/elizad/server/internal/store"
)

// DefaultMailboxLimit is how many turns of one agent may wait in one channel.
const DefaultMailboxLimit = 100

// DefaultMaxContent is how many characters a message may have.
const DefaultMaxContent = 200_000

// Config is what a Service is made of.
type Config struct {
	Store        store.System
	ServerID     uuid.UUID // the current message server: that of the tenant; the zero UUID: DefaultServerID
	Bus          bus.Bus
	Logger       *slog.Logger     // nil: nothing is logged
	Now          func() time.Time // nil: time.Now
	MailboxLimit int              // 0: DefaultMailboxLimit
	MaxContent   int              // characters of what callers write; 0: DefaultMaxContent
	Quotas       Quotas           // of what callers make

	// PublicURL returns the address of a file of ours, given its place on this machine, and anything else as it is. Nil:
	// there are no files.
	PublicURL func(location string) string

	// GuardAgents lets only the server's own parts, and callers with its secret, write in the name of an agent.
	GuardAgents func() bool // nil: all callers may
}

// Service is the domain of messages. Its methods are safe for concurrent use; who is the caller, as the edge established it.
type Service struct {
	store        store.System
	home         uuid.UUID // the current message server
	bus          bus.Bus
	log          *slog.Logger
	now          func() time.Time
	mailboxLimit int
	maxContent   int
	tallies      tallies
	participants quota.Quota
	guardAgents  func() bool
	publicURL    func(location string) string

	observers map[string]Observer // by the source type of their channels

	lastSender atomic.Pointer[uuid.UUID] // the sender after which the next claim of turns continues
}

// New returns a service on cfg's store and bus. It starts nothing.
func New(cfg Config) *Service {
	s := &Service{
		store: cfg.Store, home: cfg.ServerID, bus: cfg.Bus, log: cfg.Logger, now: cfg.Now,
		mailboxLimit: cfg.MailboxLimit, maxContent: cfg.MaxContent, participants: cfg.Quotas.participants(), publicURL: cfg.PublicURL, guardAgents: cfg.GuardAgents,
		observers: map[string]Observer{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.tallies = newTallies(cfg.Quotas, s.now)
	if s.mailboxLimit <= 0 {
		s.mailboxLimit = DefaultMailboxLimit
	}
	if s.maxContent <= 0 {
		s.maxContent = DefaultMaxContent
	}
	return s
}

// Prepare makes what must exist before the first message: the default message server. On a database that no other process
// works on it also releases the turns that a dead process left running.
func (s *Service) Prepare(ctx context.Context) error {
	return store.SystemUpdate(ctx, s.store, "preparing the message store", func(q db.System) error {
		now := s.millis()
		if err := q.EnsureMessageServer(ctx, db.EnsureMessageServerParams{
			ID: s.home, Name: homeName(s.home), SourceType: "eliza_default",
			Metadata: dbtype.JSON(`{}`), CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if !s.store.Exclusive() {
			return nil
		}
		_, err := q.ReleaseAllTurnLeases(ctx)
		return err
	})
}

// CurrentServer returns the message server that clients use unless they know another.
func (s *Service) CurrentServer() uuid.UUID { return s.home }

// named returns the message server that a client means by an id.
func (s *Service) named(serverID uuid.UUID) uuid.UUID {
	if serverID == DefaultServerID {
		return s.home
	}
	return serverID
}

func homeName(id uuid.UUID) string {
	if id == DefaultServerID {
		return "Default Server"
	}
	return "Server " + id.String()[:8]
}

// MayBe returns an error for a caller who names somebody that it can't be: see [auth.Identity.MayBe].
func MayBe(who auth.Identity, entity uuid.UUID) error {
	if who.MayBe(entity) {
		return nil
	}
	refusal := apierr.New(apierr.Forbidden, "You may speak in your own name only")
	if who.Entity() == uuid.Nil {
		return refusal.WithDetails("The credentials don't say who you are: use a token, or a key that was made for an entity")
	}
	return refusal.WithDetails("The credentials are for " + who.Entity().String() + ", which is not the author or user that the request names")
}

// founders returns the participants of a new channel: with the caller, where it would not see the channel otherwise.
func founders(who auth.Identity, participants []uuid.UUID) ([]uuid.UUID, error) {
	if who.SeesEveryone() || slices.Contains(participants, who.Entity()) {
		return participants, nil
	}
	if err := MayBe(who, who.Entity()); err != nil {
		return nil, err
	}
	return append([]uuid.UUID{who.Entity()}, participants...), nil
}

// mayEmpty returns an error for a caller who may not remove what others wrote in a channel: whoever sees everyone may, and else who
// made it.
func mayEmpty(who auth.Identity, c Channel) error {
	if who.SeesEveryone() || c.CreatedBy != nil && *c.CreatedBy == who.Entity() {
		return nil
	}
	return apierr.New(apierr.Forbidden, "Only its creator may clear or delete a channel")
}

// IsAgent reports whether an entity is an agent of this server.
func (s *Service) IsAgent(ctx context.Context, id uuid.UUID) (is bool, err error) {
	err = store.SystemView(ctx, s.store, "looking for an agent", func(q db.System) error {
		_, err := q.GetAgentHead(ctx, id)
		if is = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return is, err
}

// mayWriteAs returns an error unless the caller may write in an author's name: its own, if it has proven who it is, else any name
// but an agent's, and an agent's too where agents are not guarded.
func (s *Service) mayWriteAs(ctx context.Context, q db.Scoped, who auth.Identity, author uuid.UUID) error {
	if err := MayBe(who, author); err != nil {
		return err
	}
	if s.guardAgents == nil || !s.guardAgents() || who.IsService() {
		return nil
	}
	return mustNotBeAgent(ctx, q, author)
}

func mustNotBeAgent(ctx context.Context, q db.Scoped, author uuid.UUID) error {
	_, err := q.GetAgentHead(ctx, author)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	return apierr.New(apierr.Forbidden, "Nobody may write in the name of an agent").
		WithDetails("The author is an agent of this server")
}

func (s *Service) millis() dbtype.Millis { return dbtype.MillisOf(s.now()) }

func (s *Service) publish(ctx context.Context, subject string, value any) {
	bus.Hint(ctx, s.bus, s.log, subject, value)
}
