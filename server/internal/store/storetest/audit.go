package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

func testAudit(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("written, listed, dropped", func(t *testing.T) {
		f := setup(t)
		chain := func(q db.System, ctx context.Context, _ struct{}) (db.AuditChain, error) { return q.GetAuditChain(ctx) }
		if err := failing(t, f, chain, struct{}{}); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("the chain before the first entry: %v", err)
		}
		key, person, thing := uuid.New(), uuid.New(), uuid.New()
		for seq := int64(1); seq <= 4; seq++ {
			c := updated(t, f, db.System.UpsertAuditChain, []byte("first"))
			want := "first"
			if seq > 1 {
				want = string(rune('a' + seq - 1))
			}
			if c.LastSeq != seq || string(c.LastHash) != want || c.DroppedSeq != 0 {
				t.Fatalf("entry %d: %+v", seq, c)
			}
			hash := []byte{byte('a' + seq)}
			f.update(t, func(ctx context.Context, q db.System) error {
				e := db.InsertAuditEntryParams{Seq: seq, At: start, Since: start, Times: 1, Action: "key.create", Details: "ü", Hash: hash}
				if seq == 2 {
					e.Action, e.KeyID, e.EntityID, e.TargetID, e.Proven = "key", &key, &person, &thing, true
				}
				if err := q.InsertAuditEntry(ctx, e); err != nil {
					return err
				}
				return q.EndAuditChain(ctx, hash)
			})
		}
		list := func(change func(p *db.ListAuditEntriesParams)) (seqs []int64) {
			t.Helper()
			p := db.ListAuditEntriesParams{BeforeSeq: 100, AnyAction: true, Anybody: true, WhoID: &uuid.Nil, AnyTarget: true, TargetID: &uuid.Nil, ToTime: start, LimitRows: 9}
			change(&p)
			for _, e := range viewed(t, f, db.System.ListAuditEntries, p) {
				seqs = append(seqs, e.Seq)
			}
			return seqs
		}
		for name, tt := range map[string]struct {
			change func(p *db.ListAuditEntriesParams)
			want   []int64
		}{
			"all":    {func(*db.ListAuditEntriesParams) {}, []int64{4, 3, 2, 1}},
			"page":   {func(p *db.ListAuditEntriesParams) { p.BeforeSeq, p.LimitRows = 4, 2 }, []int64{3, 2}},
			"kind":   {func(p *db.ListAuditEntriesParams) { p.AnyAction, p.Action = false, "key" }, []int64{4, 3, 2, 1}},
			"action": {func(p *db.ListAuditEntriesParams) { p.AnyAction, p.Action = false, "key.create" }, []int64{4, 3, 1}},
			"key":    {func(p *db.ListAuditEntriesParams) { p.Anybody, p.WhoID = false, &key }, []int64{2}},
			"entity": {func(p *db.ListAuditEntriesParams) { p.Anybody, p.WhoID = false, &person }, []int64{2}},
			"target": {func(p *db.ListAuditEntriesParams) { p.AnyTarget, p.TargetID = false, &thing }, []int64{2}},
			"later":  {func(p *db.ListAuditEntriesParams) { p.FromTime, p.ToTime = start+1, start+9 }, nil},
		} {
			if got := list(tt.change); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		}
		for _, begin := range []db.BeginAuditChainParams{{Seq: 2, Hash: []byte("c")}, {Seq: 1, Hash: []byte("b")}} { // the second comes late
			f.update(t, func(ctx context.Context, q db.System) error { return q.BeginAuditChain(ctx, begin) })
		}
		if n := updated(t, f, db.System.DeleteAuditEntries, 2); n != 2 {
			t.Errorf("%d were dropped", n)
		}
		if c := viewed(t, f, chain, struct{}{}); c.DroppedSeq != 2 || string(c.DroppedHash) != "c" || c.LastSeq != 4 || string(c.LastHash) != "e" {
			t.Errorf("the chain is %+v", c)
		}
		if rows := viewed(t, f, db.System.ListOldestAuditEntries, 1); len(rows) != 1 || rows[0].Seq != 3 || rows[0].Details != "ü" {
			t.Errorf("the oldest: %+v", rows)
		}
	})
}
