// Package session keeps the conversations of one person with one agent that end by themselves.
//
// A session has its own channel, and what is said in it is posted there like any message: [Service.Draft] returns the message,
// and posting it renews the session in the same transaction. The end of a session is a time in the database; a sweep notes it and
// announces it in the channel ([EventWarning], [EventExpired]), and readers of a session judge by the time, swept or not.
package session

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/quota"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/sweep"
)

// Config is what a Service is made of.
type Config struct {
	Store     store.System
	Messaging *messaging.Service
	Now       func() time.Time // nil: time.Now
	Most      int              // how many may be open, of which one user may have no more than a share; 0 is no limit
	Limits    Limits
	Alarm     *sweep.Alarm // of the sweeper that has the service's part; nil: there is none

	// AgentSettings returns what agents say about their sessions. nil: they say nothing.
	AgentSettings AgentSettings
}

// AgentSettings returns how to look up the settings of an agent that runs; running is false for another. An unknown one is
// NOT_FOUND.
type AgentSettings func(ctx context.Context, agentID uuid.UUID) (lookup func(name string) (string, bool), running bool, err error)

// Service keeps sessions. Its methods are safe for concurrent use; who is the caller, as the edge established it.
type Service struct {
	store         store.System
	messaging     *messaging.Service
	now           func() time.Time
	tally         *quota.Tally
	limits        Limits
	alarm         *sweep.Alarm
	agentSettings AgentSettings
}

// New returns a service on cfg's store, which is the one of cfg.Messaging. Its [Service.Observer] and [Service.Part] have to be
// registered. It starts nothing.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Alarm == nil {
		cfg.Alarm = sweep.NewAlarm()
	}
	most := quota.Quota{Most: cfg.Most, What: "open sessions", Setting: "ELIZAD_MAX_SESSIONS (--max-sessions)"}
	return &Service{
		store: cfg.Store, messaging: cfg.Messaging, now: cfg.Now, tally: quota.NewTally(most, cfg.Now), limits: cfg.Limits.withDefaults(),
		alarm: cfg.Alarm, agentSettings: cfg.AgentSettings,
	}
}

// Observer ends a session with its channel.
func (s *Service) Observer() messaging.Observer {
	return messaging.Observer{Source: channelSource, ChannelRemoved: func(ctx context.Context, q db.Scoped, channelID uuid.UUID) error {
		_, err := q.EndChannelSession(ctx, db.EndChannelSessionParams{ChannelID: channelID, EndedAt: new(s.millis()), EndReason: endChannelDeleted})
		return err
	}}
}

func (s *Service) millis() dbtype.Millis { return dbtype.MillisOf(s.now()) }

// mayAdd refuses one more session than may be open, in all or for one user.
func (s *Service) mayAdd(ctx context.Context, q db.Scoped, userID uuid.UUID) error {
	return s.tally.Admit(1,
		func(atMost int64) (int64, error) { return q.CountOpenSessions(ctx, atMost) },
		func(atMost int64) (int64, error) {
			return q.CountCallerSessions(ctx, db.CountCallerSessionsParams{UserID: userID, AtMost: atMost})
		})
}
