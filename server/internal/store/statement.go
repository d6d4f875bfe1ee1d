package store

import (
	"regexp"
	"strings"
)

// writing finds what makes a query write that begins with what it selects from.
var writing = regexp.MustCompile(`\b(INSERT|UPDATE|DELETE)\b`)

// IsRead reports whether a query of the generated code only reads. The keywords decide, not the method that the query is
// called with: an INSERT that returns its row is a query, too. The line in front of it that names the query is skipped.
func IsRead(query string) bool {
	for line := range strings.Lines(query) {
		if !strings.HasPrefix(line, "--") {
			return strings.HasPrefix(line, "SELECT") || strings.HasPrefix(line, "WITH") && !writing.MatchString(query)
		}
	}
	return false
}
