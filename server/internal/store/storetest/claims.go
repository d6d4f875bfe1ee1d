package storetest

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// lease is how long the claims of these tests hold.
const lease dbtype.Millis = 1000

// claim claims up to n turns at the instant now, and returns them in the order of their mailboxes' messages.
func (f *fixture) claim(t *testing.T, owner string, now dbtype.Millis, n int64) []db.Turn {
	t.Helper()
	turns := updated(t, f, claimTurns(owner), db.ListClaimableTurnsParams{Now: now, MaxPerSender: 1 << 30, MaxTurns: n})
	slices.SortFunc(turns, func(a, b db.Turn) int { return int(a.Seq - b.Seq) })
	return turns
}

// claimTurns returns a claim by owner, which has the form of a query.
func claimTurns(owner string) func(db.System, context.Context, db.ListClaimableTurnsParams) ([]db.Turn, error) {
	return func(q db.System, ctx context.Context, arg db.ListClaimableTurnsParams) ([]db.Turn, error) {
		ids, err := q.ListClaimableTurns(ctx, arg)
		if err != nil {
			return nil, err
		}
		turns := []db.Turn{}
		for _, id := range ids {
			turn, err := q.ClaimTurn(ctx, db.ClaimTurnParams{ID: id, Owner: owner, Now: arg.Now, LeaseUntil: arg.Now + lease})
			if err != nil {
				return nil, err
			}
			turns = append(turns, turn)
		}
		return turns, nil
	}
}

func (f *fixture) finish(t *testing.T, owner string, turn db.Turn) {
	t.Helper()
	updated(t, f, db.System.FinishTurn, db.FinishTurnParams{ID: turn.ID, Owner: owner, Status: "replied", EndedAt: new(turn.QueuedAt)})
}

