// Package memory is what agents remember and where: memories, rooms and worlds, as clients look at them and change them.
//
// An agent knows a channel as a room and a message server as a world, under ids derived from its own (agent runtime §1);
// clients may make further rooms and worlds. Wherever a room is asked for, the id of its channel will do. Memories of messages
// are written by messaging at the end of a turn, in the transaction of the turn. They decide what an agent sees of a
// conversation: an edited memory replaces what was said, and what it was made to forget is gone for it, though the message
// itself stays in its channel.
package memory

import (
	"context"
	"database/sql"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/quota"
	"github.com/elizad/elizad/server/internal/store"
)

// Service keeps memories, rooms and worlds. Its methods are safe for concurrent use; who is the caller. What belongs to
// another agent is NOT_FOUND, and so is an unknown agent.
type Service struct {
	store  store.Store
	quotas Quotas
}

// Quotas bound what callers may make of one agent. 0 is no limit.
type Quotas struct {
	Rooms  int // without a channel
	Worlds int
}

func (q Quotas) rooms() quota.Quota {
	return quota.Quota{Most: q.Rooms, What: "rooms of an agent without a channel", Setting: "ELIZAD_MAX_ROOMS (--max-rooms)"}
}

func (q Quotas) worlds() quota.Quota {
	return quota.Quota{Most: q.Worlds, What: "worlds of an agent", Setting: "ELIZAD_MAX_WORLDS (--max-worlds)"}
}

// New returns a service on st.
func New(st store.Store, quotas Quotas) *Service { return &Service{store: st, quotas: quotas} }

func now() dbtype.Millis { return dbtype.MillisOf(time.Now()) }

// ofAgent returns an agent's row.
func ofAgent(ctx context.Context, q db.Scoped, id uuid.UUID) (db.Agent, error) {
	row, err := q.GetAgent(ctx, id)
	return row, store.NotFound(err, "Agent not found")
}

// findRoom returns the room that a client means by an id: the one for the channel of that id, or else the one of that id.
func findRoom(ctx context.Context, q db.Scoped, agentID, id uuid.UUID) (db.GetRoomRow, error) {
	row, err := q.GetRoom(ctx, db.GetRoomParams{ID: agent.UUIDFor(agentID, id.String()), AgentID: agentID})
	if errors.Is(err, sql.ErrNoRows) {
		row, err = q.GetRoom(ctx, db.GetRoomParams{ID: id, AgentID: agentID})
	}
	return row, store.NotFound(err, "Room not found")
}

// maxName is how many characters a name may have.
const maxName = 256

// cleanName makes a name harmless to show, and refuses one that is empty or too long.
func cleanName(name *string, what string) error {
	*name = names.Clean(*name)
	switch {
	case *name == "":
		return apierr.New(apierr.ValidationFailed, "%s name is required", what)
	case utf8.RuneCountInString(*name) > maxName:
		return apierr.New(apierr.ValidationFailed, "%s name exceeds %d characters", what, maxName)
	}
	return nil
}
