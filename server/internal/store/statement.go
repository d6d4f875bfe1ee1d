package store

import "strings"

// IsRead reports whether a query of the generated code only reads. The keyword decides, not the method that the query is
// called with: an INSERT that returns its row is a query, too. The line in front of it that names the query is skipped.
func IsRead(query string) bool {
	for line := range strings.Lines(query) {
		if !strings.HasPrefix(line, "--") {
			return strings.HasPrefix(line, "SELECT")
		}
	}
	return false
}
