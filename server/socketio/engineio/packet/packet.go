// Package packet is the codec of Engine.IO packets, version 4, in their text form: one type digit and the data. It is pure.
//
// On WebSocket a packet is a text frame, and a binary message is a binary frame without a type. On polling several packets
// form a payload, joined by [Separator], and a binary message is the letter b and base64.
package packet

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// Type is the type of a packet: the digit that stands for it on the wire.
type Type byte

// The packet types.
const (
	Open    Type = '0' // server to client: the handshake
	Close   Type = '1'
	Ping    Type = '2' // server to client, or the client's probe of an upgrade
	Pong    Type = '3' // client to server, or the server's answer to a probe
	Message Type = '4'
	Upgrade Type = '5' // client to server: the switch to WebSocket
	Noop    Type = '6' // server to client: releases a held poll
)

const (
	// Separator is between the packets of a payload.
	Separator = 0x1e
	// BinaryPrefix starts a binary message in text form.
	BinaryPrefix = 'b'
)

// ErrMalformed is wrapped by every decoding error.
var ErrMalformed = errors.New("malformed packet")

// Packet is a decoded packet.
type Packet struct {
	Type Type
	// Binary reports whether Data is a binary message; Type is Message then.
	Binary bool
	Data   []byte
}

// Decode decodes one packet in text form. Data aliases text, unless the packet is binary.
func Decode(text []byte) (Packet, error) {
	if len(text) == 0 {
		return Packet{}, fmt.Errorf("%w: empty", ErrMalformed)
	}
	switch kind := Type(text[0]); {
	case kind == BinaryPrefix:
		data, err := base64.StdEncoding.AppendDecode(nil, text[1:])
		if err != nil {
			return Packet{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return Packet{Type: Message, Binary: true, Data: data}, nil
	case kind < Open || kind > Noop:
		return Packet{}, fmt.Errorf("%w: unknown type %q", ErrMalformed, text[0])
	default:
		return Packet{Type: kind, Data: text[1:]}, nil
	}
}

// DecodePayload decodes the packets of a payload, which may be no more than limit.
func DecodePayload(payload []byte, limit int) ([]Packet, error) {
	count := bytes.Count(payload, []byte{Separator}) + 1
	if count > limit {
		return nil, fmt.Errorf("%w: %d packets in a payload, %d allowed", ErrMalformed, count, limit)
	}
	packets := make([]Packet, 0, count)
	for text := range bytes.SplitSeq(payload, []byte{Separator}) {
		p, err := Decode(text)
		if err != nil {
			return nil, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

// AppendBinary appends the text form of a binary message to dst.
func AppendBinary(dst, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(append(dst, BinaryPrefix), data)
}
