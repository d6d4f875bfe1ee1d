package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

func testSecrets(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("changed, used, removed", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "a")
		change := func(name string, at dbtype.Millis) {
			t.Helper()
			done(t, f, db.System.UpsertSecretChange, db.UpsertSecretChangeParams{AgentID: agent, Name: name, ChangedAt: &at})
		}
		use := func(agent uuid.UUID, name string, at dbtype.Millis) {
			t.Helper()
			done(t, f, db.System.UpsertSecretUse, db.UpsertSecretUseParams{AgentID: agent, Name: name, LastUsedAt: &at})
		}
		times := func() []db.SecretTime { t.Helper(); return viewed(t, f, db.System.ListSecretTimes, agent) }
		use(agent, "B", start+3)
		change("A", start)
		use(agent, "A", start+5)
		use(agent, "A", start+4)
		use(uuid.New(), "A", start+9) // of an agent that is gone
		if got := times(); len(got) != 2 || *got[0].ChangedAt != start || *got[0].LastUsedAt != start+5 || got[1].ChangedAt != nil || *got[1].LastUsedAt != start+3 {
			t.Fatalf("noted %+v", got)
		}
		change("A", start+6)
		if got := times(); *got[0].ChangedAt != start+6 || got[0].LastUsedAt != nil {
			t.Errorf("after a change: %+v", got[0])
		}
		done(t, f, db.System.DeleteSecretTimes, db.DeleteSecretTimesParams{AgentID: agent, Name: "A"})
		if got := times(); len(got) != 1 || got[0].Name != "B" {
			t.Errorf("after removing one: %+v", got)
		}
		updated(t, f, db.System.DeleteAgent, agent)
		if got := times(); len(got) != 0 {
			t.Errorf("after the agent: %+v", got)
		}
	})

	t.Run("sealed anew", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "a")
		if n := updated(t, f, db.System.ResealAgent, db.ResealAgentParams{ID: agent, Secrets: dbtype.JSON(`{"v":1}`)}); n != 1 {
			t.Errorf("%d agents changed", n)
		}
		rows := viewed(t, f, db.System.ListSealedAgents, db.ListSealedAgentsParams{PageSize: 10})
		i := slices.IndexFunc(rows, func(r db.ListSealedAgentsRow) bool { return r.ID == agent })
		if i < 0 || len(rows[i].Secrets) == 0 {
			t.Fatalf("listed %+v", rows)
		}
		if row := viewed(t, f, db.System.GetAgent, agent); row.Version != 1 {
			t.Errorf("the version became %d", row.Version)
		}
		if rest := viewed(t, f, db.System.ListSealedAgents, db.ListSealedAgentsParams{After: rows[len(rows)-1].ID, PageSize: 10}); len(rest) != 0 {
			t.Errorf("behind the last: %+v", rest)
		}
		if jobs := viewed(t, f, db.System.ListSealedJobs, db.ListSealedJobsParams{PageSize: 10}); len(jobs) != 0 {
			t.Errorf("jobs: %+v", jobs)
		}
		if n := updated(t, f, db.System.ResealJob, db.ResealJobParams{ID: uuid.New(), CallbackSecret: dbtype.JSON(`{}`)}); n != 0 {
			t.Errorf("%d jobs changed", n)
		}
	})
}

// done runs a query that returns nothing.
func done[P any](t *testing.T, f *fixture, query func(db.System, context.Context, P) error, params P) {
	t.Helper()
	f.update(t, func(ctx context.Context, q db.System) error { return query(q, ctx, params) })
}
