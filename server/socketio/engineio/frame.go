package engineio

import (
	"encoding/binary"
	"sync"

	"github.com/elizad/elizad/server/socketio/engineio/packet"
)

// Opcodes and flag of WebSocket frames, RFC 6455 §5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	finalBit = 0x80
)

// Frame is what a session sends as one: a message, or a message with binary messages that follow it without any other
// message between. It is encoded for the wire when it is made, immutable, and may be sent on any number of sessions.
type Frame struct {
	// ws holds complete WebSocket frames. Those of a server are not masked, so they are the same for every client.
	ws []byte
	// text is the first packet as polling has it. It aliases ws, and is empty if the frame has binary messages only.
	text []byte
	// binaries are the binary messages. They alias ws.
	binaries [][]byte
	// parts are the frames that this one was joined from.
	parts []*Frame

	pollingOnce sync.Once
	payload     []byte // polling form, made when the first polling session asks for it

	deflateOnce sync.Once
	packed      []byte // as ws, compressed, made when the first session asks for it that takes it
}

// NewFrame makes a frame of a text message and of the binary messages that belong to it. It copies its arguments.
// text must be valid UTF-8.
func NewFrame(text []byte, attachments ...[]byte) *Frame {
	return newFrame(packet.Message, text, attachments)
}

// NewBinaryFrame makes a frame of one binary message. It copies data.
func NewBinaryFrame(data []byte) *Frame {
	return newFrame(0, nil, [][]byte{data})
}

// JoinFrames makes one frame of several, to be sent back to back and to be counted as one. It returns nil for none.
func JoinFrames(frames ...*Frame) *Frame {
	if len(frames) == 0 {
		return nil
	}
	joined := &Frame{parts: frames}
	for _, f := range frames {
		joined.ws = append(joined.ws, f.ws...)
	}
	return joined
}

// newFrame makes a frame of a packet of the given type, 0 for none, and binary messages.
func newFrame(kind packet.Type, data []byte, binaries [][]byte) *Frame {
	size := 0
	if kind != 0 {
		size += headerSize(len(data)+1) + 1 + len(data)
	}
	for _, b := range binaries {
		size += headerSize(len(b)) + len(b)
	}
	f := &Frame{ws: make([]byte, 0, size)}
	if kind != 0 {
		f.ws = appendHeader(f.ws, opText, len(data)+1)
		start := len(f.ws)
		f.ws = append(append(f.ws, byte(kind)), data...)
		f.text = f.ws[start:len(f.ws):len(f.ws)]
	}
	if len(binaries) > 0 {
		f.binaries = make([][]byte, len(binaries))
	}
	for i, b := range binaries {
		f.ws = appendHeader(f.ws, opBinary, len(b))
		start := len(f.ws)
		f.ws = append(f.ws, b...)
		f.binaries[i] = f.ws[start:len(f.ws):len(f.ws)]
	}
	return f
}

// Size returns the number of bytes that the frame takes on a WebSocket.
func (f *Frame) Size() int { return len(f.ws) }

// packets returns how many packets the frame has.
func (f *Frame) packets() int {
	n := len(f.binaries)
	if len(f.text) > 0 {
		n++
	}
	for _, part := range f.parts {
		n += part.packets()
	}
	return n
}

// split returns a frame of the first n packets, and one of the rest, which must not be empty.
func (f *Frame) split(n int) (head, rest *Frame) {
	all := f.each(make([]*Frame, 0, f.packets()))
	size := 0
	for _, one := range all[:n] {
		size += one.Size()
	}
	return &Frame{ws: f.ws[:size:size], parts: all[:n]}, &Frame{ws: f.ws[size:], parts: all[n:]}
}

// each appends the frame to dst, as one frame for each packet.
func (f *Frame) each(dst []*Frame) []*Frame {
	if len(f.parts) == 0 && f.packets() == 1 {
		return append(dst, f)
	}
	if len(f.text) > 0 {
		dst = append(dst, newFrame(packet.Type(f.text[0]), f.text[1:], nil))
	}
	for _, part := range f.parts {
		dst = part.each(dst)
	}
	for _, b := range f.binaries {
		dst = append(dst, NewBinaryFrame(b))
	}
	return dst
}

// polling returns the frame as a polling payload.
func (f *Frame) polling() []byte {
	if len(f.binaries) == 0 && len(f.parts) == 0 {
		return f.text
	}
	f.pollingOnce.Do(func() {
		f.payload = append(f.payload, f.text...)
		for _, part := range f.parts {
			f.payload = append(f.separated(), part.polling()...)
		}
		for _, b := range f.binaries {
			f.payload = packet.AppendBinary(f.separated(), b)
		}
	})
	return f.payload
}

// separated returns the payload so far, ready for the next packet.
func (f *Frame) separated() []byte {
	if len(f.payload) == 0 {
		return nil
	}
	return append(f.payload, packet.Separator)
}

func headerSize(payload int) int {
	switch {
	case payload < 126:
		return 2
	case payload < 1<<16:
		return 4
	default:
		return 10
	}
}

// appendHeader appends the header of an unfragmented, unmasked frame.
func appendHeader(dst []byte, opcode byte, payload int) []byte {
	dst = append(dst, finalBit|opcode)
	switch headerSize(payload) {
	case 2:
		return append(dst, byte(payload))
	case 4:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(payload))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(payload))
	}
}

// The frames of packets that carry nothing.
var (
	pingFrame  = newFrame(packet.Ping, nil, nil)
	noopFrame  = newFrame(packet.Noop, nil, nil)
	probeFrame = newFrame(packet.Pong, []byte("probe"), nil)
)
