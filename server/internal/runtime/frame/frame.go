package frame

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// root is the element that holds the fields.
const root = "response"

// frameNames are the elements of frames.
var frameNames = []string{root, "thought", "actions", "providers", "text"}

// Frame is an answer taken apart.
type Frame struct {
	Fields   map[string]string // by lower-case name; values are decoded and trimmed
	Cut      string            // the field that the end of the answer cut off; empty for none
	Unframed bool              // the answer doesn't keep to the form, and the whole of it is the field "text"
	Inside   bool              // the answer began inside a thought
}

// Parse reads the fields of an answer. Expected are the fields that were asked for: they are found even where the frame
// around them is missing, or is one of JSON. Where text was asked for, an answer that doesn't keep to the form is all text,
// whatever markup it holds. It reports false when the answer holds nothing that was asked for.
func Parse(answer string, expected ...string) (Frame, bool) {
	if len(answer) > maxInput {
		answer = answer[:wholeRunes(answer[:maxInput])]
	}
	answer, inside := dropThoughts(answer, expected)
	f, ok := parse(answer, expected)
	f.Inside = inside
	return f, ok
}

// parse reads an answer without the thoughts before it.
func parse(answer string, expected []string) (Frame, bool) {
	if strings.HasPrefix(answer, "{") { // whatever markup its text holds
		if f, ok := parseObject(answer, expected); ok {
			return f, true
		}
	}
	if f, ok := parseElements(answer, expected); ok {
		return f, true
	}
	if f, ok := parseObject(answer, expected); ok {
		return f, true
	}
	if !slices.Contains(expected, "text") {
		return Frame{}, false
	}
	text := plain(answer)
	return Frame{Fields: map[string]string{"text": text}, Unframed: true}, text != ""
}

// parseElements reads an answer that has its fields in elements.
func parseElements(answer string, expected []string) (Frame, bool) {
	tags := scan(answer)
	pair(tags)
	r := findFrame(answer, tags, expected)
	if r == nil {
		return Frame{}, false
	}
	f := r.read()
	if r.bare != "" && f.lacksText(expected) {
		if inner, ok := parseObject(r.bare, expected); ok {
			return inner, true
		}
		f.Fields["text"] = decode(withoutThoughts(r.bare))
	}
	return f, len(f.Fields) > 0 && len(f.Fields) >= r.sure
}

// lacksText reports whether words that stand outside of all fields can be the text of a reply.
func (f Frame) lacksText(expected []string) bool {
	_, has := f.Fields["text"]
	names := List(f.Fields["actions"])
	isReply := func(name string) bool { return Fold(name) == "reply" || Fold(name) == "respond" }
	return !has && f.Cut == "" && slices.Contains(expected, "text") && (len(names) == 0 || slices.ContainsFunc(names, isReply))
}

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

// lastIndexFold finds the last ASCII needle in either case.
func lastIndexFold(s, needle string) int {
	for end := len(s); ; {
		i := strings.LastIndexByte(s[:end], needle[0])
		if i < 0 {
			return -1
		}
		if len(s)-i >= len(needle) && strings.EqualFold(s[i:i+len(needle)], needle) {
			return i
		}
		end = i
	}
}

// reader is the part of an answer that holds the fields.
type reader struct {
	text     string
	tags     []tag
	base     int // index that tags[0] had in the list that matches refer to
	start    int // offset in text
	end      int // offset in text
	open     bool
	expected []string
	sure     int    // how many fields it must have to be a frame and not a mention of one
	bare     string // the words outside of all elements, after reading
}

