package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// social answers greetings, thanks and the like (rule 12), when the message is nothing else: the last of several decides,
// as in "hi, how are you?".
func (t *talk) social() (reply, bool) {
	found, all := make(map[int]hit), 0
	for _, h := range t.hits {
		if h.intent.Stage == "social" && h.small() {
			if _, better := found[h.clause]; !better {
				found[h.clause] = h
			}
		}
	}
	last := -1
	for n, c := range t.clauses {
		if h, ok := found[n]; ok {
			if last < 0 || h.intent.ID != "social.thanks" || found[last].intent.ID == "social.greeting" {
				last = n // "fine, thanks" is about being fine
			}
			all++
		} else if len(c.tokens) < 3 && t.small(c) {
			all++
		}
	}
	if last < 0 {
		return t.wordless()
	}
	if all < len(t.clauses) {
		return reply{}, false
	}
	h := found[last]
	replies := h.intent.Replies
	if h.intent.ID == "social.greeting" && len(t.own) == 0 {
		replies = t.script.Lines["greeting.first"]
	}
	text, ok := t.choose(h.intent.ID, replies, t.captured(h.captures))
	return reply{rule: h.intent.ID, text: text}, ok
}

// small reports whether the gaps of small talk hold few words: "yes" is an answer, "yes, the whole week I tried …" isn't.
func (h hit) small() bool {
	words := 0
	for _, c := range h.captures {
		words += len(c)
	}
	return words <= cmp.Or(h.intent.Rest, 3)
}

// small reports whether a clause is small talk around a greeting: fillers and names.
func (t *talk) small(c clause) bool {
	for _, tok := range c.tokens {
		_, name := t.names[tok.word]
		if !name && !t.script.filler[tok.word] && !t.agent[tok.word] && !t.script.stop[tok.word] {
			return false
		}
	}
	return true
}

// wordless answers a message that is only the agent's name, or only pictures and punctuation.
func (t *talk) wordless() (reply, bool) {
	rule := ""
	switch {
	case len(t.clauses) == 1 && !slices.ContainsFunc(t.clauses[0].tokens, func(tok token) bool { return !t.agent[tok.word] }):
		rule = "called"
	case len(t.clauses) > 0 || t.text == "":
		return reply{}, false
	case strings.ContainsFunc(t.text, isEmoji):
		rule = "emoji"
	default:
		rule = "unclear"
	}
	r, ok := t.line(rule, nil)
	r.whole = false
	return r, ok
}

// skill does small tricks: a joke, a coin, a die.
func (t *talk) skill() (reply, bool) {
	h, ok := t.hit("skill")
	if !ok {
		return reply{}, false
	}
	v := t.captured(h.captures)
	v["roll"] = strconv.Itoa(int(t.hash("roll")%6) + 1)
	text, ok := t.choose(h.intent.ID, h.intent.Replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// Limits of a character's own rules.
const (
	maxRules      = 32 << 10 // bytes
	maxRuleNumber = 100
)

// rules is settings.builtinScript: a character's own intents, tried in their order before the general ones.
type rules struct {
	Rules []*intent `json:"rules"`
}

// CheckRules reports the first fault of a character's settings.builtinScript. Its form is
//
//	{"rules": [{"patterns": ["* pizza *"], "replies": ["Did somebody say pizza?"]}]}
//
// with the patterns and replies of the package comment. A faulty script is passed over when a message is answered.
func CheckRules(data json.RawMessage) error {
	script, err := load()
	if err != nil {
		return err
	}
	_, err = script.rules(data)
	return err
}

// rules reads a character's own rules.
func (s *script) rules(data json.RawMessage) ([]*intent, error) {
	if len(data) > maxRules {
		return nil, fmt.Errorf("the script is longer than %d bytes", maxRules)
	}
	var own rules
	if err := json.Unmarshal(data, &own); err != nil {
		return nil, fmt.Errorf("reading the script: %w", err)
	}
	if len(own.Rules) > maxRuleNumber {
		return nil, fmt.Errorf("the script has more than %d rules", maxRuleNumber)
	}
	for i, rule := range own.Rules {
		if rule == nil || len(rule.Patterns) == 0 || len(rule.Replies) == 0 {
			return nil, fmt.Errorf("rule %d has no pattern or no reply", i)
		}
		rule.ID = "own." + strconv.Itoa(i)
		if err := rule.compile(s.groups); err != nil {
			return nil, err
		}
	}
	return own.Rules, nil
}

// custom applies the character's own rules. They are read for each message: they are short, and nothing has to be
// kept in step with the character.
func (t *talk) custom() (reply, bool) {
	if len(t.state.Agent.BuiltinScript) == 0 {
		return reply{}, false
	}
	own, err := t.script.rules(t.state.Agent.BuiltinScript)
	if err != nil {
		return reply{}, false
	}
	for _, intent := range own {
		for _, p := range intent.patterns {
			for _, c := range t.clauses {
				captures, ok := (indexed{intent: intent, pattern: p}).match(c.tokens)
				if !ok {
					continue
				}
				if r, ok := t.fromIntent(hit{intent: intent, captures: captures}); ok {
					return r, true
				}
			}
		}
	}
	return reply{}, false
}

// greeting returns the greeting that a message with more to it begins with, to be put before the answer to the rest.
func (t *talk) greeting() string {
	if len(t.own) > 0 || len(t.clauses) < 2 {
		return ""
	}
	for _, h := range t.hits {
		if h.intent.ID == "social.greeting" && h.clause == 0 {
			text, _ := t.choose("greeting.before", t.script.Lines["greeting.before"], nil)
			return text
		}
	}
	return ""
}
