package runtime

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// Versions and cards stay within their memory limits.
func TestVersionsAreBounded(t *testing.T) {
	t.Parallel()
	built := 0
	s := newAgentVersions(func(_ context.Context, row db.Agent) (*agentVersion, error) {
		built++
		return &agentVersion{id: row.ID, version: row.Version, card: &card{version: row.Version, bio: row.Name}}, nil
	})
	of := func(row db.Agent) *agentVersion {
		t.Helper()
		m, err := s.of(t.Context(), row)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	check := func() {
		t.Helper()
		sum := 0
		for _, m := range s.kept {
			sum += m.size
		}
		if sum != s.bytes || s.bytes > maxVersionBytes && len(s.kept) > 1 {
			t.Fatalf("%d versions of %d bytes, counted as %d", len(s.kept), sum, s.bytes)
		}
		sum = 0
		for _, c := range s.cards {
			sum += c.size()
		}
		if sum != s.cardBytes || sum > maxCardBytes {
			t.Fatalf("%d cards of %d bytes, counted as %d", len(s.cards), sum, s.cardBytes)
		}
	}
	character := dbtype.JSON(strings.Repeat("x", 250<<10)) // as large as callers may send one
	newest := db.Agent{}
	for range 200 {
		newest = db.Agent{ID: uuid.New(), Version: 1, Character: character}
		of(newest)
		check()
	}
	if len(s.kept) < 50 {
		t.Errorf("only %d versions are kept", len(s.kept))
	}
	before := built
	if of(newest); built != before {
		t.Error("the newest was built again")
	}
	changed := newest
	changed.Version = 2
	if m := of(changed); m.version != 2 || s.known(newest.ID, 1) != nil || s.card(newest.ID, 2) == nil {
		t.Errorf("version %d after a change", m.version)
	}
	check()
	if m := of(newest); m.version != 1 || s.known(newest.ID, 2) == nil {
		t.Error("an older version took the place of a newer one")
	}
	check()

	huge := db.Agent{ID: uuid.New(), Version: 1, Character: dbtype.JSON(strings.Repeat("x", maxVersionBytes/2))}
	if of(huge); s.known(huge.ID, 1) == nil || len(s.kept) != 1 {
		t.Errorf("one that is larger than all may be: %d are kept", len(s.kept))
	}
	check()
	s.forget(huge.ID)
	if s.bytes != 0 || s.card(huge.ID, 1) != nil {
		t.Errorf("%d bytes after it was forgotten", s.bytes)
	}
	bio := strings.Repeat("x", 100<<10)
	for range maxCardBytes/len(bio) + 10 {
		of(db.Agent{ID: uuid.New(), Name: bio, Version: 1, Character: dbtype.JSON(`{}`)})
		check()
	}
	const many = 10_000 // of a usual length are all kept
	s = newAgentVersions(s.build)
	for range many {
		of(db.Agent{ID: uuid.New(), Name: "usual", Version: 1, Character: dbtype.JSON(`{}`)})
	}
	if check(); len(s.cards) != many {
		t.Errorf("%d cards are kept", len(s.cards))
	}
}
