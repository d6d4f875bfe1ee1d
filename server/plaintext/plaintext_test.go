package plaintext_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"unicode/utf16"

	"github.com/elizad/elizad/server/plaintext"
)

// wide encodes a text as UTF-16.
func wide(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const text = "NAME=Zoë 🦊\nB=2\n"
	for name, data := range map[string]string{
		"plain": text, "mark": "\uFEFF" + text, "Windows": "NAME=Zoë 🦊\r\nB=2\r\n", "old Mac": "NAME=Zoë 🦊\rB=2\r", "mixed": "NAME=Zoë 🦊\r\nB=2\r",
		"UTF-16 LE": wide(binary.LittleEndian, "\uFEFF"+text), "UTF-16 BE": wide(binary.BigEndian, "\uFEFF"+text),
		"UTF-16 LE without a mark": wide(binary.LittleEndian, text), "UTF-16 BE without a mark": wide(binary.BigEndian, text),
		"PowerShell": wide(binary.LittleEndian, "\uFEFFNAME=Zoë 🦊\r\nB=2\r\n"),
	} {
		if got, err := plaintext.Decode([]byte(data)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, data := range []string{"", "\uFEFF", "\xFF\xFE", "x"} {
		if _, err := plaintext.Decode([]byte(data)); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestDecodeNamesTheLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data string
		line int
		text bool // it comes beside the error
	}{
		"Latin-1":           {"A=1\r\nB=caf\xe9\r\n", 2, true},
		"half a UTF-16":     {"\xFF\xFEA", 0, false},
		"UTF-16, a half":    {"\xFF\xFEA\x00\n\x00\x3d\xd8B\x00", 2, false},
		"UTF-32":            {"\xFF\xFE\x00\x00A\x00\x00\x00", 0, false},
		"UTF-32, the other": {"\x00\x00\xFE\xFF\x00\x00\x00A", 0, false},
	} {
		text, err := plaintext.Decode([]byte(tt.data))
		e, ok := errors.AsType[*plaintext.EncodingError](err)
		if !ok || e.Line != tt.line || (text != nil) != tt.text || e.Error() == "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"tok\r": "tok", " tok\n": "tok", "\uFEFFtok\u200B": "tok", "a b\u00A0": "a b", "\r\n": "", "": "", "tok": "tok",
	} {
		if got := plaintext.Trim(value); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}
