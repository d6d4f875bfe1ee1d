package jsontext

import (
	"fmt"
)

// MaxDepth is how deep the JSON may nest that callers bring along. It is what packets on sockets may have, too.
const MaxDepth = 64

// Excess says how JSON text is more than size bytes, or nests deeper than MaxDepth; it is empty for what is neither.
func Excess(raw []byte, size int) string {
	switch {
	case len(raw) > size:
		return fmt.Sprintf("must have at most %d bytes of JSON, and has %d", size, len(raw))
	case len(raw) > 2*MaxDepth && deeper(raw, MaxDepth): // so many brackets it would need
		return fmt.Sprintf("must nest at most %d deep", MaxDepth)
	default:
		return ""
	}
}

// deeper reports whether objects and lists nest deeper than most.
func deeper(raw []byte, most int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
