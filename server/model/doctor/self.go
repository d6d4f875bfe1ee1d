package doctor

import (
	"strings"

	"github.com/elizad/elizad/server/model"
)

// setup says what the server sees of a model, to those who ask why none answers.
func (t *talk) setup() (reply, bool) {
	if _, ok := t.hit("setup"); !ok {
		return reply{}, false
	}
	if t.state.Setup == "" {
		return t.line("setup.unseen", nil)
	}
	return t.line("setup", vars{"seen": t.state.Setup})
}

// help says who the agent is, what it may do, and how to connect a model (rule 5).
func (t *talk) help() (reply, bool) {
	if _, ok := t.hit("help"); !ok {
		return reply{}, false
	}
	var can []string
	for _, a := range t.state.Actions {
		if words := t.plainly(a); words != "" && len(can) < 8 {
			can = append(can, words)
		}
	}
	if len(can) == 0 {
		return t.line("help", nil)
	}
	return t.line("help.actions", vars{"actions": join(can)})
}

// plainly names an action in plain words; empty for those that are not worth naming.
func (t *talk) plainly(a model.Action) string {
	switch a.Name {
	case "REPLY", "IGNORE", "NONE":
		return ""
	}
	if words := t.script.Lines["action."+a.Name]; len(words) > 0 {
		return words[0]
	}
	return strings.ToLower(strings.ReplaceAll(a.Name, "_", " "))
}

// about answers questions about the agent itself, with its name and the first sentence of its bio (rule 6).
func (t *talk) about() (reply, bool) {
	h, ok := t.hit("about")
	if !ok {
		return reply{}, false
	}
	v := t.captured(h.captures)
	v["bio"] = t.introduction()
	text, ok := t.choose(h.intent.ID, h.intent.Replies, v)
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// introduction returns the first sentence of the bio, quoted unless it speaks in the first person; nothing without a bio.
func (t *talk) introduction() string {
	for _, entry := range t.state.Agent.Bio {
		all := sentences(t.named(head(entry, maxLine)))
		if len(all) == 0 {
			continue
		}
		first := all[0]
		if strings.HasPrefix(first, "I ") || strings.HasPrefix(first, "I'm ") {
			return first
		}
		if !strings.ContainsAny(first[len(first)-1:], ".!?") {
			first += "."
		}
		return "My description says: “" + first + "”"
	}
	return ""
}

// named replaces the agent's placeholder in a character's text.
func (t *talk) named(text string) string {
	for _, placeholder := range []string{"{{agentName}}", "{{char}}"} {
		text = strings.ReplaceAll(text, placeholder, t.agentName())
	}
	return text
}

// time answers with the clock of the run.
func (t *talk) time() (reply, bool) {
	h, ok := t.hit("time")
	if !ok || t.state.StartedAt.IsZero() {
		return reply{}, false
	}
	now := t.state.StartedAt
	if h.intent.Value != "" {
		now = now.AddDate(0, 0, dayOffsets[h.intent.Value])
	}
	text, ok := t.choose(h.intent.ID, h.intent.Replies, vars{
		"clock": now.Format("15:04 MST"), "day": now.Format("Monday"), "date": now.Format("Monday, 2 January 2006"),
		"month": now.Format("January"), "year": now.Format("2006"),
	})
	return reply{rule: h.intent.ID, text: text, whole: true}, ok
}

// dayOffsets are the days that questions name.
var dayOffsets = map[string]int{"yesterday": -1, "today": 0, "tomorrow": 1}
