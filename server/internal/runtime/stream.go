package runtime

import (
	"strings"
	"unicode/utf8"

	"github.com/elizad/elizad/server/internal/messaging"
)

// partBreak separates the parts of a reply.
const partBreak = "\n\n"

// stream is the reply while it is being written. Everything that people will read goes through it, so the pieces that were
// shown on the way always make up the final text.
type stream struct {
	emit func(index int, text string)

	text      strings.Builder
	runes     int
	index     int
	breakNext bool
	full      bool // the reply has the greatest length that can be stored; the rest is dropped
}

// part begins another part of the reply. Until something is written it has no effect.
func (s *stream) part() { s.breakNext = s.text.Len() > 0 }

// write adds text to the reply and shows it.
func (s *stream) write(text string) {
	if text == "" || s.full {
		return
	}
	if s.breakNext {
		text, s.breakNext = partBreak+text, false
	}
	if n := utf8.RuneCountInString(text); s.runes+n <= messaging.MaxReply {
		s.runes += n
	} else {
		text, s.full = firstRunes(text, messaging.MaxReply-s.runes), true
		s.runes = messaging.MaxReply
	}
	if text == "" {
		return
	}
	s.text.WriteString(text)
	s.emit(s.index, text)
	s.index++
}

// String returns the reply so far.
func (s *stream) String() string { return s.text.String() }

// firstRunes returns the first n characters of text.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
