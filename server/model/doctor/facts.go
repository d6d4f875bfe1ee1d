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
	said  string // the whole, in the sender's words
	many  bool   // is kept beside others of its slot
}

// fact reads a hit of stage fact in a clause; it fails when the words can't be what they look like. Extent is the clause, with those
// behind it that belong to it.
func (t *talk) fact(h hit, clause, extent []token) (fact, bool) {
	captures, slot := h.captures, strings.ToLower(plainFill(h.intent.Slot, t.captured(h.captures)))
	if len(extent) > len(clause) { // the last capture goes on
		captures = slices.Clone(captures)
		last := len(captures) - 1
		captures[last] = extent[len(clause)-len(captures[last]):]
	}
	v := t.captured(captures)
	f := fact{many: h.intent.Many}
	switch {
	case h.intent.Slot == "name":
		told := captures[len(captures)-1]
		f.value = t.properName(told)
		if f.value == "" || h.intent.ID == "fact.introduced" && !introduces(told, f.value) {
			return f, false
		}
	case h.intent.Slot == "note" && len(t.script.content(captures[0])) == 0:
		return f, false // "remember this" says nothing to remember
	case h.intent.Slot == "note":
		f.value = phrase(t.script.reflect(captures[0]))
	default:
		f.value = plainFill(h.intent.Value, v)
	}
	if f.value == "" {
		return f, false
	}
	if r, _ := utf8.DecodeRuneInString(f.value); unicode.IsDigit(r) && (h.intent.Slot == "home" || h.intent.Slot == "origin") {
		return f, false // "born in 1990" names no place
	}
	f.slot = t.slotName(slot)
	v["value"] = f.value
	f.claim = plainFill(h.intent.Claim, v)
	f.said = capitalize(phrase(extent))
	if h.intent.Slot == "note" {
		f.said = capitalize(phrase(captures[0]))
		t.specify(&f, captures[0])
	}
	return f, f.slot != "" && f.claim != "" && len(f.said) <= maxSaid
}

// maxSaid is how many bytes a fact may have.
const maxSaid = 500

// specify gives a note the slot of what it says, if that is a fact of a kind of its own: what is asked to be remembered corrects what
// was just told, and the other way round.
func (t *talk) specify(f *fact, said []token) {
	for _, h := range t.script.scan([]clause{{tokens: said}}) {
		if h.intent.Stage != "fact" || h.intent.Slot == "note" {
			continue
		}
		if inner, ok := t.fact(h, said, said); ok {
			f.slot, f.claim, f.many = inner.slot, inner.claim, inner.many
			return
		}
	}
}

