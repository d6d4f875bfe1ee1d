package similar

import (
	"iter"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Terms returns what a full-text search knows a text by, in order: its words in lower case, without those that say nothing, and
// of scripts that don't separate words each two letters that follow one another. Both the text of an index and a question go
// through it, so that they are split alike whatever the engine.
func Terms(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for t := range tokens(text) {
			switch {
			case t.dense && len(t.runes) > 1:
				for at := range len(t.runes) - 1 {
					if !yield(string(t.runes[at : at+2])) {
						return
					}
				}
			case !isStopWord(t.text):
				if !yield(t.text) {
					return
				}
			}
		}
	}
}

// token is a word, or a stretch of a script that doesn't separate words.
type token struct {
	text  string
	runes []rune
	dense bool // of a script without spaces
}

// tokens yields the words of a text in the form in which they are compared: compatible characters made the same, in lower case,
// without apostrophes and the s after one.
func tokens(text string) iter.Seq[token] {
	return func(yield func(token) bool) {
		var word []rune
		apostrophe, dense := 0, false // how long the word was at its last apostrophe
		end := func() bool {
			if apostrophe > 0 && apostrophe == len(word)-1 && word[apostrophe] == 's' {
				word = word[:apostrophe]
			}
			if len(word) == 0 {
				return true
			}
			t := token{string(word), word, dense}
			word, apostrophe = nil, 0
			return yield(t)
		}
		for _, r := range strings.ToLower(norm.NFKC.String(text)) {
			switch {
			case unicode.IsMark(r) && len(word) > 0:
				word = append(word, r)
			case unicode.IsLetter(r) || unicode.IsNumber(r):
				if isDense(r) != dense && !end() {
					return
				}
				dense = isDense(r)
				word = append(word, r)
			case r == '\'' || r == '’':
				apostrophe = len(word)
			case !end():
				return
			}
		}
		end()
	}
}

// firstDense is below all scripts that don't separate words, which are looked up in tables.
const firstDense = 0x0e00

// isDense reports whether a letter is of a script that doesn't separate words.
func isDense(r rune) bool {
	return r == 'ー' || r >= firstDense && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// isStopWord reports whether a word says nothing about what a text is about.
func isStopWord(word string) bool { return stopWords[word] }

var stopWords = setOf(`a about after again all also am an and any are as at be because been before being but by can cant could did do does
doing done dont each for from get give go had has have having he her here hers him his how i if im in into is isnt it its itself just
know let lets like made make may me might more most much must my myself no nor not now of off on once one only or other our ours out over own
please same say she should so some such tell than that thats the their theirs them then there these they this those through to too
under until up upon us very was we were what whats when where which while who whom whose why will with would yes you your yours`)

func setOf(words string) map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		out[word] = true
	}
	return out
}
