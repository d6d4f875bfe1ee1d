package doctor

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/elizad/elizad/server/model"
)

// talk is one message being answered.
type talk struct {
	script   *script
	state    *model.State
	text     string            // the message, cut to what is read
	names    map[string]string // names of the people around, folded → as spelled
	agent    map[string]bool   // words that address the agent
	clauses  []clause          // of the message, without words around what is meant
	hits     []hit
	language *language    // the message's, when it isn't English
	own      []string     // the agent's earlier replies, newest first, without the notice
	heard    []model.Line // earlier messages of the sender, oldest first
	told     []fact       // what is known about the sender, oldest first; filled by facts
	asked    bool         // told is filled
	dropped  []string     // claims of those that are to be forgotten
	dropsAll bool         // which are all that there are
	style    style
	called   string // how to call the sender; empty when unknown
}

// newTalk reads the situation.
func newTalk(s *script, state *model.State) *talk {
	t := &talk{script: s, state: state, text: strings.TrimSpace(head(state.Text, maxInput))}
	t.names, t.agent = make(map[string]string), make(map[string]bool)
	for _, name := range append([]string{state.Sender, state.Agent.Name, state.Agent.Username}, state.Participants...) {
		for word := range strings.FieldsSeq(head(name, 60)) {
			t.names[strings.ToLower(word)] = word
		}
	}
	for _, name := range []string{state.Agent.Name, state.Agent.Username} {
		for word := range strings.FieldsSeq(strings.ToLower(head(name, 60))) {
			t.agent[word], t.agent["@"+word] = true, true
		}
	}
	delete(t.names, "i")
	delete(t.names, "you") // as some transports address all
	history := state.History
	if len(history) > model.HistoryLimit {
		history = history[len(history)-model.HistoryLimit:]
	}
	for _, line := range history {
		switch {
		case line.FromSelf:
			t.own = append(t.own, strings.TrimSpace(strings.TrimSuffix(line.Text, Notice)))
		case !line.FromAgent && (state.Sender == "" || line.Author == state.Sender):
			line.Text = head(line.Text, maxLine)
			t.heard = append(t.heard, line)
		}
	}
	for i, j := 0, len(t.own)-1; i < j; i, j = i+1, j-1 {
		t.own[i], t.own[j] = t.own[j], t.own[i]
	}
	t.style = readStyle(state.Agent.Style)
	t.clauses = t.read(t.text)
	t.hits = s.scan(t.clauses)
	t.language = s.foreign(t.text, t.clauses)
	t.called = t.senderName()
	return t
}

// read takes text apart into clauses without the words around what is meant.
func (t *talk) read(text string) []clause {
	all := t.script.clauses(text, t.names)
	for i, c := range all {
		all[i] = t.script.core(c, t.agent)
	}
	return all
}

// hit returns the most important intent of a stage.
func (t *talk) hit(stage string) (hit, bool) {
	for _, h := range t.hits {
		if h.intent.Stage == stage {
			return h, true
		}
	}
	return hit{}, false
}

// senderName returns the first word of what to call the sender: of the name they told, else of their display name if it
// looks like a name. Only the earlier messages that may tell a name are read: this happens for every message.
func (t *talk) senderName() string {
	name := displayName(t.state.Sender)
	var told []string
	for _, line := range t.heard {
		told = append(told, line.Text)
	}
	if t.state.Remembers {
		told = nil
		for _, f := range slices.Backward(t.state.Facts) {
			if f.About == "" {
				told = append(told, head(f.Claim, maxLine))
			}
		}
	}
	for _, text := range told {
		if !mayTellName(text) {
			continue
		}
		for _, f := range t.factsIn(t.read(text)) {
			if f.slot == "name" {
				name, _, _ = strings.Cut(f.value, " ")
			}
		}
	}
	return name
}

