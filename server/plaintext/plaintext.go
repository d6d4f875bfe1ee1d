// Package plaintext reads text files as people have them: from any editor, shell or system, with whatever mark at the
// beginning and whatever ends of lines.
package plaintext

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// EncodingError says where a text is not readable as characters.
type EncodingError struct {
	Line   int // from 1; 0 for the file as a whole
	Reason string
}

// Error returns the place and the reason.
func (e *EncodingError) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

const notUTF8 = "is not UTF-8 but perhaps Latin-1 or Windows-1252; save the file as UTF-8"

// The marks that files of some encodings begin with.
const (
	mark8    = "\xEF\xBB\xBF"
	mark16LE = "\xFF\xFE"
	mark16BE = "\xFE\xFF"
	mark32LE = "\xFF\xFE\x00\x00"
	mark32BE = "\x00\x00\xFE\xFF"
)

// Decode returns a text in UTF-8, without a mark, and with \n at the ends of its lines. It reads UTF-8 and UTF-16, with a mark
// or without. What else there is, is an [*EncodingError]; where only some bytes are no characters, the text comes beside the
// error, with those bytes as they are. A text that needs no change is returned as it is.
func Decode(data []byte) ([]byte, error) {
	starts := func(mark string) bool { return bytes.HasPrefix(data, []byte(mark)) }
	switch {
	case starts(mark8):
		data = data[len(mark8):]
	case starts(mark32LE), starts(mark32BE):
		return nil, &EncodingError{Reason: "is UTF-32; save the file as UTF-8"}
	case starts(mark16LE):
		return from16(data[2:], binary.LittleEndian)
	case starts(mark16BE):
		return from16(data[2:], binary.BigEndian)
	case len(data) >= 4 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		return from16(data, binary.LittleEndian)
	case len(data) >= 4 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		return from16(data, binary.BigEndian)
	}
	text := lineEnds(data)
	if utf8.Valid(text) {
		return text, nil
	}
	for at := 0; ; {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return text, &EncodingError{Line: 1 + bytes.Count(text[:at], []byte("\n")), Reason: notUTF8}
		}
		at += size
	}
}

// from16 decodes UTF-16.
func from16(data []byte, order binary.ByteOrder) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, &EncodingError{Reason: "is UTF-16 and ends within a character; save the file as UTF-8"}
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	out := make([]byte, 0, len(units))
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			second := rune(0)
			if i+1 < len(units) {
				second = rune(units[i+1])
			}
			if r = utf16.DecodeRune(r, second); r == unicode.ReplacementChar {
				return nil, &EncodingError{Line: 1 + bytes.Count(lineEnds(out), []byte("\n")), Reason: "holds half of a character; save the file as UTF-8"}
			}
			i++
		}
		out = utf8.AppendRune(out, r)
	}
	return lineEnds(out), nil
}

// lineEnds turns \r\n and \r into \n.
func lineEnds(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
}

// Trim returns a value without the white space, the line ends and the invisible characters around it, which come along when
// a value is copied or made by a shell, and which is invisible.
func Trim(value string) string {
	return strings.TrimFunc(value, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\u200B' || r == '\u2060' || r == '\uFEFF' // the last three have no width
	})
}
