package doctor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxInput = 2000 // characters of a message that are read
	maxLine  = 400  // characters of an earlier message that are read
	maxParts = 200  // clauses of a message that are read
)

// token is one word: folded for comparison, and as it was written.
type token struct {
	word string
	text string
}

// clause is a stretch of words between punctuation marks.
type clause struct {
	tokens   []token
	question bool // a question mark ends it
	goesOn   bool // the sentence goes on behind it
}

// head cuts text to n characters.
func head(text string, n int) string {
	if len(text) <= n {
		return text
	}
	count := 0
	for i := range text {
		if count == n {
			return text[:i]
		}
		count++
	}
	return text
}

// typography replaces the quotes that word processors and phones put in.
var typography = strings.NewReplacer("’", "'", "‘", "'", "ʼ", "'", "“", `"`, "”", `"`, "„", `"`, "…", ".")

// clauses takes text apart. Contractions are written out; "but" ends a clause like a punctuation mark, and so does "and"
// before a new statement of the speaker's. A word of names, which maps folded names to their spelling, is always spelled
// as there.
func (s *script) clauses(text string, names map[string]string) []clause {
	text = typography.Replace(text)
	shouted := isShouted(text)
	var all []clause
	tokens := make([]token, 0, len(text)/4+4) // of all clauses, one after the other
	begin := 0                                // where the current clause begins in tokens
	end := func(at int, question bool) {
		if at > begin {
			all = append(all, clause{tokens: tokens[begin:at:at], question: question})
		} else if question && len(all) > 0 {
			all[len(all)-1].question = true
		}
		begin = len(tokens)
	}
	fresh := true   // the next word begins a sentence
	stated := false // the current clause says something: it has a subject or a verb, unlike "my sister and I"
	for i := 0; i < len(text) && len(all) < maxParts; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isWordRune(r) {
			switch r {
			case '?', '？', '؟':
				end(len(tokens), true)
				fresh = true
			case '.', '!', '\n', '。', '！':
				end(len(tokens), false)
				fresh = true
			case ',', ';', ':', '(', ')', '–', '—', '、', '，':
				end(len(tokens), false)
				if len(all) > 0 {
					all[len(all)-1].goesOn = true
				}
			}
			i += size
			continue
		}
		j := wordEnd(text, i)
		written := strings.TrimRight(text[i:j], "'-")
		i = j
		word := strings.ToLower(written)
		if name, ok := names[word]; ok {
			written = name
		} else if shouted || fresh && !keepsCase(written) {
			written = word
		}
		fresh = false
		if word == "but" {
			end(len(tokens), false)
			continue
		}
		before := len(tokens)
		tokens = s.expand(tokens, word, written)
		if before-begin >= 3 && tokens[before-1].word == "and" {
			asks := s.member("ask", tokens[begin].word) && s.member("ask", tokens[before].word)
			if asks || stated && (word == "my" || tokens[before].word == "i") {
				end(before-1, asks)
				begin = before
			}
		}
		stated = before > begin && stated || tokens[before].word == "i" || s.member("be", tokens[len(tokens)-1].word)
	}
	end(len(tokens), false)
	return all
}

// wordEnd returns where the word that begins at i ends. Apostrophes and hyphens belong to it, and so do marks between two
// digits, as in 3.14 and 14:05.
func wordEnd(text string, i int) int {
	digit := false
	for j := i; j < len(text); {
		r, size := utf8.DecodeRuneInString(text[j:])
		if !isWordRune(r) && r != '\'' && r != '-' {
			next, _ := utf8.DecodeRuneInString(text[j+size:])
			if !strings.ContainsRune(".,:/", r) || !digit || !unicode.IsDigit(next) {
				return j
			}
		}
		digit = unicode.IsDigit(r)
		j += size
	}
	return len(text)
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '@' || r == '#'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// isShouted reports whether text is written in capitals, so that they mean nothing.
func isShouted(text string) bool {
	upper, lower := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	return upper > 3 && upper > 2*lower
}

// keepsCase reports whether a word keeps its capital at the beginning of a sentence: acronyms do, and words that have
// capitals inside.
func keepsCase(written string) bool {
	for i, r := range written {
		if i > 0 && unicode.IsUpper(r) {
			return true
		}
	}
	return false
}

// expand appends word to tokens, written out when it is a contraction.
func (s *script) expand(tokens []token, word, written string) []token {
	if long, ok := s.Contractions[word]; ok {
		for part := range strings.FieldsSeq(long) {
			tokens = append(tokens, token{part, part})
		}
		return tokens
	}
	if strings.IndexByte(word, '\'') < 0 {
		return append(tokens, token{word, written})
	}
	for _, c := range []struct{ suffix, long string }{{"n't", "not"}, {"'re", "are"}, {"'ve", "have"}, {"'ll", "will"}, {"'d", "would"}, {"'m", "am"}} {
		if stem, ok := strings.CutSuffix(word, c.suffix); ok && stem != "" && len(written) > len(c.suffix) {
			return append(tokens, token{stem, written[:len(written)-len(c.suffix)]}, token{c.long, c.long})
		}
	}
	return append(tokens, token{word, written})
}

// phrase writes tokens out again, with the short forms people use.
func phrase(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		text := t.text
		if text == "i" {
			text = "I"
		}
		if t.word == "not" && i > 0 {
			if short, ok := shortNegation(tokens[i-1].word); ok {
				b.WriteString(short)
				continue
			}
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	return b.String()
}

// shortNegation returns what "not" becomes after a verb: the end of don't, isn't and can't.
func shortNegation(verb string) (string, bool) {
	switch verb {
	case "do", "does", "did", "is", "are", "was", "were", "has", "have", "had", "would", "should", "could":
		return "n't", true
	case "can":
		return "'t", true
	default:
		return "", false
	}
}

// capitalize raises the first letter of text.
func capitalize(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:]
}

// sentences cuts text after each sentence end.
func sentences(text string) []string {
	var all []string
	start := 0
	for i := 0; i < len(text); i++ {
		end := strings.IndexByte(".!?", text[i]) >= 0 && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n')
		if !end && text[i] != '\n' && i+1 < len(text) {
			continue
		}
		if sentence := strings.TrimSpace(text[start : i+1]); sentence != "" {
			all = append(all, sentence)
		}
		start = i + 1
	}
	return all
}
