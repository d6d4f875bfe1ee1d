package frame

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// leadIn is what some models' templates leave before an answer, and leftover what they leave behind it.
	leadIn   = regexp.MustCompile(`^(?:<\|start\|>assistant)?(?:<\|channel\|>final<\|message\|>|<\|begin_of_solution\|>|<\|im_start\|>assistant\s)`)
	leftover = regexp.MustCompile(`(?:\s|<\|[A-Za-z_]{1,30}\|>|</s>|<end_of_turn>|<eos>|\[/INST\])+$`)
	// tokens are how leftovers begin.
	tokens = []string{"<|", "</s>", "<end_of_turn>", "<eos>", "[/INST]"}
	// wrappers are elements around a whole answer that say nothing.
	wrappers = []string{"answer", "final_answer", "final", "output", "reply", "message", "result", root}
)

// plain reads an answer that doesn't keep to the form as what it is, words for people. It is empty when the answer is a piece
// of a frame instead, in which there may be thoughts.
func plain(answer string) string {
	text := strings.TrimSpace(leftover.ReplaceAllString(leadIn.ReplaceAllString(strings.TrimSpace(answer), ""), ""))
	if isFramePiece(text) {
		return ""
	}
	if t, ok, _ := tagAtStart(text); ok && t.kind == openTag && slices.Contains(wrappers, t.name) {
		if inner, ok := cutSuffixFold(text[t.end:], "</"+t.name+">"); ok {
			text = inner
		}
	}
	return strings.TrimSpace(withoutThoughts(text, "thought"))
}

// isFramePiece reports whether a text begins with the markup of a frame, or is the beginning of it.
func isFramePiece(text string) bool {
	if !strings.HasPrefix(text, "<") {
		return false
	}
	t, ok, incomplete := tagAt(text, 0)
	if ok {
		return slices.Contains(frameNames, t.name)
	}
	name := strings.TrimPrefix(text[1:], "/")
	return incomplete && slices.ContainsFunc(frameNames, func(known string) bool {
		n := min(len(name), len(known))
		return strings.EqualFold(name[:n], known[:n]) && nameLen(name) <= len(known)
	})
}

func tagAtStart(text string) (tag, bool, bool) {
	if !strings.HasPrefix(text, "<") {
		return tag{}, false, false
	}
	return tagAt(text, 0)
}

func cutSuffixFold(text, suffix string) (string, bool) {
	if n := len(text) - len(suffix); n >= 0 && strings.EqualFold(text[n:], suffix) {
		return text[:n], true
	}
	return text, false
}
