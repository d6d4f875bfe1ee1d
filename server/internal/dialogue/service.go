// Package dialogue keeps the conversations of clients that send all that was said with each message, as those of OpenAI's interface do.
//
// A dialogue has its own channel, and [Service.Ask] posts each question there like any message. Which dialogue a question belongs to
// follows from what was said before it: a digest of that is stored with each answer, in the transaction that ends the turn (see
// [Service.Observer]). A client that has a name of its own for the chat is found by that name and the place in the chat. Where nothing
// fits, because the chat is new or somebody changed what was said, a new dialogue begins, with what was said before put into its channel.
// A dialogue ends by itself, with its channel, when nothing is said in it for long: its client has all of it, and begins another.
package dialogue

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
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
	Most      int              // how many there may be, of which one user may have no more than a share; 0 is no limit
	Alarm     *sweep.Alarm     // of the sweeper that has the service's part; nil: there is none
}

// Service keeps dialogues. Its methods are safe for concurrent use; who is the caller, as the edge established it.
type Service struct {
	store     store.System
	messaging *messaging.Service
	now       func() time.Time
	tally     *quota.Tally
	alarm     *sweep.Alarm
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
	most := quota.Quota{Most: cfg.Most, What: "dialogues", Setting: "ELIZAD_MAX_DIALOGUES (--max-dialogues)"}
	return &Service{store: cfg.Store, messaging: cfg.Messaging, now: cfg.Now, tally: quota.NewTally(most, cfg.Now), alarm: cfg.Alarm}
}

// Observer notes what agents answer.
func (s *Service) Observer() messaging.Observer {
	return messaging.Observer{Source: channelSource, TurnsEnded: s.settle}
}

func (s *Service) millis() dbtype.Millis { return dbtype.MillisOf(s.now()) }

// makeRoom admits one more dialogue of a user. Where there is no room, the user's own that ends first makes it; a user without any is
// refused.
func (s *Service) makeRoom(ctx context.Context, q db.Scoped, userID uuid.UUID) ([]messaging.Ended, error) {
	full := s.tally.Admit(1,
		func(atMost int64) (int64, error) { return q.CountDialogues(ctx, atMost) },
		func(atMost int64) (int64, error) {
			return q.CountUserDialogues(ctx, db.CountUserDialoguesParams{UserID: userID, AtMost: atMost})
		})
	if !apierr.IsCode(full, apierr.QuotaExceeded) {
		return nil, full
	}
	rows, err := q.ForgetUserDialogue(ctx, userID)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, full
	}
	return s.removeChannels(ctx, q, rows)
}

// removeChannels removes the channels of dialogues that were removed.
func (s *Service) removeChannels(ctx context.Context, q db.Scoped, rows []db.Dialogue) (gone []messaging.Ended, err error) {
	for _, r := range rows {
		channel, err := s.messaging.RemoveChannel(ctx, q, r.ChannelID)
		if err != nil {
			return nil, err
		}
		gone = append(gone, channel)
	}
	return gone, nil
}
