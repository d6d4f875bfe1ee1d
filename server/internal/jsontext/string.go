package jsontext

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// AppendString appends a text as a JSON string, which is the one that encoding/json makes of it: what means something in HTML
// is escaped, too, and what is no UTF-8 is replaced.
func AppendString[T ~string | ~[]byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	begin := 0 // of what is taken as it is
	for i := plainBytes(text, 0); i < len(text); i = plainBytes(text, i) {
		escape, size := "", 1
		if text[i] < utf8.RuneSelf {
			escape = escapes[text[i]]
		} else {
			escape, size = escapeWide(string(text[i:min(i+utf8.UTFMax, len(text))]))
		}
		if escape != "" {
			dst = append(append(dst, text[begin:i]...), escape...)
			begin = i + size
		}
		i += size
	}
	return append(append(dst, text[begin:]...), '"')
}

// plainBytes returns the place of the first byte of text, from i on, that isn't plain, which is an ASCII character that stands
// for itself in a JSON string. It looks at eight at a time while all of them are.
func plainBytes[T ~string | ~[]byte](text T, i int) int {
	for ; i+8 <= len(text); i += 8 {
		b := text[i : i+8]
		if !allPlain(uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56) {
			break
		}
	}
	for i < len(text) && text[i] < utf8.RuneSelf && escapes[text[i]] == "" {
		i++
	}
	return i
}

// allPlain reports whether each of eight bytes is plain. Where x - ones borrows, and x has no high bit of its own, a byte of x
// is zero; what a borrow does to the bytes above it only matters when the answer is known.
func allPlain(word uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	angles := (word | ones*('<'^'>')) ^ ones*('<'|'>')
	quotes := (word | ones*('"'^'&')) ^ ones*('"'|'&')
	backslashes := word ^ ones*'\\'
	special := (word - ones*' ') &^ word
	special |= (angles - ones) &^ angles
	special |= (quotes - ones) &^ quotes
	special |= (backslashes - ones) &^ backslashes
	return (special|word)&high == 0
}

// escapes is how ASCII characters are written in a JSON string; "" for themselves.
var escapes = func() (table [utf8.RuneSelf]string) {
	for c := range table {
		if c < ' ' || strings.ContainsRune("<>&", rune(c)) {
			table[c] = fmt.Sprintf(`\u%04x`, c)
		}
	}
	for c, escape := range map[byte]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`} {
		table[c] = escape
	}
	return table
}()

// escapeWide returns how the first character of text, which isn't ASCII, is written in a JSON string, "" for itself, and its
// size in bytes.
func escapeWide(text string) (escape string, size int) {
	switch c, size := utf8.DecodeRuneInString(text); {
	case c == '\u2028', c == '\u2029': // which end a line in JavaScript
		return fmt.Sprintf(`\u%04x`, c), size
	case c == utf8.RuneError && size == 1:
		return `\ufffd`, size
	default:
		return "", size
	}
}

// AppendID appends an id as a JSON string, in the form that all UUIDs have.
func AppendID(dst []byte, id [16]byte) []byte {
	const form = `"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"`
	dst = append(dst, form...)
	text := dst[len(dst)-len(form):]
	hex.Encode(text[1:], id[:4])
	hex.Encode(text[10:], id[4:6])
	hex.Encode(text[15:], id[6:8])
	hex.Encode(text[20:], id[8:10])
	hex.Encode(text[25:], id[10:])
	return dst
}

// AppendList appends a JSON list of values, each of which add appends.
func AppendList[T any](dst []byte, list []T, add func(dst []byte, v *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = add(dst, &list[i])
	}
	return append(dst, ']')
}
