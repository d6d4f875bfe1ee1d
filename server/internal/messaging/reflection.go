package messaging

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/store"
)

// maxReflectionTries is how often looking back at the same messages may fail before they are left behind.
const maxReflectionTries = 3

// Reflection is what an agent found when it looked back at a channel.
type Reflection struct {
	RoomID  uuid.UUID // the agent's own names of the channel and of its message server
	WorldID uuid.UUID
	Facts   []Fact // with their sources
	Failed  bool   // nothing was found out, and the messages are to be looked at again
}

// ReflectedUpTo returns the number of the last message that the agent of turn t looked back at in the turn's channel; 0 before the first.
func (s *Service) ReflectedUpTo(ctx context.Context, t Turn) (seq int64, err error) {
	err = store.SystemView(ctx, s.store, "reading how far an agent has looked back", func(q db.System) error {
		row, err := q.GetReflection(ctx, db.GetReflectionParams{ChannelID: t.ChannelID, AgentID: t.AgentID})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		seq = row.Seq
		return err
	})
	return seq, err
}

// Reflected stores what the agent found up to the message of turn t, and that it looked so far: whether it found something or not, and
// also when it failed too often.
func (s *Service) Reflected(ctx context.Context, t Turn, r Reflection) error {
	return store.SystemUpdate(ctx, s.store, "keeping what an agent found", func(q db.System) error {
		next := db.UpsertReflectionParams{AgentID: t.AgentID, ChannelID: t.ChannelID, Seq: t.Seq}
		if r.Failed {
			row, err := q.GetReflection(ctx, db.GetReflectionParams{ChannelID: t.ChannelID, AgentID: t.AgentID})
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if row.Tries+1 < maxReflectionTries {
				next.Seq, next.Tries = row.Seq, row.Tries+1
			}
		}
		if err := q.UpsertReflection(ctx, next); err != nil {
			return err
		}
		return s.keepFacts(ctx, q, t.AgentID, Recollection{RoomID: r.RoomID, WorldID: r.WorldID, Facts: r.Facts})
	})
}
