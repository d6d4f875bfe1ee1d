package frame

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	cdataOpen  = "<![CDATA["
	cdataClose = "]]>"
	maxEntity  = 12 // bytes of the longest entity that is decoded, with & and ;
)

// decode returns the text that a field's content stands for: CDATA sections are taken literally, entities are decoded once,
// and white space around it is dropped.
func decode(content string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(content, cdataOpen)
		decodeEntities(&b, before)
		if !found {
			break
		}
		literal, after, _ := strings.Cut(rest, cdataClose)
		b.WriteString(literal)
		content = after
	}
	return strings.TrimSpace(b.String())
}

func decodeEntities(b *strings.Builder, text string) {
	for {
		i := strings.IndexByte(text, '&')
		if i < 0 {
			b.WriteString(text)
			return
		}
		b.WriteString(text[:i])
		decoded, n, _ := entityAt(text[i:])
		b.WriteString(decoded)
		text = text[i+n:]
	}
}

// entityAt reads the entity at the start of text, which begins with &. It returns what it stands for and its length; for
// an & that stands for itself that is "&" and 1. Incomplete means that more input could make an entity of it.
func entityAt(text string) (decoded string, length int, incomplete bool) {
	window := text[:min(len(text), maxEntity)]
	end := strings.IndexByte(window, ';')
	if end < 0 {
		return "&", 1, len(text) < maxEntity && strings.IndexFunc(window[1:], isNotEntity) < 0
	}
	switch name := window[1:end]; name {
	case "lt":
		decoded = "<"
	case "gt":
		decoded = ">"
	case "amp":
		decoded = "&"
	case "quot":
		decoded = `"`
	case "apos":
		decoded = "'"
	default:
		r, ok := numeric(name)
		if !ok {
			return "&", 1, false
		}
		decoded = string(r)
	}
	return decoded, end + 1, false
}

func isNotEntity(r rune) bool {
	return r != '#' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// numeric reads the name of a numeric entity.
func numeric(name string) (rune, bool) {
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(strings.ToLower(digits), "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n == 0 || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return 0, false
	}
	return rune(n), true
}
