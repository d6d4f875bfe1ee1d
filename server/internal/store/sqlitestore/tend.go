package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	// tendInterval is how often the files are looked at.
	tendInterval = time.Second
	// logAge is how long what was stored may be in the write-ahead log alone while the server is busy; a server that is
	// idle moves it at once.
	logAge = 15 * time.Second
	// lookInterval and lookTime bound the search for damage: one table at a time, and no longer than it takes to look at a
	// few thousand rows.
	lookInterval = time.Minute
	lookTime     = 100 * time.Millisecond
)

// tender maintains the files of an open database, beside the work: it notices when they are moved or removed, moves what
// is in the write-ahead log alone into the database, fills the index of words, finds out when a fault is over, and looks
type tender struct {
	store *Store
	log   *slog.Logger
	path  string
	file  fs.FileInfo // of the database, as it was opened

	wal      fs.FileInfo // of the write-ahead log, as it was opened
	moved    walState    // what of it is in the database
	last     walState    // as it was at the last look
	movedAt  time.Time
	walGone  bool
	looked   time.Time
	tables   []string // that are still to be looked at
	stopping context.CancelFunc
	done     chan struct{}
}

// walState changes whenever the write-ahead log is written to.
type walState struct {
	size     int64
	modified time.Time
}

func newTender(s *Store, path string, log *slog.Logger) (*tender, error) {
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	wal, err := os.Stat(path + walSuffix)
	if err != nil {
		return nil, err
	}
	return &tender{store: s, log: log, path: path, file: file, wal: wal, done: make(chan struct{})}, nil
}

func (t *tender) start() {
	ctx, stop := context.WithCancel(context.Background())
	t.stopping = stop
	go func() {
		defer close(t.done)
		lifecycle.Persist(ctx, t.log, "the tending of the database", func() { t.run(ctx) })
	}()
}

func (t *tender) stop() {
	t.stopping()
	<-t.done
}

func (t *tender) run(ctx context.Context) {
	ticker := time.NewTicker(tendInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if t.present() != nil {
			continue
		}
		t.keepLocks()
		t.fillIndex(ctx)
		t.tendLog(ctx)
		t.probe(ctx)
		t.look(ctx)
	}
}

// present returns an error unless the path still leads to the file that is open. Unix lets an open file be removed, and what
// is then written to it is gone with the process.
func (t *tender) present() error {
	info, err := os.Stat(t.path)
	if err == nil && os.SameFile(info, t.file) {
		t.store.health.Over(store.FaultMissing)
		return nil
	}
	if err == nil {
		err = fs.ErrNotExist // another file is in its place
	}
	err = errors.Join(errMoved, err)
	t.store.health.Met(store.FaultMissing, err)
	return err
}

// keepLocks locks the directory again when the lock's file was removed: another process could lock a new one.
func (t *tender) keepLocks() {
	for i, lock := range t.store.locks {
		path := lock.Name()
		held, err := lock.Stat()
		if err != nil {
			continue
		}
		if info, err := os.Stat(path); err == nil && os.SameFile(info, held) {
			continue
		}
		again, err := lockFile(path)
		if err != nil {
			t.log.Error("the lock of the data directory was removed, and can't be taken again", "error", err)
			continue
		}
		t.log.Warn("the lock of the data directory was removed, and was taken again", "file", path)
		_ = lock.Close() // of a file that no other process sees
		t.store.locks[i] = again
		if i == len(t.store.locks)-1 {
			t.expectLog()
		}
	}
}

// tendLog moves the write-ahead log into the database when nothing was written for a moment, or not for long.
func (t *tender) tendLog(ctx context.Context) {
	info, err := os.Stat(t.path + walSuffix)
	if gone := err != nil || !os.SameFile(info, t.wal); gone != t.walGone {
		if t.walGone = gone; gone {
			// What it holds is moved into the database every second from now on; no other log is begun before the next start.
			t.store.health.Met(store.FaultLog, fmt.Errorf("%s was removed under the running server: restart it", t.path+walSuffix))
		}
	}
	if t.walGone {
		t.checkpoint(ctx)
		return
	}
	now := walState{info.Size(), info.ModTime()}
	idle := now == t.last
	t.last = now
	if now == t.moved || !idle && time.Since(t.movedAt) < logAge {
		return
	}
	if t.checkpoint(ctx) {
		t.moved, t.movedAt = now, time.Now()
	}
}

// fillIndex brings the index of words up to date, so that little is left to do for searches.
func (t *tender) fillIndex(ctx context.Context) {
	if err := t.store.index.complete(ctx); err != nil && ctx.Err() == nil {
		_ = t.store.health.Translate(err, classify) // which remembers it
	}
}

// checkpoint moves what the write-ahead log holds into the database, without blocking writers, and reports
// whether all of it could be moved: readers hold up what came after they began.
func (t *tender) checkpoint(ctx context.Context) bool {
	reader, err := t.store.borrow(ctx)
	if err != nil {
		return false
	}
	defer func() { t.store.idle <- reader }()
	var busy, frames, moved int
	if err := reader.conn.QueryRowContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &moved); err != nil {
		_ = t.store.health.Translate(err, classify) // which remembers it
		return false
	}
	return busy == 0 && frames == moved
}

// probe finds out whether a fault of writing is over: there may be no writer that would notice.
func (t *tender) probe(ctx context.Context) {
	faults := []store.Fault{store.FaultFull, store.FaultReadOnly, store.FaultDisk}
	for _, f := range faults {
		if !t.store.health.Has(f) {
			continue
		}
		err := t.store.writer.submit(ctx, &update{raw: func(h *handle) error {
			_, err := h.ExecContext(ctx, "PRAGMA user_version = 0") // writes a page, and changes nothing
			return err
		}})
		if err == nil {
			for _, f := range faults {
				t.store.health.Over(f)
			}
		}
		return
	}
}

// look looks for damage in the next table, within a time limit. What queries meet is known without it.
func (t *tender) look(ctx context.Context) {
	if time.Since(t.looked) < lookInterval {
		return
	}
	t.looked = time.Now()
	reader, err := t.store.borrow(ctx)
	if err != nil {
		return
	}
	defer func() { t.store.idle <- reader }()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := t.lookAtNext(ctx, reader); err != nil && ctx.Err() == nil {
		_ = t.store.health.Translate(err, classify) // which remembers it
	}
}

func (t *tender) lookAtNext(ctx context.Context, reader *session) error {
	if len(t.tables) == 0 {
		rows, err := reader.conn.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			t.tables = append(t.tables, name)
		}
		return rows.Err()
	}
	table := t.tables[0]
	t.tables = t.tables[1:]
	var verdict string
	if err := reader.conn.QueryRowContext(ctx, "SELECT quick_check FROM pragma_quick_check(?)", table).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		t.store.health.Met(store.FaultDamaged, errors.New(table+": "+verdict))
	}
	return nil
}

// walSuffix makes the name of the write-ahead log from the database's.
const walSuffix = "-wal"

// expectLog notes beside the database that there is a write-ahead log. The note goes when the log does, at a clean end, so
// that a start without it knows that it was lost.
func (t *tender) expectLog() {
	if err := noteLog(t.store.locks[len(t.store.locks)-1], filepath.Base(t.path)+walSuffix); err != nil {
		t.log.Warn("the lock of the data directory can't be written to", "error", err)
	}
}
