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
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/pgaddress"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	maxConns = 16 // unless pool_max_conns in the URL says otherwise

	// attempts bounds how often an update is run when others get in its way; the pauses between them double from firstPause.
	attempts   = 8
	firstPause = 5 * time.Millisecond

	// faultMemory is how long a fault that other callers met counts when none meets it again: a ping writes nothing, and could
	// not tell that the disk is still full.
	faultMemory = 30 * time.Second

	// commitTime bounds how long a commit is waited for when the caller's context ends meanwhile.
	commitTime = 30 * time.Second
)

// Config says where the database is.
type Config struct {
	// URL is the address of a database in any of the forms that [pgaddress.Parse] reads. It may set any session parameter;
	// those that it leaves out get the defaults of this package, unless there is a pooler in between.
	URL string

	Tenant store.Tenant // whose data it keeps

	Logger *slog.Logger // gets the log of migrations; nil for none

	Trace func(query string) // called for each query as it is sent, concurrently; nil for none
}

// tracer calls a function for each query.
type tracer func(query string)

func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t(data.SQL)
	return ctx
}

func (tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Store is a [store.Store] on PostgreSQL.
type Store struct {
	store.Bound
	pool   *pgxpool.Pool
	pooled bool // a pooler is in between
	tenant int64
	health *store.Health
	closed atomic.Bool
}

var _ store.System = (*Store)(nil)

// Open brings the database to the newest schema, unless another process is just doing so, and connects to it. Where that is
// not possible the error says what to do.
func Open(ctx context.Context, config Config) (*Store, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	address, poolConfig, err := connectable(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, address, poolConfig, config.Logger); err != nil {
		return nil, refusal(address, poolConfig, err)
	}
	tenant, err := findTenant(ctx, poolConfig.ConnConfig, config.Tenant)
	if err != nil {
		return nil, refusal(address, poolConfig, err)
	}
	if !address.Pooled {
		poolConfig.ConnConfig.RuntimeParams[tenantSetting] = strconv.FormatInt(tenant, 10)
	}
	if config.Trace != nil {
		poolConfig.ConnConfig.Tracer = tracer(config.Trace)
	}
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, refusal(address, poolConfig, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, refusal(address, poolConfig, err)
	}
	s := &Store{pool: pool, pooled: address.Pooled, tenant: tenant, health: store.NewHealth(config.Logger, faultMemory)}
	s.Bound = store.Bind(s, tenant)
	return s, nil
}

// parse reads the address and adds what it leaves open.
func parse(url string) (*pgaddress.Address, *pgxpool.Config, error) {
	address, err := pgaddress.Parse(url)
	if err != nil {
		return nil, nil, fmt.Errorf("POSTGRES_URL (--postgres-url) %w", err)
	}
	config, err := configure(address)
	return address, config, err
}

// configure says in the driver's words how to reach a database.
func configure(address *pgaddress.Address) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address.Driver())
	if err != nil { // its text quotes the address
		return nil, fmt.Errorf("POSTGRES_URL (--postgres-url) can't be used: %s", last(err))
	}
	if !address.Pooled { // poolers refuse to pass on what is set for a session
		for parameter, value := range map[string]string{
			"application_name":                    "elizad",
			"statement_timeout":                   "30s",
			"idle_in_transaction_session_timeout": "60s", // a node that hangs must not keep its row locks
		} {
			if _, ok := config.ConnConfig.RuntimeParams[parameter]; !ok {
				config.ConnConfig.RuntimeParams[parameter] = value
			}
		}
	}
	if !strings.Contains(address.Driver(), "pool_max_conns='") {
		config.MaxConns = maxConns
	}
	if config.MaxConnLifetimeJitter == 0 {
		config.MaxConnLifetimeJitter = config.MaxConnLifetime / 10
	}
	return config, nil
}

// connectable reads the address, and connects to find out what it doesn't say: whether a pooler is in between.
func connectable(ctx context.Context, config Config) (*pgaddress.Address, *pgxpool.Config, error) {
	address, poolConfig, err := parse(config.URL)
	if err != nil || address.Pooled {
		return address, poolConfig, err
	}
	address.Pooled, err = isPooled(ctx, poolConfig.ConnConfig)
	if err != nil {
		return nil, nil, refusal(address, poolConfig, err)
	}
	if address.Pooled {
		config.Logger.InfoContext(ctx, "a connection pooler is in front of the database: nothing is prepared or set for a session, as with pgbouncer=true")
		poolConfig, err = configure(address)
	}
	return address, poolConfig, err
}

// isPooled reports whether there is a pooler: it refuses what is set for a session, or the process that answers is another than
// the one that was announced to the driver.
func isPooled(ctx context.Context, config *pgx.ConnConfig) (bool, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if code(err) == poolerRefuses {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it has answered
	var process uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&process); err != nil {
		return false, fmt.Errorf("asking for the process that answers: %w", err)
	}
	return process != conn.PgConn().PID(), nil
}

// Read implements [store.Engine].
func (s *Store) Read(ctx context.Context, fn func(q unscoped.Querier) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return s.health.Translate(err, classify)
	}
	defer conn.Release()
	reads := &readOnly{conn: conn}
	if s.pooled {
		tx, err := s.begin(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly})
		if err != nil {
			return s.health.Translate(err, classify)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing changed; if it fails, Release closes the connection
		reads.conn = tx
	}
	defer reads.end()
	return s.health.Translate(fn(postgres.New(reads)), classify)
}

// Write implements [store.Engine].
func (s *Store) Write(ctx context.Context, fn func(q unscoped.Querier) error) error {
	pause, wasOvertaken := firstPause, false
	for attempt := 1; ; attempt++ {
		err := s.transact(ctx, func(tx pgx.Tx) error { return fn(postgres.New(tx)) })
		if err != nil && !wasOvertaken && overtaken(err) {
			wasOvertaken = true
			continue
		}
		if err == nil || attempt == attempts || !retryable(err) {
			return s.health.Translate(err, classify)
		}
		// Half of the pause is chance, so that callers that collided don't do so again.
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
			pause *= 2
		case <-ctx.Done():
			return s.health.Translate(ctx.Err(), classify)
		}
	}
}

// transact runs fn once.
func (s *Store) transact(ctx context.Context, fn func(tx pgx.Tx) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := s.begin(ctx, conn, pgx.TxOptions{})
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
	if err := fn(tx); err != nil {
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

// Ping implements [store.Store]. It knows what others met of late.
func (s *Store) Ping(ctx context.Context) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return s.health.Translate(err, classify)
	}
	defer conn.Release()
	if err := conn.Ping(ctx); err != nil {
		return s.health.Translate(err, classify)
	}
	return s.health.Err()
}

// Close implements [store.Store]. It waits for the transactions that run.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.pool.Close()
	return nil
}
