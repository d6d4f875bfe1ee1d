package agent

import (
	"crypto/sha1" //nolint:gosec // the derivation is part of the wire format, not a protection
	"strings"

	"github.com/google/uuid"
)

// ID returns the identifier of an agent that has a name and no explicit identifier. Names are case-sensitive.
func ID(name string) uuid.UUID { return UUIDOf(name) }

// UUIDOf derives an identifier from any text, the way clients do it themselves (agent runtime §1): a text of UUID shape is
// that UUID; of anything else it is the SHA-1 of its URI-component encoding, with version nibble 0. Pass numbers in decimal.
func UUIDOf(text string) uuid.UUID {
	if id, ok := ParseUUID(text); ok {
		return id
	}
	sum := sha1.Sum([]byte(encodeURIComponent(text))) //nolint:gosec // see the import
	var id uuid.UUID
	copy(id[:], sum[:])
	id[6] &= 0x0f
	id[8] = id[8]&0x3f | 0x80
	return id
}

// UUIDFor derives the identifier under which an agent knows a thing that others call base: a channel's room, a server's
// world. The agent's own identifier stays what it is.
func UUIDFor(agent uuid.UUID, base string) uuid.UUID {
	if id, ok := ParseUUID(base); ok {
		if id == agent {
			return agent
		}
		base = id.String()
	}
	return UUIDOf(base + ":" + agent.String())
}

// ParseUUID reads the 8-4-4-4-12 form in either case and with any version and variant nibble; unlike [uuid.Parse] it takes
// no other form.
func ParseUUID(text string) (uuid.UUID, bool) {
	const length = 36
	if len(text) != length {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}

// encodeURIComponent escapes every byte of text that JavaScript's function of that name escapes. Those of net/url differ.
func encodeURIComponent(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if isUnreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&0x0f])
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0
}
