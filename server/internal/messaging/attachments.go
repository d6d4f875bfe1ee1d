package messaging

import (
	"bytes"
	"encoding/json"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
)

// withPublicAttachments replaces the places of our own files in a document's attachments by the addresses under which they are
// served. It is done once, where a message comes in: what is stored, read and broadcast never names a path of this machine, and
// outlives a move of the data. It is done for callers who see everyone: another who named a place would have a file that isn't theirs.
// Attachments are texts, objects with a url, or a list of these; everything else stays as it is,
// to the byte.
func (s *Service) withPublicAttachments(who auth.Identity, document json.RawMessage) json.RawMessage {
	if s.publicURL == nil || !who.SeesEveryone() || !bytes.Contains(document, []byte(`"`+attachmentsKey+`"`)) {
		return document
	}
	var attachments json.RawMessage
	for name, value := range jsontext.Members(document) {
		if string(name) == attachmentsKey {
			attachments = value
		}
	}
	attachments, changed := s.publicAttachment(attachments)
	if !changed {
		return document
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(document, &fields) != nil {
		return document
	}
	fields[attachmentsKey] = attachments
	return jsontext.Encode(fields)
}

// publicAttachment returns one attachment or a list of them, and whether anything in it was replaced.
func (s *Service) publicAttachment(raw json.RawMessage) (_ json.RawMessage, changed bool) {
	switch trimmed := bytes.TrimSpace(raw); {
	case len(trimmed) == 0:
		return raw, false
	case trimmed[0] == '"':
		var location string
		if json.Unmarshal(raw, &location) != nil {
			return raw, false
		}
		public := s.publicURL(location)
		if public == location {
			return raw, false
		}
		return jsontext.Encode(public), true
	case trimmed[0] == '{':
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) != nil {
			return raw, false
		}
		if url := bytes.TrimSpace(fields["url"]); len(url) == 0 || url[0] != '"' {
			return raw, false
		}
		if fields["url"], changed = s.publicAttachment(fields["url"]); !changed {
			return raw, false
		}
		return jsontext.Encode(fields), true
	case trimmed[0] == '[':
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return raw, false
		}
		for i, item := range items {
			if len(item) > 0 && item[0] == '[' {
				continue // lists of lists mean nothing
			}
			public, replaced := s.publicAttachment(item)
			items[i], changed = public, changed || replaced
		}
		if !changed {
			return raw, false
		}
		return jsontext.Encode(items), true
	default:
		return raw, false
	}
}
