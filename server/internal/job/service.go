// Package job asks an agent one question and keeps what came of it, to be asked for later or announced to a webhook.
//
// A job has its own channel; channel, question, the agent's turn and the job are one transaction. It ends with the turn, in the
// transaction that ends the turn (see [Service.Observer]), or by a sweep when its time is over. Ends that are to be announced stand
// in the database until package webhook has claimed and settled them.
package job

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/quota"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/sweep"
)

// Config is what a Service is made of.
type Config struct {
	Store     store.System
	Bus       bus.Bus
	Messaging *messaging.Service
	Logger    *slog.Logger     // nil: nothing is logged
	Now       func() time.Time // nil: time.Now
	Most      int              // how many may be under way, of which one user may have no more than a share; 0 is no limit
	Alarm     *sweep.Alarm     // of the sweeper that has the service's part; nil: there is none

	// CheckCallback refuses an address that the ends of jobs must not be announced to. nil: all are refused.
	CheckCallback func(url string) error
	Secrets       Sealer // keeps what signs announcements; nil: callers can't have them signed
}

// Sealer keeps secrets unreadable at rest. What is sealed opens for the same owner only.
type Sealer interface {
	Seal(owner string, values map[string]string) ([]byte, error)
	Open(owner string, sealed []byte) (map[string]string, error)
}

// Service keeps jobs. Its methods are safe for concurrent use; who is the caller, as the edge established it.
type Service struct {
	store         store.System
	bus           bus.Bus
	messaging     *messaging.Service
	log           *slog.Logger
	now           func() time.Time
	tally         *quota.Tally
	alarm         *sweep.Alarm
	checkCallback func(url string) error
	secrets       Sealer
}

// New returns a service on cfg's store, which is the one of cfg.Messaging. Its [Service.Observer] and [Service.Part] have to be
// registered. It starts nothing.
func New(cfg Config) *Service {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Alarm == nil {
		cfg.Alarm = sweep.NewAlarm()
	}
	most := quota.Quota{
		Most: cfg.Most, What: "jobs under way", Setting: "ELIZAD_MAX_JOBS (--max-jobs)",
		Code: apierr.QueueFull, // they pass by themselves, so that a refusal is no reason to delete anything
	}
	return &Service{
		store: cfg.Store, bus: cfg.Bus, messaging: cfg.Messaging, log: cfg.Logger, now: cfg.Now, tally: quota.NewTally(most, cfg.Now),
		alarm: cfg.Alarm, checkCallback: cfg.CheckCallback, secrets: cfg.Secrets,
	}
}

// Observer ends jobs with the turns of their agents.
func (s *Service) Observer() messaging.Observer {
	return messaging.Observer{Source: channelSource, TurnsEnded: s.settle, Committed: s.hint}
}

func (s *Service) millis() dbtype.Millis { return dbtype.MillisOf(s.now()) }

// Most returns how many jobs may be under way; 0 for any number.
func (s *Service) Most() int { return s.tally.Most }

// mayAdd refuses one more job than may be under way, in all or for one user.
func (s *Service) mayAdd(ctx context.Context, q db.Scoped, userID uuid.UUID) error {
	return s.tally.Admit(1,
		func(atMost int64) (int64, error) { return q.CountActiveJobs(ctx, atMost) },
		func(atMost int64) (int64, error) {
			return q.CountCallerJobs(ctx, db.CountCallerJobsParams{UserID: userID, AtMost: atMost})
		})
}
