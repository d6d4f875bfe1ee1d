package engineio

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// Sizes of the buffers that a WebSocket keeps for its whole life. net/http would have it keep 4 KiB each. The largest
	// control frame is 127 bytes.
	readBufferSize  = 1 << 10
	writeBufferSize = 128

	// arrivedSize is the size of the buffers that are taken when something arrives, where that is known before reading. The
	// library keeps the smallest buffer there is, then.
	arrivedSize     = 4 << 10
	smallBufferSize = 16

	// maxJoined bounds the frames joined into one buffer where the connection has no vectored write.
	maxJoined = 16 << 10
)

var errCloseSent = errors.New("close frame was sent")

// wsConn is the network connection under a WebSocket. The library reads from it and writes its control frames to it; our own
// frames go to it directly, many in one system call. Both kinds of writes take mu, so frames never mix. The library writes a
// control frame in one call of Write, as its buffer holds the largest one, and it is never asked to write data.
type wsConn struct {
	net.Conn
	early        []byte          // what the client sent right behind its request
	vectored     bool            // the connection can write many buffers at once
	raw          syscall.RawConn // for reads and writes that do not wait; nil if there are none
	deflaters    *deflaters      // for a client that takes compressed messages, else nil
	writeTimeout time.Duration

	writeMu   sync.Mutex // guards writes and what follows
	closeSent bool

	deadlineMu sync.Mutex // guards what follows and the deadlines of Conn
	expiry     time.Time  // all ends then; zero while the session is open

	// What follows is used by the reading goroutine only.
	arrival arrival
	message struct {
		under      bool // a message has begun and not ended
		timed      bool // its deadline is set
		timeout    time.Duration
		budget     int // bytes that it may still take off the wire
		onProgress func()
	}
}

// hijacker makes the library use a wsConn with small buffers.
type hijacker struct {
	http.ResponseWriter
	writeTimeout time.Duration
	arrivals     *sync.Pool
	conn         *wsConn
}

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &wsConn{Conn: conn, raw: rawConn(conn), writeTimeout: h.writeTimeout}
	if n := rw.Reader.Buffered(); n > 0 {
		early, err := rw.Reader.Peek(n)
		if err != nil {
			return nil, nil, errors.Join(err, conn.Close())
		}
		h.conn.early = slices.Clone(early)
	}
	_, isTLS := conn.(*tls.Conn)
	h.conn.vectored = !isTLS
	size := readBufferSize
	if h.conn.raw != nil {
		size = smallBufferSize
		h.conn.arrival.init(h.arrivals)
	}
	return h.conn, bufio.NewReadWriter(bufio.NewReaderSize(h.conn, size), bufio.NewWriterSize(h.conn, writeBufferSize)), nil
}

// Read implements [net.Conn] for the library. Within a message it sets the deadline, counts, and reports progress; what has
// arrived before only counts.
func (c *wsConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	if n := c.arrival.take(p); n > 0 {
		return n, c.spend(n)
	}
	m := &c.message
	if m.under && !m.timed {
		m.timed = true
		c.setReadDeadline(time.Now().Add(m.timeout))
	}
	n, err := c.readWire(p)
	if m.under && n > 0 {
		if err := c.spend(n); err != nil {
			return n, err
		}
		m.onProgress()
	}
	return n, err
}

func (c *wsConn) readWire(p []byte) (int, error) {
	if c.raw == nil {
		return c.Conn.Read(p)
	}
	return c.arrival.read(c.raw, p)
}

// spend takes bytes from the budget of the message.
func (c *wsConn) spend(n int) error {
	m := &c.message
	if !m.under {
		return nil
	}
	if m.budget -= n; m.budget < 0 {
		return errTooManyFragments
	}
	return nil
}

// beginMessage starts the clock of a message and gives it a budget of bytes, all of its frames and whatever comes between
// them included.
func (c *wsConn) beginMessage(timeout time.Duration, budget int, onProgress func()) {
	m := &c.message
	m.under, m.timed = true, false
	m.timeout, m.budget, m.onProgress = timeout, budget, onProgress
}

func (c *wsConn) endMessage() {
	m := &c.message
	m.under, m.onProgress = false, nil
	if m.timed {
		c.setReadDeadline(time.Time{})
	}
}

// Write implements [net.Conn] for the library. p is one control frame.
func (c *wsConn) Write(p []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closeSent {
		return len(p), nil // nothing may follow a close frame, not even the library's own
	}
	if len(p) > 0 && p[0]&0xf == opClose {
		c.closeSent = true
	}
	defer c.limitWrite()()
	return c.Conn.Write(p)
}

