package doctor

import (
	"slices"
	"strings"
)

// scheme is ELIZA proper (agent runtime §18.3): the clause with the highest keyword is taken apart and turned
// into a reply; its other keywords follow when a pattern or its variants are of no use.
func (t *talk) scheme() (reply, bool) {
	at, found := t.keyClause()
	if at < 0 {
		return reply{}, false
	}
	for _, k := range found {
		for hops := 0; k != nil && hops < 4; hops++ {
			r, next, ok := t.apply(k, t.clauses[at])
			if ok {
				return r, true
			}
			k = next
		}
	}
	return reply{}, false
}

// keyClause returns the clause that holds the highest keyword, the first of several, with its keywords in order of rank.
func (t *talk) keyClause() (at int, found []*keyword) {
	at, highest := -1, -1
	for n, c := range t.clauses {
		for _, tok := range c.tokens {
			if k := t.script.keyword[tok.word]; k != nil && k.Rank > highest {
				at, highest = n, k.Rank
			}
		}
	}
	if at < 0 {
		return at, nil
	}
	for _, tok := range t.clauses[at].tokens {
		if k := t.script.keyword[tok.word]; k != nil && !slices.Contains(found, k) {
			found = append(found, k)
		}
	}
	slices.SortStableFunc(found, func(a, b *keyword) int { return b.Rank - a.Rank })
	return at, found
}

// apply tries the patterns of a keyword in their order. It may name another keyword to go on with.
func (t *talk) apply(k *keyword, c clause) (r reply, next *keyword, ok bool) {
	for _, rule := range k.Rules {
		captures, matched := rule.pattern.match(c.tokens)
		if !matched {
			continue
		}
		if rule.Goto != "" {
			return reply{}, t.script.keyword[rule.Goto], false
		}
		v := t.captured(captures)
		v["mine"] = t.belonging(c)
		if text, ok := t.choose(rule.id, rule.Replies, v); ok {
			return reply{rule: rule.id, text: text}, nil, true
		}
	}
	return reply{}, nil, false
}

// unknown says so when not one word is known. A single word may answer a question, and words with capitals are names.
func (t *talk) unknown() (reply, bool) {
	words := 0
	for _, c := range t.clauses {
		for _, tok := range c.tokens {
			if t.known(tok) {
				return reply{}, false
			}
			words++
		}
	}
	if words < 2 {
		return reply{}, false
	}
	r, ok := t.line("unknown.words", nil)
	r.whole = false
	return r, ok
}

// known reports whether the script has a use for a word.
func (t *talk) known(tok token) bool {
	s := t.script
	if s.stop[tok.word] || s.filler[tok.word] || s.tail[tok.word] || s.keyword[tok.word] != nil || len(s.index[tok.word]) > 0 || t.names[tok.word] != "" || tok.text != tok.word {
		return true
	}
	for _, group := range s.groups {
		if group[tok.word] {
			return true
		}
	}
	return false
}

// memory returns to a person or thing of the sender's that was not taken up yet, oldest first (rule 16).
func (t *talk) memory() (reply, bool) {
	if t.isQuestion() {
		return reply{}, false
	}
	for _, line := range t.heard {
		for _, c := range t.read(line.Text) {
			remark := t.belonging(c)
			if c.question || remark == "" || t.takenUp(remark) {
				continue
			}
			if r, ok := t.line("memory", vars{"remark": remark}); ok {
				r.whole = false
				return r, true
			}
		}
	}
	return reply{}, false
}

// belonging returns what a clause says is the sender's: "my best friend", turned around.
func (t *talk) belonging(c clause) string {
	mine := slices.IndexFunc(c.tokens, func(tok token) bool { return tok.word == "my" })
	if mine < 0 {
		return ""
	}
	end := mine + 1
	for end < len(c.tokens) && (t.script.member("adjective", c.tokens[end].word) || strings.HasSuffix(c.tokens[end].word, "'s")) {
		end++ // "my grandmother's house" is about the house
	}
	if end == len(c.tokens) || t.script.stop[c.tokens[end].word] || c.tokens[end].word == "name" {
		return ""
	}
	return phrase(t.script.reflect(c.tokens[mine : end+1]))
}

// takenUp reports whether an earlier reply spoke of a remark.
func (t *talk) takenUp(remark string) bool {
	return slices.ContainsFunc(t.own, func(line string) bool {
		return strings.Contains(strings.ToLower(line), strings.ToLower(remark))
	})
}

// isQuestion reports whether the message ends with a question.
func (t *talk) isQuestion() bool {
	if len(t.clauses) == 0 {
		return false
	}
	last := t.clauses[len(t.clauses)-1]
	return last.question || t.script.member("ask", last.tokens[0].word)
}

// neutral asks to go on (rule 17). It has more variants than replies that must not be repeated.
func (t *talk) neutral() reply {
	rule := "neutral"
	switch {
	case len(t.clauses) == 0:
		rule = "unclear"
	case t.isQuestion():
		rule = "question.unknown"
	}
	r, _ := t.line(rule, nil)
	r.whole = false
	return r
}
