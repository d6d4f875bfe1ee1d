package handover

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

// Assign says which entity's conversations become whose.
type Assign struct {
	From, To uuid.UUID
	DryRun   bool // only say what would happen
	Force    bool // though somebody may have proven to be From
}

// Assignment is what was handed over, or would be.
type Assignment struct {
	From      uuid.UUID   `json:"from"`
	To        uuid.UUID   `json:"to"`
	DryRun    bool        `json:"dryRun"`
	Known     bool        `json:"known"`    // To has been seen here: takes part somewhere, is a user, has a key, or has proven to be it
	Channels  int64       `json:"channels"` // in which To takes part now in place of From
	Shared    int64       `json:"shared"`   // in which both took part
	Made      int64       `json:"made"`     // channels that were made by From
	Messages  int64       `json:"messages"`
	Turns     int64       `json:"turns"`
	Sessions  int64       `json:"sessions"`
	Jobs      int64       `json:"jobs"`
	Dialogues int64       `json:"dialogues"` // conversations of OpenAI's clients
	Memories  int64       `json:"memories"`
	Apart     []uuid.UUID `json:"apart"` // DMs that stay beside one which To has with the same entity
}

// All counts what was handed over.
func (a Assignment) All() int64 {
	return a.Channels + a.Shared + a.Made + a.Messages + a.Turns + a.Sessions + a.Jobs + a.Dialogues + a.Memories
}

// ErrProven says that somebody may have proven to be an entity, so that what is its is not given away but with [Assign.Force].
var ErrProven = errors.New("is proven")

// errDry takes back what a dry run did.
var errDry = errors.New("a dry run")

