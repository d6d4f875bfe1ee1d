package frame

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxUnshown bounds what an [Extractor] keeps while it waits for something to show; beyond it, it waits for the end.
const maxUnshown = 16 << 10

// special are the elements whose tags are never shown. Anything else inside a text, such as a piece of HTML, is text.
var special = append(slices.Clone(frameNames), reasoning...)

// Extractor finds what may be shown of an answer that is still being written (agent runtime §11): the content of <text> directly inside
// the frame, decoded; the text of a JSON frame; or, of a model that is known to speak so, words without a frame. Never a tag,
// never a thought, never half a character. Where it cannot be sure it shows nothing more, and [Extractor.Finish] returns what
// is left when the answer is known as a whole.
type Extractor struct {
	manner Manner
	gated  bool // show only after the actions turned out to be REPLY alone
	open   bool // the gate
	framed bool // the answer keeps to the form, so that a <text> in it is the reply's
	apart  bool // a thought of this answer has ended, so that what follows is none
	drafts bool // a frame was open in that thought: only a new frame has the answer

	buf   string // what is not dealt with yet
	state state
	name  string // of the element being passed over
	end   string // of the thought being passed over
	depth int
	value strings.Builder // content of the element being passed over
	prose strings.Builder // words that may turn out to be a thought
	seen  int             // how much of them holds no end
	tried int             // how much of buf holds no text of a JSON frame
	words string          // of the answer, not encoded any more, that are not dealt with yet
	spoke bool            // they are words without a frame
	code  bool            // the first fence among them was passed, or doesn't matter
	shown strings.Builder
	held  string // white space that is only shown if something follows
}

type state int

const (
	atStart    state = iota // nothing but white space so far
	inThinking              // inside a reasoning block
	inProse                 // inside words that may be a thought without a beginning
	inFrame                 // between fields
	inElement               // inside one that isn't shown
	inText                  // inside the one that is
	inObject                // inside a JSON frame, before its text
	inString                // inside that text
	inPlain                 // inside words without a frame
	waiting                 // until the end
)

// NewExtractor returns an extractor for one answer of a model. Gated is for answers that list actions: their text may be
// shown only when the one action is REPLY.
func NewExtractor(gated bool, manner Manner) *Extractor {
	return &Extractor{gated: gated, open: !gated, manner: manner}
}

// Write takes the next piece of the answer, which must not end inside a character, and returns what may now be shown.
func (x *Extractor) Write(piece string) string {
	if x.state == waiting {
		return ""
	}
	before := x.shown.Len()
	x.buf += piece
	for x.step() {
	}
	if max(len(x.buf), len(x.words)) > maxUnshown {
		x.state = waiting
	}
	if x.state == waiting {
		x.buf, x.words = "", ""
		x.prose.Reset()
	}
	return x.shown.String()[before:]
}

// Shown returns everything that was shown.
func (x *Extractor) Shown() string { return x.shown.String() }

// Finish takes the text that was read from the complete answer and returns what is left to show, and the text that people
// have then seen. That is the given one unless something else was shown already, which then stands; words that turned out to
// introduce a frame are before its text.
func (x *Extractor) Finish(text string) (rest, final string) {
	shown := x.shown.String()
	rest, ok := strings.CutPrefix(text, shown)
	switch {
	case ok:
		return rest, text
	case x.spoke && text != "" && !strings.HasPrefix(shown, text):
		return paragraph + text, shown + paragraph + text
	default:
		return "", shown
	}
}

// paragraph stands between an introduction and what it introduces.
const paragraph = "\n\n"

// step deals with the next piece of markup or text and reports whether there may be more to do.
func (x *Extractor) step() bool {
	switch x.state {
	case atStart:
		return x.begin()
	case inThinking:
		return x.passThinking()
	case inProse:
		return x.passProse()
	case inFrame:
		return x.nextField()
	case inElement:
		return x.passElement()
	case inText:
		return x.passText()
	case inObject:
		return x.passObject()
	case inString:
		return x.passString()
	case inPlain:
		x.words, x.buf = x.words+x.buf, ""
		return x.passWords()
	default:
		return false
	}
}

// begin finds out what the answer starts with: a thought, a frame, or words. Until a thought has ended, nothing but a frame
// at the very beginning shows that an answer is none, and not even that does with a model that begins inside one.
func (x *Extractor) begin() bool {
	x.buf = strings.TrimLeftFunc(x.buf, unicode.IsSpace)
	if x.buf == "" {
		return false
	}
	length, end, incomplete := thoughtAt(x.buf, nil)
	markup := strings.IndexByte("<[`", x.buf[0]) >= 0
	switch {
	case incomplete:
		return false
	case length > 0:
		x.state, x.end, x.buf = inThinking, end, x.buf[length:]
	case !x.apart && (x.manner.Inside || !x.manner.Known && !markup && x.buf[0] != '{'):
		x.state = inProse
	case x.buf[0] == '{' && !x.drafts:
		x.state = inObject
	case x.buf[0] == '{':
		x.state = waiting
	case markup || x.drafts || !x.manner.Plain:
		t, ok, _ := tagAtStart(x.buf)
		x.framed = ok && t.kind == openTag && slices.Contains(frameNames, t.name) && (t.name == root || !x.drafts)
		x.state = inFrame
	default:
		x.state, x.spoke = inPlain, true
	}
	return true
}