// mayTellName reports whether text has words that come before a name, or "I am" before a capital.
func mayTellName(text string) bool {
	for _, words := range []string{"name", "call me", "calls me", "go by", "Name", "Call me"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	for _, words := range []string{"I'm ", "I’m ", "I am ", "i'm ", "i am ", "Im ", "im "} {
		if _, after, ok := strings.Cut(text, words); ok {
			if r, _ := utf8.DecodeRuneInString(after); unicode.IsUpper(r) {
				return true
			}
		}
	}
	return false
}

// displayName returns the first word of a display name that a person would go by, else nothing.
func displayName(sender string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(sender), " ")
	if n := len(first); n < 2 || n > 24 {
		return ""
	}
	for _, r := range first {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '-' && r != '\'' {
			return ""
		}
	}
	switch strings.ToLower(first) {
	case "user", "you", "me", "guest", "anonymous", "anon", "unknown", "client", "admin", "someone", "human", "visitor", "local", "test", "tester", "owner":
		return ""
	}
	return first
}

// vars are the values of a reply's placeholders.
type vars map[string]string

// maxCapture is how many words of a message a reply repeats.
const maxCapture = 14

// captured returns the captures with the pronouns turned around, under their numbers. Captures that are too long to be
// repeated are left out, and so are replies that need them.
func (t *talk) captured(captures [][]token) vars {
	v := make(vars, len(captures)+2)
	for i, c := range captures {
		c = t.shorten(c)
		if len(c) > 0 && len(c) <= maxCapture && i < 9 {
			v[string(rune('1'+i))] = phrase(t.script.reflect(c))
		}
	}
	return v
}

// shorten cuts a long capture where a further thought begins.
func (t *talk) shorten(tokens []token) []token {
	for i, tok := range tokens {
		if i >= 3 && len(tokens) > 8 && t.script.member("connective", tok.word) {
			return tokens[:i]
		}
	}
	return tokens
}

// choose returns a variant of a rule's replies that wasn't said lately. Variants that weren't said at all come first.
// Nothing is left when the last three replies held all of them.
func (t *talk) choose(rule string, variants []string, v vars) (string, bool) {
	if len(variants) == 0 {
		return "", false
	}
	start := int(t.hash(rule) % uint64(len(variants)))
	last := t.own[:min(3, len(t.own))]
	for _, avoid := range [][]string{t.own, last} {
		for i := range variants {
			text, ok := t.fill(variants[(start+i)%len(variants)], v)
			if ok && !said(avoid, text) {
				return text, true
			}
		}
	}
	return "", false
}

// said reports whether one of lines holds text.
func said(lines []string, text string) bool {
	for _, line := range lines {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// hash spreads the choice of variants over rooms, rules and the course of a conversation.
func (t *talk) hash(rule string) uint64 {
	h := fnv.New64a()
	h.Write(t.state.ChannelID[:])
	h.Write([]byte(rule))
	var n [16]byte
	binary.LittleEndian.PutUint64(n[:8], uint64(len(t.own)))
	binary.LittleEndian.PutUint64(n[8:], t.state.Seed)
	h.Write(n[:])
	if len(t.own) > 0 {
		h.Write([]byte(t.own[0])) // the count stands still once the history is full
	}
	return h.Sum64()
}

// fill puts the values into a template and the style on it. It fails when a value is missing; {name} alone may be, or was
// used in one of the last two replies, and then takes the comma before it along.
func (t *talk) fill(template string, v vars) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		if !found {
			b.WriteString(template)
			break
		}
		key, after, _ := strings.Cut(rest, "}")
		value, ok := t.value(key, v)
		switch {
		case ok:
			b.WriteString(before)
			b.WriteString(value)
		case key == "name":
			b.WriteString(strings.TrimRight(before, ", "))
		default:
			return "", false
		}
		template = after
	}
	return t.style.apply(capitalize(b.String())), true
}

// value returns the value of a placeholder.
func (t *talk) value(key string, v vars) (string, bool) {
	switch key {
	case "agent":
		return t.agentName(), true
	case "name":
		return t.called, t.called != "" && !said(t.own[:min(2, len(t.own))], t.called)
	case "notice":
		return Notice, true
	default:
		value, ok := v[key]
		return value, ok && value != ""
	}
}

// agentName returns the agent's name, which a raw prompt doesn't tell.
func (t *talk) agentName() string {
	if t.state.Agent.Name == "" {
		return "Eliza"
	}
	return t.state.Agent.Name
}