// wire returns the bytes of a frame for this connection.
func (c *wsConn) wire(f *Frame) []byte {
	if c.deflaters != nil {
		return f.deflated(c.deflaters)
	}
	return f.ws
}

// attempt writes frames until it would have to wait, and returns the bytes that are left. After an error the connection is
// of no use.
func (c *wsConn) attempt(a *attempt, frames []*Frame) (rest []byte, err error) {
	a.out = nil
	if len(frames) == 1 {
		a.out = c.wire(frames[0])
	} else {
		a.joined = a.joined[:0]
		for _, f := range frames {
			a.joined = append(a.joined, c.wire(f)...)
		}
		a.out = a.joined
	}
	n := 0
	if c.writeMu.TryLock() { // the holder may be waiting for the network
		if c.closeSent {
			err = errCloseSent
		} else {
			n, err = a.on(c.raw)
		}
		c.writeMu.Unlock()
	}
	if err != nil || n == len(a.out) {
		return nil, err
	}
	if len(frames) == 1 {
		return a.out[n:], nil
	}
	return slices.Clone(a.out[n:]), nil // joined is used again
}

// writeRest writes the end of what an attempt has begun.
func (c *wsConn) writeRest(rest []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closeSent {
		return 0, errCloseSent
	}
	defer c.limitWrite()()
	return c.Conn.Write(rest)
}

// writeFrames writes frames in order and returns the number of bytes written. After an error the connection is of no use, as
// part of a frame may have been sent.
func (c *wsConn) writeFrames(frames []*Frame) (int64, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closeSent {
		return 0, errCloseSent
	}
	defer c.limitWrite()()
	if len(frames) == 1 {
		n, err := c.Conn.Write(c.wire(frames[0]))
		return int64(n), err
	}
	if !c.vectored {
		return c.writeJoined(frames)
	}
	buffers := make(net.Buffers, len(frames))
	for i, f := range frames {
		buffers[i] = c.wire(f)
	}
	return buffers.WriteTo(c.Conn)
}

// writeJoined writes frames with few calls to a connection on which each call is a separate record.
func (c *wsConn) writeJoined(frames []*Frame) (total int64, err error) {
	var joined []byte
	write := func(p []byte) {
		if err == nil && len(p) > 0 {
			var n int
			n, err = c.Conn.Write(p)
			total += int64(n)
		}
	}
	for _, f := range frames {
		wire := c.wire(f)
		if len(joined)+len(wire) > maxJoined {
			write(joined)
			joined = joined[:0]
		}
		if len(wire) > maxJoined {
			write(wire)
			continue
		}
		joined = append(joined, wire...)
	}
	write(joined)
	return total, err
}

// writeClose writes a close frame, with a status unless that is 0, and without a reason: clients expect none.
func (c *wsConn) writeClose(status int) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closeSent {
		return
	}
	c.closeSent = true
	frame := []byte{finalBit | opClose, 0}
	if status != 0 {
		frame[1] = 2
		frame = binary.BigEndian.AppendUint16(frame, uint16(status))
	}
	defer c.limitWrite()()
	// A client that can't be notified will notice that the connection is closed.
	_, _ = c.Conn.Write(frame)
}

// closeWithin makes every read and write fail after d, even those under way.
func (c *wsConn) closeWithin(d time.Duration) {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	c.expiry = time.Now().Add(d)
	// An error means that the connection is closed, as it is about to be.
	_ = c.Conn.SetDeadline(c.expiry)
}

// cut closes the connection at once.
func (c *wsConn) cut() { _ = c.Conn.Close() }

func (c *wsConn) setReadDeadline(when time.Time) {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if c.expiry.IsZero() {
		_ = c.Conn.SetReadDeadline(when)
	}
}

// limitWrite bounds the time of a write, and returns what takes the bound off again: a deadline that has passed would let the
// next attempt fail.
func (c *wsConn) limitWrite() (unlimit func()) {
	c.setWriteDeadline(time.Now().Add(c.writeTimeout))
	return func() { c.setWriteDeadline(time.Time{}) }
}

func (c *wsConn) setWriteDeadline(when time.Time) {
	c.deadlineMu.Lock()
	defer c.deadlineMu.Unlock()
	if c.expiry.IsZero() {
		_ = c.Conn.SetWriteDeadline(when)
	}
}
