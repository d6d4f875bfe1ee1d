package storetest

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

func testDialogues(t *testing.T, setup func(t *testing.T) *fixture) {
	// dialogue stores one that is answered.
	dialogue := func(t *testing.T, f *fixture, agent, user uuid.UUID, name, said string, expires dbtype.Millis) db.Dialogue {
		t.Helper()
		row := db.Dialogue{
			ChannelID: f.channel(t, f.server(t), agent, user), AgentID: agent, UserID: user, MessageID: uuid.New(), Name: []byte(name), Heard: []byte("heard"),
			Said: []byte(said), Place: []byte("place"), Questions: 1, CreatedAt: start, ExpiresAt: expires, Tenant: store.DefaultTenant,
		}
		exec(t, f, db.System.InsertDialogue, db.InsertDialogueParams{
			ChannelID: row.ChannelID, AgentID: agent, UserID: user, MessageID: row.MessageID, Name: row.Name, Heard: row.Heard, Questions: 1, CreatedAt: start, ExpiresAt: expires,
		})
		if n := updated(t, f, db.System.AnswerDialogue, db.AnswerDialogueParams{MessageID: row.MessageID, Said: row.Said, Place: row.Place}); n != 1 {
			t.Fatalf("answered %d", n)
		}
		if diff := cmp.Diff(row, viewed(t, f, db.System.FindMessageDialogue, row.MessageID)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		return row
	}
	t.Run("are found by what was said", func(t *testing.T) {
		f := setup(t)
		agent, user := f.agent(t, "one"), uuid.New()
		old := dialogue(t, f, agent, user, "another", "said", start+minute)
		newer := dialogue(t, f, agent, user, "chat", "said", start+2*minute)
		find := db.FindDialogueParams{UserID: user, AgentID: agent, Said: []byte("said"), Now: start}
		if got := viewed(t, f, db.System.FindDialogue, find); got.ChannelID != newer.ChannelID {
			t.Errorf("found %+v", got)
		}
		named := db.FindNamedDialogueParams{UserID: user, AgentID: agent, Name: []byte("chat"), Place: []byte("place"), Now: start}
		if got := viewed(t, f, db.System.FindNamedDialogue, named); got.ChannelID != newer.ChannelID {
			t.Errorf("by name %+v", got)
		}
		next := db.ContinueDialogueParams{
			ChannelID: newer.ChannelID, LastMessageID: newer.MessageID, MessageID: uuid.New(), Heard: []byte("more"), Questions: 2, ExpiresAt: start + 3*minute,
		}
		for i, want := range []int64{1, 0} { // the second comes too late
			if n := updated(t, f, db.System.ContinueDialogue, next); n != want {
				t.Errorf("%d: continued %d", i, n)
			}
		}
		if got := viewed(t, f, db.System.FindDialogue, find); got.ChannelID != old.ChannelID {
			t.Errorf("while the newer is answered: %+v", got)
		}
		find.Now = start + minute
		f.view(t, func(ctx context.Context, q db.System) error {
			if _, err := q.FindDialogue(ctx, find); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("after its end: %v", err)
			}
			return nil
		})
	})
	t.Run("end, and make room", func(t *testing.T) {
		f := setup(t)
		agent, user := f.agent(t, "one"), uuid.New()
		first := dialogue(t, f, agent, user, "x", "a", start+minute)
		second := dialogue(t, f, agent, user, "x", "b", start+2*minute)
		dialogue(t, f, agent, uuid.New(), "x", "c", start+3*minute)
		if all := viewed(t, f, db.System.CountDialogues, int64(2)); all != 2 {
			t.Errorf("%d of at most two", all)
		}
		if own := viewed(t, f, db.System.CountUserDialogues, db.CountUserDialoguesParams{UserID: user, AtMost: 9}); own != 2 {
			t.Errorf("%d are the user's", own)
		}
		if gone := updated(t, f, db.System.ForgetUserDialogue, user); len(gone) != 1 || gone[0].ChannelID != first.ChannelID {
			t.Errorf("made room by %+v", gone)
		}
		f.view(t, func(ctx context.Context, q db.System) error {
			due, err := q.NextDialogueExpiry(ctx)
			newest, second := q.NewestDialogue(ctx)
			if due != start+2*minute || newest != start {
				t.Errorf("due %d, newest %d", due, newest)
			}
			return errors.Join(err, second)
		})
		f.update(t, func(ctx context.Context, q db.System) error { return q.ShiftDialogues(ctx, int64(minute)) })
		if gone := updated(t, f, db.System.ForgetDialogues, db.ForgetDialoguesParams{Now: start + 3*minute, LimitRows: 9}); len(gone) != 1 || gone[0].ChannelID != second.ChannelID {
			t.Errorf("ended %+v", gone)
		}
	})
	t.Run("go with their channels and agents", func(t *testing.T) {
		f := setup(t)
		agent, other := f.agent(t, "one"), f.agent(t, "other")
		one := dialogue(t, f, agent, uuid.New(), "x", "a", start+minute)
		dialogue(t, f, other, uuid.New(), "x", "a", start+minute)
		updated(t, f, db.System.DeleteChannel, one.ChannelID)
		updated(t, f, db.System.DeleteAgent, other)
		if left := viewed(t, f, db.System.CountDialogues, int64(9)); left != 0 {
			t.Errorf("%d are left", left)
		}
	})
}
