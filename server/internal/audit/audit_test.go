package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/authtest"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// world is a store with a clock.
type world struct {
	*testing.T
	store store.System
	now   atomic.Int64
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) (store.System, error){
		"sqlite": func(t *testing.T) (store.System, error) {
			return sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
		},
		"postgres": func(t *testing.T) (store.System, error) {
			return pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = st.Close() })
			w := &world{T: t, store: st}
			w.now.Store(1_800_000_000_000)
			test(w)
		})
	}
}

func (w *world) log(keep time.Duration) *audit.Service {
	return audit.New(audit.Config{
		Store: w.store, Logger: slog.New(slog.DiscardHandler), Keep: keep, Now: func() time.Time { return time.UnixMilli(w.now.Load()) },
	})
}

func (w *world) pass(d time.Duration) { w.now.Add(d.Milliseconds()) }

func (w *world) list(s *audit.Service, f audit.Filter) []audit.Record {
	w.Helper()
	page, err := s.List(w.Context(), auth.Identity{}, f, 1000)
	if err != nil || page.More {
		w.Fatalf("more %t, %v", page.More, err)
	}
	return page.Records
}

// verify checks the chain page by page.
func (w *world) verify(s *audit.Service) (checked int64, dropped chain.Link, broken *chain.Break) {
	w.Helper()
	var v *chain.Verifier
	for f := (audit.Filter{}); ; {
		page, err := s.List(w.Context(), auth.Identity{}, f, 7)
		if err != nil {
			w.Fatal(err)
		}
		if v == nil {
			v = chain.NewVerifier(page.Head, nil)
		}
		for _, r := range page.Records {
			v.Next(r.Entry, r.Hash)
			f.Before = r.Seq
		}
		if !page.More {
			checked, broken = v.End(page.Dropped)
			return checked, page.Dropped, broken
		}
	}
}

func (w *world) append(s *audit.Service, e audit.Entry) {
	w.Helper()
	if err := s.Append(w.Context(), e); err != nil {
		w.Fatal(err)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		s := w.log(0)
		if n := len(w.list(s, audit.Filter{})); n != 0 {
			w.Fatalf("%d entries at first", n)
		}
		key, person, thing, whole := uuid.New(), uuid.New(), uuid.New(), uuid.New()
		made := audit.Entry{
			Action: "memory.delete", Operation: "deleteMemory", Status: 204, Who: authtest.Holder(auth.Grant{Key: key, Entity: person}), Address: "2001:db8::1",
			Target: thing, Within: whole, Details: "a\x00b\xffü", RequestID: "r",
		}
		w.append(s, made)
		w.pass(time.Second)
		w.append(s, audit.Entry{Action: "memory_x.delete", Who: auth.System(), Details: strings.Repeat("ü", 1000)})
		w.pass(time.Second)
		w.append(s, audit.Entry{Action: "key.create", Owner: true})
		all := w.list(s, audit.Filter{})
		want := chain.Entry{
			Seq: 1, At: 1_800_000_000_000, Since: 1_800_000_000_000, Times: 1, Action: "memory.delete", Operation: "deleteMemory", Status: 204,
			Kind: "user", Proof: "managed key", KeyID: key.String(), EntityID: person.String(), Proven: true, Address: "2001:db8::1",
			TargetID: thing.String(), WithinID: whole.String(), Details: "a b?ü", RequestID: "r",
		}
		if len(all) != 3 || all[2].Entry != want || all[2].Hash != want.Hash(chain.Hash{}) {
			w.Fatalf("listed %+v", all)
		}
		if e := all[0]; e.Kind != "key holder" || e.Proof != "key" || all[1].Kind != "server" || len(all[1].Details) > 510 {
			w.Errorf("listed %+v", all[:2])
		}
		at := time.UnixMilli(1_800_000_000_000)
		later := at.Add(time.Second)
		for name, tt := range map[string]struct {
			filter audit.Filter
			want   string
		}{
			"action": {audit.Filter{Action: "memory.delete"}, "1"}, "kind": {audit.Filter{Action: "memory"}, "1"}, "half a word": {audit.Filter{Action: "mem"}, ""},
			"wildcards": {audit.Filter{Action: "memory_x"}, "2"}, "key": {audit.Filter{Who: key}, "1"}, "entity": {audit.Filter{Who: person}, "1"},
			"target": {audit.Filter{Target: thing}, "1"}, "within": {audit.Filter{Target: whole}, "1"}, "other": {audit.Filter{Target: key}, ""},
			"from": {audit.Filter{From: &later}, "32"}, "to": {audit.Filter{To: &at}, "1"}, "before": {audit.Filter{Before: 3}, "21"},
		} {
			got := ""
			for _, r := range w.list(s, tt.filter) {
				got += fmt.Sprint(r.Seq)
			}
			if got != tt.want {
				w.Errorf("%s: %s, want %s", name, got, tt.want)
			}
		}
	})
}

