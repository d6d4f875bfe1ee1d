package doctor

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/elizad/elizad/server/model"
)

// fact is something the sender said about themself.
type fact struct {
	slot  string // what it is about, as a question about it would say
	value string // pronouns turned around
	claim string // the whole, as told back
	many  bool   // is kept beside others of its slot
}

// fact reads a hit of stage fact; it fails when the words can't be what they look like.
func (t *talk) fact(h hit) (fact, bool) {
	v := t.captured(h.captures)
	f := fact{many: h.intent.Many}
	if h.intent.Slot == "name" {
		told := h.captures[len(h.captures)-1]
		f.value = t.properName(told)
		if f.value == "" || h.intent.ID == "fact.introduced" && !introduces(told, f.value) {
			return f, false
		}
	} else if f.value = plainFill(h.intent.Value, v); f.value == "" {
		return f, false
	}
	if r, _ := utf8.DecodeRuneInString(f.value); unicode.IsDigit(r) && (h.intent.Slot == "home" || h.intent.Slot == "origin") {
		return f, false // "born in 1990" names no place
	}
	f.slot = strings.ToLower(plainFill(h.intent.Slot, v))
	v["value"] = f.value
	f.claim = plainFill(h.intent.Claim, v)
	return f, f.slot != "" && f.claim != ""
}

// plainFill puts values into a template without style; empty when one is missing.
func plainFill(template string, v vars) string {
	for key, value := range v {
		template = strings.ReplaceAll(template, "{"+key+"}", value)
	}
	if strings.Contains(template, "{") {
		return ""
	}
	return template
}

// properName returns the words at the beginning of tokens that make a name; nothing when the first can't be part of one.
func (t *talk) properName(tokens []token) string {
	var words []string
	for _, tok := range tokens {
		if t.script.stop[tok.word] || t.script.member("notname", tok.word) || len(words) == 3 || len(tok.word) > 24 {
			break
		}
		if r := []rune(tok.text)[0]; !unicode.IsLetter(r) {
			break
		}
		words = append(words, capitalize(tok.text))
	}
	return strings.Join(words, " ")
}

// introduces reports whether what follows "I am" is a name and nothing else: one or two words with capitals.
func introduces(told []token, name string) bool {
	return len(told) <= 2 && phrase(told) == name
}

// facts returns what the sender told so far, oldest first, the message itself not included.
func (t *talk) facts() []fact {
	if t.asked {
		return t.told
	}
	t.asked = true
	for _, line := range t.heard {
		clauses := t.read(line.Text)
		for _, f := range t.factsIn(t.script.scan(clauses)) {
			t.remember(f.fact)
		}
	}
	return t.told
}

// toldFact is a fact and where it was found.
type toldFact struct {
	fact
	hit hit
}

// factsIn returns the facts among the intents of a message, at most one for each clause.
func (t *talk) factsIn(hits []hit) []toldFact {
	var facts []toldFact
	for _, h := range hits {
		taken := slices.ContainsFunc(facts, func(f toldFact) bool { return f.hit.clause == h.clause })
		if h.intent.Stage != "fact" || taken {
			continue
		}
		if f, ok := t.fact(h); ok {
			facts = append(facts, toldFact{f, h})
		}
	}
	return facts
}

// remember adds a fact in place of an older one that it corrects.
func (t *talk) remember(f fact) {
	t.told = slices.DeleteFunc(t.told, func(old fact) bool {
		return old.slot == f.slot && (!f.many || strings.EqualFold(old.value, f.value))
	})
	t.told = append(t.told, f)
}

// remark notes what the sender says about themself (rule 9).
func (t *talk) remark() (reply, bool) {
	facts := t.factsIn(t.hits)
	if len(facts) == 0 {
		return reply{}, false
	}
	if len(facts) > 1 {
		var claims []string
		for _, f := range facts {
			claims = append(claims, f.claim)
		}
		return t.line("facts", vars{"claim": join(claims)})
	}
	f := facts[0]
	v := t.captured(f.hit.captures)
	v["value"], v["claim"] = f.value, f.claim
	text, ok := t.choose(f.hit.intent.ID, f.hit.intent.Replies, v)
	return reply{rule: f.hit.intent.ID, text: text, whole: true}, ok
}

// recall answers questions about what the sender told (rule 8).
func (t *talk) recall() (reply, bool) {
	h, ok := t.hit("recall")
	if !ok {
		return reply{}, false
	}
	v := t.captured(h.captures)
	found := false
	switch h.intent.Value {
	case "everything":
		found = t.recallAll(v)
	case "said":
		found = t.recallSaid(h.captures, v)
	case "last":
		found = len(t.heard) > 0
		if found {
			v["quote"] = quote(t.heard[len(t.heard)-1])
		}
	case "own":
		found = len(t.own) > 0
		if found {
			v["quote"] = head(t.own[0], maxQuote)
		}
	default:
		found = t.recallSlot(strings.ToLower(plainFill(h.intent.Slot, v)), v)
	}
	replies := h.intent.Replies
	if !found {
		replies = h.intent.Unknown
	}
	text, ok := t.choose(h.intent.ID, replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// thing answers a question about what the sender asked to be remembered, if that is what it is about (rule 8).
func (t *talk) thing() (reply, bool) {
	h, ok := t.hit("thing")
	if !ok {
		return reply{}, false
	}
	v := t.captured(h.captures)
	if !t.recallSlot(strings.ToLower(plainFill(h.intent.Slot, v)), v) {
		return reply{}, false
	}
	text, ok := t.choose(h.intent.ID, h.intent.Replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// recallSlot looks for facts of a slot: first what the sender told, then what is remembered about them.
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
	for _, claim := range t.state.Facts {
		for word := range strings.FieldsSeq(strings.ToLower(head(claim, maxLine))) {
			if sameWord(strings.Trim(word, ".,!?"), slot) {
				v["claim"] = "this is on record: " + strings.TrimRight(head(claim, maxQuote), ". ")
				return true
			}
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

// recallAll lists what is known about the sender.
func (t *talk) recallAll(v vars) bool {
	var claims []string
	for _, f := range t.facts() {
		claims = append(claims, f.claim)
	}
	claims = claims[max(0, len(claims)-6):]
	for i, claim := range t.state.Facts {
		if i < 4 {
			claims = append(claims, strings.TrimRight(head(claim, maxQuote), ". "))
		}
	}
	v["claim"] = strings.Join(claims, "; ")
	return len(claims) > 0
}

// recallSaid looks for the newest message of the sender that shares most words with what is asked about.
func (t *talk) recallSaid(captures [][]token, v vars) bool {
	var wanted []string
	for _, c := range captures {
		wanted = append(wanted, t.script.content(c)...)
	}
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
