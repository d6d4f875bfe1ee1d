// Package pieces puts a text together that endpoints cut in pieces without regard to its characters.
package pieces

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is a piece as it came: not yet repaired where it begins or ends in the middle of a character. Half of a surrogate
// pair that stands alone is kept in the three bytes that UTF-8 would have for it (a [Joiner] puts the halves together), and so
// are bytes that are no UTF-8. On the wire it is a JSON string; whatever else holds no text.
type Text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Text) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return nil
	}
	return t.unquote(data)
}

// unquote reads a JSON string.
func (t *Text) unquote(quoted []byte) error {
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
	*t = Text(out)
	return nil
}

// appendUnit appends a UTF-16 unit; half of a pair in the bytes that UTF-8 would have for it.
func appendUnit(dst []byte, unit rune) []byte {
	if !utf16.IsSurrogate(unit) {
		return utf8.AppendRune(dst, unit)
	}
	return append(dst, 0xE0|byte(unit>>12), 0x80|byte(unit>>6)&0xBF, 0x80|byte(unit)&0xBF)
}

// Joiner puts characters together that were cut in two, by bytes or by UTF-16 units, and replaces what is no character.
type Joiner struct{ held string }

// Next returns what is certain of the text so far after another piece.
func (j *Joiner) Next(piece Text) string {
	text := j.held + string(piece)
	if utf8.ValidString(text) {
		j.held = ""
		return text
	}
	whole := len(text) - unfinished(text)
	text, j.held = text[:whole], text[whole:]
	return repaired(text)
}

// Pending reports whether the beginning of a character waits for its end.
func (j *Joiner) Pending() bool { return j.held != "" }

// Rest returns what remains at the end.
func (j *Joiner) Rest() string {
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
