package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// testRuns covers the turns of an agent as its history shows them.
func testRuns(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("listed and counted by filter", func(t *testing.T) {
		f := setup(t)
		agent, channel, other := f.agent(t, "Ann"), f.channel(t, f.server(t)), f.channel(t, f.server(t))
		f.turn(t, f.agent(t, "Bob"), f.post(t, channel, uuid.New(), "of another agent", start))
		// One turn per status, a millisecond apart; the last two are in the other channel.
		statuses := []string{"replied", "ignored", "failed", "cancelled", "superseded", "timed_out", "running", "queued"}
		names := map[uuid.UUID]string{}
		for i, status := range statuses {
			where := channel
			if i >= 6 {
				where = other
			}
			turn := f.turn(t, agent, f.post(t, where, uuid.New(), status, start+dbtype.Millis(i)))
			names[turn.ID] = status
			switch status {
			case "queued":
			case "running":
				f.claim(t, "node", start+500, 9)
			default:
				updated(t, f, db.System.EndMessageTurns, db.EndMessageTurnsParams{MessageID: turn.MessageID, NewStatus: status, EndedAt: new(turn.QueuedAt)})
			}
		}
		type params = db.ListAgentTurnsParams
		for _, tt := range []struct {
			name string
			arg  params
			want []string
		}{
			{"all, newest first", params{AnyChannel: true},
				[]string{"queued", "running", "timed_out", "superseded", "cancelled", "failed", "ignored", "replied"}},
			{"the newest", params{AnyChannel: true, LimitRows: 2}, []string{"queued", "running"}},
			{"a channel", params{ChannelID: other}, []string{"queued", "running"}},
			{"started", params{AnyChannel: true, StatusGroup: "started"}, []string{"queued", "running"}},
			{"completed", params{AnyChannel: true, StatusGroup: "completed"}, []string{"ignored", "replied"}},
			{"timeout", params{AnyChannel: true, StatusGroup: "timeout"}, []string{"timed_out"}},
			{"error", params{AnyChannel: true, StatusGroup: "error"}, []string{"superseded", "cancelled", "failed"}},
			{"a span with both ends", params{AnyChannel: true, FromTime: start + 1, ToTime: start + 2}, []string{"failed", "ignored"}},
			{"what started later than it came", params{AnyChannel: true, FromTime: start + 500}, []string{"running"}},
			{"before it started", params{AnyChannel: true, FromTime: start + 6, ToTime: start + 499}, []string{"queued"}},
			{"a list that does not grow", params{AnyChannel: true, UntilTime: start + 1}, []string{"ignored", "replied"}},
			{"nothing", params{ChannelID: uuid.New()}, []string{}},
		} {
			arg := tt.arg
			arg.AgentID = agent
			if arg.LimitRows == 0 {
				arg.LimitRows = 100
			}
			if arg.UntilTime == 0 {
				arg.UntilTime = start + 1000
			}
			if arg.ToTime == 0 {
				arg.ToTime = start + 1000
			}
			got := []string{}
			for _, turn := range viewed(t, f, db.System.ListAgentTurns, arg) {
				got = append(got, names[turn.ID])
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
			count := viewed(t, f, db.System.CountAgentTurns, db.CountAgentTurnsParams{
				AgentID: arg.AgentID, FromTime: arg.FromTime, ToTime: arg.ToTime, UntilTime: arg.UntilTime, AnyChannel: arg.AnyChannel, ChannelID: arg.ChannelID, StatusGroup: arg.StatusGroup,
			})
			if tt.arg.LimitRows == 0 && count != int64(len(tt.want)) {
				t.Errorf("%s: counted %d, want %d", tt.name, count, len(tt.want))
			}
		}
	})
}
