// Package sqlitestore is the store of a single process, in one SQLite file.
//
// All writes go through one goroutine that commits them in groups: with synchronous=FULL a commit costs a disk flush, and a
// group shares one. When one of a group fails, the group runs again with a savepoint for each, so that the failure takes back
// its own changes only. Reads run beside the writer on a few connections that cannot write.
//
// The data directory belongs to one process at a time, which a lock file ensures.
package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	databaseName = "elizad.db"
	lockName     = "elizad.lock"
	lockSuffix   = ".lock" // of a database file elsewhere

	// readers is the number of reading connections; more bring nothing on the few cores of a machine that runs SQLite.
	readers = 4
)

// Config says where the database is.
type Config struct {
	Dir    string       // data directory; made if missing
	File   string       // database file, if it isn't elizad.db in Dir; its directory must exist
	Tenant store.Tenant // whose data it keeps
	Logger *slog.Logger // gets the log of migrations; nil for none

	Trace func(query string) // called for each query before it runs, concurrently; nil for none
}

// Path returns the database file.
func (c Config) Path() string { return cmp.Or(c.File, filepath.Join(c.Dir, databaseName)) }

// Store is a [store.Store] on SQLite.
type Store struct {
	store.Bound
	locks    []*os.File
	writing  *sql.DB // one connection, used by writer
	reading  *sql.DB
	sessions []*session // all of them, the writer's last
	writer   *writer
	index    textIndex
	tender   *tender
	health   *store.Health
	idle     chan *session // idle reading sessions

	closing chan struct{}
	close   sync.Once
	closed  error // result of Close
}

var _ store.System = (*Store)(nil)

// Open locks the data directory, brings the database to the newest schema and starts the writer. It fails at once when
// another process holds the directory, with an error that names it.
func Open(ctx context.Context, config Config) (_ *Store, err error) {
	if config.Dir == "" {
		return nil, errors.New("opening the database: no data directory is given")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	locks := []string{filepath.Join(config.Dir, lockName)}
	if config.File != "" {
		locks = append(locks, config.File+lockSuffix)
	}
	path, err := filepath.Abs(config.Path())
	if err != nil {
		return nil, fmt.Errorf("finding the database file: %w", err)
	}
	s := &Store{health: store.NewHealth(config.Logger, 0), idle: make(chan *session, readers), closing: make(chan struct{})}
	defer func() {
		if err == nil {
			return
		}
		giveUp := s.release
		if s.writer != nil {
			giveUp = s.Close
		}
		_ = giveUp() // the reason counts
		err = refusal(path, err)
	}()
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	for _, path := range locks {
		lock, err := lockFile(path)
		if err != nil {
			return nil, err
		}
		s.locks = append(s.locks, lock)
	}
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	if s.writing, err = openWriting(path); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.writing, config.Logger); err != nil {
		return nil, err
	}
	if s.reading, err = openReading(path); err != nil {
		return nil, err
	}
	for range readers {
		reader, err := newSession(ctx, s.reading, config.Trace)
		if err != nil {
			return nil, err
		}
		reader.complete = s.index.complete
		s.sessions = append(s.sessions, reader)
		s.idle <- reader
	}
	writing, err := newSession(ctx, s.writing, config.Trace)
	if err != nil {
		return nil, err
	}
	s.sessions = append(s.sessions, writing)
	if err := checkDurable(ctx, writing); err != nil {
		return nil, err
	}
	if s.tender, err = newTender(s, path, config.Logger); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s.tender.expectLog()
	s.writer = startWriter(writing, s.tender.present, func() { s.index.written.Add(1) })
	s.index.writer = s.writer
	s.index.written.Store(1) // what an earlier process has left
	s.tender.start()
	tenant := int64(store.DefaultTenant)
	if config.Tenant != (store.Tenant{}) {
		err := s.Write(ctx, func(q unscoped.Querier) (err error) { tenant, err = config.Tenant.Number(ctx, q); return err })
		if err != nil {
			return nil, err
		}
	}
	s.Bound = store.Bind(s, tenant)
	return s, nil
}

// createPrivate makes an empty database file that only its owner may read. SQLite gives its companion files the same mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("making the database file: %w", err)
	}
	return file.Close()
}

// Read implements [store.Engine].
func (s *Store) Read(ctx context.Context, fn func(q unscoped.Querier) error) error {
	reader, err := s.borrow(ctx)
	if err != nil {
		return s.health.Translate(err, classify)
	}
	defer func() { s.idle <- reader }()
	return s.health.Translate(reader.view(fn), classify)
}

// borrow waits for an idle reading session. It must be put back to idle.
func (s *Store) borrow(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.closing:
		return nil, store.ErrClosed
	default:
	}
	select {
	case reader := <-s.idle:
		return reader, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing:
		return nil, store.ErrClosed
	}
}

// Write implements [store.Engine].
func (s *Store) Write(ctx context.Context, fn func(q unscoped.Querier) error) error {
	return s.health.Translate(s.writer.update(ctx, fn), classify)
}

// Exclusive implements [store.Store]: the lock on the data directory keeps others out.
func (s *Store) Exclusive() bool { return true }

// Engine implements [store.Store].
func (s *Store) Engine() string { return "sqlite" }

// Ping implements [store.Store]. It reads the head of the file, and knows what others met.
func (s *Store) Ping(ctx context.Context) error {
	reader, err := s.borrow(ctx)
	if err != nil {
		return s.health.Translate(err, classify)
	}
	defer func() { s.idle <- reader }()
	if _, err = reader.pragma(ctx, "user_version"); err == nil {
		err = s.tender.present()
	}
	if err == nil {
		err = s.health.Err()
	}
	return s.health.Translate(err, classify)
}

// Close implements [store.Store]. Writes that were accepted are committed, reads that run are waited for.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.tender.stop()
		close(s.closing)
		s.writer.stop()
		for range readers {
			<-s.idle
		}
		s.closed = s.release()
	})
	return s.closed
}

// release gives up whatever Open has got so far. The writer's connection goes last: the last one to close moves the
// write-ahead log into the database. After it nothing touches the files, and the directory is free.
func (s *Store) release() error {
	var errs []error
	if s.tender != nil {
		errs = append(errs, noteLog(s.locks[len(s.locks)-1], ""))
	}
	for _, session := range s.sessions {
		errs = append(errs, session.close())
	}
	if s.reading != nil {
		errs = append(errs, s.reading.Close())
	}
	if s.writing != nil {
		errs = append(errs, s.writing.Close())
	}
	for _, lock := range s.locks {
		errs = append(errs, unlockFile(lock))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}
