package frame

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// root is the element that holds the fields.
const root = "response"

// Frame is an answer taken apart.
type Frame struct {
	Fields   map[string]string // by lower-case name; values are decoded and trimmed
	Cut      string            // the field that the end of the answer cut off; empty for none
	Unframed bool              // there was no markup at all, and the whole answer is the field "text"
}

// Parse reads the fields of an answer. Expected are the fields that were asked for: they are found even where the frame
// around them is missing. It reports false when the answer holds none of them.
func Parse(answer string, expected ...string) (Frame, bool) {
	if len(answer) > maxInput {
		answer = answer[:wholeRunes(answer[:maxInput])]
	}
	answer = dropReasoning(answer)
	tags := scan(answer)
	pair(tags)
	if len(tags) == 0 {
		text := strings.TrimSpace(answer)
		if text == "" || strings.HasPrefix(text, "<") || !slices.Contains(expected, "text") {
			return Frame{}, false
		}
		return Frame{Fields: map[string]string{"text": text}, Unframed: true}, true
	}
	r, ok := findFrame(answer, tags, expected)
	if !ok {
		return Frame{}, false
	}
	f := r.read()
	return f, len(f.Fields) > 0
}

// dropReasoning removes a block of thinking that comes before the answer.
func dropReasoning(answer string) string {
	trimmed := strings.TrimSpace(answer)
	t, ok, _ := tag{}, false, false
	if strings.HasPrefix(trimmed, "<") {
		t, ok, _ = tagAt(trimmed, 0)
	}
	if !ok || t.kind != openTag || !isReasoning(t.name) {
		return answer
	}
	if i := indexFold(trimmed, "</"+t.name+">"); i >= 0 {
		return trimmed[i+len(t.name)+len("</>"):]
	}
	if i := indexFold(trimmed, "<"+root); i >= 0 {
		return trimmed[i:]
	}
	return ""
}

// withoutThinking removes the thoughts that a model put inside a field, where nobody is meant to read them.
func withoutThinking(content string) string {
	if indexFold(content, "<th") < 0 {
		return content
	}
	tags := scan(content)
	pair(tags)
	var b strings.Builder
	pos := 0
	for _, t := range tags {
		if t.start >= pos && t.kind == openTag && t.match >= 0 && (isReasoning(t.name) || t.name == "thought") {
			b.WriteString(content[pos:t.start])
			pos = tags[t.match].end
		}
	}
	return b.String() + content[pos:]
}

func isReasoning(name string) bool { return name == "think" || name == "thinking" }

// indexFold finds an ASCII needle in either case.
func indexFold(s, needle string) int {
	for pos := 0; ; {
		i := strings.IndexByte(s[pos:], needle[0])
		if i < 0 || len(s)-pos-i < len(needle) {
			return -1
		}
		if strings.EqualFold(s[pos+i:pos+i+len(needle)], needle) {
			return pos + i
		}
		pos += i + 1
	}
}

// reader is the part of an answer that holds the fields.
type reader struct {
	text     string
	tags     []tag
	base     int // index that tags[0] had in the list that matches refer to
	end      int // offset in text
	open     bool
	expected []string
}

// findFrame finds the part of an answer that holds the fields (§6.1).
func findFrame(text string, tags []tag, expected []string) (reader, bool) {
	for i, t := range tags {
		if t.kind != openTag || t.name != root {
			continue
		}
		end := t.match
		if end < 0 { // a stray <response> inside took the closing tag
			end = lastClose(tags[i+1:], root) + i + 1
		}
		if end <= i {
			return reader{text, tags[i+1:], i + 1, len(text), true, expected}, true
		}
		return reader{text, tags[i+1 : end], i + 1, tags[end].start, false, expected}, true
	}
	for i, t := range tags {
		switch {
		case t.kind != openTag:
		case slices.Contains(expected, t.name):
			return reader{text, tags, 0, len(text), true, expected}, true
		case t.match >= 0:
			return reader{text, tags[i+1 : t.match], i + 1, tags[t.match].start, false, expected}, true
		}
	}
	return reader{}, false
}

// lastClose returns the index of the last closing tag of a name, or a number that is negative enough for any offset.
func lastClose(tags []tag, name string) int {
	for i, t := range slices.Backward(tags) {
		if t.kind == closeTag && t.name == name {
			return i
		}
	}
	return -1 << 31
}

// read reads the elements directly inside the frame. The last of a name wins.
func (r reader) read() Frame {
	f := Frame{Fields: map[string]string{}}
	for i := 0; i < len(r.tags); {
		t := r.tags[i]
		wanted := slices.Contains(r.expected, t.name)
		switch match := r.match(i); {
		case t.kind == emptyTag && wanted:
			f.Fields[t.name] = ""
			i++
		case t.kind != openTag:
			i++
		case match >= 0:
			if wanted {
				f.Fields[t.name] = decode(withoutThinking(r.text[t.end:r.tags[match].start]))
			}
			i = match + 1
		case !wanted:
			i++
		default:
			next, end := r.recover(i)
			value := r.text[t.end:end]
			if next == len(r.tags) && end == r.end && r.open {
				f.Cut = t.name
				value = dropPartialTag(value)
			}
			f.Fields[t.name] = decode(withoutThinking(value))
			i = next
		}
	}
	return f
}

// recover finds the end of a field whose tags don't pair up: its last closing tag before another complete field, otherwise
// that other field, otherwise the end of the frame. It returns the index of the tag to go on with and the offset of the end.
func (r reader) recover(i int) (next, end int) {
	name, closing := r.tags[i].name, -1
	for j := i + 1; j < len(r.tags); j++ {
		t := r.tags[j]
		if t.kind == closeTag && t.name == name {
			closing = j
		}
		if t.kind == openTag && t.name != name && r.match(j) >= 0 && slices.Contains(r.expected, t.name) {
			next = j
			break
		}
	}
	switch {
	case closing >= 0:
		return closing + 1, r.tags[closing].start
	case next > 0:
		return next, r.tags[next].start
	default:
		return len(r.tags), r.end
	}
}

// match returns the index of the tag that closes tag i inside the frame, or -1.
func (r reader) match(i int) int {
	if m := r.tags[i].match - r.base; m > i && m < len(r.tags) {
		return m
	}
	return -1
}

// dropPartialTag removes the beginning of a tag from the end of a text.
func dropPartialTag(text string) string {
	i := strings.LastIndexByte(text, '<')
	if i < 0 {
		return text
	}
	if _, ok, incomplete := tagAt(text, i); ok || !incomplete {
		return text
	}
	return text[:i]
}

// wholeRunes returns the length of text without a character that is cut off at its end.
func wholeRunes(text string) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if !utf8.FullRuneInString(text[len(text)-n:]) {
				return len(text) - n
			}
			break
		}
	}
	return len(text)
}
