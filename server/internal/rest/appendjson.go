package rest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The parts of answers that are written too often for encoding/json.

// appendOptional appends a member, with its name in JSON, unless there is no value.
func appendOptional(dst []byte, name string, value *string) []byte {
	if value == nil {
		return dst
	}
	return appendText(append(dst, name...), *value)
}

// appendID appends an id as a JSON string.
func appendID(dst []byte, id uuid.UUID) []byte {
	dst = hex.AppendEncode(append(dst, '"'), id[:4])
	dst = hex.AppendEncode(append(dst, '-'), id[4:6])
	dst = hex.AppendEncode(append(dst, '-'), id[6:8])
	dst = hex.AppendEncode(append(dst, '-'), id[8:10])
	dst = hex.AppendEncode(append(dst, '-'), id[10:])
	return append(dst, '"')
}

// appendText appends a text as a JSON string, which is the one that encoding/json makes of it: what means something in HTML
// is escaped, too, and what is no UTF-8 is replaced.
func appendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	begin := 0 // of what is taken as it is
	for i := 0; i < len(text); {
		if isPlain[text[i]] {
			i++
			continue
		}
		c, size := utf8.DecodeRuneInString(text[i:])
		if escape := escapeOf(c, size); escape != "" {
			dst = append(append(dst, text[begin:i]...), escape...)
			begin = i + size
		}
		i += size
	}
	return append(append(dst, text[begin:]...), '"')
}

// isPlain tells which bytes stand for themselves in a JSON string.
var isPlain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return plain
}()

// escapeOf returns how a character that isn't plain, and takes size bytes, is written in a JSON string; "" for itself.
func escapeOf(c rune, size int) string {
	switch {
	case c == '"', c == '\\':
		return `\` + string(c)
	case c == '\n':
		return `\n`
	case c == '\r':
		return `\r`
	case c == '\t':
		return `\t`
	case c == '\b':
		return `\b`
	case c == '\f':
		return `\f`
	case c < utf8.RuneSelf, c == '\u2028', c == '\u2029':
		return fmt.Sprintf(`\u%04x`, c)
	case c == utf8.RuneError && size == 1:
		return `\ufffd`
	}
	return ""
}
