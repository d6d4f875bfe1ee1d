package doctor

import (
	"fmt"
	"strings"
)

// pattern is a compiled pattern: runs of fixed length with gaps between them.
type pattern struct {
	elements []element
}

type element struct {
	kind  kind
	word  string
	group map[string]bool
}

type kind int

const (
	literal kind = iota // one given word
	member              // one word of a group
	suffix              // one word with a given ending
	any0                // any number of words
	any1                // at least one word
)

// compile reads a pattern.
func compile(source string, groups map[string]map[string]bool) (pattern, error) {
	var p pattern
	for field := range strings.FieldsSeq(source) {
		e := element{kind: literal, word: field}
		switch {
		case field == "*":
			e = element{kind: any0}
		case field == "+":
			e = element{kind: any1}
		case field[0] == '@':
			group, ok := groups[field[1:]]
			if !ok {
				return p, fmt.Errorf("pattern %q: there is no group %s", source, field[1:])
			}
			e = element{kind: member, group: group}
		case field[0] == '-':
			e = element{kind: suffix, word: field[1:]}
		}
		if e.gap() && len(p.elements) > 0 && p.elements[len(p.elements)-1].gap() {
			return p, fmt.Errorf("pattern %q: two gaps in a row", source)
		}
		p.elements = append(p.elements, e)
	}
	if len(p.elements) == 0 {
		return p, fmt.Errorf("a pattern is empty")
	}
	return p, nil
}

func (e element) gap() bool { return e.kind == any0 || e.kind == any1 }

func (e element) matches(t token) bool {
	switch e.kind {
	case literal:
		return e.word == t.word
	case suffix:
		return len(t.word) > len(e.word)+1 && strings.HasSuffix(t.word, e.word)
	default:
		return e.group[t.word]
	}
}

// match takes tokens apart. Each gap takes as few words as it can, which needs no second try: time is proportional to
// the product of the two lengths.
func (p pattern) match(tokens []token) ([][]token, bool) {
	var captures [][]token // most patterns fail before the first
	pos := 0
	for i := 0; i < len(p.elements); {
		e := p.elements[i]
		if !e.gap() {
			if pos >= len(tokens) || !e.matches(tokens[pos]) {
				return nil, false
			}
			if e.kind != literal {
				captures = append(captures, tokens[pos:pos+1])
			}
			pos++
			i++
			continue
		}
		run := p.run(i + 1)
		from := pos
		if e.kind == any1 {
			from++
		}
		start := find(run, tokens, from, i+1+len(run) == len(p.elements))
		if start < 0 {
			return nil, false
		}
		captures = append(captures, tokens[pos:start])
		pos = start
		i++
	}
	return captures, pos == len(tokens)
}

// run returns the elements from i up to the next gap.
func (p pattern) run(i int) []element {
	j := i
	for j < len(p.elements) && !p.elements[j].gap() {
		j++
	}
	return p.elements[i:j]
}

// find returns the first place at or after from where run matches, or -1. The last run of a pattern must reach the end.
func find(run []element, tokens []token, from int, last bool) int {
	if last {
		start := len(tokens) - len(run)
		if start >= from && matchesAt(run, tokens, start) {
			return start
		}
		return -1
	}
	for start := from; start+len(run) <= len(tokens); start++ {
		if matchesAt(run, tokens, start) {
			return start
		}
	}
	return -1
}

func matchesAt(run []element, tokens []token, start int) bool {
	for i, e := range run {
		if !e.matches(tokens[start+i]) {
			return false
		}
	}
	return true
}

// anchors returns words of which one must occur where p matches: the literal for which rarest is least, else the words of
// a group. A pattern of gaps alone has none.
func (p pattern) anchors(count map[string]int) []string {
	best := ""
	var group map[string]bool
	for _, e := range p.elements {
		switch {
		case e.kind == literal && (best == "" || count[e.word] < count[best]):
			best = e.word
		case e.kind == member && group == nil:
			group = e.group
		}
	}
	if best != "" {
		return []string{best}
	}
	words := make([]string, 0, len(group))
	for w := range group {
		words = append(words, w)
	}
	return words
}