// findFrame finds the part of an answer that may hold the fields (agent runtime §6.1); nil when there is none.
func findFrame(text string, tags []tag, expected []string) *reader {
	code := codeIn(text)
	for i, t := range tags {
		if span, ok := code.at(t.start); t.kind != openTag || t.name != root || ok && !span.fence {
			continue // also what a sentence only mentions
		}
		end := t.match
		if end < 0 { // a stray <response> inside took the closing tag
			end = lastClose(tags[i+1:], root) + i + 1
		}
		if end <= i {
			return &reader{text: text, tags: tags[i+1:], base: i + 1, start: t.end, end: len(text), open: true, expected: expected}
		}
		return &reader{text: text, tags: tags[i+1 : end], base: i + 1, start: t.end, end: tags[end].start, expected: expected}
	}
	first := slices.IndexFunc(tags, func(t tag) bool { return t.kind == openTag })
	if first < 0 {
		return nil
	}
	t := tags[first]
	whole := &reader{text: text, tags: tags, end: len(text), open: true, expected: expected}
	switch begins := onlyFence(text[:t.start]); {
	case begins && slices.Contains(expected, t.name):
		whole.start = t.start
	case begins && t.match >= 0 && strings.Trim(text[tags[t.match].end:], " \t\r\n`") == "":
		inner := &reader{text: text, tags: tags[first+1 : t.match], base: first + 1, start: t.end, end: tags[t.match].start, expected: expected, sure: 2}
		if slices.Contains(wrappers, t.name) {
			inner.sure = 1
		}
		return inner
	case slices.ContainsFunc(tags, func(t tag) bool {
		span, ok := code.at(t.start)
		return ok && !span.fence && slices.Contains(expected, t.name)
	}):
		return nil // they are spoken of
	case endsWithText(text, tags):
		whole.start = len(text) // what precedes it is an introduction
	default:
		whole.start, whole.sure = len(text), 2
	}
	return whole
}

// onlyFence reports whether before the fields there is nothing but the beginning of a fence or of a document.
func onlyFence(before string) bool {
	before = strings.TrimSpace(before)
	rest, fenced := strings.CutPrefix(before, "```")
	return before == "" || fenced && !strings.ContainsAny(rest, " \n") || strings.HasPrefix(before, "<?") || strings.HasPrefix(before, "<!--")
}

// endsWithText reports whether an answer is an introduction and one text element.
func endsWithText(text string, tags []tag) bool {
	last := tags[len(tags)-1]
	if last.kind != closeTag || last.name != "text" || strings.TrimSpace(text[last.end:]) != "" {
		return false
	}
	opening := slices.IndexFunc(tags, func(t tag) bool { return t.kind == openTag && t.name == "text" && t.match == len(tags)-1 })
	return opening == 0 && text[tags[0].start:tags[0].end] == "<text>" && !codeIn(text).hold(tags[0].start)
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
func (r *reader) read() Frame {
	f := Frame{Fields: map[string]string{}}
	var bare strings.Builder
	at := r.start
	outside := func(next, end int) { // text up to next is outside of elements; the element ends at end
		if next > at {
			bare.WriteString(r.text[at:next])
		}
		at = max(at, end)
	}
	for i := 0; i < len(r.tags); {
		t := r.tags[i]
		wanted := slices.Contains(r.expected, t.name)
		switch match := r.match(i); {
		case t.kind == emptyTag && wanted:
			f.Fields[t.name] = ""
			outside(t.start, t.end)
			i++
		case t.kind != openTag:
			i++
		case match >= 0:
			if wanted {
				f.Fields[t.name] = decode(withoutThoughts(r.text[t.end:r.tags[match].start], "thought"))
				outside(t.start, r.tags[match].end)
			}
			i = match + 1
		case !wanted, len(f.Fields) < r.sure: // of what may be a mention only whole elements count
			i++
		default:
			next, end := r.recover(i)
			value := r.text[t.end:end]
			if next == len(r.tags) && end == r.end && r.open {
				f.Cut = t.name
				value = dropPartialTag(value)
			}
			f.Fields[t.name] = decode(withoutThoughts(value, "thought"))
			outside(t.start, end)
			if next < len(r.tags) && r.tags[next].start > end {
				at = r.tags[next].start
			} else if next > 0 && r.tags[next-1].kind == closeTag && r.tags[next-1].start == end {
				at = r.tags[next-1].end
			}
			i = next
		}
	}
	outside(r.end, r.end)
	r.bare = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(bare.String()), "```"))
	return f
}

// recover finds the end of a field whose tags don't pair up: its last closing tag before another complete field, otherwise
// that other field, otherwise the end of the frame. It returns the index of the tag to continue with and the offset of the end.
func (r *reader) recover(i int) (next, end int) {
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
func (r *reader) match(i int) int {
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
