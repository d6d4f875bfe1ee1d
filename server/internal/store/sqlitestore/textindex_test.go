package sqlitestore_test

import (
	"database/sql"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// found counts the messages that a search for a word of the posted ones finds.
func found(t *testing.T, s *sqlitestore.Store) int {
	t.Helper()
	n := 0
	err := s.SystemView(t.Context(), func(q db.System) error {
		rows, err := q.SearchMessages(t.Context(), db.SearchMessagesParams{
			Words: `"printer"`, AnyChannel: true, AnyAuthor: true, ToTime: math.MaxInt64, LimitRows: 1000,
		})
		n = len(rows)
		return err
	})
	if err != nil {
		t.Fatalf("searching: %v", err)
	}
	return n
}

// posted stores n messages.
func posted(t *testing.T, s *sqlitestore.Store, n int) {
	t.Helper()
	channel := rooms(t, s, 1)[0].channel
	var callers sync.WaitGroup
	for range n { // concurrently, so that few commits store them
		callers.Go(func() {
			if _, err := post(t.Context(), s, channel); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
}

func TestSearchFindsAllThatWasCommitted(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for round := 1; round <= 3; round++ {
		posted(t, s, 600) // takes more than one batch to index
		if n := found(t, s); n != min(600*round, 1000) {
			t.Fatalf("found %d messages after %d", n, 600*round)
		}
	}
}

func TestIndexIsFilledWithoutSearches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	posted(t, s, 300)
	other, err := sql.Open("sqlite", filepath.Join(dir, "elizad.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	eventually(t, "all that was stored is in the index", func() bool {
		var waiting, indexed int
		if err := other.QueryRowContext(t.Context(), "SELECT count(*) FROM messages_to_index").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if err := other.QueryRowContext(t.Context(), `SELECT count(*) FROM message_index WHERE message_index MATCH 'printer'`).Scan(&indexed); err != nil {
			t.Fatal(err)
		}
		return waiting == 0 && indexed == 300
	})
}

func TestNextStartFindsWhatWasNotIndexed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	posted(t, s, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := found(t, open(t, dir)); n != 10 {
		t.Errorf("found %d of 10 messages", n)
	}
}

func TestSearchAfterChangesBeforeTheIndex(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	channel := rooms(t, s, 1)[0].channel
	var messages []db.InsertMessageParams
	for range 3 {
		m, err := post(t.Context(), s, channel)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	edited := messages[0]
	err := s.SystemUpdate(t.Context(), func(q db.System) error {
		if _, err := q.DeleteMessage(t.Context(), db.DeleteMessageParams{ID: messages[1].ID, ChannelID: channel}); err != nil {
			return err
		}
		_, err := q.UpdateMessage(t.Context(), db.UpdateMessageParams{
			ID: edited.ID, Content: "It was the scanner.", SourceType: edited.SourceType, Metadata: edited.Metadata, UpdatedAt: edited.UpdatedAt + 1,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := found(t, s); n != 1 {
		t.Errorf("found %d messages, want the one that was neither deleted nor edited", n)
	}
}

func TestSearchOnAFullDiskFindsWhatIsIndexed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	posted(t, s, 10)
	if n := found(t, s); n != 10 {
		t.Fatalf("found %d of 10 messages", n)
	}
	channel := rooms(t, s, 1)[0].channel
	if err := sqlitestore.LimitPages(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	acknowledged := 10
	for {
		if _, err := post(t.Context(), s, channel); err != nil {
			break
		}
		acknowledged++
	}
	if n := found(t, s); n < 10 || n > acknowledged {
		t.Errorf("found %d messages, of %d", n, acknowledged)
	}
	if err := sqlitestore.LimitPages(t.Context(), s, 1<<30); err != nil {
		t.Fatal(err)
	}
	if n := found(t, s); n != min(acknowledged, 1000) {
		t.Errorf("with room on the disk %d messages were found, of %d", n, acknowledged)
	}
}
