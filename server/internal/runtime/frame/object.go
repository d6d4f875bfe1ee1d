package frame

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// otherNames are the names under which JSON answers have the fields of a frame: older templates ask for {user, text, action}.
var otherNames = map[string][]string{
	"thought": {"thoughts", "thinking", "reasoning", "inner_monologue"}, "actions": {"action"}, "action": {"decision", "actions"},
	"text": {"message", "response", "content", "reply", "answer"}, "reasoning": {"thought", "reason"},
	"params": {"parameters", "arguments", "args", "action_params"},
}

// parseObject reads an answer that has its fields in a JSON object, alone or in a fence.
func parseObject(answer string, expected []string) (Frame, bool) {
	text, alone := objectIn(answer)
	if text == "" {
		return Frame{}, false
	}
	o := readObject(text)
	for _, name := range []string{root, "result", "output"} { // an object around the object
		if inner := o.values[name]; len(o.values) == 1 && strings.HasPrefix(inner, "{") {
			o = readObject(inner)
		}
	}
	f := Frame{Fields: map[string]string{}}
	for _, field := range expected {
		for _, name := range append([]string{field}, otherNames[field]...) {
			value, ok := o.values[name]
			if !ok {
				continue
			}
			f.Fields[field] = strings.TrimSpace(withoutThoughts(value))
			if o.cut == name {
				f.Cut = field
			}
			break
		}
	}
	return f, o.isFrame(expected, alone)
}

// objectIn finds the JSON object of an answer: alone, or in a fence among words.
func objectIn(answer string) (text string, alone bool) {
	answer = strings.TrimSpace(answer)
	before, fenced, found := strings.Cut(answer, fence)
	if found {
		if rest := objectAfter(fenced); strings.HasPrefix(rest, "{") && !strings.HasPrefix(before, "{") {
			return rest, before == ""
		}
	}
	if rest := strings.TrimLeft(answer, jsonSpace+"["); strings.HasPrefix(rest, "{") {
		return rest, true
	}
	return "", false
}

// fence begins a block of code, and jsonSpace is the white space between the parts of JSON.
const (
	fence     = "```"
	jsonSpace = " \t\r\n"
)

// objectAfter returns what follows the beginning of a fence, without the name of its language and brackets around an object.
func objectAfter(fenced string) string {
	rest, named := strings.CutPrefix(fenced, "json")
	if !named {
		rest = strings.TrimPrefix(fenced, "JSON")
	}
	return strings.TrimLeft(rest, jsonSpace+"[")
}

// object is a JSON object whose values are read as texts: a list as its items with commas between, an object as it stands.
type object struct {
	values map[string]string
	cut    string // the value that the end of the input cut off
}

// isFrame distinguishes an answer in JSON from JSON that was asked for: it plans something, or there is nothing but its text.
func (o object) isFrame(expected []string, alone bool) bool {
	has := o.has
	switch {
	case !slices.Contains(expected, "text"):
		return o.plans()
	case has("text") && o.plans(), has("actions", "action") && has("thought", "thoughts"):
		return true
	case alone && has("thought", "thoughts"): // whatever else it lacks, it isn't meant for readers
		return true
	case alone && has("actions"):
		return has(otherNames["text"]...) || o.cut != ""
	default:
		return alone && has("text") && len(o.values) == 1
	}
}

// has reports whether there is a value of one of the names.
func (o object) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := o.values[name]; return ok })
}

// plans reports whether there is anything beside a text that only an agent writes.
func (o object) plans() bool {
	return o.has("thought", "thoughts", "thinking", "actions", "action", "user")
}

// onlyReplies reports whether the one action is REPLY.
func (o object) onlyReplies() bool {
	actions, ok := o.values["actions"]
	if !ok {
		actions = o.values["action"]
	}
	names := List(actions)
	return len(names) == 1 && Fold(names[0]) == "reply" && len(List(o.values["providers"])) == 0
}

// maxObjectDepth is how deep objects and lists may nest.
const maxObjectDepth = 8

// objectReader reads JSON as models write it: with line breaks and quotes inside texts, commas too many, and cut off anywhere.
type objectReader struct {
	text string
	pos  int

	stopAt  string // a name of the outermost object; reading stops inside its value, if that is a text
	stopped bool

	hasParameters bool // an object in the list that was read has parameters
}

// afterString are the characters of which one follows the end of a text, and maxEscape is the length of the longest escape.
const (
	afterString = ",}]"
	maxEscape   = len(`\ud83d\ude00`)
)

func readObject(text string) object {
	r := objectReader{text: text}
	return r.object(maxObjectDepth)
}

