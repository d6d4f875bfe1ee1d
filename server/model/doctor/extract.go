package doctor

import (
	"slices"
	"strings"
)

// knowledge answers with the sentences of the best passage that share most with the message (rule 10). A passage that
// shares no word with it was found by accident.
func (t *talk) knowledge() (reply, bool) {
	if len(t.state.Knowledge) == 0 {
		return reply{}, false
	}
	wanted := t.subject()
	for _, passage := range t.state.Knowledge {
		found := t.extract(passage.Text, wanted)
		if found == "" {
			continue
		}
		if passage.Title == "" {
			return t.line("knowledge", vars{"found": found})
		}
		return t.line("knowledge.titled", vars{"found": found, "title": head(passage.Title, 80)})
	}
	return reply{}, false
}

// maxSubject is how many words of a message are looked for elsewhere.
const maxSubject = 24

// subject returns the first words of the message that say what it is about.
func (t *talk) subject() []string {
	var words []string
	for _, c := range t.clauses {
		words = append(words, t.script.content(c.tokens)...)
	}
	return words[:min(len(words), maxSubject)]
}

// maxPassage is how much of a passage is read.
const maxPassage = 4000

// extract returns the sentence of text that shares most words with wanted, and the next one if there is room.
func (t *talk) extract(text string, wanted []string) string {
	all := sentences(head(text, maxPassage))
	best, at := 0, -1
	for i, sentence := range all {
		shared := 0
		for word := range strings.FieldsSeq(strings.ToLower(sentence)) {
			word = strings.Trim(word, ".,;:!?()\"'*#")
			if slices.ContainsFunc(wanted, func(w string) bool { return sameWord(word, w) }) {
				shared++
			}
		}
		if shared > best {
			best, at = shared, i
		}
	}
	if at < 0 {
		return ""
	}
	found := head(all[at], 400)
	if at+1 < len(all) && len(found)+len(all[at+1]) <= 300 {
		found += " " + all[at+1]
	}
	return found
}

// maxExamples is how many characters of a character's example conversations are read for one message.
const maxExamples = 8000

// example answers like the character: with the line that follows a line of its examples that says the same (rule 11).
func (t *talk) example() (reply, bool) {
	mine := wordSet(t.clauses)
	if len(mine) == 0 {
		return reply{}, false
	}
	best, text, read := 0.6, "", 0
	for _, conversation := range t.state.Agent.MessageExamples {
		for j := range len(conversation) - 1 {
			asked, answered := conversation[j], conversation[j+1]
			if t.isAgent(asked.Name) || !t.isAgent(answered.Name) || strings.TrimSpace(answered.Text) == "" {
				continue
			}
			if n := strings.Count(asked.Text, " ") + 1; n > 2*len(mine)+2 || 2*n+2 < len(mine) {
				continue // too different in length to resemble the message
			}
			if read += len(asked.Text); read > maxExamples {
				break
			}
			score := overlap(mine, wordSet(t.read(head(t.standIns(asked.Text), maxLine))))
			if score < best {
				continue
			}
			line := t.style.apply(t.standIns(answered.Text))
			if !said(t.own[:min(3, len(t.own))], line) {
				best, text = score, line
			}
		}
	}
	return reply{rule: "example", text: text, whole: true}, text != ""
}

// isAgent reports whether a name in an example is the agent's.
func (t *talk) isAgent(name string) bool {
	return strings.EqualFold(name, t.agentName()) || name == "{{agentName}}" || name == "{{char}}" || name == "{{agent}}"
}

// standIns replaces the names of people in an example by the sender's.
func (t *talk) standIns(text string) string {
	text = t.named(text)
	if !strings.Contains(text, "{{") {
		return text
	}
	name := t.called
	if name == "" {
		name = "friend"
	}
	for _, placeholder := range []string{"{{user1}}", "{{user}}", "{{name1}}", "{{senderName}}", "{{user2}}", "{{name2}}"} {
		text = strings.ReplaceAll(text, placeholder, name)
	}
	return text
}

// wordSet returns the folded words of all clauses.
func wordSet(clauses []clause) map[string]bool {
	words := make(map[string]bool)
	for _, c := range clauses {
		for _, t := range c.tokens {
			words[t.word] = true
		}
	}
	return words
}

// overlap returns how much two sets share: 1 when they are equal, 0 when they share nothing.
func overlap(a, b map[string]bool) float64 {
	shared := 0
	for word := range a {
		if b[word] {
			shared++
		}
	}
	return float64(shared) / float64(max(1, len(a)+len(b)-shared))
}

// maxTopics is how many of a character's topics are read.
const maxTopics = 100

// topic takes up a subject the character cares about (rule 14), unless one of the last two replies did.
func (t *talk) topic() (reply, bool) {
	for i, topic := range t.state.Agent.Topics {
		if i == maxTopics {
			break
		}
		words := strings.Fields(strings.ToLower(topic))
		if len(words) == 0 || !t.mentions(words) || said(t.own[:min(2, len(t.own))], topic) {
			continue
		}
		v := vars{"topic": topic}
		rule := "topic"
		if v["bio"] = t.bioAbout(words); v["bio"] != "" {
			rule = "topic.bio"
		}
		r, ok := t.line(rule, v)
		r.whole = false
		return r, ok
	}
	return reply{}, false
}

// mentions reports whether the message holds words in a row.
func (t *talk) mentions(words []string) bool {
	for _, c := range t.clauses {
		for i := 0; i+len(words) <= len(c.tokens); i++ {
			if inOrder(c.tokens[i:], words) {
				return true
			}
		}
	}
	return false
}

// inOrder reports whether tokens begin with words, the last of which may be in the plural.
func inOrder(tokens []token, words []string) bool {
	for i, w := range words {
		if got := tokens[i].word; got != w && !(i == len(words)-1 && (got == w+"s" || got+"s" == w)) {
			return false
		}
	}
	return true
}

// bioAbout returns the first sentence of the bio that mentions words.
func (t *talk) bioAbout(words []string) string {
	about := strings.Join(words, " ")
	for _, entry := range t.state.Agent.Bio {
		for _, sentence := range sentences(t.named(head(entry, maxLine))) {
			if strings.Contains(strings.ToLower(sentence), about) {
				return sentence
			}
		}
	}
	return ""
}
