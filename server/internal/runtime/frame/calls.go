package frame

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// call is an action in an answer, with its parameters as the model wrote them.
type call struct{ name, parameters string }

// parameterNames are the names under which answers give an action's parameters.
var parameterNames = []string{"params", "parameters", "arguments", "args", "input"}

// maxCallDepth is how deep the elements of a list of actions, and of parameters, may nest.
const maxCallDepth = 4

// bare reports whether an action is one that never has parameters.
func (c call) bare() bool { return slices.Contains([]string{"reply", "ignore", "none"}, Fold(c.name)) }

// calls reads the actions of a frame. Their parameters stand in the list itself; or beside it, by the names of the actions, or
// as they are where only one action can be meant.
func (f Frame) calls() []call {
	out := callsIn(f.Fields["actions"])
	for i, c := range out {
		if c.bare() {
			out[i].parameters = ""
		}
	}
	beside := f.Fields["params"]
	if beside == "" {
		beside = f.Fields["parameters"]
	}
	if beside = parametersIn(beside); beside == "" {
		return out
	}
	var named map[string]json.RawMessage
	_ = json.Unmarshal([]byte(beside), &named) // what is no object belongs to the one action
	var without []int
	found := false
	for i, c := range out {
		if c.parameters != "" {
			continue
		}
		for key, value := range named {
			if Fold(key) == Fold(c.name) && strings.HasPrefix(string(value), "{") {
				out[i].parameters, found = string(value), true
				delete(named, key)
			}
		}
		if out[i].parameters == "" && !c.bare() {
			without = append(without, i)
		}
	}
	if !found && len(without) == 1 {
		out[without[0]].parameters = beside
	}
	return out
}

// callsIn reads a list of actions: names, elements or objects.
func callsIn(value string) []call {
	if out, ok := callsInJSON(value); ok {
		return out
	}
	return callsInElements(value, maxCallDepth)
}

// callsInJSON reads a list of actions in which some are objects.
func callsInJSON(value string) (out []call, ok bool) {
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "{") {
		value = "[" + value + "]"
	}
	if !strings.HasPrefix(value, "[") || !strings.Contains(value, "{") {
		return nil, false
	}
	var items []json.RawMessage
	if json.Unmarshal([]byte(value), &items) != nil { // written carelessly; the names can be read all the same
		r := objectReader{text: value}
		names, _ := r.list(maxObjectDepth)
		for _, name := range List(names) {
			out = append(out, call{name: name})
		}
		return out, true
	}
	for _, item := range items {
		if c := callOf(item); c.name != "" {
			out = append(out, c)
		}
	}
	return out, true
}

// callOf reads one action: its name, or an object with its name and its parameters.
func callOf(item json.RawMessage) (c call) {
	if json.Unmarshal(item, &c.name) == nil {
		return c
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(item, &members) != nil {
		return c
	}
	if inner := members["function"]; len(inner) > 0 && inner[0] == '{' { // as vendors write calls of functions
		members = nil
		_ = json.Unmarshal(inner, &members) // it was an object
	}
	for _, key := range []string{"name", "action"} {
		if json.Unmarshal(members[key], &c.name) == nil && c.name != "" {
			break
		}
	}
	for _, key := range parameterNames {
		if value := members[key]; len(value) > 0 {
			if json.Unmarshal(value, &c.parameters) != nil { // an object, and not the text of one
				c.parameters = string(value)
			}
			break
		}
	}
	return c
}

// callsInElements reads a list of names, some of which may be elements with their parameters.
func callsInElements(value string, depth int) (out []call) {
	names := func(text string) {
		for _, name := range List(text) {
			out = append(out, call{name: name})
		}
	}
	tags := scan(value)
	pair(tags)
	at := 0
	for i := 0; i < len(tags); {
		t := tags[i]
		isParameters := slices.Contains(parameterNames, t.name)
		if t.kind != openTag || t.match < 0 || depth == 0 {
			if isParameters && t.kind == openTag {
				names(value[at:t.start])
				return out // they never end
			}
			i++
			continue
		}
		names(value[at:t.start])
		switch inner := value[t.end:tags[t.match].start]; {
		case isParameters && len(out) > 0:
			out[len(out)-1].parameters = parametersIn(inner)
		case !isParameters:
			out = append(out, callsInElements(inner, depth-1)...)
		}
		i, at = t.match+1, tags[t.match].end
	}
	names(value[at:])
	return out
}

// parametersIn reads parameters that are written as JSON, or as elements, which become JSON. What is neither is returned as it
// is: who checks it can say what is wrong.
func parametersIn(value string) string {
	value = strings.TrimSpace(value)
	if fenced, ok := strings.CutPrefix(value, fence); ok {
		value = strings.TrimSpace(strings.TrimSuffix(objectAfter(fenced), fence))
	}
	if value == "" || strings.HasPrefix(value, "{") {
		return value
	}
	if members, ok := membersIn(value, maxCallDepth); ok {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(members) // texts, and maps of them
		return strings.TrimSpace(b.String())
	}
	return value
}

// membersIn reads elements as the members of an object: the last of a name wins.
func membersIn(value string, depth int) (map[string]any, bool) {
	tags := scan(value)
	pair(tags)
	out := map[string]any{}
	for i := 0; i < len(tags); {
		t := tags[i]
		if t.kind != openTag || t.match < 0 {
			i++
			continue
		}
		name, inner := value[t.start+1:t.start+1+len(t.name)], strings.TrimSpace(value[t.end:tags[t.match].start])
		out[name] = inner
		if strings.HasPrefix(inner, "<") && depth > 1 {
			if members, ok := membersIn(inner, depth-1); ok {
				out[name] = members
			}
		}
		i = t.match + 1
	}
	return out, len(out) > 0
}
