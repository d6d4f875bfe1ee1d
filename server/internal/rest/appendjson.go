package rest

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Answers that are written too often for encoding/json.

// maxKeptBuffer is the size of the largest buffer that is kept for other answers.
const maxKeptBuffer = 256 << 10

// buffers holds the buffers of answers that have been written.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeJSON writes the JSON that build appends as an answer with status 200.
func writeJSON(w http.ResponseWriter, build func(dst []byte) []byte) error {
	buffer := buffers.Get().(*[]byte)
	body := append(build((*buffer)[:0]), '\n')
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	if *buffer = body; cap(body) <= maxKeptBuffer {
		buffers.Put(buffer)
	}
	return err
}

// appendList appends a list.
func appendList[T any](dst []byte, list []T, add func(dst []byte, v *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = add(dst, &list[i])
	}
	return append(dst, ']')
}

// appendOptional appends a member, with its name in JSON, unless the value is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendText(append(dst, name...), value)
}

// appendID appends an id as a JSON string.
func appendID(dst []byte, id uuid.UUID) []byte {
	dst = hex.AppendEncode(append(dst, '"'), id[:4])
	dst = hex.AppendEncode(append(dst, '-'), id[4:6])
	dst = hex.AppendEncode(append(dst, '-'), id[6:8])
	dst = hex.AppendEncode(append(dst, '-'), id[8:10])
	dst = hex.AppendEncode(append(dst, '-'), id[10:])
	return append(dst, '"')
}

// appendText appends a text as a JSON string, which is the one that encoding/json makes of it: what means something in HTML
// is escaped, too, and what is no UTF-8 is replaced.
func appendText[T ~string | ~[]byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	begin := 0 // of what is taken as it is
	for i := 0; i < len(text); {
		if isPlain[text[i]] {
			i++
			continue
		}
		c, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		if escape := escapeOf(c, size); escape != "" {
			dst = append(append(dst, text[begin:i]...), escape...)
			begin = i + size
		}
		i += size
	}
	return append(append(dst, text[begin:]...), '"')
}

// isPlain tells which bytes stand for themselves in a JSON string.
var isPlain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return plain
}()

// escapeOf returns how a character that isn't plain, and takes size bytes, is written in a JSON string; "" for itself.
func escapeOf(c rune, size int) string {
	switch {
	case c == '"':
		return `\"`
	case c == '\\':
		return `\\`
	case c == '\n':
		return `\n`
	case c == '\r':
		return `\r`
	case c == '\t':
		return `\t`
	case c == '\b':
		return `\b`
	case c == '\f':
		return `\f`
	case c < utf8.RuneSelf, c == '\u2028', c == '\u2029':
		return fmt.Sprintf(`\u%04x`, c)
	case c == utf8.RuneError && size == 1:
		return `\ufffd`
	}
	return ""
}
