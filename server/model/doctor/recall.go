package doctor

import (
	"maps"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// recall answers questions about what the sender told (rule 8).
func (t *talk) recall() (reply, bool) {
	var asked []hit // the first in each clause
	for _, h := range t.hits {
		if h.intent.Stage == "recall" && !slices.ContainsFunc(asked, func(other hit) bool { return other.clause == h.clause }) {
			asked = append(asked, h)
		}
	}
	if len(asked) == 0 {
		return reply{}, false
	}
	slices.SortFunc(asked, func(a, b hit) int { return a.clause - b.clause })
	var claims, unknown []string
	for n, c := range t.clauses {
		v := vars{}
		at := slices.IndexFunc(asked, func(h hit) bool { return h.clause == n })
		switch {
		case at >= 0 && t.find(asked[at], v) && v["claim"] != "", at < 0 && t.recallClause(c, v):
			claims = append(claims, v["claim"])
		case at >= 0:
			if r, ok := t.recallOne(asked[at]); ok {
				unknown = append(unknown, r.text)
			}
		}
	}
	if len(claims)+len(unknown) == 1 {
		return t.recallOne(asked[0])
	}
	parts := unknown
	if told, ok := t.line("recalled", vars{"claim": join(claims)}); ok {
		parts = append([]string{told.text}, unknown...)
	}
	return reply{rule: "recall.several", text: strings.Join(parts, " "), whole: true}, len(parts) > 0
}

// recallOne answers one question.
func (t *talk) recallOne(h hit) (reply, bool) {
	v := vars{}
	replies := h.intent.Replies
	switch found := t.find(h, v); {
	case !found:
		replies = h.intent.Unknown
	case h.intent.Value == "said" && v["quote"] == "":
		replies = t.script.Lines["recalled"]
	}
	text, ok := t.choose(h.intent.ID, replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// find looks for what a question asks about, and puts it into v.
func (t *talk) find(h hit, v vars) bool {
	maps.Copy(v, t.captured(h.captures))
	switch h.intent.Value {
	case "everything":
		return t.recallAll(v)
	case "said":
		return t.state.Remembers && t.recallWords(t.contentOf(h.captures), 1, v) || t.recallSaid(h.captures, v)
	case "last":
		if len(t.heard) > 0 {
			v["quote"] = quote(t.heard[len(t.heard)-1])
		}
		return len(t.heard) > 0
	case "own":
		if len(t.own) > 0 {
			v["quote"] = head(t.own[0], maxQuote)
		}
		return len(t.own) > 0
	}
	slot := strings.ToLower(plainFill(h.intent.Slot, v))
	switch {
	case slot == "likes" && t.recallRelated(slot, t.contentOf(h.captures), v), t.recallSlot(slot, v):
		return true
	case slot == "note":
		return t.recallAll(v)
	}
	return len(h.captures) > 0 && strings.Contains(h.intent.Slot, "{1}") && t.recallWords(t.contentOf(h.captures[:1]), 1, v)
}

// contentOf returns the words of captures that say something.
func (t *talk) contentOf(captures [][]token) []string {
	var words []string
	for _, c := range captures {
		words = append(words, t.script.content(c)...)
	}
	return words
}

// thing answers a question about what somebody asked to be remembered, if that is what it is about (rule 8).
func (t *talk) thing() (reply, bool) {
	h, ok := t.hit("thing")
	if !ok {
		return reply{}, false
	}
	v := t.captured(h.captures)
	if !t.recallSlot(strings.ToLower(plainFill(h.intent.Slot, v)), v) {
		return t.recallHere(t.contentOf(h.captures))
	}
	text, ok := t.choose(h.intent.ID, h.intent.Replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// remembered answers any other question that is about something remembered (rule 8): one about the sender that shares most of its
// words with it, any other that shares all.
func (t *talk) remembered() (reply, bool) {
	for _, c := range t.clauses {
		if v := (vars{}); t.recallClause(c, v) {
			return t.line("recalled", v)
		}
		if !t.asksFact(c) {
			continue
		}
		if r, ok := t.recallHere(t.script.content(c.tokens)); ok {
			return r, true
		}
	}
	return reply{}, false
}

// recallClause looks for the fact that a clause asks for.
func (t *talk) recallClause(c clause, v vars) bool {
	least := 1.0
	if slices.ContainsFunc(c.tokens, func(tok token) bool { return t.script.member("first", tok.word) }) {
		least = mostly
	}
	return t.asksFact(c) && t.recallWords(t.script.content(c.tokens), least, v)
}

// mostly is the part of its words that a question about the sender shares with what it is about.
const mostly = 0.6

// asksFact reports whether a clause asks for something to be known, not for advice, a reason or a favor.
func (t *talk) asksFact(c clause) bool {
	first, second := c.tokens[0].word, wordAt(c.tokens, 1)
	if first == "how" && !t.script.member("howmuch", second) {
		return false
	}
	advice := slices.ContainsFunc(c.tokens, func(tok token) bool { return t.script.member("advice", tok.word) })
	return !advice && (first == "am" || t.script.member("ask", first) && second != "you" || first == "do" && wordAt(c.tokens, 2) == "know")
}

// recallSlot looks for facts of a slot: what the sender told, in words of that kind or in others.
func (t *talk) recallSlot(slot string, v vars) bool {
	var claims []string
	for _, f := range t.facts() {
		if f.slot == slot {
			claims = append(claims, f.claim)
		}
	}
	if len(claims) > 0 {
		v["claim"] = join(claims[max(0, len(claims)-4):])
		return true
	}
	for _, f := range t.facts() {
		if f.slot == "note" && allIn(f.claim, slot) {
			v["claim"] = f.claim
			return true
		}
	}
	if slot == "name" && t.called != "" {
		v["claim"] = "you go by " + t.called + " here"
		return true
	}
	return false
}

// recallRelated looks for facts of a slot that have to do with some words.
func (t *talk) recallRelated(slot string, words []string, v vars) bool {
	var claims []string
	for _, f := range t.facts() {
		if f.slot == slot && slices.ContainsFunc(words, func(w string) bool { return t.speaksOf(f.claim, w) }) {
			claims = append(claims, f.claim)
		}
	}
	v["claim"] = join(claims[max(0, len(claims)-4):])
	return len(claims) > 0
}

// recallWords looks for the fact of the sender that has most of some words, and at least the given part of them. Of several the
// newest is the one.
func (t *talk) recallWords(words []string, least float64, v vars) bool {
	found, best := "", 0.0
	for _, f := range t.facts() {
		if share := t.share(f.claim, words); share >= least && share >= best && share > 0 {
			found, best = f.claim, share
		}
	}
	v["claim"] = found
	return found != ""
}

// recallHere quotes what somebody else said here that has all of some words.
func (t *talk) recallHere(words []string) (reply, bool) {
	for _, f := range t.state.Facts {
		if f.About != "" && t.share(f.Claim, words) == 1 {
			return t.line("recalled.here", vars{"who": f.About, "quote": head(f.Claim, maxQuote)})
		}
	}
	return reply{}, false
}

// share returns the part of some words that a text speaks of.
func (t *talk) share(text string, words []string) float64 {
	n := 0
	for _, w := range words {
		if t.speaksOf(text, w) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(words)))
}

// speaksOf reports whether a text has a word, or one that is related to it.
func (t *talk) speaksOf(text, word string) bool {
	for have := range strings.FieldsFuncSeq(strings.ToLower(head(text, maxLine)), func(r rune) bool { return !isWordRune(r) }) {
		if sameThing(have, word) || t.script.related[word][have] {
			return true
		}
	}
	return false
}

// allIn reports whether text has every word of words.
func allIn(text, words string) bool {
	have := strings.Fields(strings.ToLower(text))
	for word := range strings.FieldsSeq(words) {
		if !slices.Contains(have, word) {
			return false
		}
	}
	return true
}

// maxRecalled is how many facts an answer about everything holds.
const maxRecalled = 30

// recallAll lists what is known about the sender.
func (t *talk) recallAll(v vars) bool {
	var claims []string
	for _, f := range t.facts() {
		claims = append(claims, f.claim)
	}
	v["claim"] = strings.Join(claims[max(0, len(claims)-maxRecalled):], "; ")
	return len(claims) > 0
}

// recallSaid looks for the newest message of the sender that shares most words with what is asked about.
func (t *talk) recallSaid(captures [][]token, v vars) bool {
	wanted := t.contentOf(captures)
	best := 0
	for _, line := range t.heard {
		shared := 0
		for _, c := range t.read(line.Text) {
			for _, tok := range c.tokens {
				if slices.ContainsFunc(wanted, func(w string) bool { return sameWord(tok.word, w) }) {
					shared++
				}
			}
		}
		if shared > 0 && shared >= best {
			best = shared
			v["quote"] = quote(line)
		}
	}
	return best > 0
}

// quote returns an earlier message in one line.
func quote(line model.Line) string {
	return head(strings.Join(strings.Fields(line.Text), " "), maxQuote)
}

// sameWord reports whether two folded words have the same stem, judging by a common beginning.
func sameWord(a, b string) bool {
	if a == b {
		return true
	}
	n := min(len(a), len(b))
	return n >= 4 && a[:n] == b[:n] && max(len(a), len(b))-n <= 3
}
