package doctor

import "strings"

// post writes a post of the agent's own: a sentence about one of its topics, another from its bio.
func (t *talk) post() string {
	v := vars{}
	if topics := t.state.Agent.Topics; len(topics) > 0 {
		v["topic"] = topics[t.hash("post.topic")%uint64(len(topics))]
	}
	if bio := t.state.Agent.Bio; len(bio) > 0 {
		entry := bio[t.hash("post.bio")%uint64(len(bio))]
		if all := sentences(t.named(head(entry, maxLine))); len(all) > 0 {
			v["bio"] = all[0]
		}
	}
	t.style = readStyle(t.state.Agent.PostStyle)
	for _, rule := range []string{"post.full", "post.topic", "post.bio", "post"} {
		if r, ok := t.line(rule, v); ok {
			return r.text
		}
	}
	return t.neutral().text
}

// maxTitle is the most words a title has; the fewest are three.
const maxTitle = 6

// title names a conversation in three to six words, after the first thing in it that says something.
func (t *talk) title() string {
	texts := make([]string, 0, len(t.heard)+1)
	for _, line := range t.heard {
		texts = append(texts, line.Text)
	}
	for _, text := range append(texts, t.text) {
		for _, c := range t.read(text) {
			if len(t.script.content(c.tokens)) == 0 || t.isSocial(c) {
				continue
			}
			if title := t.titleOf(c.tokens); title != "" {
				return title
			}
		}
	}
	if t.called != "" {
		return "A chat with " + t.called
	}
	return "A chat with " + t.agentName()
}

// isSocial reports whether a clause is a greeting or the like.
func (t *talk) isSocial(c clause) bool {
	for _, h := range t.script.scan([]clause{c}) {
		if h.intent.Stage == "social" && h.small() {
			return true
		}
	}
	return false
}

// titleOf makes a title of a clause: from its first to its last word with content.
func (t *talk) titleOf(tokens []token) string {
	says := func(tok token) bool { return !t.script.stop[tok.word] }
	from := 0
	for from < len(tokens) && !says(tokens[from]) {
		from++
	}
	tokens = tokens[from:min(len(tokens), from+maxTitle)]
	for len(tokens) > 0 && !says(tokens[len(tokens)-1]) {
		tokens = tokens[:len(tokens)-1]
	}
	words := make([]string, 0, maxTitle)
	for _, tok := range tokens {
		words = append(words, head(tok.text, 30))
	}
	switch len(words) {
	case 0:
		return ""
	case 1:
		words = append([]string{"Talking", "about"}, words...)
	case 2:
		words = append([]string{"About"}, words...)
	}
	return capitalize(strings.Join(words, " "))
}
