package doctor

import (
	"slices"
	"strings"
)

// action takes an action of a plugin that the message names, by its name or a simile, before the responder's own skills have
// their say: an action that an agent was given is meant to be taken (rule 4).
func (t *talk) action() (reply, bool) {
	for _, a := range t.state.Actions {
		if t.isOwn(a.Name) || !slices.ContainsFunc(append([]string{a.Name}, a.Similes...), t.calls) {
			continue
		}
		// The words are said if the action says none.
		r, ok := t.line("acted", vars{"action": strings.ToLower(strings.ReplaceAll(a.Name, "_", " "))})
		r.actions, r.acts, r.params = []string{a.Name}, true, t.parameters(a)
		return r, ok
	}
	return reply{}, false
}

// isOwn reports whether an action is one that the script knows itself when to take.
func (t *talk) isOwn(name string) bool {
	return t.script.own[name]
}

// calls reports whether the message asks for what has a name such as ROLL_DICE: it holds the name as it is written, or a sentence
// of it has its words, one after the other but for those that say nothing. A name of one word must begin the sentence.
func (t *talk) calls(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !isWordRune(r) || r == '_' })
	words = slices.DeleteFunc(words, func(w string) bool { return len(words) > 1 && t.script.stop[w] })
	if len(words) == 0 {
		return false
	}
	if strings.ContainsRune(name, '_') && strings.Contains(t.text, name) {
		return true
	}
	for _, c := range t.clauses {
		said := t.script.content(c.tokens)
		for len(said) > 0 && t.agent[said[0]] {
			said = said[1:]
		}
		for i := 0; i+len(words) <= len(said); i++ {
			if len(words) == 1 && i > 0 {
				break
			}
			if slices.EqualFunc(words, said[i:i+len(words)], sameThing) {
				return true
			}
		}
	}
	return false
}

// sameThing is sameWord for words of one thing and of many: dice, die.
func sameThing(a, b string) bool {
	plural := map[string]string{"dice": "die", "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse", "feet": "foot"}
	if plural[a] == b || plural[b] == a {
		return true
	}
	return sameWord(a, b) || strings.TrimSuffix(a, "s") == strings.TrimSuffix(b, "s")
}

// ownActions are those that every agent has, and the choices of the script's intents.
func ownActions(intents []*intent) map[string]bool {
	own := map[string]bool{"REPLY": true, "IGNORE": true, "NONE": true, "CHOOSE_OPTION": true, "REMEMBER": true, "FORGET": true}
	for _, in := range intents {
		if in.Action != "" {
			own[in.Action] = true
		}
	}
	return own
}