// slotName drops what counts or points at the beginning of a slot.
func (t *talk) slotName(slot string) string {
	for {
		word, rest, more := strings.Cut(slot, " ")
		if !more || !t.script.member("count", word) && word != "the" && word != "my" && word != "your" {
			return slot
		}
		slot = rest
	}
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

// facts returns what is known about the sender, oldest first, the message itself not included: all that was told and remembered, or
// else what the history tells.
func (t *talk) facts() []fact {
	if t.asked {
		return t.told
	}
	t.asked = true
	if !t.state.Remembers {
		for _, line := range t.heard {
			for _, f := range t.factsIn(t.read(line.Text)) {
				t.remember(f.fact)
			}
		}
		return t.told
	}
	for _, known := range slices.Backward(t.state.Facts) {
		if known.About != "" {
			continue
		}
		for _, f := range t.recorded(known) {
			t.remember(f)
		}
	}
	return t.told
}

// recorded returns the facts in a claim that is remembered: in the sender's own words, or in the words of a model.
func (t *talk) recorded(known model.Fact) []fact {
	var facts []fact
	clauses := t.read(head(known.Claim, maxLine))
	for _, f := range t.factsIn(clauses) {
		f.said = known.Claim
		facts = append(facts, f.fact)
	}
	if facts != nil {
		return facts
	}
	var said []string
	for _, c := range clauses {
		said = append(said, phrase(t.script.reflect(c.tokens)))
	}
	claim := strings.Join(said, ", ")
	if claim == "" {
		return nil
	}
	return []fact{{slot: "note", value: claim, claim: claim, said: known.Claim, many: true}}
}

// toldFact is a fact and where it was found.
type toldFact struct {
	fact
	hit hit
}

// factsIn returns the facts that clauses tell, at most one for each. What is asked tells nothing.
func (t *talk) factsIn(clauses []clause) []toldFact {
	var facts []toldFact
	for n := 0; n < len(clauses); n++ {
		if clauses[n].question {
			continue
		}
		hits := t.script.scan(clauses[n : n+1])
		if slices.ContainsFunc(hits, func(h hit) bool { return h.intent.Stage == "forget" }) {
			continue
		}
		for _, h := range hits {
			if h.intent.Stage != "fact" {
				continue
			}
			h.clause = n
			extent, last := clauses[n].tokens, n
			if h.intent.List {
				extent, last = t.extent(clauses, n, h.intent.Slot == "note")
			}
			if f, ok := t.fact(h, clauses[n].tokens, extent); ok {
				facts = append(facts, toldFact{f, h})
				n = last
				break
			}
		}
	}
	return facts
}

// extent returns the tokens of a clause and of those behind it that go on with it, and the last of these: of a note all that the sentence
// says and that is no fact by itself, of anything else the rest of a list.
func (t *talk) extent(clauses []clause, n int, note bool) (tokens []token, last int) {
	tokens, last = clauses[n].tokens, n
	for clauses[last].goesOn && last+1 < len(clauses) {
		next := clauses[last+1]
		if next.question || !t.isList(next) && (!note || len(t.factsIn([]clause{{tokens: next.tokens}})) > 0) {
			break
		}
		tokens = slices.Clone(tokens)
		tokens[len(tokens)-1].text += ","
		tokens = append(tokens, next.tokens...)
		last++
	}
	return tokens, last
}

// maxListed is how many words an item of a list has.
const maxListed = 6

// isList reports whether a clause is but items of a list: it has no subject and no verb.
func (t *talk) isList(c clause) bool {
	return len(c.tokens) <= maxListed && !slices.ContainsFunc(c.tokens, func(tok token) bool {
		joins := t.script.member("count", tok.word) || slices.Contains([]string{"and", "or", "the", "my", "some"}, tok.word)
		return !joins && (t.script.stop[tok.word] || t.script.member("auxiliary", tok.word) || t.script.member("ask", tok.word))
	})
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
	facts := t.news()
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

// news returns the facts in the message.
func (t *talk) news() []toldFact {
	if t.language != nil {
		return nil
	}
	return t.factsIn(t.clauses)
}

// forget drops what the sender wants forgotten (rule 8).
func (t *talk) forget() (reply, bool) {
	h, ok := t.hit("forget")
	if !ok || !t.state.Remembers {
		return reply{}, false
	}
	v := t.captured(h.captures)
	var gone []fact
	if h.intent.Value == "everything" {
		gone = t.facts()
	} else {
		gone = t.meant(h.captures[len(h.captures)-1])
	}
	replies := h.intent.Replies
	if len(gone) == 0 {
		replies = h.intent.Unknown
	}
	var claims []string
	for _, f := range gone {
		claims = append(claims, f.claim)
		t.dropped = append(t.dropped, f.said)
		if f.slot == "name" {
			t.called = ""
		}
	}
	t.dropsAll = h.intent.Value == "everything" && len(gone) > 0
	v["claim"] = join(claims)
	text, ok := t.choose(h.intent.ID, replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// meant returns the facts that words name: those of that slot, or else those that speak of all of the words.
func (t *talk) meant(words []token) []fact {
	slot := t.slotName(phrase(words))
	said := t.recorded(model.Fact{Claim: phrase(words)})
	var same, alike []fact
	wanted := t.script.content(words)
	for _, f := range t.facts() {
		if strings.EqualFold(f.slot, slot) || slices.ContainsFunc(said, func(s fact) bool { return strings.EqualFold(s.claim, f.claim) }) {
			same = append(same, f)
		}
		if len(wanted) > 0 && t.share(f.claim, wanted) == 1 {
			alike = append(alike, f)
		}
	}
	if same != nil {
		return same
	}
	return alike
}

// keeping returns the parameters of the actions by which the agent keeps and drops facts, by their names; none where there is nothing to
// keep or drop.
func (t *talk) keeping(r reply) map[string]any {
	params := map[string]any{}
	if r.grave || !t.state.Remembers {
		return params
	}
	set := func(action string, value any) {
		if t.offers(action) {
			params[action] = value
		}
	}
	if facts := t.news(); len(facts) > 0 {
		type item struct {
			Claim string `json:"claim"`
			Topic string `json:"topic,omitempty"`
		}
		var items []item
		for _, f := range facts[:min(len(facts), maxKept)] {
			it := item{Claim: f.said, Topic: f.slot}
			if f.many {
				it.Topic = ""
			}
			items = append(items, it)
		}
		set("REMEMBER", map[string]any{"facts": items})
	}
	if t.dropsAll {
		set("FORGET", map[string]any{"everything": true})
	} else if len(t.dropped) > 0 {
		set("FORGET", map[string]any{"claims": t.dropped[:min(len(t.dropped), maxKept)]})
	}
	return params
}

// maxKept is how many facts a message adds or drops.
const maxKept = 10
