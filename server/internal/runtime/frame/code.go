package frame

import (
	"slices"
	"strings"
)

// codeSpans are the parts of a text of Markdown that are code: fences, and spans within a line.
type codeSpans []codeSpan

type codeSpan struct {
	start, end int
	fence      bool
}

// codeIn finds the code of a text.
func codeIn(text string) codeSpans {
	var spans codeSpans
	for pos := 0; ; {
		i := strings.IndexByte(text[pos:], '`')
		if i < 0 {
			return spans
		}
		start := pos + i
		if strings.HasPrefix(text[start:], "```") {
			end := len(text)
			if n := strings.Index(text[start+3:], "```"); n >= 0 {
				end = start + 3 + n + 3
			}
			spans = append(spans, codeSpan{start, end, true})
			pos = end
			continue
		}
		n := strings.IndexAny(text[start+1:], "`\n")
		if n < 0 {
			return spans
		}
		pos = start + 1 + n + 1
		if text[pos-1] == '`' {
			spans = append(spans, codeSpan{start, pos, false})
		}
	}
}

// at returns the code that holds a position.
func (c codeSpans) at(pos int) (codeSpan, bool) {
	i, _ := slices.BinarySearchFunc(c, pos, func(s codeSpan, pos int) int { return s.end - 1 - pos })
	if i < len(c) && c[i].start <= pos {
		return c[i], true
	}
	return codeSpan{}, false
}

// hold reports whether a position is in code.
func (c codeSpans) hold(pos int) bool {
	_, ok := c.at(pos)
	return ok
}
