package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"github.com/elizad/elizad/queries"
	"github.com/elizad/elizad/server/internal/store"
)

// The order matters: busy_timeout comes first, because the pragmas behind it may have to wait for a lock. The log is moved
// into the database every 32 MB instead of every 4: the commit that does it makes all writers wait, and a page that was
// written many times meanwhile is moved once. A larger page cache gained nothing over the operating system's.
const (
	commonPragmas = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
		"&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(8000)&_pragma=journal_size_limit(67108864)&_dqs=0"
	writingPragmas = commonPragmas + "&_txlock=immediate"
	readingPragmas = commonPragmas + "&_pragma=query_only(1)"
)

// openWriting opens the pool of the one connection that writes.
func openWriting(path string) (*sql.DB, error) {
	return open(path, writingPragmas, 1)
}

// openReading opens the pool of the connections that read.
func openReading(path string) (*sql.DB, error) {
	return open(path, readingPragmas, readers)
}

func open(path, parameters string, connections int) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(uri(path) + "?" + parameters)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}

// uri returns the absolute path as a SQLite URI. Escaped, no file name can end the path and smuggle in parameters.
func uri(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a Windows drive
	}
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// checkDurable makes sure that the pragmas on which the promises of this package rest are in force. SQLite ignores some of
// them silently, such as WAL on a file system without shared memory.
func checkDurable(ctx context.Context, s *session) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		got, err := s.pragma(ctx, pragma)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("opening the database: %s is %q, not %q: the file system of the data directory is unsuitable", pragma, got, want)
		}
	}
	return nil
}

func migrate(ctx context.Context, pool *sql.DB, logger *slog.Logger) error {
	files, err := fs.Sub(queries.Migrations, "migrations/sqlite")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	return store.Migrate(ctx, provider, logger)
}
