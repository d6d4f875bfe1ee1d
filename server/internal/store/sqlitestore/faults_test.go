package sqlitestore_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not so: %s", what)
		}
	}
}

func write(t *testing.T, s *sqlitestore.Store) (uuid.UUID, error) {
	id := uuid.New()
	return id, s.SystemUpdate(t.Context(), insert(t.Context(), id))
}

func mustWrite(t *testing.T, s *sqlitestore.Store) uuid.UUID {
	t.Helper()
	id, err := write(t, s)
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	return id
}

// check checks an error and the health of the store: both name the fault.
func check(t *testing.T, s *sqlitestore.Store, err error, fault store.Fault, code apierr.Code) {
	t.Helper()
	if got := apierr.From(err).Code; got != code || store.FaultOf(err) != fault {
		t.Errorf("refused with %s, %v: want %s, %s", got, err, code, fault)
	}
	if got := store.FaultOf(s.Ping(t.Context())); got != fault {
		t.Errorf("health names the fault %s, want %s", got, fault)
	}
}

// move renames a file.
func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsAcknowledgedIntoADatabaseThatIsGone(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{"folder": "", "file": "elizad.db"} {
		for _, replaced := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "data")
			s := open(t, dir)
			before := mustWrite(t, s)
			from, aside := filepath.Join(dir, part), filepath.Join(filepath.Dir(dir), "aside")
			move(t, from, aside)
			if replaced {
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "elizad.db"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // before and after it is noticed
				_, err := write(t, s)
				check(t, s, err, store.FaultMissing, apierr.Unavailable)
			}
			if !stored(t, s, before) {
				t.Errorf("%s: what was stored is no longer served", name)
			}
			if err := os.RemoveAll(from); err != nil {
				t.Fatal(err)
			}
			move(t, aside, from)
			after := mustWrite(t, s)
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("%s: put back, but the health is %v", name, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, dir)
			if !stored(t, again, before) || !stored(t, again, after) {
				t.Errorf("%s: what was acknowledged is lost", name)
			}
		}
	}
}

func TestFullDiskIsUnavailableUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	before := mustWrite(t, s)
	if err := sqlitestore.LimitPages(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil { // free space in the file may still be used
		_, err = write(t, s)
	}
	check(t, s, err, store.FaultFull, apierr.Unavailable)
	if !stored(t, s, before) {
		t.Error("what was stored is no longer served")
	}
	if err := sqlitestore.LimitPages(t.Context(), s, 1<<30); err != nil {
		t.Fatal(err)
	}
	eventually(t, "healthy again, though nobody writes", func() bool { return s.Ping(t.Context()) == nil })
	mustWrite(t, s)
}

func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	all := rooms(t, s, 1)
	for range 1000 { // which is more than the schema
		if _, err := post(t.Context(), s, all[0].channel); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "elizad.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	noise := []byte(strings.Repeat("noise", int(size)/10))
	if _, err := file.WriteAt(noise, size-int64(len(noise))); err != nil { // the later half: the schema comes first
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	err = s.SystemView(t.Context(), func(q db.System) error {
		_, err := q.ListMessagesFromSeq(t.Context(), db.ListMessagesFromSeqParams{ChannelID: all[0].channel, LimitRows: 1000})
		return err
	})
	check(t, s, err, store.FaultDamaged, apierr.StorageDamaged)
}

// copyOf copies the database file alone, as a careless backup does.
func copyOf(t *testing.T, dir string, names ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// alone reports whether the database has a row without its write-ahead log.
func alone(t *testing.T, dir string, id uuid.UUID) bool {
	t.Helper()
	var count int
	// A copy that was made in the middle of a write lacks the table, or is not a database.
	err := raw(t, copyOf(t, dir, "elizad.db")).QueryRow("SELECT count(*) FROM agents WHERE id = ?", id).Scan(&count)
	return err == nil && count == 1
}

func TestWhatIsStoredDoesNotStayInTheLogAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	first := mustWrite(t, s)
	eventually(t, "an idle server moves the log", func() bool { return alone(t, dir, first) })
	ctx, cancel := context.WithCancel(t.Context())
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for ; ctx.Err() == nil; <-pace.C {
			if err := s.SystemUpdate(ctx, insert(ctx, uuid.New())); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	}()
	second := mustWrite(t, s)
	eventually(t, "a busy server moves the log", func() bool { return alone(t, dir, second) })
	cancel()
	<-busy
}

func TestMissingLogIsNoticedAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	id := mustWrite(t, s)
	// As a killed process leaves its files, once without the log, and once with it.
	without := copyOf(t, dir, "elizad.db", "elizad.lock")
	with := copyOf(t, dir, "elizad.db", "elizad.db-wal", "elizad.lock")
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: without})
	if err == nil {
		t.Fatal("it starts as if nothing were missing")
	}
	for _, want := range []string{filepath.Join(without, "elizad.db-wal"), "backup", filepath.Join(without, "elizad.lock")} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if _, again := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: without}); again == nil {
		t.Error("the second attempt starts")
	}
	if err := os.Remove(filepath.Join(without, "elizad.lock")); err != nil {
		t.Fatal(err)
	}
	open(t, without)
	if !stored(t, open(t, with), id) {
		t.Error("with its log, the row is missing")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // after a clean end there is no log to miss
}

func TestLogThatIsRemovedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.Remove(filepath.Join(dir, "elizad.db-wal")); err != nil {
		t.Fatal(err)
	}
	id := mustWrite(t, s)
	eventually(t, "health names it", func() bool { return store.FaultOf(s.Ping(t.Context())) == store.FaultLog })
	eventually(t, "what it held is in the database", func() bool { return alone(t, dir, id) })
	mustWrite(t, s)
}

func TestLockThatIsRemovedIsTakenAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if err := os.Remove(filepath.Join(dir, "elizad.lock")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lock is there again", func() bool {
		content, err := os.ReadFile(filepath.Join(dir, "elizad.lock"))
		return err == nil && strings.Contains(string(content), "elizad.db-wal")
	})
	if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: dir}); err == nil {
		t.Error("the directory was opened twice")
	}
}
