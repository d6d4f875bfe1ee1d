// Package messaging is the core of elizad: message servers, channels, messages, and the turns that agents take.
//
// Everything that is said goes through one door, [Service.Post], whichever way it came in. A message, its number in the
// channel and the turns that it causes are one transaction; after the commit an event is published on the bus, and sockets,
// streams and agents react to it. Events are hints: each carries the number of the newest message that its reader must have
// seen, so a reader who missed something knows it and reads the database.
//
// The package knows nothing of how agents think. It stores turns and says that there is work; whoever runs agents claims
// turns ([Service.ClaimTurns]), and ends each by [Service.FinishTurn], which stores the reply through the same door.
package messaging

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
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
	Store        store.Store
	Bus          bus.Bus
	Logger       *slog.Logger     // nil: nothing is logged
	Now          func() time.Time // nil: time.Now
	Jumps        Jumps            // of the clock behind Now; nil: it never jumps
	MailboxLimit int              // 0: DefaultMailboxLimit
	MaxContent   int              // characters of what callers write; 0: DefaultMaxContent
	Quotas       Quotas           // of what callers make

	// PublicURL returns the address of a file of ours, given its place on this machine, and anything else as it is. Nil:
	// there are no files.
	PublicURL func(location string) string

	Sessions SessionLimits
	// AgentSettings tells what agents say about their sessions. nil: they say nothing.
	AgentSettings AgentSettings
	// CheckCallback refuses an address that the ends of jobs must not be announced to. nil: all are refused.
	CheckCallback func(url string) error
	Secrets       Sealer // keeps what signs announcements; nil: callers can't have them signed

	// GuardAgents lets nobody but the server's own parts, and callers with its secret, write in the name of an agent.
	GuardAgents bool
}

// Jumps is a clock that holds back when the time of day jumps, until it is told to follow.
type Jumps interface {
	Jump() time.Duration
	Follow(jump time.Duration)
}

// AgentSettings returns how to look up the settings of an agent that runs; running is false for another. An unknown one is
// NOT_FOUND.
type AgentSettings func(ctx context.Context, agentID uuid.UUID) (lookup func(name string) (string, bool), running bool, err error)

// Sealer keeps secrets unreadable at rest. What is sealed opens for the same owner only.
type Sealer interface {
	Seal(owner string, values map[string]string) ([]byte, error)
	Open(owner string, sealed []byte) (map[string]string, error)
}

// Service is the domain of messages. Its methods are safe for concurrent use; who is the caller, as the edge established it.
type Service struct {
	store        *gate
	bus          bus.Bus
	log          *slog.Logger
	now          func() time.Time
	jumps        Jumps
	mailboxLimit int
	maxContent   int
	tallies      tallies
	participants quota.Quota
	guardAgents  bool
	publicURL    func(location string) string

	limits        SessionLimits
	agentSettings AgentSettings
	checkCallback func(url string) error
	secrets       Sealer

	lastSender atomic.Pointer[uuid.UUID] // where the next claim of turns goes on in the circle of senders

	nextSweep atomic.Int64  // epoch milliseconds; Sweeper sleeps until then
	sweepSoon chan struct{} // tells Sweeper that something is due before
}

// New returns a service on cfg's store and bus. It starts nothing.
func New(cfg Config) *Service {
	s := &Service{
		store: &gate{Store: cfg.Store}, bus: cfg.Bus, log: cfg.Logger, now: cfg.Now, jumps: cfg.Jumps,
		mailboxLimit: cfg.MailboxLimit, maxContent: cfg.MaxContent, participants: cfg.Quotas.participants(), publicURL: cfg.PublicURL, guardAgents: cfg.GuardAgents,
		limits: cfg.Sessions.withDefaults(), agentSettings: cfg.AgentSettings, checkCallback: cfg.CheckCallback, secrets: cfg.Secrets,
		sweepSoon: make(chan struct{}, 1),
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
// works on it also gives back the turns that a dead process left running.
func (s *Service) Prepare(ctx context.Context) error {
	return store.Update(ctx, s.store, auth.Service().Scope(), "preparing the message store", func(q db.Querier) error {
		now := s.millis()
		if err := q.EnsureMessageServer(ctx, db.EnsureMessageServerParams{
			ID: DefaultServerID, Name: "Default Server", SourceType: "eliza_default",
			Metadata: emptyObject(), CreatedAt: now, UpdatedAt: now,
		}); err != nil {
			return err
		}
		if !s.store.Exclusive() {
			return nil
		}
		if err := s.bringBack(ctx, q, now); err != nil {
			return err
		}
		_, err := q.ReleaseAllTurnLeases(ctx)
		return err
	})
}

// CurrentServer returns the message server that clients use unless they know another.
func (s *Service) CurrentServer() uuid.UUID { return DefaultServerID }

// mayWriteAs returns an error unless who may write in an author's name. Anybody may be anybody but an agent, and an agent too
// where agents are not guarded.
func (s *Service) mayWriteAs(ctx context.Context, q db.Querier, who auth.Identity, author uuid.UUID) error {
	if !s.guardAgents || who.Service {
		return nil
	}
	return mustNotBeAgent(ctx, q, author)
}

func mustNotBeAgent(ctx context.Context, q db.Querier, author uuid.UUID) error {
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

// judge returns the time by which to judge a row that was read after before: the earlier one, for if a jump of the clock is
// followed in between, the row's end and the clock are of different times, and nothing must seem over that goes on.
func (s *Service) judge(before dbtype.Millis) dbtype.Millis { return min(before, s.millis()) }

// publish sends an event. A lost one loses nothing, so a failure is only logged.
func (s *Service) publish(ctx context.Context, subject string, value any) {
	if err := s.bus.Publish(context.WithoutCancel(ctx), subject, value); err != nil && !errors.Is(err, bus.ErrClosed) {
		s.log.WarnContext(ctx, "event not published", "subject", subject, "error", err)
	}
}
