package storetest

import (
	"slices"
	"strings"
	"sync"
)

// Trace notes which queries a store sends; Add is for the Trace of a store's configuration. The zero value is ready, and safe
// for concurrent use.
type Trace struct {
	mu    sync.Mutex
	names []string
}

// Add notes a query of the generated code; begins and commits are none.
func (t *Trace) Add(query string) {
	rest, ok := strings.CutPrefix(query, "-- name: ")
	if !ok {
		return
	}
	name, _, _ := strings.Cut(rest, " ")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = append(t.names, name)
}

// Names returns the names of the queries in the order in which they were sent.
func (t *Trace) Names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.names)
}

// Count returns how often a query was sent.
func (t *Trace) Count(name string) (n int) {
	for _, seen := range t.Names() {
		if seen == name {
			n++
		}
	}
	return n
}

// Reset forgets what was sent so far.
func (t *Trace) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = nil
}
