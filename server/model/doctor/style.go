package doctor

import (
	"strings"
	"unicode"
)

// style is what the directions of a character ask of every reply (agent runtime §18.4).
type style struct {
	brief     bool // one sentence
	lower     bool // no capitals
	plain     bool // no emoji
	formal    bool // no contractions
	questions bool // end with a question
}

// Limits of what is read of a character's directions.
const (
	maxDirections = 40
	maxDirection  = 200
)

// readStyle scans directions for the few it can follow.
func readStyle(directions []string) style {
	var s style
	for i, line := range directions {
		if i == maxDirections {
			break
		}
		s.read(strings.ToLower(head(line, maxDirection)))
	}
	return s
}

// read takes in one direction. One that says not to do a thing isn't a direction to do it.
func (s *style) read(line string) {
	var asks, not, short bool
	previous := ""
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		switch word {
		case "no", "not", "never", "don't", "avoid", "without":
			not = true
		case "brief", "briefly", "concise", "concisely", "terse":
			s.brief = s.brief || !not
		case "short":
			short = !not
		case "sentences", "words", "paragraphs":
			short = short && previous != "short" // short sentences may be many
		case "sentence":
			s.brief = s.brief || !not && (previous == "one" || previous == "single")
		case "lowercase":
			s.lower = s.lower || !not
		case "case":
			s.lower = s.lower || !not && previous == "lower"
		case "capitals", "capital", "uppercase":
			s.lower = s.lower || not
		case "emoji", "emojis":
			s.plain = s.plain || not
		case "formal", "formally":
			s.formal = s.formal || !not
		case "contractions":
			s.formal = s.formal || not
		case "ask", "asks", "asking":
			asks = !not
		case "question", "questions":
			s.questions = s.questions || asks
		}
		previous = word
	}
	s.brief = s.brief || short
}

// longForms writes short forms out.
var longForms = strings.NewReplacer(
	"I'm", "I am", "can't", "cannot", "Can't", "Cannot", "won't", "will not", "Won't", "Will not", "let's", "let us", "Let's", "Let us",
	"it's", "it is", "It's", "It is", "that's", "that is", "That's", "That is", "what's", "what is", "What's", "What is",
	"there's", "there is", "There's", "There is", "here's", "here is", "Here's", "Here is", "who's", "who is", "where's", "where is",
	"n't", " not", "'re", " are", "'ve", " have", "'ll", " will", "'d ", " would ")

// apply changes the letters of a reply. Sentences are cut and added elsewhere, because not every reply may be.
func (s style) apply(text string) string {
	if s.formal {
		text = longForms.Replace(text)
	}
	if s.plain {
		text = withoutEmoji(text)
	}
	if s.lower {
		text = strings.ToLower(text)
	}
	return text
}

// withoutEmoji removes pictures along with the space before them.
func withoutEmoji(text string) string {
	kept := make([]rune, 0, len(text))
	for _, r := range text {
		if !isEmoji(r) {
			kept = append(kept, r)
			continue
		}
		for len(kept) > 0 && kept[len(kept)-1] == ' ' {
			kept = kept[:len(kept)-1]
		}
	}
	return string(kept)
}

// isEmoji reports whether r is a picture or joins pictures.
func isEmoji(r rune) bool {
	return r >= 0x1F000 && r <= 0x1FAFF || r >= 0x2600 && r <= 0x27BF || r == 0xFE0F || r == 0x200D
}
