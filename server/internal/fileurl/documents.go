package fileurl

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// unproven is the query of an address of an agent's file that came from somebody who has not shown that the file is theirs to see.
// Stored with it, the address is never signed.
const unproven = "unsigned"

// typed are the members that hold what people wrote. That stays as it is.
var typed = []string{"text", "content", "message", "thought", "prompt", "query", "name", "title", "topic", "description", "bio"}

// Shown returns a document with signatures on the addresses of files that its readers may have: of a channel's own files, for the
// readers of channel, and of agents' files. An address is a text that is nothing else.
func (s *Signer) Shown(doc json.RawMessage, channel uuid.UUID) json.RawMessage {
	if s == nil || !bytes.Contains(doc, []byte(Prefix)) {
		return doc
	}
	return s.appendShown(nil, doc, channel)
}

// ShowFrom does in buffer, from an index on, what [Signer.Shown] does to a document. What is there may also be members of one.
func (s *Signer) ShowFrom(buffer []byte, index int, channel uuid.UUID) []byte {
	if s == nil || !bytes.Contains(buffer[index:], []byte(Prefix)) {
		return buffer
	}
	return s.appendShown(buffer[:index], bytes.Clone(buffer[index:]), channel)
}

func (s *Signer) appendShown(dst, doc []byte, channel uuid.UUID) []byte {
	return jsontext.AppendReplacing(dst, doc, func(name, quoted []byte) json.RawMessage {
		if !bytes.HasPrefix(quoted[1:], []byte(Prefix)) || isTyped(name) {
			return nil
		}
		text, ok := textOf(quoted)
		if !ok {
			return nil
		}
		path, query, _ := strings.Cut(text, "?")
		switch a, ok := parse(path); {
		case !ok:
			return nil
		case query != unproven && (a.area != ChannelUploads || a.owner == channel):
			return jsontext.AppendString(nil, s.sign(a, path))
		default:
			return jsontext.AppendString(nil, path)
		}
	})
}

// Taken returns a document of a caller as it may be stored: without signatures. An address of an agent's file is signed again for
// those who read the document only if it came with a signature, which shows that the caller has been given the file, or if trusted
// says that the caller may see the files of agents.
func (s *Signer) Taken(doc []byte, trusted bool) []byte {
	if s == nil || !bytes.Contains(doc, []byte("media")) && !bytes.Contains(doc, []byte(`\u`)) {
		return doc
	}
	changed := false
	out := jsontext.AppendReplacing(nil, doc, func(name, quoted []byte) json.RawMessage {
		if isTyped(name) {
			return nil
		}
		text, ok := textOf(quoted)
		if !ok {
			return nil
		}
		taken, ok := s.taken(text, trusted)
		if !ok || `"`+taken+`"` == string(quoted) {
			return nil
		}
		changed = true
		return jsontext.AppendString(nil, taken)
	})
	if !changed {
		return doc
	}
	return out
}

// taken returns a text as it is stored; not ok for one that is no address of a file.
func (s *Signer) taken(text string, trusted bool) (string, bool) {
	path, query, _ := strings.Cut(text, "?")
	begin := strings.Index(path, Prefix)
	if begin < 0 {
		return "", false
	}
	a, ok := parse(path[begin:])
	if !ok {
		return "", false
	}
	values, _ := url.ParseQuery(query) // what can't be read is no signature
	_, genuine := s.verify(a, values.Get(parameter))
	switch {
	case begin > 0 && !genuine: // of another server
		return "", false
	case a.area == ChannelUploads, genuine, trusted && query != unproven:
		query = ""
	default:
		query = "?" + unproven
	}
	return a.path() + query, true
}

// textOf returns the text of a JSON string.
func textOf(quoted []byte) (text string, ok bool) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), true
	}
	return text, json.Unmarshal(quoted, &text) == nil
}

func isTyped(name []byte) bool { return name != nil && slices.Contains(typed, string(name)) }
