package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

func testUsage(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("sums by day", func(t *testing.T) {
		f := setup(t)
		agent, other := uuid.New(), uuid.New()
		const day = dbtype.Millis(86_400_000)
		add := func(kind string, at dbtype.Millis, subject uuid.UUID, model string) {
			t.Helper()
			done(t, f, db.System.UpsertUsage, db.UpsertUsageParams{
				Kind: kind, Day: at, SubjectID: subject, Provider: "openai", Model: model, Calls: 1, InputTokens: 10, OutputTokens: 3, CachedTokens: 4, Cost: 1 << 40, UnpricedCalls: 1,
			})
		}
		sum := func(kind string, at dbtype.Millis, subject uuid.UUID) db.SumUsageRow {
			t.Helper()
			return viewed(t, f, db.System.SumUsage, db.SumUsageParams{Kind: kind, Day: at, SubjectID: subject})
		}
		add("agent", day, agent, "a")
		add("agent", day, agent, "a")
		add("agent", day, agent, "b")
		add("agent", 2*day, agent, "a")
		add("agent", day, other, "a")
		add("person", day, agent, "a")
		if got := sum("agent", day, agent); got.Tokens != 39 || got.Cost != 3<<40 {
			t.Errorf("the sum of a day: %+v", got)
		}
		if got := sum("agent", 3*day, agent); got.Tokens != 0 || got.Cost != 0 {
			t.Errorf("the sum of a day without calls: %+v", got)
		}
		list := func(from, to dbtype.Millis, limit int64) []db.UsageDay {
			t.Helper()
			return viewed(t, f, db.System.ListAgentUsage, db.ListAgentUsageParams{AgentID: agent, FromTime: from, ToTime: to, LimitRows: limit})
		}
		if got := list(0, 9*day, 10); len(got) != 3 || got[0].Day != 2*day || got[1].Model != "b" || got[2].Model != "a" ||
			got[2].Calls != 2 || got[2].InputTokens != 20 || got[2].OutputTokens != 6 || got[2].CachedTokens != 8 || got[2].UnpricedCalls != 2 {
			t.Errorf("listed: %+v", got)
		}
		if got := list(day, 2*day-1, 1); len(got) != 1 || got[0].Day != day {
			t.Errorf("listed within a day: %+v", got)
		}
		if n := updated(t, f, db.System.DeleteOldUsage, db.DeleteOldUsageParams{Kind: "agent", Before: 2 * day}); n != 3 {
			t.Errorf("%d old rows", n)
		}
		if got := sum("person", day, agent); got.Tokens != 13 {
			t.Errorf("another kind: %+v", got)
		}
		if got := list(0, 9*day, 10); len(got) != 1 {
			t.Errorf("left: %+v", got)
		}
	})
}
