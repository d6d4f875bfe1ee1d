package dbtype

import (
	"strings"
	"unicode/utf8"
)

// Text returns s as both databases can store it: valid UTF-8, without the character NUL.
func Text(s string) string {
	if !strings.ContainsRune(s, 0) && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