// object reads the object at pos.
func (r *objectReader) object(depth int) object {
	o := object{values: map[string]string{}}
	r.pos++ // the brace
	for {
		r.skip(jsonSpace + ",;")
		switch {
		case r.pos >= len(r.text):
			return o
		case r.text[r.pos] == '}':
			r.pos++
			return o
		case r.text[r.pos] != '"':
			r.pos = len(r.text) // no JSON any more
			return o
		}
		name, closed := r.quoted(":")
		if !closed {
			return o
		}
		r.skip(jsonSpace + ":")
		name = strings.ToLower(name)
		if name == r.stopAt && depth == maxObjectDepth && strings.HasPrefix(r.text[r.pos:], `"`) {
			r.pos++
			r.stopped = true
			return o
		}
		value, present, whole := r.value(depth)
		if present {
			o.values[name] = value
		}
		if !whole {
			o.cut = name
			return o
		}
	}
}

// value reads the value at pos. Present is false for null; whole is false when the input ends inside.
func (r *objectReader) value(depth int) (text string, present, whole bool) {
	if r.pos >= len(r.text) || depth == 0 {
		r.pos = len(r.text)
		return "", false, false
	}
	switch start := r.pos; r.text[start] {
	case '"':
		text, whole = r.quoted(afterString)
		return text, true, whole
	case '{':
		r.object(depth - 1)
		return r.text[start:r.pos], true, strings.HasSuffix(r.text[:r.pos], "}")
	case '[':
		text, whole = r.list(depth - 1)
		if r.hasParameters && whole { // which the names alone would lose
			r.hasParameters = false
			return r.text[start:r.pos], true, whole
		}
		return text, true, whole
	default:
		n := strings.IndexAny(r.text[start:], ",}]\n")
		if n < 0 {
			n = len(r.text) - start
		}
		r.pos += n
		text = strings.TrimSpace(r.text[start:r.pos])
		return text, text != "null", r.pos < len(r.text)
	}
}

// list reads the list at pos, items with commas between; an object in it stands for its name.
func (r *objectReader) list(depth int) (text string, whole bool) {
	var items []string
	r.pos++ // the bracket
	for {
		r.skip(jsonSpace + ",")
		if r.pos >= len(r.text) {
			return strings.Join(items, ","), false
		}
		if r.text[r.pos] == ']' {
			r.pos++
			return strings.Join(items, ","), true
		}
		before := r.pos
		var item string
		if r.text[before] == '{' && depth > 0 {
			o := r.object(depth - 1)
			item = o.values["name"] + o.values["action"]
			r.hasParameters = r.hasParameters || item != "" && o.has(parameterNames...) || o.has("function")
		} else {
			item, _, _ = r.value(depth)
		}
		if item != "" {
			items = append(items, item)
		}
		if r.pos == before {
			r.pos++ // a bracket that closes nothing
		}
	}
}

func (r *objectReader) skip(chars string) {
	for r.pos < len(r.text) && strings.IndexByte(chars, r.text[r.pos]) >= 0 {
		r.pos++
	}
}

// quoted reads the text in quotes at pos. A quote ends it only before one of the characters in ends, or at the end of the
// input: models forget to escape.
func (r *objectReader) quoted(ends string) (text string, closed bool) {
	var b strings.Builder
	r.pos++
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch c {
		case '"':
			next := strings.TrimLeft(r.text[r.pos:], jsonSpace)
			if next == "" || strings.IndexByte(ends, next[0]) >= 0 {
				return b.String(), true
			}
			b.WriteByte(c)
		case '\\':
			r.escape(&b)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), false
}

// escape reads what follows a backslash.
func (r *objectReader) escape(b *strings.Builder) {
	if r.pos >= len(r.text) {
		return
	}
	c := r.text[r.pos]
	r.pos++
	switch at := strings.IndexByte("bfnrt", c); {
	case at >= 0:
		b.WriteByte("\b\f\n\r\t"[at])
	case c == 'u':
		b.WriteRune(r.codePoint())
	default:
		b.WriteByte(c)
	}
}

// codePoint reads the digits of \u, and of the other half of a pair.
func (r *objectReader) codePoint() rune {
	unit, ok := r.unit()
	if !ok {
		return utf8.RuneError
	}
	if utf16.IsSurrogate(unit) && strings.HasPrefix(r.text[r.pos:], `\u`) {
		r.pos += 2
		second, _ := r.unit()
		unit = utf16.DecodeRune(unit, second)
	}
	if unit == 0 || !utf8.ValidRune(unit) {
		return utf8.RuneError
	}
	return unit
}

func (r *objectReader) unit() (rune, bool) {
	if len(r.text)-r.pos < 4 {
		r.pos = len(r.text)
		return 0, false
	}
	n, err := strconv.ParseUint(r.text[r.pos:r.pos+4], 16, 16)
	if err != nil {
		return 0, false
	}
	r.pos += 4
	return rune(n), true
}
