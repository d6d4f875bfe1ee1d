package engineio

import (
	"bytes"
	"compress/flate"
	"errors"
	"sync"
)

const (
	// rsv1 marks a compressed message, RFC 7692 §6.
	rsv1 = 0x40
	// deflateTail ends what a flush of the compressor has written; it is not sent, RFC 7692 §7.2.1.
	deflateTail = "\x00\x00\xff\xff"
)

// deflaters are compressors for messages. Each message is compressed by itself, without the context of the ones before, so
// the result can be shared by all connections as the plain frame is.
type deflaters struct{ pool sync.Pool }

// deflater has a compressor and what it writes to.
type deflater struct {
	out bytes.Buffer
	w   *flate.Writer
}

func newDeflater() any {
	d := new(deflater)
	w, err := flate.NewWriter(&d.out, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	d.w = w
	return d
}

// appendFrame appends a WebSocket frame of a message, compressed if that makes it smaller.
func (ds *deflaters) appendFrame(dst []byte, opcode byte, message []byte) []byte {
	if len(message) >= minCompressed {
		d := ds.pool.Get().(*deflater)
		defer ds.pool.Put(d)
		if packed := d.deflate(message); len(packed) < len(message) {
			return append(appendHeader(dst, rsv1|opcode, len(packed)), packed...)
		}
	}
	return append(appendHeader(dst, opcode, len(message)), message...)
}

// deflate compresses a message. The result is valid until the next call.
func (d *deflater) deflate(message []byte) []byte {
	d.out.Reset()
	d.w.Reset(&d.out)
	_, err := d.w.Write(message)
	if err = errors.Join(err, d.w.Flush()); err != nil {
		return message // which cannot be, as a buffer takes everything
	}
	return bytes.TrimSuffix(d.out.Bytes(), []byte(deflateTail))
}

// deflated returns the frame as WebSocket frames with compressed messages. It is made when the first connection asks for it.
func (f *Frame) deflated(ds *deflaters) []byte {
	f.deflateOnce.Do(func() {
		var out []byte
		if len(f.text) > 0 {
			out = ds.appendFrame(out, opText, f.text)
		}
		for _, part := range f.parts {
			out = append(out, part.deflated(ds)...)
		}
		for _, b := range f.binaries {
			out = ds.appendFrame(out, opBinary, b)
		}
		f.packed = out
	})
	return f.packed
}
