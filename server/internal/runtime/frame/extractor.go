package frame

import (
	"slices"
	"strings"
	"unicode"
)

// maxUnshown bounds what an [Extractor] keeps while it waits for something to show; beyond it, it waits for the end.
const maxUnshown = 16 << 10

// special are the elements whose tags are never shown. Anything else inside a text, such as a piece of HTML, is text.
var special = []string{root, "text", "thought", "actions", "providers", "think", "thinking"}

// Extractor finds what may be shown of an answer that is still being written (§11): the content of <text> directly inside
// the frame, decoded, never a tag, never a thought, never half a character. Where it cannot be sure it shows nothing more,
// and [Extractor.Finish] tells what is left when the answer is known as a whole.
type Extractor struct {
	gated bool // show only after <actions> turned out to be REPLY alone
	open  bool // the gate

	buf   string // what is not dealt with yet
	state state
	name  string // of the element being passed over
	depth int
	value strings.Builder // content of the element being passed over
	shown strings.Builder
	held  string // white space that is only shown if something follows
}

type state int

const (
	atStart    state = iota // nothing but white space so far
	inThinking              // inside a reasoning block
	inFrame                 // between fields
	inElement               // inside one that isn't shown
	inText                  // inside the one that is
	waiting                 // until the end
)

// NewExtractor returns an extractor for one answer. Gated is for answers that list actions: their text may be shown only
// when the one action is REPLY.
func NewExtractor(gated bool) *Extractor { return &Extractor{gated: gated, open: !gated} }

// Write takes the next piece of the answer, which must not end inside a character, and returns what may now be shown.
func (x *Extractor) Write(piece string) string {
	if x.state == waiting {
		return ""
	}
	before := x.shown.Len()
	x.buf += piece
	for x.step() {
	}
	if len(x.buf) > maxUnshown {
		x.state = waiting
	}
	if x.state == waiting {
		x.buf = ""
	}
	return x.shown.String()[before:]
}

// Shown returns everything that was shown.
func (x *Extractor) Shown() string { return x.shown.String() }

// Finish takes the text that was read from the complete answer and returns what is left to show, and the text that people
// have then seen. That is the given one unless something else was shown already, which then stands.
func (x *Extractor) Finish(text string) (rest, final string) {
	shown := x.shown.String()
	rest, ok := strings.CutPrefix(text, shown)
	if !ok {
		return "", shown
	}
	return rest, text
}

// step deals with the next piece of markup or text and reports whether there may be more to do.
func (x *Extractor) step() bool {
	switch x.state {
	case atStart:
		return x.begin()
	case inThinking:
		return x.passThinking()
	case inFrame:
		return x.nextField()
	case inElement:
		return x.passElement()
	case inText:
		return x.passText()
	default:
		return false
	}
}

// begin finds out whether the answer starts with a reasoning block.
func (x *Extractor) begin() bool {
	x.buf = strings.TrimLeftFunc(x.buf, unicode.IsSpace)
	if x.buf == "" {
		return false
	}
	x.state = inFrame
	if x.buf[0] != '<' {
		return true
	}
	t, ok, incomplete := tagAt(x.buf, 0)
	switch {
	case ok && t.kind == openTag && isReasoning(t.name):
		x.state, x.name = inThinking, t.name
	case !ok && incomplete:
		x.state = atStart
		return false
	}
	return true
}

// passThinking drops input up to the end of the reasoning block.
func (x *Extractor) passThinking() bool {
	end := "</" + x.name + ">"
	if i := indexFold(x.buf, end); i >= 0 {
		x.buf = x.buf[i+len(end):]
		x.state = inFrame
		return true
	}
	x.buf = x.buf[max(0, len(x.buf)-len(end)):]
	return false
}

