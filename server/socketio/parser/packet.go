// Package parser is the codec of Socket.IO packets, protocol version 5. It is pure: bytes in, packets out, and back.
//
// A packet is text, possibly followed by binary attachments:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//
// Arguments stay raw JSON. Numbers keep their text, and what is decoded and encoded again is byte for byte the same.
// Nothing here trusts its input: see [Limits].
package parser

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of a packet.
type Type byte

// The packet types.
const (
	Connect Type = iota
	Disconnect
	Event
	Ack
	ConnectError // server to client only
	BinaryEvent
	BinaryAck
)

// MainNamespace is the namespace of packets that name none.
const MainNamespace = "/"

// maxID is the largest id that JavaScript can count to.
const maxID = 1<<53 - 1

// ErrMalformed is wrapped by every decoding error.
var ErrMalformed = errors.New("malformed packet")

// Packet is one packet without its attachments.
type Packet struct {
	Type Type
	// Namespace starts with a slash.
	Namespace string
	// ID belongs to an acknowledgement: the one that the packet asks for, or the one that it is.
	ID    uint64
	HasID bool
	// Attachments is the number of binary messages that follow a BinaryEvent or BinaryAck.
	Attachments int
	// Data is the JSON payload, nil if there is none.
	Data json.RawMessage
}

// Limits bounds what Decode, Args and the like accept. A zero field means no limit.
type Limits struct {
	// Attachments bounds the attachments of a packet.
	Attachments int
	// Namespace bounds the bytes of a namespace's name.
	Namespace int
	// Depth bounds how deep arrays and objects nest.
	Depth int
	// Members bounds the number of elements and members of all arrays and objects together.
	Members int
	// Args bounds the number of arguments.
	Args int
}

// Decode decodes the text of a packet, except for its JSON: Data aliases text and may be anything. It checks that there is
// a payload only where there may be one.
func Decode(text []byte, limits Limits) (Packet, error) {
	if len(text) == 0 {
		return Packet{}, malformed("empty")
	}
	p := Packet{Type: Type(text[0] - '0'), Namespace: MainNamespace}
	if p.Type > BinaryAck {
		return Packet{}, malformed("unknown type %q", text[0])
	}
	rest := text[1:]
	var err error
	if p.Type == BinaryEvent || p.Type == BinaryAck {
		if p.Attachments, rest, err = cutAttachments(rest, limits); err != nil {
			return Packet{}, err
		}
	}
	if len(rest) > 0 && rest[0] == '/' {
		if p.Namespace, rest, err = cutNamespace(rest, limits); err != nil {
			return Packet{}, err
		}
	}
	if p.ID, p.HasID, rest, err = cutID(rest); err != nil {
		return Packet{}, err
	}
	if len(rest) > 0 {
		p.Data = rest
	}
	return p, p.check()
}

// check checks what each type must and must not have.
func (p *Packet) check() error {
	switch p.Type {
	case Connect, ConnectError:
		if p.HasID || p.Data != nil && p.Data[0] != '{' {
			return malformed("payload of a connection is not an object")
		}
	case Disconnect:
		if p.HasID || p.Data != nil {
			return malformed("disconnection with a payload")
		}
	case Ack, BinaryAck:
		if !p.HasID {
			return malformed("acknowledgement without an id")
		}
		fallthrough
	case Event, BinaryEvent:
		if p.Data == nil || p.Data[0] != '[' {
			return malformed("payload is not an array")
		}
	}
	return nil
}

func cutAttachments(text []byte, limits Limits) (count int, rest []byte, err error) {
	digits := countDigits(text)
	if digits == 0 || digits == len(text) || text[digits] != '-' {
		return 0, nil, malformed("number of attachments is missing")
	}
	n, err := strconv.Atoi(string(text[:digits]))
	if err != nil || n < 1 || limits.Attachments > 0 && n > limits.Attachments {
		return 0, nil, malformed("%s attachments", text[:min(digits, 20)])
	}
	return n, text[digits+1:], nil
}

func cutNamespace(text []byte, limits Limits) (name string, rest []byte, err error) {
	end := slices.Index(text, ',')
	if end < 0 {
		end, rest = len(text), nil
	} else {
		rest = text[end+1:]
	}
	if limits.Namespace > 0 && end > limits.Namespace {
		return "", nil, malformed("namespace of %d bytes", end)
	}
	name, _, _ = strings.Cut(string(text[:end]), "?") // old clients send their query with it
	if i := strings.IndexFunc(name, func(r rune) bool { return !isNameRune(r) }); i >= 0 {
		return "", nil, malformed("illegal character in a namespace")
	}
	return name, rest, nil
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/_-.:", r)
}

func cutID(text []byte) (id uint64, ok bool, rest []byte, err error) {
	digits := countDigits(text)
	if digits == 0 {
		return 0, false, text, nil
	}
	id, err = strconv.ParseUint(string(text[:min(digits, 20)]), 10, 64)
	if err != nil || digits > 16 || id > maxID {
		return 0, false, nil, malformed("acknowledgement id of %d digits", digits)
	}
	return id, true, text[digits:], nil
}

func countDigits(text []byte) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

// Append appends the text of the packet to dst.
func (p Packet) Append(dst []byte) []byte {
	dst = append(dst, '0'+byte(p.Type))
	if p.Type == BinaryEvent || p.Type == BinaryAck {
		dst = append(strconv.AppendInt(dst, int64(p.Attachments), 10), '-')
	}
	if p.Namespace != MainNamespace && p.Namespace != "" {
		dst = append(append(dst, p.Namespace...), ',')
	}
	if p.HasID {
		dst = strconv.AppendUint(dst, p.ID, 10)
	}
	return append(dst, p.Data...)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
