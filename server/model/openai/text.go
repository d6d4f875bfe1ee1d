package openai

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// wireText is a text as it came: not yet repaired where it begins or ends in the middle of a character. Half of a
// surrogate pair that stands alone is kept in the three bytes that UTF-8 would have for it (joiner puts the halves
// together), and so are bytes that are no UTF-8. On the wire it is a JSON string, null, or content in parts, of which the
// text counts.
type wireText string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *wireText) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		return t.unquote(data)
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

// unquote reads a JSON string.
func (t *wireText) unquote(quoted []byte) error {
	if utf8.Valid(quoted) && !bytes.Contains(quoted, []byte(`\ud`)) && !bytes.Contains(quoted, []byte(`\uD`)) {
		return json.Unmarshal(quoted, (*string)(t))
	}
	body := quoted[1 : len(quoted)-1]
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			out = append(out, body[i])
			continue
		}
		i++
		switch c := body[i]; c {
		case 'u': // the decoder has checked that four digits follow
			n, err := strconv.ParseUint(string(body[i+1:i+5]), 16, 16)
			if err != nil {
				return err
			}
			out = appendUnit(out, rune(n))
			i += 4
		default:
			if at := strings.IndexByte("bfnrt", c); at >= 0 {
				c = "\b\f\n\r\t"[at]
			}
			out = append(out, c)
		}
	}
	*t = wireText(out)
	return nil
}

// appendUnit appends a UTF-16 unit; half of a pair in the bytes that UTF-8 would have for it.
func appendUnit(dst []byte, unit rune) []byte {
	if !utf16.IsSurrogate(unit) {
		return utf8.AppendRune(dst, unit)
	}
	return append(dst, 0xE0|byte(unit>>12), 0x80|byte(unit>>6)&0xBF, 0x80|byte(unit)&0xBF)
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

// joiner puts characters together that were cut in two, by bytes or by UTF-16 units, and replaces what is no character.
type joiner struct{ held string }

// next returns what is certain of the text so far after another piece.
func (j *joiner) next(piece wireText) string {
	text := j.held + string(piece)
	if utf8.ValidString(text) {
		j.held = ""
		return text
	}
	whole := len(text) - unfinished(text)
	text, j.held = text[:whole], text[whole:]
	return repaired(text)
}

// rest returns what remains at the end.
func (j *joiner) rest() string {
	held := j.held
	j.held = ""
	return repaired(held)
}

// unfinished returns how many bytes at the end of text may be the beginning of a character.
func unfinished(text string) int {
	if n := len(text); n >= 3 && isHalf(text[n-3:], 0xA0) {
		return 3
	}
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRuneInString(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// isHalf reports whether text begins with half of a pair: the first with kind 0xA0, the second with kind 0xB0.
func isHalf(text string, kind byte) bool {
	return len(text) >= 3 && text[0] == 0xED && text[1]&0xF0 == kind && text[2]&0xC0 == 0x80
}

// repaired joins the halves of pairs, and replaces what is no character.
func repaired(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for text != "" {
		switch c, size := utf8.DecodeRuneInString(text); {
		case c != utf8.RuneError || size > 1:
			b.WriteString(text[:size])
			text = text[size:]
		case isHalf(text, 0xA0) && isHalf(text[3:], 0xB0):
			b.WriteRune(utf16.DecodeRune(half(text), half(text[3:])))
			text = text[6:]
		case isHalf(text, 0xA0), isHalf(text, 0xB0):
			b.WriteRune(utf8.RuneError)
			text = text[3:]
		default:
			b.WriteRune(utf8.RuneError)
			text = text[1:]
		}
	}
	return b.String()
}

// half returns the UTF-16 unit at the start of text.
func half(text string) rune {
	return rune(text[0]&0x0F)<<12 | rune(text[1]&0x3F)<<6 | rune(text[2]&0x3F)
}
