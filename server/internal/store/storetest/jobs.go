package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// job stores a job of 30 seconds.
func (f *fixture) job(t *testing.T, user uuid.UUID, at dbtype.Millis, callback *string) db.Job {
	t.Helper()
	return updated(t, f, db.System.InsertJob, db.InsertJobParams{
		ID: uuid.New(), AgentID: uuid.New(), UserID: user, ChannelID: uuid.New(), MessageID: uuid.New(), Content: "why?",
		Metadata: dbtype.JSON("{}"), CallbackURL: callback, CreatedAt: at, ExpiresAt: at + minute/2,
	})
}

func testJobs(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("ended once, by the first", func(t *testing.T) {
		f := setup(t)
		j := f.job(t, uuid.New(), start, nil)
		end := db.EndJobParams{MessageID: j.MessageID, AgentID: j.AgentID, Status: "completed", Result: dbtype.JSON(`{"content":"because"}`), Now: new(start + 5)}
		got := updated(t, f, db.System.EndJob, end)
		if got.Status != "completed" || *got.EndedAt != start+5 || got.CallbackDueAt != nil {
			t.Errorf("ended %+v", got)
		}
		if err := failing(t, f, db.System.EndJob, end); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("ended twice: %v", err)
		}
		late := f.job(t, uuid.New(), start, nil)
		now := start + minute
		end = db.EndJobParams{MessageID: late.MessageID, AgentID: late.AgentID, Status: "completed", Now: &now}
		if err := failing(t, f, db.System.EndJob, end); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("answered after its time: %v", err)
		}
		expired := updated(t, f, db.System.ExpireJobs, db.ExpireJobsParams{Error: "late", Now: &now, LimitRows: 9})
		if len(expired) != 1 || expired[0].ID != late.ID || expired[0].Status != "timeout" || *expired[0].EndedAt != late.ExpiresAt || expired[0].Error != "late" {
			t.Errorf("expired %+v", expired)
		}
	})

	t.Run("ends that move", func(t *testing.T) {
		f := setup(t)
		j := f.job(t, uuid.New(), start, nil)
		f.update(t, func(ctx context.Context, q db.System) error { return q.ShiftJobs(ctx, int64(60*minute)) })
		j.CreatedAt, j.ExpiresAt = j.CreatedAt+60*minute, j.ExpiresAt+60*minute
		if diff := cmp.Diff(j, viewed(t, f, db.System.GetJob, j.ID)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("listed, counted and forgotten", func(t *testing.T) {
		f := setup(t)
		user := uuid.New()
		for i := range 3 {
			f.job(t, user, start+dbtype.Millis(i), nil)
		}
		done := f.job(t, uuid.New(), start+9, nil)
		updated(t, f, db.System.EndJob, db.EndJobParams{MessageID: done.MessageID, AgentID: done.AgentID, Status: "completed", Now: new(start + 109)})
		if got := viewed(t, f, db.System.ListJobs, db.ListJobsParams{Until: start + 9, LimitRows: 2}); len(got) != 2 || got[0].ID != done.ID {
			t.Errorf("newest %+v", got)
		}
		if got := viewed(t, f, db.System.ListJobsOfStatus, db.ListJobsOfStatusParams{Status: "processing", Until: start + 9, LimitRows: 9}); len(got) != 3 {
			t.Errorf("%d under way", len(got))
		}
		if got := viewed(t, f, db.System.ListUserJobs, db.ListUserJobsParams{UserID: user, Until: start + 9, LimitRows: 9}); len(got) != 3 {
			t.Errorf("%d of the user", len(got))
		}
		if got := viewed(t, f, db.System.ListUserJobs, db.ListUserJobsParams{UserID: user, Status: "completed", Until: start + 9, LimitRows: 9}); len(got) != 0 {
			t.Errorf("%d of the user have ended", len(got))
		}
		for what, got := range map[string][]db.Job{
			"all":       viewed(t, f, db.System.ListJobs, db.ListJobsParams{Until: start + 1, LimitRows: 9}),
			"a status":  viewed(t, f, db.System.ListJobsOfStatus, db.ListJobsOfStatusParams{Status: "processing", Until: start + 1, LimitRows: 9}),
			"of a user": viewed(t, f, db.System.ListUserJobs, db.ListUserJobsParams{UserID: user, Until: start + 1, LimitRows: 9}),
		} {
			if len(got) != 2 {
				t.Errorf("%s: %d are as old", what, len(got))
			}
		}
		if n := viewed(t, f, db.System.CountActiveJobs, 2); n != 2 {
			t.Errorf("counted %d, asked for at most 2", n)
		}
		counts := map[string]string{}
		for _, r := range viewed(t, f, db.System.CountJobs, db.CountJobsParams{Now: start + minute, AnyUser: true}) {
			counts[r.State] = fmt.Sprint(r.Jobs, " in ", r.TookMs)
		}
		if diff := cmp.Diff(map[string]string{"timeout": "3 in 0", "completed": "1 in 100"}, counts); diff != "" {
			t.Error(diff)
		}
		gone := updated(t, f, db.System.ForgetJobs, db.ForgetJobsParams{Before: new(start + 109), LimitRows: 9})
		if len(gone) != 1 || gone[0].ChannelID != done.ChannelID {
			t.Errorf("forgotten %+v", gone)
		}
	})

	t.Run("announced until it is settled", func(t *testing.T) {
		f := setup(t)
		j := f.job(t, uuid.New(), start, new("https://example.com/"))
		claim := func(now, retry dbtype.Millis) []db.Job {
			return updated(t, f, db.System.ClaimCallbacks, db.ClaimCallbacksParams{Now: &now, RetryAt: &retry, LimitRows: 9})
		}
		if got := claim(start+minute, start+2*minute); len(got) != 0 {
			t.Fatalf("announced before its end: %+v", got)
		}
		updated(t, f, db.System.EndJob, db.EndJobParams{MessageID: j.MessageID, AgentID: j.AgentID, Status: "failed", Now: new(start + 5)})
		if got := claim(start+5, start+minute); len(got) != 1 || got[0].CallbackAttempts != 1 {
			t.Fatalf("claimed %+v", got)
		}
		if got := claim(start+6, start+minute); len(got) != 0 {
			t.Errorf("claimed twice: %+v", got)
		}
		settle := db.SettleCallbackParams{ID: j.ID, Attempt: 1, DueAt: new(start + 10), CallbackError: "busy"}
		if n := updated(t, f, db.System.SettleCallback, settle); n != 1 {
			t.Errorf("%d settled", n)
		}
		if got := claim(start+10, start+minute); len(got) != 1 || got[0].CallbackAttempts != 2 || got[0].CallbackError != "busy" {
			t.Errorf("claimed again %+v", got)
		}
		if n := updated(t, f, db.System.SettleCallback, settle); n != 0 {
			t.Error("an attempt of the past was settled")
		}
		if n := updated(t, f, db.System.SettleCallback, db.SettleCallbackParams{ID: j.ID, Attempt: 2}); n != 1 {
			t.Errorf("%d settled", n)
		}
		if got := claim(start+99*minute, start+minute); len(got) != 0 {
			t.Errorf("claimed when it was settled: %+v", got)
		}
	})

	t.Run("the oldest running agent of a server", func(t *testing.T) {
		f := setup(t)
		server := f.server(t)
		idle, running := newAgent("Ann"), newAgent("Bob")
		idle.Running, running.CreatedAt = false, start+5
		for _, a := range []db.InsertAgentParams{idle, running} {
			updated(t, f, db.System.InsertAgent, a)
			updated(t, f, db.System.AddServerAgent, db.AddServerAgentParams{MessageServerID: server, AgentID: a.ID})
		}
		f.agent(t, "of no server")
		if got := viewed(t, f, db.System.GetFirstRunningAgent, server); got != running.ID {
			t.Errorf("got %s, want %s", got, running.ID)
		}
	})
}