// nextField drops input up to the next element.
func (x *Extractor) nextField() bool {
	t, ok := x.nextTag(nil)
	if !ok {
		return false
	}
	switch {
	case t.kind == closeTag && t.name == root:
		x.state = waiting
	case t.kind != openTag:
	case t.name == root:
		x.open = !x.gated
	case t.name == "text" && x.open:
		x.state = inText
	default:
		x.state, x.name, x.depth = inElement, t.name, 1
		x.value.Reset()
	}
	return true
}

// passElement drops input up to the end of an element and takes note of the actions.
func (x *Extractor) passElement() bool {
	t, ok := x.nextTag(&x.value)
	if !ok {
		return false
	}
	if t.name != x.name {
		return true
	}
	switch t.kind {
	case openTag:
		x.depth++
	case closeTag:
		x.depth--
	}
	if x.depth > 0 {
		return true
	}
	x.state = inFrame
	switch names := List(x.value.String()); x.name {
	case "actions":
		x.open = len(names) == 1 && Fold(names[0]) == "reply"
	case "providers":
		x.open = x.open && len(names) == 0
	}
	return true
}

// nextTag drops input up to and including the next tag; the text before it goes to content.
func (x *Extractor) nextTag(content *strings.Builder) (tag, bool) {
	drop := func(n int) {
		if content != nil && content.Len() < maxTag {
			content.WriteString(x.buf[:n])
		}
		x.buf = x.buf[n:]
	}
	for {
		i := strings.IndexByte(x.buf, '<')
		if i < 0 {
			drop(len(x.buf))
			return tag{}, false
		}
		drop(i)
		t, ok, incomplete := tagAt(x.buf, 0)
		switch {
		case incomplete:
			return tag{}, false
		case !ok:
			drop(1)
		case t.kind == skipped:
			drop(t.end)
		default:
			x.buf = x.buf[t.end:]
			return t, true
		}
	}
}

// passText shows input up to the next thing that needs a decision, and then decides it.
func (x *Extractor) passText() bool {
	i := strings.IndexAny(x.buf, "<&")
	if i < 0 {
		n := wholeRunes(x.buf)
		x.show(x.buf[:n])
		x.buf = x.buf[n:]
		return false
	}
	x.show(x.buf[:i])
	x.buf = x.buf[i:]
	if x.buf[0] == '&' {
		decoded, n, incomplete := entityAt(x.buf)
		if incomplete {
			return false
		}
		x.show(decoded)
		x.buf = x.buf[n:]
		return true
	}
	return x.passMarkup()
}

// passMarkup deals with a < inside the text.
func (x *Extractor) passMarkup() bool {
	if strings.HasPrefix(x.buf, cdataOpen) {
		end := strings.Index(x.buf, cdataClose)
		if end < 0 {
			return false
		}
		x.show(x.buf[len(cdataOpen):end])
		x.buf = x.buf[end+len(cdataClose):]
		return true
	}
	if strings.HasPrefix(cdataOpen, x.buf) {
		return false
	}
	name := strings.TrimPrefix(x.buf[1:], "/")
	n := nameLen(name)
	if n == len(name) && couldBeSpecial(name) {
		return false
	}
	if !slices.Contains(special, strings.ToLower(name[:n])) {
		x.show("<")
		x.buf = x.buf[1:]
		return true
	}
	switch _, ok, incomplete := tagAt(x.buf, 0); {
	case incomplete:
		return false
	case !ok:
		x.show("<")
		x.buf = x.buf[1:]
	default: // the text's own end, the frame's, or something odd: the complete answer tells
		x.state = waiting
	}
	return true
}

// couldBeSpecial reports whether a name that may go on can become one whose tags are not shown.
func couldBeSpecial(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(special, func(s string) bool { return strings.HasPrefix(s, name) })
}

// show shows text but keeps white space at its end back; that at the beginning of everything is dropped.
func (x *Extractor) show(text string) {
	if x.shown.Len() == 0 {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	body := strings.TrimRightFunc(text, unicode.IsSpace)
	if body != "" {
		x.shown.WriteString(x.held)
		x.shown.WriteString(body)
		x.held = ""
	}
	x.held += text[len(body):]
}
