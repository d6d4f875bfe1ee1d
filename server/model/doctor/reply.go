package doctor

import "strings"

// reply is what the responder decided to do and say.
type reply struct {
	rule    string            // which rule decided, for the record
	text    string            // what to say
	actions []string          // besides saying it; nil for none
	params  map[string]string // of the one action that is the answer
	whole   bool              // every sentence matters: not cut to one, nothing added
	grave   bool              // to a person in danger: nothing else is added either
	acts    bool              // the actions are the answer, and the text is what is said if they say nothing
}

// Notice is the line that the first reply to a person ends with, once a day: people must not take the responder for a language model.
const Notice = "(I'm the built-in responder, not a language model. To connect one, set OPENAI_API_KEY or another provider's key, or OLLAMA_API_ENDPOINT.)"

// answer applies the rules in the order of agent runtime §18.2. The last one always has something to say.
func (t *talk) answer() reply {
	rules := []func() (reply, bool){
		t.crisis, t.attachment, t.option, t.action, t.command, t.forget, t.custom, t.setup, t.help, t.about, t.time, t.recall, t.thing, t.remembered,
		t.remark, t.knowledge, t.example, t.social, t.arithmetic, t.skill, t.topic, t.scheme, t.unknown, t.memory,
	}
	if t.language != nil {
		rules = []func() (reply, bool){t.crisis, t.attachment, t.option, t.action, t.command, t.custom, t.example, t.arithmetic, t.foreign}
	}
	for _, rule := range rules {
		if r, ok := rule(); ok {
			return t.finish(r)
		}
	}
	return t.finish(t.neutral())
}

// finish follows the directions that change the length of a reply, and returns a greeting that came before the message.
func (t *talk) finish(r reply) reply {
	if !r.whole {
		r.text = t.measured(r.text)
	}
	if !r.grave && !r.acts && !t.greets(r.rule) {
		r.text = strings.TrimSpace(t.greeting() + " " + r.text)
	}
	return r
}

// greets reports whether the replies of a rule are greetings themselves, or the character's own words.
func (t *talk) greets(rule string) bool {
	return strings.HasPrefix(rule, "social.") || strings.HasPrefix(rule, "own.") ||
		rule == "fact.name" || rule == "fact.introduced" || rule == "example"
}

// measured cuts a reply to one sentence, or adds a question to it, when the directions say so.
func (t *talk) measured(text string) string {
	if all := sentences(text); t.style.brief && len(all) > 1 {
		text = all[0]
	}
	if t.style.questions && !strings.HasSuffix(text, "?") {
		if question, ok := t.choose("question", t.script.Lines["question"], nil); ok {
			text += " " + question
		}
	}
	return text
}

// fromIntent answers a hit with one of its replies.
func (t *talk) fromIntent(h hit) (reply, bool) {
	text, ok := t.choose(h.intent.ID, h.intent.Replies, t.captured(h.captures))
	return reply{rule: h.intent.ID, text: text}, ok
}

// line answers with one of the script's lines.
func (t *talk) line(rule string, v vars) (reply, bool) {
	text, ok := t.choose(rule, t.script.Lines[rule], v)
	return reply{rule: rule, text: text, whole: true}, ok
}
