package jsontext

import (
	"encoding/json"
	"maps"
	"slices"
)

// Object is a JSON object whose members are read one by one, since clients fill them as they like.
type Object map[string]json.RawMessage

// ObjectOf returns the members of a JSON object; nil for anything else.
func ObjectOf(raw json.RawMessage) Object {
	var o Object
	_ = json.Unmarshal(raw, &o) // anything else has no members
	return o
}

// Value returns a member; nil for one that is missing or null.
func (o Object) Value(name string) json.RawMessage {
	if raw := o[name]; string(raw) != "null" {
		return raw
	}
	return nil
}

// Read decodes a member into the value that to points to; one that is missing, null or of another type leaves it alone.
func (o Object) Read(name string, to any) {
	if raw := o.Value(name); raw != nil {
		_ = json.Unmarshal(raw, to)
	}
}

// Text returns a member that is a text; an empty one for anything else.
func (o Object) Text(name string) string {
	var s string
	o.Read(name, &s)
	return s
}

// Without returns raw, a JSON object, without a member.
func Without(raw json.RawMessage, name string) json.RawMessage {
	o := ObjectOf(raw)
	if _, ok := o[name]; !ok {
		return raw
	}
	delete(o, name)
	return Encode(o)
}

// Merge returns raw, a JSON object, with the members of more added or replaced; without any to add, raw itself.
func Merge(raw json.RawMessage, more Object) json.RawMessage {
	var list []Member
	for _, name := range slices.Sorted(maps.Keys(more)) {
		list = append(list, Member{Name: name, Value: more[name]})
	}
	return With(raw, list)
}

// Encode returns v as JSON. It is for values of which encoding can't fail, and panics on others.
func Encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("jsontext: encoding: " + err.Error())
	}
	return b
}
