package frame

import "strings"

const (
	maxInput = 1 << 20 // bytes of an answer that are looked at
	maxTag   = 1 << 10 // a longer tag is text
)

type tagKind int

const (
	openTag  tagKind = iota
	closeTag         // </name>
	emptyTag         // <name/>
	skipped          // a comment, a processing instruction or a CDATA section
)

// tag is one piece of markup at [start, end) of a text.
type tag struct {
	kind       tagKind
	name       string // lower case
	start, end int
	match      int // in a list: index of the closing tag; -1 for none
}

// scan lists the markup of a text. What only looks like markup is left out.
func scan(text string) []tag {
	var tags []tag
	for pos := 0; ; {
		i := strings.IndexByte(text[pos:], '<')
		if i < 0 {
			return tags
		}
		t, ok, _ := tagAt(text, pos+i)
		if !ok {
			pos += i + 1
			continue
		}
		pos = t.end
		if t.kind != skipped {
			tags = append(tags, t)
		}
	}
}

// tagAt reads the markup that begins with the < at pos. Without any it reports whether more input could make some.
func tagAt(text string, pos int) (t tag, ok, incomplete bool) {
	rest := text[pos+1:]
	for _, section := range [...]struct{ open, close string }{{cdataOpen[1:], cdataClose}, {"!--", "-->"}, {"?", "?>"}} {
		if strings.HasPrefix(rest, section.open) {
			content, isCDATA := rest[len(section.open):], section.close == cdataClose
			if !isCDATA {
				content = content[:min(len(content), maxTag)]
			}
			end := strings.Index(content, section.close)
			switch {
			case end >= 0:
				return tag{kind: skipped, start: pos, end: pos + 1 + len(section.open) + end + len(section.close)}, true, false
			case isCDATA: // it swallows the rest, so repeated openings are not searched again
				return tag{kind: skipped, start: pos, end: len(text)}, true, true
			default:
				return tag{}, false, len(content) < maxTag
			}
		}
		if strings.HasPrefix(section.open, rest) {
			return tag{}, false, true
		}
	}
	kind := openTag
	if strings.HasPrefix(rest, "/") {
		kind, rest = closeTag, rest[1:]
	}
	n := nameLen(rest)
	if n == 0 {
		return tag{}, false, rest == ""
	}
	end := strings.IndexAny(rest[:min(len(rest), maxTag)], "<>")
	switch {
	case end < 0:
		return tag{}, false, len(rest) < maxTag
	case rest[end] == '<':
		return tag{}, false, false
	}
	if kind == openTag && rest[end-1] == '/' {
		kind = emptyTag
	}
	after := len(text) - len(rest) + end + 1
	return tag{kind: kind, name: strings.ToLower(rest[:n]), start: pos, end: after, match: -1}, true, false
}

// nameLen returns the length of the element name at the start of s.
func nameLen(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("-.:", c) < 0) {
			return i
		}
	}
	return len(s)
}

// pair sets the matches of opening tags. Only tags of the same name count, so a forgotten tag of another name inside an
// element doesn't matter.
func pair(tags []tag) {
	open := map[string][]int{}
	for i, t := range tags {
		switch stack := open[t.name]; {
		case t.kind == openTag:
			open[t.name] = append(stack, i)
		case t.kind == closeTag && len(stack) > 0:
			tags[stack[len(stack)-1]].match = i
			open[t.name] = stack[:len(stack)-1]
		}
	}
}
