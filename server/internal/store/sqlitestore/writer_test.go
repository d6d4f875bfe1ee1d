package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// insert returns a transaction function that stores an agent.
func insert(ctx context.Context, id uuid.UUID) func(q db.System) error {
	return func(q db.System) error {
		_, err := q.InsertAgent(ctx, db.InsertAgentParams{ID: id, Name: "Ann", Character: dbtype.JSON("{}"), Secrets: dbtype.JSON("{}"), CreatedAt: now, UpdatedAt: now})
		return err
	}
}

// stored reports whether an agent is there.
func stored(t *testing.T, s *sqlitestore.Store, id uuid.UUID) bool {
	t.Helper()
	err := s.SystemView(t.Context(), func(q db.System) error {
		_, err := q.GetAgent(t.Context(), id)
		return err
	})
	if err != nil && !apierr.IsCode(err, apierr.NotFound) {
		t.Fatalf("View: %v", err)
	}
	return err == nil
}

// hold blocks the writer until the returned function is called, which waits until it has ended. Updates meanwhile are grouped
// with the one that blocks, which itself stores nothing.
func hold(t *testing.T, s *sqlitestore.Store) (release func()) {
	t.Helper()
	begun, let, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once // the group may run again
	go func() {
		defer close(ended)
		_ = s.SystemUpdate(t.Context(), func(db.System) error {
			once.Do(func() { close(begun) })
			<-let
			return nil
		})
	}()
	<-begun
	return func() {
		close(let)
		<-ended
	}
}

// await waits until a number of updates wait for the writer.
func await(s *sqlitestore.Store, updates int) {
	for sqlitestore.Waiting(s) < updates {
		runtime.Gosched()
	}
}

func TestWaitingUpdatesShareACommit(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var commits atomic.Int64
	if err := sqlitestore.OnCommit(s, func() bool { commits.Add(1); return true }); err != nil {
		t.Fatal(err)
	}
	const callers = 100
	release := hold(t, s)
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			if err := s.SystemUpdate(t.Context(), insert(t.Context(), uuid.New())); err != nil {
				t.Errorf("Update: %v", err)
			}
		})
	}
	await(s, callers)
	release()
	group.Wait()
	if got := commits.Load(); got != 1 {
		t.Errorf("%d updates took %d commits, want 1", callers, got)
	}
}

// TestFailuresInAGroupAreTheirOwn puts updates that fail after they changed something, by an error, an ignored error or a
// panic, among others: those are stored as if they had been alone, in the order in which they came.
func TestFailuresInAGroupAreTheirOwn(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var commits atomic.Int64
	if err := sqlitestore.OnCommit(s, func() bool { commits.Add(1); return true }); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	errRefused := errors.New("refused")
	failures := map[int]func(q db.System) error{ // after its own insert, at its place in the group
		3: func(db.System) error { return errRefused },
		5: func(q db.System) error {
			_, err := q.AddParticipant(ctx, db.AddParticipantParams{JoinedAt: now}) // of a channel that doesn't exist
			if err == nil {
				t.Error("a participant was added to nothing")
			}
			return nil
		},
		8: func(db.System) error { panic("refused") },
	}
	const callers = 12
	ids, seen := make([]uuid.UUID, callers), make([]int, callers)
	errs := make([]error, callers)
	release := hold(t, s)
	var group sync.WaitGroup
	for i := range ids {
		ids[i] = uuid.New()
		group.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			errs[i] = s.SystemUpdate(ctx, func(q db.System) error {
				agents, err := q.ListAgentHeads(ctx)
				if err != nil {
					return err
				}
				seen[i] = len(agents)
				if err := insert(ctx, ids[i])(q); err != nil {
					return err
				}
				if fail := failures[i]; fail != nil {
					return fail(q)
				}
				return nil
			})
		})
		await(s, i+1) // they keep their order
	}
	release()
	group.Wait()
	want := 0
	for i, id := range ids {
		_, fails := failures[i]
		if (errs[i] != nil) != fails || stored(t, s, id) == fails {
			t.Errorf("update %d: %v, stored: %v", i, errs[i], stored(t, s, id))
		}
		if seen[i] != want {
			t.Errorf("update %d saw %d agents, want %d", i, seen[i], want)
		}
		if !fails {
			want++
		}
	}
	if !errors.Is(errs[3], errRefused) {
		t.Errorf("the error became %v", errs[3])
	}
	if n := commits.Load(); n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
}

