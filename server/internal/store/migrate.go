package store

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pressly/goose/v3"
)

// Migrate brings a database to the newest schema that this program knows. A database that is newer than that was written
// by a later release and is refused: going on could destroy what this program doesn't understand.
func Migrate(ctx context.Context, provider *goose.Provider, logger *slog.Logger) error {
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if current > newest {
		return fmt.Errorf("the database has schema version %d, this program knows only %d: use the newer release that wrote it", current, newest)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrating the schema from version %d to %d: %w", current, newest, err)
	}
	for _, result := range results {
		logger.InfoContext(ctx, "database schema migrated", "version", result.Source.Version, "duration", result.Duration)
	}
	return nil
}
