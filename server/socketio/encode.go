package socketio

import (
	"fmt"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/parser"
)

// maxPooledBuffer keeps the buffers of rare large packets out of the pool.
const maxPooledBuffer = 64 << 10

// encodeEvent encodes an event and hands the text of its packet and its attachments to use, which must not keep them; id is
// that of the acknowledgement asked for, nil for none.
func (s *Server) encodeEvent(namespace string, id *uint64, event string, args []any, use func(text []byte, attachments [][]byte) error) error {
	if parser.Reserved(event) {
		return fmt.Errorf("%w: %q", ErrReservedEvent, event)
	}
	p := parser.Packet{Type: parser.Event, Namespace: namespace}
	if id != nil {
		p.ID, p.HasID = *id, true
	}
	return s.encode(p, func(dst []byte) ([]byte, [][]byte, error) { return parser.AppendEvent(dst, event, args) }, use)
}

// encodeAck makes the frame of an acknowledgement.
func (s *Server) encodeAck(namespace string, id uint64, args []any) (frame *engineio.Frame, err error) {
	p := parser.Packet{Type: parser.Ack, Namespace: namespace, ID: id, HasID: true}
	appendData := func(dst []byte) ([]byte, [][]byte, error) { return parser.AppendArgs(dst, args) }
	err = s.encode(p, appendData, makeFrame(&frame))
	return frame, err
}

// makeFrame returns a use of an encoded packet: to make a frame of it.
func makeFrame(frame **engineio.Frame) func([]byte, [][]byte) error {
	return func(text []byte, attachments [][]byte) error {
		*frame = engineio.NewFrame(text, attachments...)
		return nil
	}
}

// encode encodes p with the data that appendData appends. It becomes a binary packet if there are attachments.
func (s *Server) encode(p parser.Packet, appendData func([]byte) ([]byte, [][]byte, error), use func([]byte, [][]byte) error) error {
	scratch := s.scratch.Get().(*[]byte)
	header := p.Append((*scratch)[:0])
	text, attachments, err := appendData(header)
	if err != nil {
		return err
	}
	if cap(text) <= maxPooledBuffer {
		*scratch = text[:0]
		defer s.scratch.Put(scratch)
	}
	if len(attachments) == 0 {
		return use(text, nil)
	}
	p.Type += parser.BinaryEvent - parser.Event
	p.Attachments = len(attachments)
	p.Data = text[len(header):]
	return use(p.Append(nil), attachments)
}

// encodeObject makes the frame of a packet whose payload is an object.
func (s *Server) encodeObject(kind parser.Type, namespace string, v any) (*engineio.Frame, error) {
	data, err := parser.MarshalObject(v)
	if err != nil {
		return nil, err
	}
	return engineio.NewFrame(parser.Packet{Type: kind, Namespace: namespace, Data: data}.Append(nil)), nil
}

// encodeDisconnect makes the frame that sends a client away.
func encodeDisconnect(namespace string) *engineio.Frame {
	return engineio.NewFrame(parser.Packet{Type: parser.Disconnect, Namespace: namespace}.Append(nil))
}