func testClaims(t *testing.T, setup func(t *testing.T) *fixture) {
	// mailbox fills a mailbox of a new agent in a new channel.
	mailbox := func(t *testing.T, f *fixture, turns int, at dbtype.Millis) (queued []db.Turn) {
		agent, channel := f.agent(t, "Ann"), f.channel(t, f.server(t))
		for range turns {
			queued = append(queued, f.turn(t, agent, f.post(t, channel, uuid.New(), "x", at)))
		}
		return queued
	}

	t.Run("leased and marked", func(t *testing.T) {
		f := setup(t)
		want := mailbox(t, f, 1, start)[0]
		want.Status, want.LeaseOwner, want.LeaseUntil, want.Attempts, want.StartedAt = "running", "node", start+5+lease, 1, new(start+5)
		if diff := cmp.Diff([]db.Turn{want}, f.claim(t, "node", start+5, 9)); diff != "" {
			t.Errorf("claimed (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, viewed(t, f, db.System.GetTurn, want.ID)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if got := f.claim(t, "other", start+5, 9); got == nil || len(got) != 0 {
			t.Errorf("claimed again: %#v, want an empty list", got)
		}
	})

	t.Run("a mailbox in order, one at a time", func(t *testing.T) {
		f := setup(t)
		for i, want := range mailbox(t, f, 3, start) {
			got := f.claim(t, "node", start, 9)
			if len(got) != 1 || got[0].ID != want.ID {
				t.Fatalf("claim %d = %v, want the turn of message %d", i+1, turnIDs(got), want.Seq)
			}
			f.finish(t, "node", got[0])
		}
	})

	t.Run("different mailboxes in parallel", func(t *testing.T) {
		f := setup(t)
		// Two agents in one channel, and one of them in another: three mailboxes.
		ann, bob := f.agent(t, "Ann"), f.agent(t, "Bob")
		here, there := f.channel(t, f.server(t)), f.channel(t, f.server(t))
		for range 2 {
			message := f.post(t, here, uuid.New(), "x", start)
			f.turn(t, ann, message)
			f.turn(t, bob, message)
			f.turn(t, ann, f.post(t, there, uuid.New(), "x", start))
		}
		got := f.claim(t, "node", start, 9)
		if len(got) != 3 {
			t.Fatalf("claimed %d turns, want one of each mailbox", len(got))
		}
		for _, turn := range got {
			if turn.Seq != 1 {
				t.Errorf("claimed message %d before the first one", turn.Seq)
			}
		}
	})

	t.Run("no more than asked for, the longest waiting first", func(t *testing.T) {
		f := setup(t)
		late, early, middle := mailbox(t, f, 2, start+30), mailbox(t, f, 2, start+10), mailbox(t, f, 2, start+20)
		if diff := cmp.Diff(turnIDs([]db.Turn{early[0], middle[0]}), turnIDs(f.claim(t, "node", start+40, 2))); diff != "" {
			t.Errorf("first claim (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(turnIDs(late[:1]), turnIDs(f.claim(t, "node", start+40, 2))); diff != "" {
			t.Errorf("second claim (-want +got):\n%s", diff)
		}
	})

	t.Run("senders take turns, and none more than its share", func(t *testing.T) {
		f := setup(t)
		flood, other := uuid.New(), uuid.New()
		ask := func(sender uuid.UUID, at dbtype.Millis) db.Turn {
			return f.turn(t, f.agent(t, "Ann"), f.post(t, f.channel(t, f.server(t)), sender, "x", at))
		}
		for i := range dbtype.Millis(9) {
			ask(flood, start+i)
		}
		take := func(n, perSender int64, now dbtype.Millis) map[uuid.UUID]int {
			senders := map[uuid.UUID]int{}
			for _, turn := range updated(t, f, claimTurns("node"), db.ListClaimableTurnsParams{Now: now, MaxPerSender: perSender, MaxTurns: n}) {
				senders[turn.SenderID]++
			}
			return senders
		}
		if diff := cmp.Diff(map[uuid.UUID]int{flood: 3}, take(4, 3, start+10)); diff != "" {
			t.Errorf("alone (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[uuid.UUID]int{}, take(1, 3, start+10)); diff != "" {
			t.Errorf("with its share at work (-want +got):\n%s", diff)
		}
		ask(other, start+20)
		ask(other, start+20)
		if diff := cmp.Diff(map[uuid.UUID]int{other: 1}, take(1, 9, start+20)); diff != "" {
			t.Errorf("the one with less at work (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[uuid.UUID]int{other: 1, flood: 1}, take(2, 9, start+20)); diff != "" {
			t.Errorf("then both (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[uuid.UUID]int{other: 2, flood: 2}, take(9, 2, start+lease*2)); diff != "" {
			t.Errorf("after the leases have passed (-want +got):\n%s", diff)
		}
	})

	t.Run("a lease passes, unless renewed", func(t *testing.T) {
		f := setup(t)
		turns := mailbox(t, f, 2, start)
		f.claim(t, "dead", start, 9)
		if got := f.claim(t, "node", start+lease, 9); len(got) != 0 {
			t.Fatalf("claimed %v within the lease", turnIDs(got))
		}
		if cancel := updated(t, f, db.System.RenewTurnLease, db.RenewTurnLeaseParams{ID: turns[0].ID, Owner: "dead", LeaseUntil: start + 2*lease}); cancel {
			t.Fatal("a turn is to be cancelled, and nobody asked for that")
		}
		if err := failing(t, f, db.System.RenewTurnLease, db.RenewTurnLeaseParams{ID: turns[1].ID, Owner: "dead", LeaseUntil: start + 2*lease}); !errors.Is(err, sql.ErrNoRows) {
			t.Fatalf("the lease of a turn that nobody runs: %v", err)
		}
		if got := f.claim(t, "node", start+lease+1, 9); len(got) != 0 {
			t.Fatalf("claimed %v within the renewed lease", turnIDs(got))
		}
		got := f.claim(t, "node", start+2*lease+1, 9)
		if len(got) != 1 || got[0].ID != turns[0].ID {
			t.Fatalf("claimed %v after the lease, want the same turn", turnIDs(got))
		}
		if got[0].Attempts != 2 || *got[0].StartedAt != start || got[0].LeaseOwner != "node" {
			t.Errorf("attempts %d, started at +%d, owner %s; want 2, +0, node", got[0].Attempts, *got[0].StartedAt-start, got[0].LeaseOwner)
		}
		if err := failing(t, f, db.System.RenewTurnLease, db.RenewTurnLeaseParams{ID: turns[0].ID, Owner: "dead", LeaseUntil: start + 9*lease}); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("the former owner renews: %v", err)
		}
	})

	t.Run("a cancellation is found by whoever has the turn", func(t *testing.T) {
		f := setup(t)
		turns := mailbox(t, f, 2, start)
		f.claim(t, "dead", start, 9)
		end := db.EndQueuedTurnParams{ID: turns[0].ID, NewStatus: "cancelled", Reason: "R", Detail: "D", EndedAt: new(start)}
		if err := failing(t, f, db.System.EndQueuedTurn, end); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("a turn that runs was ended: %v", err)
		}
		if got := updated(t, f, db.System.RequestTurnCancel, turns[0].ID); !got.CancelRequested || got.Status != "running" {
			t.Errorf("asked for: %+v", got)
		}
		if cancel := updated(t, f, db.System.RenewTurnLease, db.RenewTurnLeaseParams{ID: turns[0].ID, Owner: "dead", LeaseUntil: start + lease}); !cancel {
			t.Error("its worker does not hear of it")
		}
		open := db.GetOpenTurnOfResponseParams{ChannelID: turns[0].ChannelID, ResponseID: turns[0].ResponseID}
		if got := viewed(t, f, db.System.GetOpenTurnOfResponse, open); got.ID != turns[0].ID {
			t.Errorf("found %v by its reply", got.ID)
		}
		if got := f.claim(t, "node", start+lease+1, 9); len(got) != 1 || !got[0].CancelRequested {
			t.Errorf("the next worker does not hear of it: %+v", got)
		}
		updated(t, f, db.System.FinishTurn, db.FinishTurnParams{ID: turns[0].ID, Owner: "node", Status: "cancelled", EndedAt: new(start)})
		if err := failing(t, f, db.System.RequestTurnCancel, turns[0].ID); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("a turn that has ended: %v", err)
		}
		if err := failing(t, f, db.System.GetOpenTurnOfResponse, open); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("a turn that has ended, by its reply: %v", err)
		}
		end.ID = turns[1].ID
		if got := updated(t, f, db.System.EndQueuedTurn, end); got.Status != "cancelled" || got.Reason != "R" || got.Detail != "D" || *got.EndedAt != start {
			t.Errorf("one that waited: %+v", got)
		}
	})

	t.Run("released", func(t *testing.T) {
		f := setup(t)
		mailbox(t, f, 1, start)
		mailbox(t, f, 1, start+1)
		f.claim(t, "a", start+1, 1)
		f.claim(t, "b", start+1, 1)
		if got := updated(t, f, db.System.ReleaseTurnLeases, "a"); got != 1 {
			t.Fatalf("released %d turns, want only the owner's", got)
		}
		again := f.claim(t, "c", start+2, 9)
		if len(again) != 1 || again[0].Attempts != 2 {
			t.Fatalf("claimed %d turns after the release, want the one, at its second attempt", len(again))
		}
		f.update(t, func(ctx context.Context, q db.System) error {
			_, err := q.ReleaseAllTurnLeases(ctx)
			return err
		})
		if got := f.claim(t, "d", start+2, 9); len(got) != 2 {
			t.Errorf("claimed %d turns after the release of all, want 2", len(got))
		}
	})

	t.Run("a turn that ended leaves the way free", func(t *testing.T) {
		f := setup(t)
		turns := mailbox(t, f, 2, start)
		f.claim(t, "node", start, 9)
		updated(t, f, db.System.EndMessageTurns, db.EndMessageTurnsParams{MessageID: turns[0].MessageID, NewStatus: "cancelled", EndedAt: new(start)})
		if got := f.claim(t, "node", start, 9); len(got) != 1 || got[0].ID != turns[1].ID {
			t.Errorf("claimed %v, want the second turn", turnIDs(got))
		}
	})

	t.Run("never started before it was queued", func(t *testing.T) {
		f := setup(t)
		mailbox(t, f, 1, start)
		if got := f.claim(t, "slow clock", start-60_000, 1); len(got) != 1 || *got[0].StartedAt != start {
			t.Errorf("claimed %+v, want it started at %d", got, start)
		}
	})
}
