package doctor

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/server/internal/mention"
	"github.com/elizad/elizad/server/model"
)

// shouldRespond decides whether the agent answers in a room with others (agent runtime §18.5).
func (t *talk) shouldRespond() string {
	action, reason := t.whetherToRespond()
	return frame(field{"name", t.agentName()}, field{"reasoning", reason}, field{"action", action})
}

// attention is how long a conversation continues without naming the agent again.
const attention = 5 * time.Minute

func (t *talk) whetherToRespond() (action, reason string) {
	if t.addressed() {
		if h, ok := t.hit("command"); ok && h.intent.Action == "MUTE_ROOM" {
			return "STOP", "I am asked to be quiet."
		}
		return "RESPOND", "My name is mentioned."
	}
	if name, ok := t.addressesOther(); ok {
		return "IGNORE", "The message is for " + name + "."
	}
	if t.inConversation() {
		return "RESPOND", "The sender goes on talking with me."
	}
	alone := len(t.state.Participants) == 0
	if alone && len(t.clauses) > 0 && slices.ContainsFunc(t.clauses, func(c clause) bool { return c.question }) {
		return "RESPOND", "It is a question, and nobody else is here to answer it."
	}
	return "IGNORE", "Nothing in the message is for me."
}

// addressed reports whether the message names the agent.
func (t *talk) addressed() bool {
	return mention.In(t.text, t.state.Agent.Name, t.state.Agent.Username)
}

// addressesOther reports whether the message begins with the name of another participant, or with the first word of it.
func (t *talk) addressesOther() (string, bool) {
	for _, name := range t.state.Participants {
		first, _, _ := strings.Cut(name, " ")
		if mention.Begins(t.text, name) || mention.Begins(t.text, first) {
			return name, true
		}
	}
	return "", false
}

// inConversation reports whether the agent spoke last or second-last, shortly before, and to the same person.
func (t *talk) inConversation() bool {
	h := t.state.History
	for i := len(h) - 1; i >= max(0, len(h)-2); i-- {
		if !h[i].FromSelf {
			continue
		}
		recent := t.state.StartedAt.Sub(h[i].At) <= attention
		return recent && (i == 0 || h[i-1].FromAgent || h[i-1].Author == t.state.Sender)
	}
	return false
}

// decide chooses the next step of a run: an offered action that the message speaks of and that was not taken yet, else the
// end.
func (t *talk) decide() string {
	if a, ok := t.nextAction(); ok {
		parameters, _ := json.Marshal(t.parameters(a)) // a map of texts always encodes
		return frame(field{"thought", "The message speaks of " + a.Name + "."}, field{"action", a.Name},
			field{"parameters", string(parameters)}, field{"providers", ""}, field{"isFinish", "false"})
	}
	return frame(field{"thought", "There is nothing more to do."}, field{"action", ""}, field{"parameters", "{}"},
		field{"providers", ""}, field{"isFinish", "true"})
}

// nextAction returns the action that shares most words with the message: those of its name and similes count fully, those
// of its description a little. One word of a description alone is not enough.
func (t *talk) nextAction() (model.Action, bool) {
	wanted := t.subject()
	var best model.Action
	highest := 2
	for _, a := range t.state.Actions {
		if a.Name == "REPLY" || a.Name == "IGNORE" || a.Name == "NONE" || t.taken(a.Name) {
			continue
		}
		names := strings.ToLower(strings.ReplaceAll(a.Name+" "+strings.Join(a.Similes, " "), "_", " "))
		score := 3*t.shared(names, wanted) + t.shared(strings.ToLower(head(a.Description, maxLine)), wanted)
		if score >= highest && (score > highest || best.Name == "") {
			best, highest = a, score
		}
	}
	return best, best.Name != ""
}

// shared counts the wanted words that occur in text.
func (t *talk) shared(text string, wanted []string) int {
	words := strings.FieldsFunc(text, func(r rune) bool { return !isWordRune(r) })
	n := 0
	for _, w := range wanted {
		if slices.ContainsFunc(words, func(word string) bool { return sameWord(word, w) }) {
			n++
		}
	}
	return n
}

// taken reports whether an action ran already.
func (t *talk) taken(name string) bool {
	return slices.ContainsFunc(t.state.Results, func(r model.ActionResult) bool { return r.Action == name })
}

// parameters finds values for the parameters of an action: "name: value" or "name = value" in the message, an address for
// one called url, a number for one called like a count, what is in quotes, and else the message itself for the first.
func (t *talk) parameters(a model.Action) map[string]string {
	values := make(map[string]string)
	for i, name := range a.Parameters {
		if value := t.slot(strings.ToLower(name)); value != "" {
			values[name] = value
		} else if i == 0 {
			values[name] = t.text
		}
	}
	return values
}

// slot returns the value the message gives for a parameter.
func (t *talk) slot(name string) string {
	lower := strings.ToLower(t.text)
	for _, sign := range []string{":", "=", " is ", " ="} {
		if _, after, ok := strings.Cut(lower, name+sign); ok && len(lower) == len(t.text) {
			value := strings.TrimSpace(t.text[len(t.text)-len(after):])
			if end := strings.IndexAny(value, ",;\n"); end >= 0 {
				value = value[:end]
			}
			return strings.Trim(value, `"' `)
		}
	}
	for word := range strings.FieldsSeq(t.text) {
		word = strings.Trim(word, `"'.,!?()`)
		switch {
		case strings.Contains(name, "url") && (strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")):
			return word
		case (name == "count" || name == "number" || name == "amount" || name == "limit") && word != "" && strings.Trim(word, "0123456789.") == "":
			return word
		}
	}
	if _, after, ok := strings.Cut(t.text, `"`); ok {
		quoted, _, closed := strings.Cut(after, `"`)
		if closed {
			return quoted
		}
	}
	return ""
}

// brought reports whether actions that the agent was given have brought something, or failed: that is what a reply is then about.
func (t *talk) brought() bool {
	return slices.ContainsFunc(t.state.Results, func(r model.ActionResult) bool {
		return !t.isOwn(r.Action) && (!r.Success || strings.TrimSpace(r.Text) != "")
	})
}

// summary joins what the actions of a run brought.
func (t *talk) summary() string {
	var done, failed []string
	for _, r := range t.state.Results {
		text := strings.TrimSpace(r.Text)
		name := strings.ToLower(strings.ReplaceAll(r.Action, "_", " "))
		switch {
		case !r.Success && text != "":
			failed = append(failed, name+" ("+text+")")
		case !r.Success:
			failed = append(failed, name)
		case text != "":
			done = append(done, text)
		default:
			done = append(done, capitalize(name)+": done.")
		}
	}
	if len(failed) > 0 {
		done = append(done, "This did not work: "+join(failed)+".")
	}
	if len(done) == 0 {
		r := t.answer()
		return r.text
	}
	return t.style.apply(strings.Join(done, "\n"))
}

// choice answers which option is meant, or else yes or no: yes to a plain yes and to a command about the room.
func (t *talk) choice() string {
	if len(t.state.Options) > 0 {
		if o, ok := t.chosen(); ok {
			return o.Name
		}
		return "none"
	}
	for _, h := range t.hits {
		if h.intent.Stage == "command" || h.intent.ID == "social.yes" {
			return "yes"
		}
	}
	return "no"
}
