package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/store"
)

func testTurns(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("queued", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		arg := newTurn(agent, f.post(t, f.channel(t, f.server(t)), uuid.New(), "hello", start))
		want := db.Turn{
			ID: arg.ID, AgentID: agent, ChannelID: arg.ChannelID, MessageID: arg.MessageID, SenderID: arg.SenderID, Seq: arg.Seq,
			ResponseID: arg.ResponseID, Status: "queued", QueuedAt: arg.QueuedAt, Head: true, Tenant: store.DefaultTenant,
		}
		if diff := gocmp.Diff(want, updated(t, f, insertTurn, arg)); diff != "" {
			t.Errorf("inserted (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff(want, viewed(t, f, db.System.GetTurn, arg.ID)); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		byMessage := viewed(t, f, db.System.GetMessageTurn, db.GetMessageTurnParams{MessageID: arg.MessageID, AgentID: agent})
		if diff := gocmp.Diff(want, byMessage); diff != "" {
			t.Errorf("read by message (-want +got):\n%s", diff)
		}
	})

	t.Run("one per message and agent", func(t *testing.T) {
		f := setup(t)
		message := f.post(t, f.channel(t, f.server(t)), uuid.New(), "hello", start)
		ann, bob := f.agent(t, "Ann"), f.agent(t, "Bob")
		f.turn(t, ann, message)
		f.turn(t, bob, message)
		if err := failing(t, f, insertTurn, newTurn(ann, message)); !apierr.IsCode(err, apierr.Conflict) {
			t.Errorf("a second turn: %v, want CONFLICT", err)
		}
		if got := viewed(t, f, db.System.ListMessageTurns, message.ID); len(got) != 2 {
			t.Errorf("the message has %d turns, want 2", len(got))
		}
	})

	t.Run("whether any waits", func(t *testing.T) {
		f := setup(t)
		waits := func() bool {
			var found bool
			f.view(t, func(ctx context.Context, q db.System) (err error) {
				found, err = q.AnyTurnQueued(ctx)
				return err
			})
			return found
		}
		if waits() {
			t.Error("before there is one")
		}
		f.turn(t, f.agent(t, "Ann"), f.post(t, f.channel(t, f.server(t)), uuid.New(), "hello", start))
		if !waits() {
			t.Error("not while it is queued")
		}
		f.claim(t, "node-a", start, 1)
		if waits() {
			t.Error("while it runs")
		}
	})

	t.Run("the replies to a person", func(t *testing.T) {
		f := setup(t)
		agent, person := f.agent(t, "Ann"), uuid.New()
		channel := f.channel(t, f.server(t))
		f.turn(t, agent, f.post(t, channel, person, "hello", start))
		claimed := f.claim(t, "node-a", start, 1)[0]
		reply := f.post(t, channel, agent, "Hi. (I am no model; set A_KEY.)", start+1)
		updated(t, f, db.System.FinishTurn, db.FinishTurnParams{ID: claimed.ID, Owner: "node-a", Status: "replied", ReplyID: &reply.ID, EndedAt: new(start + 1)})
		replied := db.HasReplyWithParams{AuthorID: person, Words: "(I am no model; set A_KEY.)", Since: start, LimitRows: 10}
		for name, tt := range map[string]struct {
			change func(*db.HasReplyWithParams)
			want   bool
		}{
			"replied":      {func(*db.HasReplyWithParams) {}, true},
			"other words":  {func(p *db.HasReplyWithParams) { p.Words = "something else" }, false},
			"too long ago": {func(p *db.HasReplyWithParams) { p.Since = start + 1 }, false},
			"other person": {func(p *db.HasReplyWithParams) { p.AuthorID = uuid.New() }, false},
		} {
			p := replied
			tt.change(&p)
			if got := viewed(t, f, db.System.HasReplyWith, p); got != tt.want {
				t.Errorf("%s: %v", name, got)
			}
		}
	})

	t.Run("finished by its owner only, once", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		turn := f.turn(t, agent, f.post(t, f.channel(t, f.server(t)), uuid.New(), "hello", start))
		finish := db.FinishTurnParams{
			ID: turn.ID, Owner: "node-a", Status: "replied", Reason: "RULE", Detail: "Because.", ReplyID: new(uuid.New()),
			CharacterVersion: 3, EndedAt: new(start + 9),
		}
		refused := func(when string) {
			t.Helper()
			if err := failing(t, f, db.System.FinishTurn, finish); !apierr.IsCode(err, apierr.NotFound) {
				t.Errorf("%s: %v, want NOT_FOUND", when, err)
			}
		}
		refused("while it is queued")
		f.claim(t, "node-b", start, 1)
		refused("while it is another's")
		updated(t, f, db.System.ReleaseTurnLeases, "node-b")
		claimed := f.claim(t, "node-a", start+5, 1)[0]
		got := updated(t, f, db.System.FinishTurn, finish)
		want := claimed
		want.Status, want.Reason, want.Detail, want.ReplyID, want.CharacterVersion = "replied", "RULE", "Because.", finish.ReplyID, 3
		want.LeaseOwner, want.LeaseUntil, want.EndedAt = "", 0, finish.EndedAt
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("finished (-want +got):\n%s", diff)
		}
		refused("when it is finished")
	})

	t.Run("given back by its owner only, and in its attempt", func(t *testing.T) {
		f := setup(t)
		turn := f.turn(t, f.agent(t, "Ann"), f.post(t, f.channel(t, f.server(t)), uuid.New(), "hello", start))
		f.claim(t, "node-a", start, 1)
		for _, other := range []db.ReleaseTurnLeaseParams{{ID: turn.ID, Owner: "node-b", Attempt: 1}, {ID: turn.ID, Owner: "node-a", Attempt: 2}} {
			if n := updated(t, f, db.System.ReleaseTurnLease, other); n != 0 {
				t.Errorf("given back by %s in attempt %d", other.Owner, other.Attempt)
			}
		}
		if n := updated(t, f, db.System.ReleaseTurnLease, db.ReleaseTurnLeaseParams{ID: turn.ID, Owner: "node-a", Attempt: 1}); n != 1 {
			t.Errorf("%d turns given back", n)
		}
		if got := f.claim(t, "node-b", start, 1); len(got) != 1 || got[0].Attempts != 2 {
			t.Errorf("claimed then: %+v", got)
		}
	})

	t.Run("ended from outside", func(t *testing.T) {
		type world struct {
			ann, bob                uuid.UUID
			here, there             uuid.UUID
			running, waiting, other db.Turn // Ann's turns here
			bobs, elsewhere, ended  db.Turn // Bob's turn here, Ann's there, one of Ann's that is over
		}
		build := func(t *testing.T, f *fixture) (w world) {
			server := f.server(t)
			w.ann, w.bob = f.agent(t, "Ann"), f.agent(t, "Bob")
			w.here, w.there = f.channel(t, server), f.channel(t, server)
			say := func(channel uuid.UUID) db.Message { return f.post(t, channel, uuid.New(), "x", start) }
			w.ended = f.turn(t, w.ann, say(w.there))
			f.claim(t, "node", start, 1)
			updated(t, f, db.System.FinishTurn, db.FinishTurnParams{ID: w.ended.ID, Owner: "node", Status: "replied", EndedAt: new(start)})
			first := say(w.here)
			w.running = f.turn(t, w.ann, first)
			f.claim(t, "node", start, 1)
			w.bobs = f.turn(t, w.bob, first)
			w.waiting, w.other = f.turn(t, w.ann, say(w.here)), f.turn(t, w.ann, say(w.here))
			w.elsewhere = f.turn(t, w.ann, say(w.there))
			return w
		}
		for _, tt := range []struct {
			name string
			end  func(t *testing.T, f *fixture, w world) []db.Turn
			want func(w world) []db.Turn
		}{
			{"of a message",
				func(t *testing.T, f *fixture, w world) []db.Turn {
					return updated(t, f, db.System.EndMessageTurns, db.EndMessageTurnsParams{MessageID: w.running.MessageID, NewStatus: "cancelled", Reason: "R", Detail: "D", EndedAt: new(start)})
				},
				func(w world) []db.Turn { return []db.Turn{w.running, w.bobs} }},
			{"of a channel",
				func(t *testing.T, f *fixture, w world) []db.Turn {
					return updated(t, f, db.System.EndChannelTurns, db.EndChannelTurnsParams{ChannelID: w.here, NewStatus: "cancelled", Reason: "R", Detail: "D", EndedAt: new(start)})
				},
				func(w world) []db.Turn { return []db.Turn{w.running, w.bobs, w.waiting, w.other} }},
			{"of an agent",
				func(t *testing.T, f *fixture, w world) []db.Turn {
					return updated(t, f, db.System.EndAgentTurns, db.EndAgentTurnsParams{AgentID: w.ann, NewStatus: "cancelled", Reason: "R", Detail: "D", EndedAt: new(start)})
				},
				func(w world) []db.Turn { return []db.Turn{w.running, w.waiting, w.other, w.elsewhere} }},
			{"of a mailbox",
				func(t *testing.T, f *fixture, w world) []db.Turn {
					return updated(t, f, db.System.EndMailboxTurns, db.EndMailboxTurnsParams{AgentID: w.ann, ChannelID: w.here, NewStatus: "cancelled", Reason: "R", Detail: "D", EndedAt: new(start)})
				},
				func(w world) []db.Turn { return []db.Turn{w.running, w.waiting, w.other} }},
			{"of a mailbox, the queued ones",
				func(t *testing.T, f *fixture, w world) []db.Turn {
					return updated(t, f, db.System.EndMailboxTurns, db.EndMailboxTurnsParams{AgentID: w.ann, ChannelID: w.here, QueuedOnly: true, NewStatus: "cancelled", Reason: "R", Detail: "D", EndedAt: new(start)})
				},
				func(w world) []db.Turn { return []db.Turn{w.waiting, w.other} }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				f := setup(t)
				w := build(t, f)
				got := tt.end(t, f, w)
				if diff := gocmp.Diff(turnIDs(tt.want(w)), turnIDs(got)); diff != "" {
					t.Errorf("ended (-want +got):\n%s", diff)
				}
				for _, turn := range got {
					want := turn
					want.Status, want.Reason, want.Detail, want.LeaseOwner, want.LeaseUntil, want.EndedAt = "cancelled", "R", "D", "", 0, new(start)
					if diff := gocmp.Diff(want, viewed(t, f, db.System.GetTurn, turn.ID)); diff != "" {
						t.Errorf("an ended turn (-want +got):\n%s", diff)
					}
				}
				if got := viewed(t, f, db.System.GetTurn, w.ended.ID); got.Status != "replied" {
					t.Errorf("a turn that was over became %q", got.Status)
				}
			})
		}
	})

	t.Run("counted while active", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		server := f.server(t)
		channel, other := f.channel(t, server, agent), f.channel(t, server, agent)
		unanswered := func() int64 { return viewed(t, f, db.System.ListChannelAgents, channel)[0].Unanswered }
		for range 3 {
			f.turn(t, agent, f.post(t, channel, uuid.New(), "x", start))
		}
		f.claim(t, "node", start, 1)
		f.turn(t, agent, f.post(t, other, uuid.New(), "x", start))
		if got := unanswered(); got != 3 {
			t.Errorf("active = %d, want 3", got)
		}
		updated(t, f, db.System.EndMailboxTurns, db.EndMailboxTurnsParams{AgentID: agent, ChannelID: channel, QueuedOnly: true, NewStatus: "superseded", EndedAt: new(start)})
		if got := unanswered(); got != 1 {
			t.Errorf("active after the queued ones ended = %d, want 1", got)
		}
	})

	t.Run("actions", func(t *testing.T) {
		f := setup(t)
		agent, other := f.agent(t, "Ann"), f.agent(t, "Bob")
		channel, elsewhere := f.channel(t, f.server(t)), f.channel(t, f.server(t))
		act := func(agent, channel uuid.UUID, at dbtype.Millis, names ...string) db.Turn {
			turn := f.turn(t, agent, f.post(t, channel, uuid.New(), "x", at))
			for i, name := range names {
				exec(t, f, db.System.InsertTurnAction, db.InsertTurnActionParams{TurnID: turn.ID, Position: int64(i), Action: name, Parameters: "{}", At: at})
			}
			return turn
		}
		turn := act(agent, channel, start, "first", "second")
		exec(t, f, db.System.EndTurnAction, db.EndTurnActionParams{TurnID: turn.ID, Position: 1, EndedAt: new(start + 5), Failed: true, Result: "gone wrong"})
		want := []db.TurnAction{
			{TurnID: turn.ID, Position: 0, Action: "first", Parameters: "{}", At: start, Tenant: store.DefaultTenant},
			{TurnID: turn.ID, Position: 1, Action: "second", Parameters: "{}", At: start, EndedAt: new(start + 5), Failed: true, Result: "gone wrong", Tenant: store.DefaultTenant},
		}
		if diff := gocmp.Diff(want, viewed(t, f, db.System.ListTurnActions, turn.ID)); diff != "" {
			t.Errorf("actions (-want +got):\n%s", diff)
		}
		act(agent, channel, start+10, "third")
		act(agent, elsewhere, start+20, "elsewhere")
		act(other, channel, start+20, "another's")
		act(agent, channel, start+30, "now")
		recent := db.ListRecentActionsParams{ChannelID: channel, AgentID: agent, Before: start + 30, LimitTurns: 9, LimitRows: 9}
		for _, tt := range []struct {
			turns, rows int64
			want        []string
		}{{9, 9, []string{"third", "second", "first"}}, {1, 9, []string{"third"}}, {9, 2, []string{"third", "second"}}} {
			recent.LimitTurns, recent.LimitRows = tt.turns, tt.rows
			var got []string
			for _, row := range viewed(t, f, db.System.ListRecentActions, recent) {
				got = append(got, row.Action)
			}
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("recent, %d turns, %d rows (-want +got):\n%s", tt.turns, tt.rows, diff)
			}
		}
	})

	t.Run("log", func(t *testing.T) {
		f := setup(t)
		turn := f.turn(t, f.agent(t, "Ann"), f.post(t, f.channel(t, f.server(t)), uuid.New(), "x", start))
		want := []db.TurnEvent{
			{TurnID: turn.ID, Position: 0, Type: "RUN_STARTED", At: start, Data: dbtype.JSON("{}"), Tenant: store.DefaultTenant},
			{TurnID: turn.ID, Position: 1, Type: "RUN_ENDED", At: start + 1, Data: dbtype.JSON("[]"), Tenant: store.DefaultTenant},
		}
		for _, event := range slices.Backward(want) {
			exec(t, f, db.System.InsertTurnEvent, alike[db.InsertTurnEventParams](event))
		}
		again := alike[db.InsertTurnEventParams](want[0])
		again.Type = "OTHER"
		exec(t, f, db.System.InsertTurnEvent, again)
		if diff := gocmp.Diff(want, viewed(t, f, db.System.ListTurnEvents, turn.ID)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// turnIDs returns the ids of turns, sorted: the engines return them in any order.
func turnIDs(turns []db.Turn) []string {
	ids := make([]string, len(turns))
	for i, turn := range turns {
		ids[i] = turn.ID.String()
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}
