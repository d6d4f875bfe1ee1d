package agent

import (
	"bytes"
	"fmt"
)

// relaxed returns JSON in which comments and the commas after last items, both of which editors and people leave in files,
// are spaces. Everything else stays where it is, so that errors name the right line.
func relaxed(data []byte) ([]byte, error) {
	out, lastComma := bytes.Clone(data), -1
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			lastComma = -1
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(out) && (out[i+1] == '/' || out[i+1] == '*'):
			end := commentEnd(out[i:])
			if end < 0 {
				return nil, fmt.Errorf("line %d: a comment that begins with /* is never closed", lineOf(data, i))
			}
			blank(out[i : i+end])
			i += end - 1
		case c == ',':
			lastComma = i
		case (c == ']' || c == '}') && lastComma >= 0:
			out[lastComma], lastComma = ' ', -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			lastComma = -1
		}
	}
	return out, nil
}

// commentEnd returns the length of the comment that text begins with, or -1.
func commentEnd(text []byte) int {
	if text[1] == '/' {
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			return end
		}
		return len(text)
	}
	if end := bytes.Index(text[2:], []byte("*/")); end >= 0 {
		return end + 4
	}
	return -1
}

// blank overwrites a text with spaces, except the ends of lines.
func blank(text []byte) {
	for i, c := range text {
		if c != '\n' {
			text[i] = ' '
		}
	}
}

func lineOf(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}
