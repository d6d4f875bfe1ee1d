package frame

import (
	"slices"
	"strings"
)

// reasoning are the elements in which models think aloud before they answer, beside the frame's own <thought>.
var reasoning = []string{
	"think", "thinking", "thoughts", "reasoning", "reflection", "scratchpad", "inner_monologue", "antthinking", "ant_thinking", "seed:think",
}

// marks are the other marks of such thoughts, by the models that use them.
var marks = []struct{ open, close string }{
	{"[think]", "[/think]"}, {"[thinking]", "[/thinking]"}, {"[thought]", "[/thought]"}, {"[reasoning]", "[/reasoning]"},
	{"◁think▷", "◁/think▷"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"}, {"<|start_thinking|>", "<|end_thinking|>"},
	{"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
	{`<details type="reasoning"`, "</details>"},
}

// markStarts are the characters that marks begin with.
const markStarts = "<[◁"

func isReasoning(name string) bool { return slices.Contains(reasoning, name) }

// thoughtAt finds out whether text begins with the mark that opens a thought. It returns the mark's length and what closes
// the thought. Incomplete means that more input could make a mark of it. What the frame itself asks for is no such mark.
func thoughtAt(text string, fields []string) (length int, end string, incomplete bool) {
	for _, m := range marks {
		if n := min(len(text), len(m.open)); strings.EqualFold(text[:n], m.open[:n]) {
			if n == len(m.open) {
				return n, m.close, false
			}
			incomplete = true
		}
	}
	if !strings.HasPrefix(text, "<") {
		return 0, "", incomplete
	}
	t, ok, more := tagAt(text, 0)
	if ok && t.kind == openTag && isReasoning(t.name) && !slices.Contains(fields, t.name) {
		return t.end, "</" + t.name + ">", false
	}
	return 0, "", incomplete || !ok && more
}

// dropThoughts removes the thoughts that come before an answer, and reports whether it began inside one. Nothing is left of an
// answer that is all thought.
func dropThoughts(answer string, fields []string) (rest string, inside bool) {
	for first := true; ; first = false {
		answer = strings.TrimSpace(answer)
		length, end, _ := thoughtAt(answer, fields)
		if length == 0 {
			rest = afterLoneEnd(answer, fields)
			return rest, first && len(rest) < len(answer)
		}
		if i := indexFold(answer[length:], end); i >= 0 {
			answer = answer[length+i+len(end):]
			continue
		}
		i := indexFold(answer, "<"+root)
		if i < 0 {
			return "", false
		}
		return answer[i:], false
	}
}

// afterLoneEnd returns what follows the end of a thought whose beginning is not in the answer, because the model's template
// has written it. An end that is only mentioned, in code or in the middle of a sentence, is none, nor is one inside the frame.
func afterLoneEnd(answer string, fields []string) string {
	at, length := thoughtEnd(answer, 0, fields)
	if at < 0 {
		return answer
	}
	before, after := answer[:at], answer[at+length:]
	if openDraft(before) {
		if indexFold(after, "<"+root) < 0 {
			return answer
		}
	} else if isNoEnd(answer, at, length) {
		return answer
	}
	return strings.TrimSpace(after)
}

// ends are the marks that end a thought, beside the closing tags of elements; maxEnd is more than the length of any.
var ends = []string{"[/think]", "◁/think▷", "<|end_of_thought|>", "<|end_thinking|>"}

const maxEnd = 32

// thoughtEnd finds the first mark from an offset on that ends a thought.
func thoughtEnd(text string, from int, fields []string) (at, length int) {
	at = -1
	note := func(end string) {
		if i := indexFold(text[from:], end); i >= 0 && (at < 0 || from+i < at) {
			at, length = from+i, len(end)
		}
	}
	for _, end := range ends {
		note(end)
	}
	for _, name := range reasoning {
		if !slices.Contains(fields, name) {
			note("</" + name + ">")
		}
	}
	return at, length
}

// isNoEnd reports whether the mark at an offset ends no thought: it has a beginning, or is only mentioned.
func isNoEnd(text string, at, length int) bool {
	return opens(text[:at], text[at:at+length]) || isMentioned(text, at, text[at+length:])
}

// openDraft reports whether a text ends inside a frame.
func openDraft(text string) bool {
	return lastIndexFold(text, "<"+root) > lastIndexFold(text, "</"+root)
}

// opens reports whether text holds the mark that an end belongs to.
func opens(text, end string) bool {
	if name, ok := strings.CutPrefix(end, "</"); ok {
		return indexFold(text, "<"+strings.TrimSuffix(name, ">")) >= 0
	}
	return indexFold(text, strings.Replace(end, "/", "", 1)) >= 0 && strings.Contains(end, "/")
}

// isMentioned reports whether the mark at a position is only mentioned: it is in code, or between the words of a line. One on a
// line by itself is not, even in code: models forget to close the code of their thoughts.
func isMentioned(text string, at int, after string) bool {
	before := text[:at]
	line, _, _ := strings.Cut(after, "\n")
	if strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == "" && strings.TrimSpace(line) == "" {
		return false
	}
	if strings.HasSuffix(before, " ") && strings.HasPrefix(after, " ") && strings.TrimSpace(after) != "" {
		return true
	}
	return codeIn(text).hold(at)
}

// withoutThoughts removes the thoughts that a model put into the text, if they have both ends and aren't in
// code. Elements named in also are thoughts as well.
func withoutThoughts(text string, also ...string) string {
	if !strings.ContainsAny(text, markStarts) {
		return text
	}
	tags := scan(text)
	pair(tags)
	var found []codeSpan
	for _, t := range tags {
		if t.kind == openTag && t.match >= 0 && (isReasoning(t.name) || slices.Contains(also, t.name)) {
			found = append(found, codeSpan{start: t.start, end: tags[t.match].end})
		}
	}
	for _, m := range marks {
		for pos := 0; ; {
			start := indexFold(text[pos:], m.open)
			if start < 0 {
				break
			}
			start += pos
			end := indexFold(text[start:], m.close)
			if end < 0 {
				break
			}
			pos = start + end + len(m.close)
			found = append(found, codeSpan{start: start, end: pos})
		}
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b codeSpan) int { return a.start - b.start })
	code := codeIn(text)
	var b strings.Builder
	pos := 0
	for _, thought := range found {
		if thought.start >= pos && !code.hold(thought.start) {
			b.WriteString(text[pos:thought.start])
			pos = thought.end
		}
	}
	return b.String() + text[pos:]
}
