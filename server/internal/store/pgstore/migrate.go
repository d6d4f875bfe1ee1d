package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/elizad/elizad/queries"
	"github.com/elizad/elizad/server/internal/store"
)

// Migrate brings the database to the newest schema. Any number of processes may do so at once: one works, the others wait.
func Migrate(ctx context.Context, config Config) (err error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	files, err := fs.Sub(queries.Migrations, "migrations/postgres")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("preparing the migration lock: %w", err)
	}
	parsed, err := parse(config.URL)
	if err != nil {
		return err
	}
	// Rewriting a large table may take longer than any statement of the server should.
	parsed.ConnConfig.RuntimeParams["statement_timeout"] = "0"
	// A pool of its own: the lock lives on one connection while the migrations run on another.
	pool := stdlib.OpenDB(*parsed.ConnConfig)
	pool.SetMaxOpenConns(2)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := pool.PingContext(ctx); err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	return store.Migrate(ctx, provider, config.Logger)
}
