package store

import (
	"slices"
	"strings"
)

// IsRead reports whether a query of the generated code only reads. The keywords decide, not the method that the query is
// called with: an INSERT that returns its row is a query, too. The line in front of it that names the query is skipped.
func IsRead(query string) bool {
	for line := range strings.Lines(query) {
		if !strings.HasPrefix(line, "--") {
			return strings.HasPrefix(line, "SELECT") || strings.HasPrefix(line, "WITH") && !changes(query)
		}
	}
	return false
}

// changes reports whether a query that begins with what it selects from goes on to write, or locks to write.
func changes(query string) bool {
	return slices.ContainsFunc([]string{"INSERT", "UPDATE", "DELETE"}, func(word string) bool { return strings.Contains(query, word) })
}
