package jsontext

import (
	"bytes"
	"encoding/json"
)

// AppendReplacing appends raw, JSON or a run of members of an object, with other texts in place of those for which replace returns
// one. It is given each text that is a value, in its quotes, and the name of the member whose value it is; of an item of a list, nil.
// Names are not replaced.
func AppendReplacing(dst, raw []byte, replace func(name, quoted []byte) json.RawMessage) []byte {
	var name []byte
	s, kept := scanner{rest: raw}, raw
	for {
		begin := bytes.IndexByte(s.rest, '"')
		if begin < 0 {
			return append(dst, kept...)
		}
		if len(bytes.Trim(s.rest[:begin], ": \t\r\n")) > 0 { // not the value of the last name
			name = nil
		}
		s.skip(begin)
		rest := s.rest
		s.skipString()
		quoted := rest[:len(rest)-len(s.rest)]
		if after := (scanner{rest: s.rest}); after.next() == ':' {
			name = unquoted(quoted)
			continue
		}
		if len(quoted) < len(`""`) || quoted[len(quoted)-1] != '"' { // the end of what is no JSON
			continue
		}
		if text := replace(name, quoted); text != nil {
			dst = append(append(dst, kept[:len(kept)-len(rest)]...), text...)
			kept = s.rest
		}
		name = nil
	}
}
