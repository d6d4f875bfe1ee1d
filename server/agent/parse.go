package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/apierr"
)

// maxProblems bounds what a [ValidationError] prints.
const maxProblems = 20

// Problem is one thing that is wrong with a character.
type Problem struct {
	Path   string // JSON pointer to the value; empty for the whole document
	Reason string
}

// ValidationError lists everything that is wrong with a character, ordered by path.
type ValidationError struct{ Problems []Problem }

// Error returns the form that clients know, in words: "Character validation failed: name is required; settings.x: must not be null".
func (e *ValidationError) Error() string {
	return invalidCharacter + e.list(func(m apierr.Misfit) string { return m.Words("") })
}

const invalidCharacter = "Character validation failed: "

// list puts what is wrong one after the other, up to a readable length.
func (e *ValidationError) list(say func(apierr.Misfit) string) string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i == maxProblems {
			fmt.Fprintf(&b, "; and %d more", len(e.Problems)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(say(apierr.MisfitAt(p.Path, p.Reason)))
	}
	return b.String()
}

// Refuse returns the error for a character with problems: it says them in words, and in its details by their places.
func Refuse(code apierr.Code, problems ...Problem) error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	invalid := &ValidationError{problems}
	return apierr.Wrap(invalid, code, "%s", invalid.Error()).WithDetails(invalid.list(apierr.Misfit.Pointer))
}

// ParseCharacter reads a character and checks it against the schema, which is closed: an unknown key is an error. The keys
// that servers add to a stored agent (status, createdAt and the like) are ignored, so that an agent which was read may be
// sent back.
//
// A refused character is an [*apierr.Error] with code CREATE_ERROR that wraps a [*ValidationError].
func ParseCharacter(data []byte) (Character, error) {
	doc, err := decodeObject(data)
	if err != nil {
		return Character{}, Refuse(apierr.CreateFailed, Problem{Reason: noObject})
	}
	c, problems := readCharacter(doc)
	if len(problems) > 0 {
		return Character{}, Refuse(apierr.CreateFailed, problems...)
	}
	return c, nil
}

const noObject = "must be a JSON object"

// decodeObject decodes one JSON object and keeps numbers as they are written.
func decodeObject(data []byte) (map[string]any, error) {
	v, err := decodeValue(data)
	if err != nil {
		return nil, err
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	return doc, nil
}

// decodeValue decodes one JSON value and keeps numbers as they are written.
func decodeValue(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if end := dec.InputOffset(); len(bytes.TrimSpace(data[end:])) > 0 {
		return nil, &trailingError{end}
	}
	return v, nil
}

// trailingError says that more than one value was found.
type trailingError struct{ offset int64 }

func (*trailingError) Error() string { return "text after the value" }

// isIgnored reports a field of a stored agent that says nothing about its character. The model is such an object; any other
// value under that name was set on purpose, and must not be dropped in silence.
func isIgnored(key string, v any) bool {
	switch key {
	case "enabled", "status", "createdAt", "updatedAt", "server_id", "characterName", "pluginStatus", "secretKeys":
		return true
	case "model":
		_, ok := v.(map[string]any)
		return ok
	default:
		return false
	}
}

// readCharacter turns a decoded object into a character and lists what is wrong with it.
func readCharacter(doc map[string]any) (Character, []Problem) {
	var (
		c Character
		r reader
	)
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		if !r.field(&c, key, doc[key]) && !isIgnored(key, doc[key]) {
			r.fail(pointer("", key), "Unrecognized key")
		}
	}
	for _, key := range []string{"name", "bio"} {
		if _, ok := doc[key]; !ok {
			r.fail(pointer("", key), apierr.Missing)
		}
	}
	return c, r.problems
}

// reader collects the problems met while reading a document.
type reader struct{ problems []Problem }

func (r *reader) fail(path, format string, args ...any) {
	r.problems = append(r.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// field reads one top-level key and reports whether it is part of a character.
func (r *reader) field(c *Character, key string, v any) bool {
	path := pointer("", key)
	switch key {
	case "id":
		id, ok := ParseUUID(r.text(path, v))
		if _, isText := v.(string); isText && !ok {
			r.fail(path, "must be a UUID")
		}
		c.ID = id
	case "name":
		if c.Name = r.text(path, v); c.Name == "" {
			if _, isText := v.(string); isText {
				r.fail(path, "must not be empty")
			}
		}
	case "username":
		c.Username = r.text(path, v)
	case "system":
		c.System = r.text(path, v)
	case "bio":
		c.Bio = r.bio(path, v)
	case "messageExamples":
		c.MessageExamples = r.conversations(path, v)
	case "postExamples":
		c.PostExamples = r.texts(path, v)
	case "topics":
		c.Topics = r.texts(path, v)
	case "adjectives":
		c.Adjectives = r.texts(path, v)
	case "plugins":
		c.Plugins = r.texts(path, v)
	case "knowledge":
		c.Knowledge = list(r, path, v, r.knowledge)
	case "settings":
		c.Settings = r.settings(path, v)
	case "secrets":
		c.Secrets = r.secrets(path, v)
	case "style":
		c.Style = r.style(path, v)
	case "templates":
		c.Templates = r.templates(path, v)
	case "documents":
		c.Documents = list(r, path, v, func(_ string, item any) any { return item })
	case "advancedPlanning":
		c.AdvancedPlanning = r.flag(path, v)
	case "advancedMemory":
		c.AdvancedMemory = r.flag(path, v)
	case "metadata":
		c.Metadata = r.object(path, v)
	default:
		return false
	}
	return true
}

// pointer extends a JSON pointer by one key (RFC 6901).
func pointer(path, key string) string {
	return path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// list reads a list whose items are read by item.
func list[T any](r *reader, path string, v any, item func(path string, v any) T) []T {
	items, ok := v.([]any)
	if !ok {
		r.fail(path, "must be a list, not %s", kindOf(v))
		return nil
	}
	out := make([]T, len(items))
	for i, v := range items {
		out[i] = item(path+"/"+strconv.Itoa(i), v)
	}
	return out
}

// kindOf names the JSON type of a value for people.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
