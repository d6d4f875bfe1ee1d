package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// testLogs covers the logs of turns as the log of their agent.
func testLogs(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("of an agent, of a channel", func(t *testing.T) {
		f := setup(t)
		agent, other := f.agent(t, "Ann"), f.agent(t, "Bob")
		channel, elsewhere := f.channel(t, f.server(t)), f.channel(t, f.server(t))
		log := func(agent, channel uuid.UUID, at dbtype.Millis, types ...string) db.Turn {
			turn := f.turn(t, agent, f.post(t, channel, uuid.New(), "x", at))
			for i, name := range types {
				exec(t, f, db.System.InsertTurnEvent, db.InsertTurnEventParams{
					TurnID: turn.ID, AgentID: agent, Position: int64(i), Type: name, At: at + dbtype.Millis(10*i), Data: dbtype.JSON("{}"),
				})
			}
			return turn
		}
		first := log(agent, channel, start, "a1", "a2")
		log(agent, elsewhere, start+5, "b1", "b2")
		log(agent, channel, start+30, "c1")
		log(other, channel, start+40, "not Ann's")

		list := db.ListAgentLogParams{AgentID: agent, ToTime: start + 1000, LimitRows: 9}
		types := func() []string {
			out := []string{}
			for _, row := range viewed(t, f, db.System.ListAgentLog, list) {
				out = append(out, row.TurnEvent.Type)
			}
			return out
		}
		want := func(what string, names ...string) {
			t.Helper()
			if diff := cmp.Diff(names, types()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		want("newest first", "c1", "b2", "a2", "b1", "a1")
		list.FromTime, list.ToTime = start+5, start+15
		want("a span with both ends", "b2", "a2", "b1")
		list.FromTime, list.ToTime, list.LimitRows, list.OffsetRows = 0, start+1000, 2, 1
		want("a page", "b2", "a2")
		got := []string{}
		for _, row := range viewed(t, f, db.System.ListChannelLog, db.ListChannelLogParams{ChannelID: channel, AgentID: agent, ToTime: start + 1000, LimitRows: 9}) {
			got = append(got, row.TurnEvent.Type)
			if row.ChannelID != channel || row.MessageID == uuid.Nil || row.SenderID == uuid.Nil {
				t.Errorf("row %+v", row)
			}
		}
		if diff := cmp.Diff([]string{"c1", "a2", "a1"}, got); diff != "" {
			t.Errorf("one channel (-want +got):\n%s", diff)
		}
		if next := viewed(t, f, db.System.NextLogPosition, first.ID); next != 2 {
			t.Errorf("the next position is %d, want 2", next)
		}
		if next := viewed(t, f, db.System.NextLogPosition, uuid.New()); next != 0 {
			t.Errorf("the first position is %d, want 0", next)
		}
		low, high := first.ID, first.ID
		low[14], low[15], high[14], high[15] = 0, 0, 0xff, 0xff
		for _, tt := range []struct {
			agent uuid.UUID
			want  int64
		}{{other, 0}, {agent, 1}, {agent, 0}} {
			if n := updated(t, f, db.System.DeleteLogEntry, db.DeleteLogEntryParams{FirstTurn: low, LastTurn: high, Position: 1, AgentID: tt.agent}); n != tt.want {
				t.Errorf("deleted %d, want %d", n, tt.want)
			}
		}
		list.LimitRows, list.OffsetRows = 9, 0
		want("after the deletion", "c1", "b2", "b1", "a1")
	})
}
