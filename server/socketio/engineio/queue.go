package engineio

import "slices"

// SendOptions says what may happen to a frame that a client is too slow for. When the queue of a session exceeds its bounds,
// frames are lost in this order: the volatile one being sent; all sheddable ones. If that is not enough the session is
// closed with the reason [ReasonTransportClose].
type SendOptions struct {
	// Volatile drops the frame if it cannot be written at once: another one is queued, no poll is held, or an upgrade is
	// under way.
	Volatile bool
	// Shed names the stream that the frame is a part of, one that the client can do without. Once a frame of a stream was
	// dropped, all later ones of it are, until one that has End.
	Shed string
	// End names the stream that ends with this frame. The frame itself is never dropped for it.
	End string
}

// maxShedKeys bounds the streams remembered as shed by one session. More of them means that the client is hopeless.
const maxShedKeys = 1024

// maxIdleEntries bounds the capacity that an empty queue keeps.
const maxIdleEntries = 4

// queue is the outgoing queue of a session. It holds next to no memory while it is empty.
type queue struct {
	entries []entry
	bytes   int
	shed    map[string]struct{} // streams of which a frame was dropped
}

type entry struct {
	frame *Frame
	key   string // of the stream, if the frame is sheddable
}

// admission is what became of a frame.
type admission int

const (
	queued admission = iota
	dropped
	overflow
)

// push adds a frame, unless its stream is shed. It sheds streams to stay within the bounds, and reports an overflow if that
// is not enough; a single frame larger than the bound is accepted by an empty queue.
func (q *queue) push(f *Frame, opts SendOptions, maxPackets, maxBytes int) admission {
	if opts.End != "" {
		delete(q.shed, opts.End)
	}
	if _, gone := q.shed[opts.Shed]; gone && opts.Shed != "" {
		return dropped
	}
	if !q.fits(f, maxPackets, maxBytes) {
		if !q.shedAll() {
			return overflow
		}
		if opts.Shed != "" {
			if !q.markShed(opts.Shed) {
				return overflow
			}
			return dropped
		}
		if !q.fits(f, maxPackets, maxBytes) {
			return overflow
		}
	}
	q.entries = append(q.entries, entry{frame: f, key: opts.Shed})
	q.bytes += f.Size()
	return queued
}

func (q *queue) fits(f *Frame, maxPackets, maxBytes int) bool {
	return len(q.entries) == 0 || len(q.entries) < maxPackets && q.bytes+f.Size() <= maxBytes
}

// shedAll drops every sheddable frame and remembers their streams. It fails if there are too many to remember.
func (q *queue) shedAll() bool {
	ok := true
	q.entries = slices.DeleteFunc(q.entries, func(e entry) bool {
		if e.key == "" {
			return false
		}
		ok = q.markShed(e.key) && ok
		q.bytes -= e.frame.Size()
		return true
	})
	return ok
}

func (q *queue) markShed(key string) bool {
	if q.shed == nil {
		q.shed = make(map[string]struct{})
	}
	q.shed[key] = struct{}{}
	return len(q.shed) <= maxShedKeys
}

// take moves frames from the head of the queue to dst: at least one if there is any, then as many as keep the sums of sizes and
// packets within the bounds and dst within its capacity. Of a frame that has too many packets by itself it takes the first.
func (q *queue) take(dst []*Frame, maxBytes, maxPackets int) []*Frame {
	n, size, packets := 0, 0, 0
	for n < len(q.entries) && len(dst) < cap(dst) {
		next := q.entries[n].frame
		bytes, count := next.Size(), next.packets()
		if n > 0 && (size+bytes > maxBytes || packets+count > maxPackets) {
			break
		}
		if count > maxPackets {
			head, rest := next.split(max(maxPackets, 1))
			q.entries[0] = entry{frame: rest} // which can't be shed: its beginning is on its way
			q.bytes -= head.Size()
			return append(dst, head)
		}
		dst = append(dst, next)
		size, packets = size+bytes, packets+count
		n++
	}
	q.bytes -= size
	if n == len(q.entries) && cap(q.entries) > maxIdleEntries {
		q.entries = nil
		return dst
	}
	// The tail moves to the front, so that the array is used again and holds on to no frame.
	q.entries = slices.Delete(q.entries, 0, n)
	return dst
}

func (q *queue) empty() bool { return len(q.entries) == 0 }

func (q *queue) clear() { *q = queue{} }
