package pgstore_test

import (
	"testing"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// BenchmarkViewers compares queries for one who takes part with the same for everybody.
func BenchmarkViewers(b *testing.B) { storetest.BenchmarkViewers(b, open(b, pgtest.URL(b))) }
