package jsontext

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/elizad/elizad/server/apierr"
)

// CheckObject makes sure that raw is a JSON object of at most limit bytes, or nothing, which becomes an empty one.
func CheckObject(raw json.RawMessage, name string, limit int) (json.RawMessage, error) {
	raw, err := Check(raw, name, limit)
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

// CheckSmallObject is CheckObject for what must be small; it looks at the size first.
func CheckSmallObject(raw json.RawMessage, name string, limit int) (json.RawMessage, error) {
	if len(raw) > limit {
		return nil, apierr.New(apierr.ValidationFailed, "Invalid %s: %s exceeds maximum size of %d bytes", name, name, limit)
	}
	return CheckObject(raw, name, limit)
}

// Check makes sure that raw is well-formed, within limit bytes and not nested too deep, and fit for both databases. A JSON null
// is nothing.
func Check(raw json.RawMessage, name string, limit int) (json.RawMessage, error) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null")) {
		return nil, nil
	}
	if !json.Valid(raw) {
		return nil, apierr.New(apierr.InvalidJSON, "%s is not valid JSON", name)
	}
	return DropNUL(raw), CheckSize(raw, name, limit)
}

// CheckSize refuses JSON of more than limit bytes, or that nests too deep.
func CheckSize(raw json.RawMessage, name string, limit int) error {
	if excess := Excess(raw, limit); excess != "" {
		return apierr.New(apierr.ValidationFailed, "%s %s", name, excess)
	}
	return nil
}

// DropNUL removes the escape of the NUL character, which jsonb refuses, from JSON text.
func DropNUL(raw json.RawMessage) json.RawMessage {
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

// Overlay lays the members of each later object over those of the earlier ones. Where only one has any, it is that one as it
// stands.
func Overlay(objects ...json.RawMessage) (json.RawMessage, error) {
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
	return Encode(all), nil
}
