package template

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a template.
const (
	MaxSource = 256 << 10 // bytes of source
	MaxOutput = 2 << 20   // bytes of text that Execute writes
	maxDepth  = 32        // blocks inside blocks
	maxSteps  = 1 << 20   // nodes that Execute visits
)

// Error is a mistake in a template.
type Error struct {
	Line   int // from 1
	Column int // in characters, from 1
	Reason string
}

// Error returns the mistake with its place.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Template is a compiled template. It may be executed by many at once.
type Template struct{ nodes []node }

// node is a text, a value or a block.
type node struct {
	text  string
	path  path  // of a value or a block's argument
	block block // noBlock for a text or a value
	body  []node
	other []node // after {{else}}
}

type block string

const (
	noBlock     block = ""
	ifBlock     block = "if"
	unlessBlock block = "unless"
	eachBlock   block = "each"
	withBlock   block = "with"
)

// path names a value. The zero path is the empty text.
type path struct {
	up   int      // how many contexts to leave
	data bool     // the first key is one of @index, @first, @last, @key
	keys []string // none: the context itself
}

// Parse compiles a template. A mistake is an [*Error].
func Parse(source string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, &Error{Line: 1, Column: 1, Reason: fmt.Sprintf("the template is longer than %d KiB", MaxSource>>10)}
	}
	p := &parser{source: source}
	nodes, end, err := p.nodes(0)
	if err != nil {
		return nil, err
	}
	switch end.kind {
	case closeTag:
		return nil, p.errorf(end.pos, "{{/%s}} closes nothing", end.words)
	case elseTag:
		return nil, p.errorf(end.pos, "{{else}} stands outside of a block")
	}
	return &Template{nodes: nodes}, nil
}

type parser struct {
	source string
	pos    int
}

// tag is the text between braces.
type tag struct {
	kind  tagKind
	words string // trimmed, without the leading #, / or &
	pos   int    // offset of the first brace
}

type tagKind int

const (
	valueTag tagKind = iota
	openTag
	closeTag
	elseTag
	comment
	endOfSource
)

// nodes parses up to a tag that ends a block, which it returns.
func (p *parser) nodes(depth int) ([]node, tag, error) {
	var out []node
	for {
		text, t, err := p.next()
		if err != nil {
			return nil, t, err
		}
		if text != "" {
			out = append(out, node{text: text})
		}
		switch t.kind {
		case comment:
		case valueTag:
			at, err := p.path(t.words, t.pos)
			if err != nil {
				return nil, t, err
			}
			out = append(out, node{path: at})
		case openTag:
			n, err := p.block(t, depth+1)
			if err != nil {
				return nil, t, err
			}
			out = append(out, n)
		default:
			return out, t, nil
		}
	}
}

// block parses a block whose opening tag was read, up to and including its closing tag.
func (p *parser) block(open tag, depth int) (node, error) {
	name, argument, _ := strings.Cut(open.words, " ")
	n, end, err := p.branches(block(name), strings.TrimSpace(argument), open, depth)
	if err != nil {
		return node{}, err
	}
	switch {
	case end.kind == endOfSource:
		return node{}, p.errorf(open.pos, "{{#%s}} is never closed", name)
	case end.words != name:
		return node{}, p.errorf(end.pos, "{{/%s}} closes {{#%s}}", end.words, name)
	}
	return n, nil
}

// branches parses the body of a block and what follows its {{else}}; it returns the tag that ends both.
func (p *parser) branches(kind block, argument string, open tag, depth int) (node, tag, error) {
	switch kind {
	case ifBlock, unlessBlock, eachBlock, withBlock:
	default:
		return node{}, open, p.errorf(open.pos, "{{#%s}} is not one of if, unless, each and with", kind)
	}
	if depth > maxDepth {
		return node{}, open, p.errorf(open.pos, "blocks are nested deeper than %d", maxDepth)
	}
	at, err := p.path(argument, open.pos)
	if err != nil {
		return node{}, open, err
	}
	n := node{path: at, block: kind}
	var end tag
	if n.body, end, err = p.nodes(depth); err != nil || end.kind != elseTag {
		return n, end, err
	}
	if chained, ok := strings.CutPrefix(end.words, "if "); ok {
		inner, last, err := p.branches(ifBlock, strings.TrimSpace(chained), end, depth+1)
		n.other = []node{inner}
		return n, last, err
	}
	if end.words != "" {
		return n, end, p.errorf(end.pos, "{{else}} takes nothing but if")
	}
	second := end
	if n.other, second, err = p.nodes(depth); err == nil && second.kind == elseTag {
		err = p.errorf(second.pos, "a second {{else}}")
	}
	return n, second, err
}

// next returns the text up to the next tag, and the tag.
func (p *parser) next() (string, tag, error) {
	start := p.pos
	i := strings.Index(p.source[start:], "{{")
	if i < 0 {
		p.pos = len(p.source)
		return p.source[start:], tag{kind: endOfSource, pos: len(p.source)}, nil
	}
	text, t := p.source[start:start+i], tag{pos: start + i}
	rest := p.source[t.pos+2:]
	closing := "}}"
	switch {
	case strings.HasPrefix(rest, "!--"):
		closing = "--}}"
	case strings.HasPrefix(rest, "{"):
		closing = "}}}"
	}
	end := strings.Index(rest, closing)
	if end < 0 {
		return "", t, p.errorf(t.pos, "%q is never closed", "{{")
	}
	p.pos = t.pos + 2 + end + len(closing)
	return text, t.read(rest[:end]), nil
}

// read fills in what the text between the braces says.
func (t tag) read(inside string) tag {
	first := byte(0)
	if inside != "" {
		first = inside[0]
	}
	switch first {
	case '!':
		t.kind = comment
		return t
	case '#':
		t.kind, inside = openTag, inside[1:]
	case '/':
		t.kind, inside = closeTag, inside[1:]
	case '{', '&':
		inside = inside[1:]
	}
	t.words = strings.Join(strings.Fields(inside), " ")
	if t.kind == valueTag && (t.words == "else" || strings.HasPrefix(t.words, "else ")) {
		t.kind, t.words = elseTag, strings.TrimPrefix(t.words[len("else"):], " ")
	}
	return t
}

// path parses the name of a value.
func (p *parser) path(words string, pos int) (path, error) {
	var out path
	rest := words
	for strings.HasPrefix(rest, "../") {
		out.up++
		rest = rest[len("../"):]
	}
	switch {
	case rest == "" && out.up == 0:
		return path{}, p.errorf(pos, "a name is missing")
	case strings.Contains(words, " "):
		return path{}, p.errorf(pos, "%q: helpers with arguments are not supported", words)
	case strings.ContainsAny(rest, `>#^"'()|=~{}&/`) || rest == "..":
		return path{}, p.errorf(pos, "%q is not a name", words)
	}
	if name, ok := strings.CutPrefix(rest, "@"); ok {
		out.data, rest = true, name
	}
	if rest == "" || rest == "." || rest == "this" {
		return out, nil
	}
	rest = strings.TrimPrefix(rest, "this.")
	out.keys = strings.Split(rest, ".")
	for _, key := range out.keys {
		if key == "" {
			return path{}, p.errorf(pos, "%q is not a name", words)
		}
	}
	return out, nil
}

func (p *parser) errorf(pos int, format string, args ...any) *Error {
	before := p.source[:pos]
	line := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[line:]) + 1,
		Reason: fmt.Sprintf(format, args...),
	}
}