// AssignEntity gives what is one entity's to another, in one transaction: that it takes part, what it wrote, asked and made. Where both
// have a DM with a third, both stay, and the one of the other is found by the pair.
func AssignEntity(ctx context.Context, st store.System, a Assign) (out Assignment, err error) {
	if a.From == a.To {
		return out, fmt.Errorf("%s is named twice", a.From)
	}
	if a.From == uuid.Nil || a.To == uuid.Nil || a.From == messaging.AnonymousID || a.To == messaging.AnonymousID {
		return out, errors.New("the entity of those who give no name belongs to nobody")
	}
	err = store.SystemUpdate(ctx, st, "assigning conversations", func(q db.System) error {
		out = Assignment{From: a.From, To: a.To, DryRun: a.DryRun, Apart: []uuid.UUID{}}
		var proof string
		if proof, err = check(ctx, q, a, &out); err != nil {
			return err
		}
		if err := handOver(ctx, q, &out); err != nil {
			return err
		}
		if a.DryRun {
			return errDry
		}
		if out.All() == 0 {
			return nil
		}
		details := fmt.Sprintf("from %s: %d channels, %d messages, %d sessions, %d jobs", a.From, out.Channels+out.Shared, out.Messages, out.Sessions, out.Jobs)
		if proof != "" {
			details += ", though it " + proof
		}
		_, err := audit.In(ctx, q, audit.Entry{Action: "isolation.assign", Who: auth.System(), Target: a.To, Within: a.From, Details: details})
		return err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return out, err
}

// check fails unless the conversations may be handed over. proof is why they should not be, and are because somebody insists.
func check(ctx context.Context, q db.System, a Assign, out *Assignment) (proof string, err error) {
	from, err := q.ProofOfEntity(ctx, a.From)
	if err != nil {
		return "", err
	}
	to, err := q.ProofOfEntity(ctx, a.To)
	if err != nil {
		return "", err
	}
	for id, e := range map[uuid.UUID]db.ProofOfEntityRow{a.From: from, a.To: to} {
		if e.IsAgent || e.WasAgent {
			return "", fmt.Errorf("%s is an agent", id)
		}
	}
	out.Known = to.TakesPart || to.IsUser || to.HasKey || to.WasProven
	var proofs []string
	for _, p := range []struct {
		is   bool
		what string
	}{{from.IsUser, "is a user who logs in here"}, {from.HasKey, "has an API key"}, {from.WasProven, "has proven who it is, as the audit log says"}} {
		if p.is {
			proofs = append(proofs, p.what)
		}
	}
	if proof = strings.Join(proofs, ", "); proof != "" && !a.Force {
		return "", fmt.Errorf("%s %w: it %s", a.From, ErrProven, proof)
	}
	return proof, nil
}

func handOver(ctx context.Context, q db.System, out *Assignment) error {
	if err := inheritPairs(ctx, q, out); err != nil {
		return fmt.Errorf("handing over direct channels: %w", err)
	}
	var err error
	for _, step := range []struct {
		what string
		n    *int64
		run  func() (int64, error)
	}{
		{"participations", &out.Channels, func() (int64, error) {
			return q.HandOverParticipation(ctx, db.HandOverParticipationParams{HeirID: out.To, EntityID: out.From})
		}},
		{"shared participations", &out.Shared, func() (int64, error) { return q.EndParticipation(ctx, out.From) }},
		{"channels", &out.Made, func() (int64, error) {
			return q.HandOverChannels(ctx, db.HandOverChannelsParams{HeirID: &out.To, EntityID: &out.From})
		}},
		{"messages", &out.Messages, func() (int64, error) {
			return q.HandOverMessages(ctx, db.HandOverMessagesParams{HeirID: out.To, EntityID: out.From})
		}},
		{"turns", &out.Turns, func() (int64, error) {
			return q.HandOverTurns(ctx, db.HandOverTurnsParams{HeirID: out.To, EntityID: out.From})
		}},
		{"sessions", &out.Sessions, func() (int64, error) {
			return q.HandOverSessions(ctx, db.HandOverSessionsParams{HeirID: out.To, EntityID: out.From})
		}},
		{"jobs", &out.Jobs, func() (int64, error) {
			return q.HandOverJobs(ctx, db.HandOverJobsParams{HeirID: out.To, EntityID: out.From})
		}},
		{"dialogues", &out.Dialogues, func() (int64, error) {
			return q.HandOverDialogues(ctx, db.HandOverDialoguesParams{HeirID: out.To, EntityID: out.From})
		}},
		{"memories", &out.Memories, func() (int64, error) {
			return q.HandOverMemories(ctx, db.HandOverMemoriesParams{HeirID: out.To, EntityID: out.From})
		}},
	} {
		if *step.n, err = step.run(); err != nil {
			return fmt.Errorf("handing over %s: %w", step.what, err)
		}
	}
	return nil
}

// inheritPairs puts the heir into the pairs by which DMs are found. One that the heir has with the same entity already, or would have
// with itself, becomes a channel like others.
func inheritPairs(ctx context.Context, q db.System, out *Assignment) error {
	rows, err := q.ListEntityPairs(ctx, out.From)
	if err != nil {
		return err
	}
	for _, row := range rows {
		to := db.ChangePairParams{ID: row.ID, Name: row.Name, Metadata: row.Metadata}
		if heir, ok := messaging.Inherit(*row.PairKey, out.From, out.To); ok {
			key := heir.Key()
			_, err := q.GetPairChannel(ctx, db.GetPairChannelParams{MessageServerID: row.MessageServerID, PairKey: &key})
			if err == nil {
				out.Apart = append(out.Apart, row.ID)
			} else if !errors.Is(err, sql.ErrNoRows) {
				return err
			} else {
				to.PairKey = &key
			}
			about, err := heir.About(json.RawMessage(row.Metadata))
			if err != nil {
				return err
			}
			to.Name, to.Metadata = heir.Rename(row.Name), dbtype.JSON(about)
		} else {
			out.Apart = append(out.Apart, row.ID)
		}
		if _, err := q.ChangePair(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

// Entity takes part in conversations, and nobody was seen to prove to be it.
type Entity struct {
	ID                 uuid.UUID
	Channels, Messages int64
}

// Unproven lists the entities of which nothing here says that somebody has proven to be them, those with the most channels first.
func Unproven(ctx context.Context, st store.System, most int) (found []Entity, more bool, err error) {
	err = store.SystemView(ctx, st, "looking for entities that were never proven", func(q db.System) error {
		rows, err := q.ListUnprovenEntities(ctx, int64(most)+1)
		found = nil
		for _, row := range rows {
			found = append(found, Entity{row.EntityID, row.Channels, row.Messages})
		}
		return err
	})
	if more = len(found) > most; more {
		found = found[:most]
	}
	return found, more, err
}