// TestGroupsAreFoundByTheirTexts searches for texts that the updates of one group have posted, changed and deleted, whether the
// group has to run again or not: the index follows with the commit.
func TestGroupsAreFoundByTheirTexts(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"all succeed": false, "one fails": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := t.Context(), open(t, t.TempDir())
			channel := rooms(t, s, 1)[0].channel
			message := func(text string) db.InsertMessageParams {
				return db.InsertMessageParams{
					ID: uuid.Must(uuid.NewV7()), ChannelID: channel, AuthorName: "Ann", Content: text, SourceType: "test", Metadata: dbtype.JSON("{}"), CreatedAt: now, UpdatedAt: now,
				}
			}
			kept, changed, deleted, last := message("an apple"), message("a plum"), message("a cherry"), message("a quince")
			steps := []func(q db.System) error{
				func(q db.System) error { kept.Seq = 1; return q.InsertMessage(ctx, kept) },
				func(q db.System) error { changed.Seq = 2; return q.InsertMessage(ctx, changed) },
				func(q db.System) error { deleted.Seq = 3; return q.InsertMessage(ctx, deleted) },
				func(q db.System) error {
					_, err := q.UpdateMessage(ctx, db.UpdateMessageParams{ID: changed.ID, Content: "a pear", SourceType: "test", Metadata: dbtype.JSON("{}"), UpdatedAt: now})
					return err
				},
				func(q db.System) error {
					_, err := q.DeleteMessage(ctx, db.DeleteMessageParams{ID: deleted.ID, ChannelID: channel})
					return err
				},
				func(q db.System) error {
					refused := message("a melon")
					refused.Seq = 4
					if err := q.InsertMessage(ctx, refused); err != nil || !fails {
						return err
					}
					return errors.New("refused")
				},
				func(q db.System) error { last.Seq = 5; return q.InsertMessage(ctx, last) },
			}
			release := hold(t, s)
			var group sync.WaitGroup
			for i, step := range steps {
				group.Go(func() {
					if err := s.SystemUpdate(ctx, step); (err != nil) != (fails && i == 5) {
						t.Errorf("step %d: %v", i, err)
					}
				})
				await(s, i+1)
			}
			release()
			group.Wait()
			melons := 1
			if fails {
				melons = 0
			}
			for word, want := range map[string]int{"apple": 1, "plum": 0, "pear": 1, "cherry": 0, "melon": melons, "quince": 1} {
				err := s.SystemView(ctx, func(q db.System) error {
					found, err := q.SearchMessages(ctx, db.SearchMessagesParams{Words: `"` + word + `"`, AnyChannel: true, AnyAuthor: true, ToTime: now, LimitRows: 10})
					if len(found) != want {
						t.Errorf("%q is found %d times, want %d", word, len(found), want)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestFailedCommitFailsItsGroup(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var broken atomic.Bool
	if err := sqlitestore.OnCommit(s, func() bool { return !broken.Load() }); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	const callers = 20
	ids := make([]uuid.UUID, callers)
	release := hold(t, s)
	var group sync.WaitGroup
	for i := range ids {
		ids[i] = uuid.New()
		group.Go(func() {
			if err := s.SystemUpdate(t.Context(), insert(t.Context(), ids[i])); err == nil {
				t.Error("Update succeeded without a commit")
			}
		})
	}
	await(s, callers)
	release()
	group.Wait()
	broken.Store(false)
	for _, id := range ids {
		if stored(t, s, id) {
			t.Error("an update is stored though its caller got an error")
		}
	}
	if err := s.SystemUpdate(t.Context(), insert(t.Context(), ids[0])); err != nil {
		t.Errorf("the next update: %v", err)
	}
}

func TestFullDiskLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	room := rooms(t, s, 1)[0]
	pages, err := sqlitestore.WriterPragma(t.Context(), s, "page_count")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlitestore.WriterPragma(t.Context(), s, "max_page_count = "+pages+"0"); err != nil {
		t.Fatal(err)
	}
	// Small and large messages together, until the disk is full for all of them.
	var mu sync.Mutex
	accepted := map[uuid.UUID]bool{}
	var failures atomic.Int64
	var group sync.WaitGroup
	for caller := range 8 {
		group.Go(func() {
			for failed := 0; failed < 5; {
				id := uuid.New()
				err := s.SystemUpdate(t.Context(), func(q db.System) error {
					channel, err := q.NextSeq(t.Context(), db.NextSeqParams{ID: room.channel, Now: now})
					if err != nil {
						return err
					}
					return q.InsertMessage(t.Context(), db.InsertMessageParams{
						ID: id, ChannelID: room.channel, Seq: channel.LastSeq, Content: strings.Repeat("x", 1000*caller*caller), SourceType: "test",
						Metadata: dbtype.JSON("{}"), CreatedAt: now, UpdatedAt: now,
					})
				})
				if err != nil {
					failed++
					failures.Add(1)
				}
				mu.Lock()
				accepted[id] = err == nil
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if failures.Load() == 0 {
		t.Fatal("the disk never became full")
	}
	var seqs int64
	for id, ok := range accepted {
		err := s.SystemView(t.Context(), func(q db.System) error {
			_, err := q.GetMessage(t.Context(), id)
			return err
		})
		if found := err == nil; found != ok {
			t.Errorf("accepted %t, stored %t (%v)", ok, found, err)
		}
		if ok {
			seqs++
		}
	}
	err = s.SystemView(t.Context(), func(q db.System) error {
		channel, err := q.GetChannel(t.Context(), room.channel)
		if channel.LastSeq != seqs {
			t.Errorf("last number %d after %d accepted messages", channel.LastSeq, seqs)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := sqlitestore.WriterPragma(t.Context(), s, "max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := s.SystemUpdate(t.Context(), insert(t.Context(), uuid.New())); err != nil {
		t.Errorf("an update with room again: %v", err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()

	t.Run("before its turn", func(t *testing.T) {
		t.Parallel()
		s := open(t, t.TempDir())
		release := hold(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			result <- s.SystemUpdate(ctx, func(db.System) error {
				t.Error("the function ran after its caller had left")
				return nil
			})
		}()
		await(s, 1)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Update: %v, want it cancelled", err)
		}
		release()
	})

	t.Run("while it runs", func(t *testing.T) {
		t.Parallel()
		s := open(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		id := uuid.New()
		err := s.SystemUpdate(ctx, func(q db.System) error {
			cancel()
			return insert(ctx, id)(q)
		})
		if err != nil {
			t.Errorf("Update: %v, want the outcome", err)
		}
		if !stored(t, s, id) {
			t.Error("acknowledged, but not stored")
		}
	})
}

func TestCloseCommitsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	release := hold(t, s)
	const callers = 50
	ids := make([]uuid.UUID, callers)
	var group sync.WaitGroup
	for i := range ids {
		ids[i] = uuid.New()
		group.Go(func() {
			if err := s.SystemUpdate(t.Context(), insert(t.Context(), ids[i])); err != nil {
				t.Errorf("Update: %v", err)
			}
		})
	}
	await(s, callers)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	release()
	group.Wait()
	if err := <-closed; err != nil {
		t.Fatalf("Close: %v", err)
	}
	again := open(t, dir)
	for _, id := range ids {
		if !stored(t, again, id) {
			t.Error("an accepted update is gone")
		}
	}
}

// TestCloseAmongCallers closes while updates keep coming: each is either stored or refused.
func TestCloseAmongCallers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	const callers = 8
	var mu sync.Mutex
	accepted := map[uuid.UUID]bool{}
	var started, group sync.WaitGroup
	started.Add(callers)
	for range callers {
		group.Go(func() {
			for first := true; ; first = false {
				id := uuid.New()
				err := s.SystemUpdate(t.Context(), insert(t.Context(), id))
				mu.Lock()
				accepted[id] = err == nil
				mu.Unlock()
				if first {
					started.Done()
				}
				if err != nil {
					if !apierr.IsCode(err, apierr.Unavailable) {
						t.Errorf("Update: %v, want UNAVAILABLE", err)
					}
					return
				}
			}
		})
	}
	started.Wait()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	group.Wait()
	again := open(t, dir)
	for id, ok := range accepted {
		if stored(t, again, id) != ok {
			t.Errorf("accepted %t, stored %t", ok, !ok)
		}
	}
}

func TestPanicShowsWhereItHappened(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer func() {
		text := fmt.Sprint(recover())
		if !strings.Contains(text, "out of cheese") || !strings.Contains(text, "TestPanicShowsWhereItHappened") {
			t.Errorf("the panic arrived as %q, without its cause or its place", text)
		}
	}()
	_ = s.SystemUpdate(t.Context(), func(db.System) error { panic("out of cheese") })
}
