package messaging

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/jsontext"
)

func emptyObject() dbtype.JSON { return dbtype.JSON(`{}`) }

// stripNUL removes what PostgreSQL can't store in a text, and makes the rest valid UTF-8.
func stripNUL(s string) string {
	if !strings.ContainsRune(s, 0) && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func tooLong(s string, limit int) bool {
	return len(s) > limit && utf8.RuneCountInString(s) > limit
}

// Bounds of the JSON that callers bring along, in bytes.
const (
	maxMessageJSON = 1 << 20  // of each field of a message
	maxPlaceJSON   = 64 << 10 // of a channel or message server, of which lists hold many
)

// object checks that raw is a JSON object of at most limit bytes, or nothing, which becomes an empty one.
func object(raw json.RawMessage, name string, limit int) (json.RawMessage, error) {
	raw, err := anyJSON(raw, name, limit)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return json.RawMessage(`{}`), nil
	}
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); trimmed[0] != '{' {
		return nil, apierr.New(apierr.ValidationFailed, "%s must be an object", name)
	}
	return raw, nil
}

// anyJSON checks that raw is well-formed, within limit bytes and not nested too deep, and fit for both databases. A JSON null
// is nothing.
func anyJSON(raw json.RawMessage, name string, limit int) (json.RawMessage, error) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null")) {
		return nil, nil
	}
	if !json.Valid(raw) {
		return nil, apierr.New(apierr.InvalidJSON, "%s is not valid JSON", name)
	}
	return dropEscapedNUL(raw), within(raw, name, limit)
}

// within refuses JSON of more than limit bytes, or that nests too deep.
func within(raw json.RawMessage, name string, limit int) error {
	if excess := jsontext.Excess(raw, limit); excess != "" {
		return apierr.New(apierr.ValidationFailed, "%s %s", name, excess)
	}
	return nil
}

// dropEscapedNUL removes the escape of the NUL character, which jsonb refuses, from JSON text.
func dropEscapedNUL(raw json.RawMessage) json.RawMessage {
	const escape = `\u0000`
	if !bytes.Contains(raw, []byte(escape)) {
		return raw
	}
	out := make(json.RawMessage, 0, len(raw))
	for i := 0; i < len(raw); {
		switch {
		case bytes.HasPrefix(raw[i:], []byte(escape)):
			i += len(escape)
		case raw[i] == '\\': // an escape of two bytes; its second may be a backslash
			out = append(out, raw[i], raw[i+1])
			i += 2
		default:
			out = append(out, raw[i])
			i++
		}
	}
	return out
}

// mergeObjects lays the members of each later object over those of the earlier ones. Where only one has any, it is that one as
// it stands.
func mergeObjects(objects ...json.RawMessage) (json.RawMessage, error) {
	objects = slices.DeleteFunc(objects, func(o json.RawMessage) bool { return len(o) == 0 || string(o) == "{}" })
	if len(objects) == 1 {
		return objects[0], nil
	}
	all := map[string]json.RawMessage{}
	for _, o := range objects {
		if err := json.Unmarshal(o, &all); err != nil {
			return nil, apierr.Wrap(err, apierr.ValidationFailed, "metadata must be an object")
		}
	}
	return encode(all), nil
}

// encode returns v as JSON. It is for values of which encoding can't fail.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("messaging: encoding " + err.Error())
	}
	return b
}
