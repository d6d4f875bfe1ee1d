package openai

import (
	"encoding/json"
	"strings"

	"github.com/elizad/elizad/server/model/internal/pieces"
)

// wireText is a text as it came, not yet repaired where it begins or ends in the middle of a character; see [pieces.Text]. On
// the wire it is a JSON string, null, or content in parts, of which the text counts.
type wireText string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *wireText) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return (*pieces.Text)(t).UnmarshalJSON(data)
	case '[':
		var parts []wirePart
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
		var text strings.Builder
		for _, p := range parts {
			text.WriteString(string(p.text()))
		}
		*t = wireText(text.String())
	case '{':
		var part wirePart
		if err := json.Unmarshal(data, &part); err != nil {
			return err
		}
		*t = part.text()
	}
	return nil // null and whatever else holds no text
}

// wirePart is one part of a content in parts, or a bare string in its place.
type wirePart struct {
	Type string   `json:"type"`
	Text wireText `json:"text"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *wirePart) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return p.Text.UnmarshalJSON(data)
	}
	type plain wirePart
	return json.Unmarshal(data, (*plain)(p))
}

// text returns what the part says to people: a thought is none of that.
func (p wirePart) text() wireText {
	switch p.Type {
	case "", "text", "output_text":
		return p.Text
	default:
		return ""
	}
}
