package sqlitestore

import (
	"context"
	"fmt"

	"modernc.org/sqlite"
)

// WriterPragma returns the value of a pragma on the connection that writes. Nothing may write meanwhile.
func WriterPragma(ctx context.Context, s *Store, name string) (string, error) {
	return s.writer.session.pragma(ctx, name)
}

// ReaderPragma returns the value of a pragma on a connection that reads.
func ReaderPragma(ctx context.Context, s *Store, name string) (string, error) {
	reader := <-s.idle
	defer func() { s.idle <- reader }()
	return reader.pragma(ctx, name)
}

// Waiting is the number of updates that wait for the writer.
func Waiting(s *Store) int { return len(s.writer.queue) }

// OnCommit lets allow decide whether a commit succeeds.
func OnCommit(s *Store, allow func() bool) error {
	return s.writer.session.conn.Raw(func(conn any) error {
		hooks, ok := conn.(sqlite.HookRegisterer)
		if !ok {
			return fmt.Errorf("%T has no hooks", conn)
		}
		hooks.RegisterCommitHook(func() int32 {
			if allow() {
				return 0
			}
			return 1
		})
		return nil
	})
}

// LimitPages limits the database to a number of pages, as a full disk would.
func LimitPages(ctx context.Context, s *Store, pages int) error {
	return s.writer.submit(ctx, &update{raw: func(h *handle) error {
		_, err := h.session.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		return err
	}})
}