// passProse keeps words, which may be a thought without a beginning, until they end as one.
func (x *Extractor) passProse() bool {
	x.prose.WriteString(x.buf)
	x.buf = ""
	text := x.prose.String()
	at, length := thoughtEnd(text, x.seen, nil)
	switch {
	case len(text) > maxInput:
		x.state = waiting
		return false
	case at < 0:
		x.seen = max(0, len(text)-maxEnd)
		return false
	}
	before, after := text[:at], text[at+length:]
	if strings.Trim(after, " \t\r") == "" {
		return false // it may be spoken of
	}
	drafts := openDraft(before)
	if !drafts && isNoEnd(text+"`", at, length) { // a code span that is open may be closed later
		x.state = waiting
		return false
	}
	x.state, x.buf, x.apart, x.drafts = atStart, after, true, drafts
	x.prose.Reset()
	return true
}

// passThinking drops input up to the end of the thought. Another may follow.
func (x *Extractor) passThinking() bool {
	if i := indexFold(x.buf, x.end); i >= 0 {
		x.buf = x.buf[i+len(x.end):]
		x.state, x.apart = atStart, true
		return true
	}
	x.buf = x.buf[max(0, len(x.buf)-len(x.end)):]
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
		x.open, x.framed = !x.gated, true
	case t.name == "text" && x.open && x.framed:
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
	i := strings.IndexAny(x.buf, markStarts+"&")
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
	switch {
	case strings.HasPrefix(x.buf, cdataOpen):
		end := strings.Index(x.buf, cdataClose)
		if end < 0 {
			return false
		}
		x.show(x.buf[len(cdataOpen):end])
		x.buf = x.buf[end+len(cdataClose):]
		return true
	case strings.HasPrefix(cdataOpen, x.buf):
		return false
	}
	return x.passMark(&x.buf)
}

// passMark deals with what may be a mark at the start of text: of a thought, of an element, of the text's own end. If it is
// one, the complete answer decides.
func (x *Extractor) passMark(text *string) bool {
	isMark, incomplete := markAt(*text)
	switch {
	case isMark:
		x.state = waiting
		return false
	case incomplete:
		return false
	}
	_, width := utf8.DecodeRuneInString(*text)
	x.show((*text)[:width])
	*text = (*text)[width:]
	return true
}

// markAt reports whether a text begins with the mark of a thought or with a tag that is never shown. Incomplete means that
// more input could make one.
func markAt(text string) (isMark, incomplete bool) {
	if length, _, more := thoughtAt(text, nil); length > 0 {
		return true, false
	} else if text[0] != '<' {
		return false, more
	}
	name := strings.TrimPrefix(text[1:], "/")
	n := nameLen(name)
	if n == len(name) && couldBeSpecial(name) {
		return false, true
	}
	if !slices.Contains(special, strings.ToLower(name[:n])) {
		return false, false
	}
	_, isMark, incomplete = tagAt(text, 0)
	return isMark, incomplete
}

// couldBeSpecial reports whether a name that may be incomplete can become one whose tags are not shown.
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

// passObject looks for the text of a JSON frame, and finds out from what precedes it whether it may be shown.
func (x *Extractor) passObject() bool {
	if strings.IndexByte(x.buf[x.tried:], '"') < 0 {
		return false
	}
	x.tried = len(x.buf)
	r := objectReader{text: x.buf, stopAt: "text"}
	o := r.object(maxObjectDepth)
	if !r.stopped {
		return false
	}
	x.state = waiting
	if x.buf = x.buf[r.pos:]; o.plans() && (!x.gated || o.onlyReplies()) {
		x.state, x.code = inString, true
	}
	return true
}

// passString decodes the text of a JSON frame as [objectReader.quoted] does.
func (x *Extractor) passString() bool {
	if x.passWords() {
		return true
	}
	if x.state == waiting || x.buf == "" {
		return false
	}
	switch x.buf[0] {
	case '"':
		switch next := strings.TrimLeft(x.buf[1:], jsonSpace); {
		case next == "":
			return false
		case strings.IndexByte(afterString, next[0]) >= 0:
			x.state = waiting
			return false
		}
		x.words, x.buf = x.words+`"`, x.buf[1:]
	case '\\':
		if len(x.buf) < 2 || x.buf[1] == 'u' && len(x.buf) < maxEscape {
			return false
		}
		var b strings.Builder
		r := objectReader{text: x.buf, pos: 1}
		r.escape(&b)
		x.words, x.buf = x.words+b.String(), x.buf[r.pos:]
	default:
		n := strings.IndexAny(x.buf, `"\`)
		if n < 0 {
			n = len(x.buf)
		}
		x.words, x.buf = x.words+x.buf[:n], x.buf[n:]
	}
	return true
}

// passWords shows words up to the next thing that needs a decision, and then decides it.
func (x *Extractor) passWords() bool {
	if x.words == "" {
		return false
	}
	switch i := strings.IndexAny(x.words, markStarts+"`"); {
	case i < 0:
		n := wholeRunes(x.words)
		x.show(x.words[:n])
		x.words = x.words[n:]
		return false
	case i > 0:
		x.show(x.words[:i])
		x.words = x.words[i:]
		return true
	case x.words[0] == '`':
		return x.passBacktick()
	}
	for _, token := range tokens {
		switch {
		case strings.HasPrefix(x.words, token): // it may be a leftover
			x.state = waiting
			return false
		case strings.HasPrefix(token, x.words):
			return false
		}
	}
	return x.passMark(&x.words)
}

// passBacktick shows a backtick, unless it begins the first fence and there is an object in that: it may be a frame.
func (x *Extractor) passBacktick() bool {
	if fenced, ok := strings.CutPrefix(x.words, fence); ok && !x.code {
		switch object := objectAfter(fenced); {
		case strings.HasPrefix(object, "{"):
			x.state = waiting
			return false
		case object == "", strings.HasPrefix("json", object), strings.HasPrefix("JSON", object):
			return false
		}
		x.code = true
	} else if !x.code && strings.HasPrefix(fence, x.words) {
		return false
	}
	x.show("`")
	x.words = x.words[1:]
	return true
}
