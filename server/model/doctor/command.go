package doctor

import (
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// crisis answers people in danger before anything else, and kindly: the scheme plays a therapist, and must not play one
// here (rule 1). Phrases in other languages count whatever language the message seems to be in.
func (t *talk) crisis() (reply, bool) {
	if h, ok := t.hit("crisis"); ok {
		r, ok := t.fromIntent(h)
		r.whole, r.grave = true, true
		return r, ok
	}
	lower := strings.ToLower(t.text)
	for _, l := range t.script.Languages {
		for _, words := range l.Crisis {
			if !strings.Contains(lower, words) {
				continue
			}
			text, ok := t.choose("crisis."+l.Code, l.Safe, nil)
			return reply{rule: "crisis." + l.Code, text: text, whole: true, grave: true}, ok
		}
	}
	return reply{}, false
}

// maxQuote is how much of an attachment's text, or of an earlier message, is quoted.
const maxQuote = 200

// attachment names what came without words, or with a question about it (rule 2).
func (t *talk) attachment() (reply, bool) {
	if len(t.state.Attachments) == 0 {
		return reply{}, false
	}
	if _, about := t.hit("attachment"); len(t.clauses) > 0 && !about {
		return reply{}, false
	}
	var names []string
	quote := ""
	for i, a := range t.state.Attachments {
		if i < 3 {
			names = append(names, describe(a))
		}
		if quote == "" {
			quote = strings.Join(strings.Fields(a.Text), " ")
		}
	}
	if more := len(t.state.Attachments) - 3; more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	v := vars{"files": join(names), "quote": head(quote, maxQuote)}
	if quote != "" {
		return t.line("attachment.text", v)
	}
	return t.line("attachment", v)
}

// describe names an attachment: what it is, and its title or description.
func describe(a model.Attachment) string {
	kinds := map[string]string{"image": "an image", "video": "a video", "audio": "a recording", "document": "a document", "link": "a link"}
	name, ok := kinds[a.ContentType]
	if !ok {
		name = "a file"
	}
	for _, title := range []string{a.Title, a.Description} {
		if title = strings.Join(strings.Fields(title), " "); title != "" {
			return name + " (" + head(title, 60) + ")"
		}
	}
	return name
}

// join lists words: a, b and c.
func join(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// option takes the message as the answer to an open choice (rule 3).
func (t *talk) option() (reply, bool) {
	chosen, ok := t.chosen()
	if !ok || !t.offers("CHOOSE_OPTION") {
		return reply{}, false
	}
	text, ok := t.choose("option", t.script.Lines["option"], vars{"option": chosen.Name})
	return reply{rule: "option", text: text, actions: []string{"CHOOSE_OPTION"}, whole: true}, ok
}

// chosen returns the option that the message equals, begins, or numbers.
func (t *talk) chosen() (model.Option, bool) {
	said := strings.ToLower(strings.Trim(t.text, " .!\"'"))
	if said == "" {
		return model.Option{}, false
	}
	for _, o := range t.state.Options {
		if strings.EqualFold(o.Name, said) {
			return o, true
		}
	}
	if n, err := strconv.Atoi(said); err == nil && n >= 1 && n <= len(t.state.Options) {
		return t.state.Options[n-1], true
	}
	for _, o := range t.state.Options {
		if strings.HasPrefix(strings.ToLower(o.Name), said) {
			return o, true
		}
	}
	return model.Option{}, false
}

// command does what the sender asks the agent to do about the room, if that is offered (rule 4).
func (t *talk) command() (reply, bool) {
	for _, h := range t.hits {
		if h.intent.Stage != "command" || !t.offers(h.intent.Action) {
			continue
		}
		if r, ok := t.fromIntent(h); ok {
			r.actions, r.whole = []string{h.intent.Action}, true
			return r, true
		}
	}
	return reply{}, false
}

// offers reports whether an action may be taken.
func (t *talk) offers(action string) bool {
	for _, a := range t.state.Actions {
		if a.Name == action {
			return true
		}
	}
	return false
}
