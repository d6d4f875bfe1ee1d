// Package handover gives what is one's to another, at the word of the operator: all that a server id has to another server id, and the
// conversations of an entity that was never proven to somebody who has proven who they are.
//
// Each is one transaction, and in the audit log. What else of the database names an entity stays as it is: what was written in the text
// of a message or in metadata, keys, revocations, answers that are kept for a day, and the audit log itself.
package handover

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// Adopted is what [Adopt] moved.
type Adopted struct {
	store.Adoption
	Left  chain.Link // the last entry of the audit log that stays behind
	Twins []Twin     // agents that have one name since then
}

// Twin is an agent with the name of another.
type Twin struct {
	ID        uuid.UUID `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

// Adopt moves all that a server id has to another, and says so in both audit logs. The log of the first stays with it, and the other's
// names its end, so that neither can be changed unnoticed.
func Adopt(ctx context.Context, st store.System, a store.Adopt) (out Adopted, err error) {
	a.Note = func(from, to db.System, rows int64) error {
		entry := audit.Entry{Action: "isolation.adopt", Who: auth.System(), Details: fmt.Sprintf("%d rows given to %s", rows, nameOf(a.To))}
		if out.Left, err = audit.In(ctx, from, entry); err != nil {
			return err
		}
		entry.Details = fmt.Sprintf("%d rows taken over from %s, whose log ends with %d:%s", rows, nameOf(a.From), out.Left.Seq, out.Left.Hash)
		if out.Twins, err = twins(ctx, to); err != nil {
			return err
		}
		_, err := audit.In(ctx, to, entry)
		return err
	}
	out.Adoption, err = st.Adopt(ctx, a)
	return out, err
}

// twins lists the agents that share a name.
func twins(ctx context.Context, q db.System) ([]Twin, error) {
	agents, err := q.ListAgents(ctx)
	if err != nil {
		return nil, err
	}
	times := map[string]int{}
	for _, a := range agents {
		times[a.Name]++
	}
	var out []Twin
	for _, a := range agents {
		if times[a.Name] > 1 {
			out = append(out, Twin{a.ID, a.Name, a.CreatedAt.Time()})
		}
	}
	return out, nil
}

func nameOf(t store.Tenant) string {
	if t == (store.Tenant{}) {
		return "the default server id"
	}
	return fmt.Sprintf("the server id %q", t.Name)
}