// Many writers, of several nodes, make one chain.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		const writers, each = 8, 10
		var group sync.WaitGroup
		for range writers {
			s := w.log(0)
			group.Go(func() {
				for i := range each {
					if i%3 == 0 {
						s.Refused(uuid.NewString(), audit.Entry{Status: 401})
						w.list(s, audit.Filter{})
					} else if err := s.Append(context.Background(), audit.Entry{Action: "agent.delete"}); err != nil {
						w.Error(err)
					}
				}
			})
		}
		group.Wait()
		if n, _, broken := w.verify(w.log(0)); n != writers*each || broken != nil {
			w.Errorf("%d entries, %+v", n, broken)
		}
	})
}

// A flood of refusals is a few entries, and none of it is lost.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		s := w.log(0)
		const flood = 10_000
		for i := range flood {
			s.Refused("192.0.2.1", audit.Entry{Operation: "createKey", Status: 401, Address: "192.0.2.1"})
			if i == 0 {
				w.list(s, audit.Filter{})
			}
		}
		s.Refused("192.0.2.1", audit.Entry{Operation: "createKey", Status: 403, Address: "192.0.2.1"})
		s.Refused("192.0.2.2", audit.Entry{Operation: "createKey", Status: 401, Address: "192.0.2.2"})
		if n := len(w.list(s, audit.Filter{Action: audit.Refusal})); n != 3 {
			w.Errorf("%d entries at once, want 3", n)
		}
		w.pass(5 * time.Minute)
		all := w.list(s, audit.Filter{})
		if len(all) != 4 || all[0].Times != flood-1 || all[0].Since != 1_800_000_000_000 || all[0].Status != 401 {
			w.Fatalf("after a while %+v", all)
		}

		// Of many callers.
		w.pass(10 * time.Minute)
		s = w.log(0)
		before := len(all)
		for i := range flood {
			s.Refused(fmt.Sprint(i), audit.Entry{Status: 401})
			if i%100 == 0 {
				w.list(s, audit.Filter{})
			}
		}
		if err := s.Stop(w.Context()); err != nil { // which does nothing, as it was not started
			w.Fatal(err)
		}
		if err := s.Start(w.Context()); err != nil {
			w.Fatal(err)
		}
		if err := s.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		all = w.list(s, audit.Filter{})
		if n := len(all) - before; n > 131 {
			w.Errorf("%d entries of many callers", n)
		}
		times := int64(0)
		for _, r := range all[:len(all)-before] {
			times += r.Times
		}
		if times != flood {
			w.Errorf("they count %d", times)
		}
	})
}

// Refusals that can't be written are kept, and counted on.
func TestRefusalsSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		s := w.log(0)
		gone, cancel := context.WithCancel(w.Context())
		cancel()
		s.Refused("192.0.2.1", audit.Entry{Status: 401})
		if _, err := s.List(gone, auth.Identity{}, audit.Filter{}, 1); err == nil {
			w.Fatal("a list that nobody waits for")
		}
		w.pass(time.Second)
		s.Refused("192.0.2.1", audit.Entry{Status: 401})
		w.pass(10 * time.Second)
		if all := w.list(s, audit.Filter{}); len(all) != 1 || all[0].Times != 2 || all[0].Since != 1_800_000_000_000 || all[0].At != 1_800_000_001_000 {
			w.Errorf("listed %+v", all)
		}
	})
}

// What is old is dropped from the front, and the rest can still be verified.
func TestOldEntriesAreDropped(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		s := w.log(24 * time.Hour)
		for range 1200 {
			w.append(s, audit.Entry{Action: "agent.delete"})
		}
		w.pass(time.Hour)
		w.append(s, audit.Entry{Action: "agent.create"})
		w.append(s, audit.Entry{Action: "agent.change"})
		w.pass(23*time.Hour + time.Millisecond)
		if err := w.log(0).Drop(w.Context()); err != nil { // which keeps for ever
			w.Fatal(err)
		}
		if n, _, _ := w.verify(s); n != 1202 {
			w.Errorf("%d entries are kept for ever", n)
		}
		for range 2 {
			if err := s.Drop(w.Context()); err != nil {
				w.Fatal(err)
			}
		}
		if n, dropped, broken := w.verify(s); n != 2 || dropped.Seq != 1200 || broken != nil {
			w.Errorf("%d entries behind %d, %+v", n, dropped.Seq, broken)
		}
		w.pass(2 * time.Hour)
		if err := s.Drop(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.append(s, audit.Entry{Action: "agent.start"})
		if n, dropped, broken := w.verify(s); n != 1 || dropped.Seq != 1202 || broken != nil {
			w.Errorf("%d entries behind %d, %+v", n, dropped.Seq, broken)
		}
	})
}
