package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/elizad/elizad/queries"
	"github.com/elizad/elizad/server/internal/pgaddress"
	"github.com/elizad/elizad/server/internal/store"
)

// Migrate brings the database to the newest schema. Any number of processes may do so at once: one works, the others wait.
func Migrate(ctx context.Context, config Config) error {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	address, poolConfig, err := connectable(ctx, config)
	if err != nil {
		return err
	}
	return refusal(address, poolConfig, migrate(ctx, address, poolConfig, config.Logger))
}

func migrate(ctx context.Context, address *pgaddress.Address, config *pgxpool.Config, logger *slog.Logger) (err error) {
	files, err := fs.Sub(queries.Migrations, "migrations/postgres")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	oneAtATime, err := migrationLock(address.Pooled)
	if err != nil {
		return fmt.Errorf("preparing the migration lock: %w", err)
	}
	own := config.ConnConfig.Copy()
	if !address.Pooled { // rewriting a large table may take longer than any statement of the server should
		own.RuntimeParams["statement_timeout"] = "0"
	}
	// A separate pool: the lock lives on one connection while the migrations run on another.
	pool := stdlib.OpenDB(*own)
	pool.SetMaxOpenConns(2)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	if err := ensureSchema(ctx, pool, address.Schema); err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files, oneAtATime)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	return store.Migrate(ctx, provider, logger)
}

// migrationLock lets one process migrate at a time. A lock of a session is the cheaper one; through a pooler, where a session
// has no owner, there is a table for it.
func migrationLock(pooled bool) (goose.ProviderOption, error) {
	if pooled {
		locker, err := lock.NewPostgresTableLocker()
		return goose.WithLocker(locker), err
	}
	locker, err := lock.NewPostgresSessionLocker()
	return goose.WithSessionLocker(locker), err
}

// ensureSchema makes the schema that an address names, as the programs do whose addresses name one.
func ensureSchema(ctx context.Context, pool *sql.DB, schema string) error {
	if schema == "" {
		return nil
	}
	var there bool
	if err := pool.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&there); err != nil {
		return fmt.Errorf("looking for the schema %s: %w", schema, err)
	}
	if there {
		return nil
	}
	if _, err := pool.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return fmt.Errorf("making the schema %s: %w", schema, err)
	}
	return nil
}
