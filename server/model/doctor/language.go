package doctor

import (
	"slices"
	"unicode"
)

// maxSample is how many letters of a message decide its script.
const maxSample = 200

// foreign returns the language of a message when it isn't English and is one of those the script has words for: by its
// script, or by the frequent words it uses.
func (s *script) foreign(text string, clauses []clause) *language {
	letters, count := 0, make(map[*language]int)
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		if letters++; letters == maxSample {
			break
		}
		if r < 0x370 {
			continue // Latin
		}
		for _, l := range s.Languages {
			if l.table != nil && unicode.Is(l.table, r) {
				count[l]++
			}
		}
	}
	for _, l := range s.Languages { // Japanese comes before Chinese: it uses Han beside its own letters
		if count[l]*3 > letters || l.Script == "Hiragana" && count[l] > 0 {
			return l
		}
	}
	return s.byWords(clauses)
}

// byWords counts frequent words. English has them as stop words and keywords; another language must beat it, and must
// make up a good part of the message.
func (s *script) byWords(clauses []clause) *language {
	english, words := 0, 0
	count := make(map[*language]int)
	for _, c := range clauses {
		for _, t := range c.tokens {
			words++
			if s.stop[t.word] || s.filler[t.word] || s.keyword[t.word] != nil || len(s.index[t.word]) > 0 {
				english++
			}
			for _, l := range s.language[t.word] {
				count[l]++
			}
		}
	}
	var best *language
	for _, l := range s.Languages {
		if n := count[l]; n > english && n*4 >= words && (best == nil || n > count[best]) {
			best = l
		}
	}
	return best
}

// foreign answers in the message's language, which the responder hardly understands: it says so first, and whenever it is asked
// something, and else asks to go on.
func (t *talk) foreign() (reply, bool) {
	rule, lines := "neutral.", t.language.Neutral
	asked := slices.ContainsFunc(t.clauses, func(c clause) bool { return c.question })
	if told := slices.ContainsFunc(t.language.Honest, func(line string) bool { return said(t.own, line) }); asked || !told {
		rule, lines = "honest.", t.language.Honest
	}
	text, ok := t.choose(rule+t.language.Code, lines, nil)
	if !ok {
		text, ok = lines[0], true // said lately, and still the only true answer
	}
	return reply{rule: rule + t.language.Code, text: text, whole: true}, ok
}
