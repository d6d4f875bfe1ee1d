// Package jsontext reads and writes JSON where decoding it would take longer than everything else about it: the members of an
// object as they are in its text, and strings. It also checks the JSON in requests.
package jsontext

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
)

// Members yields the members of a JSON object in the order of the text, where names may repeat. It reads what the database
// and the validator have found to be JSON, and saves the time that decoding it once more would take. Anything else than an
// object has no members.
func Members(raw json.RawMessage) iter.Seq2[[]byte, json.RawMessage] {
	return func(yield func([]byte, json.RawMessage) bool) {
		s := scanner{rest: raw}
		if s.next() != '{' {
			return
		}
		for s.skip(1); s.next() == '"'; s.skip(1) {
			key := s.value()
			if s.next() != ':' {
				return
			}
			s.skip(1)
			s.next()
			value := s.value()
			if len(value) == 0 || !yield(unquoted(key), value) || s.next() != ',' {
				return
			}
		}
	}
}

// unquoted returns the name that a JSON string holds.
func unquoted(quoted json.RawMessage) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 && len(quoted) > 1 {
		return quoted[1 : len(quoted)-1]
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // what is no string is a name that is never looked up
	return []byte(name)
}

// scanner walks over JSON text. On text that isn't JSON it stops somewhere.
type scanner struct{ rest json.RawMessage }

// next skips white space and returns the byte that follows; 0 at the end.
func (s *scanner) next() byte {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return s.rest[0]
		}
	}
	return 0
}

func (s *scanner) skip(n int) { s.rest = s.rest[n:] }

// value takes the value at whose first byte the scanner stands.
func (s *scanner) value() json.RawMessage {
	whole := s.rest
	for depth := 0; len(s.rest) > 0; {
		switch s.rest[0] {
		case '"':
			s.skipString()
		case '{', '[':
			depth++
			s.skip(1)
		case '}', ']':
			depth--
			s.skip(1)
		case ',', ':', ' ', '\t', '\r', '\n': // between two values
			s.skip(1)
		default: // a number or a word
			if end := bytes.IndexAny(s.rest, ",:]} \t\r\n"); end >= 0 {
				s.skip(end)
			} else {
				s.rest = nil
			}
		}
		if depth <= 0 {
			break
		}
	}
	return whole[:len(whole)-len(s.rest)]
}

// skipString moves behind the string at whose quote the scanner stands.
func (s *scanner) skipString() {
	for end := 1; end < len(s.rest); end++ {
		next := bytes.IndexByte(s.rest[end:], '"')
		if next < 0 {
			break
		}
		end += next
		escapes := end
		for s.rest[escapes-1] == '\\' { // the first byte is the quote
			escapes--
		}
		if (end-escapes)%2 == 0 {
			s.skip(end + 1)
			return
		}
	}
	s.rest = nil
}

// Member is one member of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Set returns list with a member added or replaced; a null takes it away.
func Set(list []Member, name string, value json.RawMessage) []Member {
	list = slices.DeleteFunc(list, func(m Member) bool { return m.Name == name })
	if string(value) == "null" {
		return list
	}
	return append(list, Member{name, value})
}

// With returns raw, a JSON object, with members added or replaced; without any to add, raw itself.
func With(raw json.RawMessage, more []Member) json.RawMessage {
	if len(more) == 0 {
		return raw
	}
	return AppendWith(nil, raw, more)
}

// AppendWith appends what [With] returns.
func AppendWith(dst []byte, raw json.RawMessage, more []Member) []byte {
	if len(more) == 0 {
		return append(dst, raw...)
	}
	dst = append(dst, '{')
	for name, value := range Members(raw) {
		if !slices.ContainsFunc(more, func(m Member) bool { return m.Name == string(name) }) {
			dst = append(append(append(AppendString(dst, name), ':'), value...), ',')
		}
	}
	for _, m := range more {
		dst = append(append(append(AppendString(dst, m.Name), ':'), m.Value...), ',')
	}
	dst[len(dst)-1] = '}' // in place of the last comma
	return dst
}
