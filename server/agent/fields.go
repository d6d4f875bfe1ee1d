package agent

import (
	"encoding/json"
	"maps"
	"slices"
)

// The readers of the single kinds of fields. Each returns the value, or a zero one after noting what is wrong with it.

func (r *reader) text(path string, v any) string {
	text, ok := v.(string)
	if !ok {
		r.fail(path, "must be a text, not %s", kindOf(v))
	}
	return text
}

func (r *reader) texts(path string, v any) []string { return list(r, path, v, r.text) }

func (r *reader) flag(path string, v any) *bool {
	b, ok := v.(bool)
	if !ok {
		r.fail(path, "must be true or false, not %s", kindOf(v))
		return nil
	}
	return &b
}

func (r *reader) object(path string, v any) map[string]any {
	object, ok := v.(map[string]any)
	if !ok {
		r.fail(path, "must be an object, not %s", kindOf(v))
	}
	return object
}

func (r *reader) bio(path string, v any) Bio {
	switch v := v.(type) {
	case string:
		return BioText(v)
	case []any:
		return Bio{Lines: r.texts(path, v), List: true}
	default:
		r.fail(path, "must be a text or a list of texts, not %s", kindOf(v))
		return Bio{}
	}
}

// conversations reads lists of lines, or the newer form: objects that hold such a list under "examples".
func (r *reader) conversations(path string, v any) [][]Example {
	return list(r, path, v, func(path string, v any) []Example {
		if group, ok := v.(map[string]any); ok {
			return list(r, pointer(path, "examples"), group["examples"], r.example)
		}
		return list(r, path, v, r.example)
	})
}

func (r *reader) example(path string, v any) Example {
	object := r.object(path, v)
	if object == nil {
		return Example{}
	}
	return Example{
		Name:    r.text(pointer(path, "name"), object["name"]),
		Content: r.content(pointer(path, "content"), object["content"]),
	}
}

func (r *reader) content(path string, v any) Content {
	object := r.object(path, v)
	if object == nil {
		return Content{}
	}
	if text, ok := object["text"]; ok {
		r.text(pointer(path, "text"), text)
	}
	if actions, ok := object["actions"]; ok {
		r.texts(pointer(path, "actions"), actions)
	}
	data, err := json.Marshal(object)
	if err != nil {
		r.fail(path, "cannot be encoded")
		return Content{}
	}
	var content Content
	if err := json.Unmarshal(data, &content); err != nil {
		r.fail(path, "must be a content object")
	}
	return content
}

func (r *reader) knowledge(path string, v any) Knowledge {
	switch v := v.(type) {
	case string:
		return Knowledge{Text: v}
	case map[string]any:
		k := Knowledge{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch at := pointer(path, key); key {
			case "id":
				k.ID = r.text(at, v[key])
			case "content":
				k.Text = r.text(at, v[key])
			case "path":
				k.Path = r.text(at, v[key])
			case "directory":
				k.Directory = r.text(at, v[key])
			case "shared":
				k.Shared = r.flag(at, v[key])
			}
		}
		if k.Path != "" && k.Directory != "" || k.Path == "" && k.Directory == "" && k.Text == "" {
			r.fail(path, "must have either a path or a directory, or a content")
		}
		return k
	default:
		r.fail(path, "must be a text or an object with a path, a directory or a content, not %s", kindOf(v))
		return Knowledge{}
	}
}

// settings checks the top level only: what is inside belongs to its readers. Secrets are the exception.
func (r *reader) settings(path string, v any) map[string]any {
	object := r.object(path, v)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch {
		case object[key] == nil:
			r.fail(pointer(path, key), "must not be null")
		case key == "secrets":
			if secrets, ok := object[key].(map[string]any); !ok {
				r.fail(pointer(path, key), "must be an object, not %s", kindOf(object[key]))
			} else {
				r.scalars(pointer(path, key), secrets, true)
			}
		}
	}
	return object
}

func (r *reader) secrets(path string, v any) map[string]any {
	object := r.object(path, v)
	r.scalars(path, object, false)
	return object
}

// scalars checks that all values of an object are texts, booleans or numbers.
func (r *reader) scalars(path string, object map[string]any, allowNull bool) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch v := object[key].(type) {
		case string, bool, json.Number:
		case nil:
			if !allowNull {
				r.fail(pointer(path, key), "must not be null")
			}
		default:
			r.fail(pointer(path, key), "must be a text, a boolean or a number, not %s", kindOf(v))
		}
	}
}

func (r *reader) style(path string, v any) Style {
	var s Style
	object := r.object(path, v)
	for _, part := range []struct {
		key  string
		into *[]string
	}{{"all", &s.All}, {"chat", &s.Chat}, {"post", &s.Post}} {
		if v, ok := object[part.key]; ok {
			*part.into = r.texts(pointer(path, part.key), v)
		}
	}
	return s
}

func (r *reader) templates(path string, v any) map[string]string {
	object := r.object(path, v)
	if object == nil {
		return nil
	}
	out := make(map[string]string, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		out[key] = r.text(pointer(path, key), object[key])
	}
	return out
}
