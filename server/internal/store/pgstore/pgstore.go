// Package pgstore is the store of one or many processes, on PostgreSQL.
//
// Every update is one transaction of the isolation level READ COMMITTED; the queries lock the rows that matter, such as the
// channel whose next number is taken. A transaction that PostgreSQL gives up over a deadlock or a serialization conflict is
// run again. So is, once, one that meets a key which is taken or a row which is gone: it may have looked before others changed
// that, and says on its second look what it would have said after them.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	maxConns = 16 // unless pool_max_conns in the URL says otherwise

	// attempts bounds how often an update is run when others get in its way; the pauses between them double from firstPause.
	attempts   = 8
	firstPause = 5 * time.Millisecond

	// commitTime bounds how long a commit is waited for when the caller's context ends meanwhile.
	commitTime = 30 * time.Second
)

// Config says where the database is.
type Config struct {
	// URL is a PostgreSQL connection URL or keyword string. It may set any session parameter; those that it leaves out get
	// the defaults of this package. Behind a pooler that shares connections between transactions it must set
	// default_query_exec_mode=exec, and the schema must be migrated past the pooler.
	URL string

	Logger *slog.Logger // told about migrations; nil for none
}

// Store is a [store.Store] on PostgreSQL.
type Store struct {
	pool   *pgxpool.Pool
	closed atomic.Bool
}

var _ store.Store = (*Store)(nil)

// Open brings the database to the newest schema, unless another process is just doing so, and connects to it.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := Migrate(ctx, config); err != nil {
		return nil, err
	}
	poolConfig, err := parse(config.URL)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return &Store{pool: pool}, nil
}

// parse reads the connection URL and adds what it leaves open.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading the database URL: %w", err) // pgx keeps the password out of it
	}
	for parameter, value := range map[string]string{
		"application_name":                    "elizad",
		"statement_timeout":                   "30s",
		"idle_in_transaction_session_timeout": "60s", // a node that hangs must not keep its row locks
	} {
		if _, ok := config.ConnConfig.RuntimeParams[parameter]; !ok {
			config.ConnConfig.RuntimeParams[parameter] = value
		}
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	if config.MaxConnLifetimeJitter == 0 {
		config.MaxConnLifetimeJitter = config.MaxConnLifetime / 10
	}
	return config, nil
}

// View implements [store.Store].
func (s *Store) View(ctx context.Context, _ store.Scope, fn func(q db.Querier) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return store.Translate(err, classify)
	}
	defer conn.Release()
	reads := &readOnly{conn: conn}
	defer reads.end()
	return store.Translate(fn(postgres.New(reads)), classify)
}

// Update implements [store.Store].
func (s *Store) Update(ctx context.Context, _ store.Scope, fn func(q db.Querier) error) error {
	pause, wasOvertaken := firstPause, false
	for attempt := 1; ; attempt++ {
		err := s.transact(ctx, fn)
		if err != nil && !wasOvertaken && overtaken(err) {
			wasOvertaken = true
			continue
		}
		if err == nil || attempt == attempts || !retryable(err) {
			return store.Translate(err, classify)
		}
		// Half of the pause is chance, so that those who collided don't do so again.
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
			pause *= 2
		case <-ctx.Done():
			return store.Translate(ctx.Err(), classify)
		}
	}
}

// transact runs fn once.
func (s *Store) transact(ctx context.Context, fn func(q db.Querier) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	// From here on the outcome counts, whether or not the caller still waits for it.
	ending := context.WithoutCancel(ctx)
	defer func() {
		rollback, cancel := context.WithTimeout(ending, commitTime)
		defer cancel()
		// Nothing happens after a commit; and if it fails, Release closes the connection, which rolls back, too.
		_ = tx.Rollback(rollback)
	}()
	if err := fn(postgres.New(tx)); err != nil {
		return err
	}
	commit, cancel := context.WithTimeout(ending, commitTime)
	defer cancel()
	if err := tx.Commit(commit); err != nil {
		if errors.Is(err, pgx.ErrTxCommitRollback) {
			return fmt.Errorf("a failed statement was ignored: %w", err)
		}
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil && s.closed.Load() {
		return nil, store.ErrClosed
	}
	return conn, err
}

// Exclusive implements [store.Store]: other nodes may work on the database.
func (s *Store) Exclusive() bool { return false }

// Engine implements [store.Store].
func (s *Store) Engine() string { return "postgres" }

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return store.Translate(err, classify)
	}
	defer conn.Release()
	return store.Translate(conn.Ping(ctx), classify)
}

// Close implements [store.Store]. It waits for the transactions that run.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.pool.Close()
	return nil
}
