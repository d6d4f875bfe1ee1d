package storetest

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

const minute dbtype.Millis = 60_000

// session stores a session that begins at the given moment: 30 minutes, at most 60, near its end 5 minutes before.
func (f *fixture) session(t *testing.T, agent, user uuid.UUID, at dbtype.Millis) db.Session {
	t.Helper()
	row := db.Session{
		ID: uuid.New(), AgentID: agent, UserID: user, ChannelID: uuid.New(), Metadata: dbtype.JSON(`{"page": "help"}`),
		TimeoutMs: int64(30 * minute), MaxDurationMs: int64(60 * minute), WarningMs: int64(5 * minute), AutoRenew: true,
		CreatedAt: at, ActiveAt: at, RenewedAt: at, ExpiresAt: at + 30*minute, DueAt: at + 25*minute, Tenant: store.DefaultTenant,
	}
	exec(t, f, db.System.InsertSession, alike[db.InsertSessionParams](row))
	if diff := cmp.Diff(row, viewed(t, f, db.System.GetSession, row.ID)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	return row
}

func testSessions(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("renewed until the longest life is over", func(t *testing.T) {
		f := setup(t)
		s := f.session(t, f.agent(t, "Ann"), uuid.New(), start)
		renew := func(at dbtype.Millis, byHand bool) db.RenewSessionParams {
			return db.RenewSessionParams{ID: s.ID, Now: at, ByHand: byHand}
		}
		r := updated(t, f, db.System.RenewSession, renew(start+10*minute, false))
		if r.ExpiresAt != start+40*minute || r.DueAt != start+35*minute || r.RenewalCount != 1 || r.ActiveAt != start+10*minute {
			t.Errorf("renewed %+v", r)
		}
		if r = updated(t, f, db.System.RenewSession, renew(start+39*minute, false)); r.ExpiresAt != start+60*minute || r.DueAt != start+55*minute {
			t.Errorf("renewed near the longest life %+v", r)
		}
		if err := failing(t, f, db.System.RenewSession, renew(start+60*minute, true)); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("renewed when it was over: %v", err)
		}
		changed := updated(t, f, db.System.ChangeSession, db.ChangeSessionParams{
			ID: s.ID, TimeoutMs: int64(10 * minute), MaxDurationMs: int64(90 * minute), WarningMs: int64(2 * minute),
		})
		if changed.ExpiresAt != start+49*minute || changed.DueAt != start+47*minute || changed.AutoRenew {
			t.Errorf("changed %+v", changed)
		}
		if err := failing(t, f, db.System.RenewSession, renew(start+40*minute, false)); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("one that doesn't renew itself did: %v", err)
		}
		touched := updated(t, f, db.System.TouchSession, db.TouchSessionParams{ID: s.ID, Now: start + 40*minute})
		if touched.ActiveAt != start+40*minute || touched.ExpiresAt != changed.ExpiresAt {
			t.Errorf("touched %+v", touched)
		}
		if r = updated(t, f, db.System.RenewSession, renew(start+41*minute, true)); r.ExpiresAt != start+51*minute {
			t.Errorf("renewed by hand %+v", r)
		}
	})

	t.Run("warned of, ended and forgotten once", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		first, second := f.session(t, agent, uuid.New(), start), f.session(t, agent, uuid.New(), start+minute)
		now := start + 26*minute
		warn := db.WarnSessionsParams{Now: &now, LimitRows: 9}
		if got := updated(t, f, db.System.WarnSessions, warn); len(got) != 2 {
			t.Errorf("warned of %d", len(got))
		}
		if got := updated(t, f, db.System.WarnSessions, warn); len(got) != 0 {
			t.Errorf("warned again of %d", len(got))
		}
		f.view(t, func(ctx context.Context, q db.System) error {
			due, err := q.NextSessionDue(ctx)
			if due != first.ExpiresAt {
				t.Errorf("next due %d, want %d", due, first.ExpiresAt)
			}
			return err
		})
		counts := viewed(t, f, db.System.CountSessions, db.CountSessionsParams{Now: start + 30*minute, AnyUser: true})
		if diff := cmp.Diff(db.CountSessionsRow{Live: 1, NearEnd: 1, Expired: 1}, counts); diff != "" {
			t.Error(diff)
		}
		ended := updated(t, f, db.System.ExpireSessions, db.ExpireSessionsParams{Now: start + 30*minute, LimitRows: 9})
		if len(ended) != 1 || ended[0].ID != first.ID || *ended[0].EndedAt != first.ExpiresAt || ended[0].EndReason != "expired" {
			t.Errorf("ended %+v", ended)
		}
		list := viewed(t, f, db.System.ListSessions, db.ListSessionsParams{Now: start + 30*minute, Until: start + minute, LimitRows: 9})
		if len(list) != 1 || list[0].ID != second.ID {
			t.Errorf("listed %+v", list)
		}
		own := func(user uuid.UUID, until dbtype.Millis) int {
			return len(viewed(t, f, db.System.ListUserSessions, db.ListUserSessionsParams{UserID: user, Now: start, Until: until, LimitRows: 9}))
		}
		if own(second.UserID, start+minute) != 1 || own(uuid.New(), start+minute) != 0 || own(second.UserID, start) != 0 {
			t.Errorf("own %d", own(second.UserID, start+minute))
		}
		if old := viewed(t, f, db.System.ListSessions, db.ListSessionsParams{Now: start, Until: start, LimitRows: 9}); len(old) != 0 {
			t.Errorf("as old as the first %+v", old)
		}
		if n := updated(t, f, db.System.EndChannelSession, db.EndChannelSessionParams{ChannelID: second.ChannelID, EndedAt: &now, EndReason: "channel_deleted"}); n != 1 {
			t.Errorf("%d ended with the channel", n)
		}
		if n := updated(t, f, db.System.ForgetSessions, db.ForgetSessionsParams{Before: &first.ExpiresAt, LimitRows: 9}); len(n) != 2 {
			t.Errorf("%d forgotten", len(n))
		}
	})

	t.Run("two nodes never sweep the same", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		const sessions, nodes = 30, 4
		for range sessions {
			f.session(t, agent, uuid.New(), start)
		}
		var mu sync.Mutex
		seen := map[uuid.UUID]int{}
		var group sync.WaitGroup
		for range nodes {
			group.Go(func() {
				for range sessions {
					var rows []db.Session
					err := f.SystemUpdate(t.Context(), func(q db.System) (err error) {
						rows, err = q.ExpireSessions(t.Context(), db.ExpireSessionsParams{Now: start + 31*minute, LimitRows: 3})
						return err
					})
					if err != nil {
						t.Errorf("sweeping: %v", err)
					}
					mu.Lock()
					for _, r := range rows {
						seen[r.ID]++
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if len(seen) != sessions {
			t.Errorf("%d of %d were ended", len(seen), sessions)
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was ended %d times", id, n)
			}
		}
	})

	t.Run("ends that move", func(t *testing.T) {
		f := setup(t)
		want := f.session(t, f.agent(t, "Ann"), uuid.New(), start)
		over := f.session(t, f.agent(t, "Bob"), uuid.New(), start-60*minute)
		if ended := updated(t, f, db.System.ExpireSessions, db.ExpireSessionsParams{Now: start, LimitRows: 9}); len(ended) != 1 {
			t.Fatalf("ended %d sessions", len(ended))
		}
		over = viewed(t, f, db.System.GetSession, over.ID)
		f.update(t, func(ctx context.Context, q db.System) error { return q.ShiftSessions(ctx, int64(-5*minute)) })
		for _, at := range []*dbtype.Millis{&want.CreatedAt, &want.ActiveAt, &want.RenewedAt, &want.ExpiresAt, &want.DueAt} {
			*at -= 5 * minute
		}
		for _, want := range []db.Session{want, over} {
			if diff := cmp.Diff(want, viewed(t, f, db.System.GetSession, want.ID)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})

	t.Run("gone with its agent", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		s := f.session(t, agent, uuid.New(), start)
		updated(t, f, db.System.DeleteAgent, agent)
		err := f.SystemView(t.Context(), func(q db.System) error {
			_, err := q.GetSession(t.Context(), s.ID)
			return err
		})
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("still there: %v", err)
		}
	})
}
