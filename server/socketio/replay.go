package socketio

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// history keeps the latest events of one namespace, to replay those that a client missed. It numbers all events of the
// namespace; the number is what clients know as the offset. A nil history numbers and keeps nothing.
type history struct {
	cfg   RecoveryConfig
	epoch string // distinguishes the offsets of this server's life from those of another

	// mu guards what follows, and is held while an event goes from its number to the queues of the sockets: at each of
	// them, events come in the order of their offsets.
	mu      sync.Mutex
	last    uint64 // the latest offset given
	forgot  uint64 // the latest offset of an event that was kept and is not any more
	records []record
	bytes   int
}

// record is an event that was kept.
type record struct {
	offset uint64
	at     time.Time
	sel    Selector
	frame  *engineio.Frame
}

func newHistory(cfg RecoveryConfig) *history {
	if cfg.Mode != RecoveryReplay {
		return nil
	}
	return &history{cfg: cfg, epoch: newID(6)}
}

// emit numbers an event, given as the text of its packet and its attachments, and sends it to the selected sockets. It is
// kept unless it may be lost anyway.
func (h *history) emit(adapter Adapter, sel Selector, opts engineio.SendOptions, text []byte, attachments [][]byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	// The offset becomes the last argument.
	text = append(text[:len(text)-1], `,"`...)
	text = append(h.appendOffset(text, h.last), `"]`...)
	frame := engineio.NewFrame(text, attachments...)
	if !opts.Volatile && opts.Shed == "" {
		h.keep(record{offset: h.last, at: time.Now(), sel: sel, frame: frame})
	}
	return adapter.Broadcast(sel, Message{Frame: frame, Options: opts})
}

func (h *history) appendOffset(dst []byte, offset uint64) []byte {
	dst = append(append(dst, h.epoch...), '.')
	return strconv.AppendUint(dst, offset, 36)
}

// parseOffset returns the number that a client's offset stands for, 0 if it is not one of ours.
func (h *history) parseOffset(text string) uint64 {
	epoch, number, _ := strings.Cut(text, ".")
	offset, err := strconv.ParseUint(number, 36, 64)
	if err != nil || epoch != h.epoch {
		return 0
	}
	return offset
}

// keep adds a record and forgets the oldest ones that are over the bounds. h.mu is held.
func (h *history) keep(r record) {
	h.records = append(h.records, r)
	h.bytes += r.frame.Size()
	n := 0
	for n < len(h.records) && (len(h.records)-n > h.cfg.MaxPackets || h.bytes > h.cfg.MaxBytes || r.at.Sub(h.records[n].at) > h.cfg.MaxDisconnection) {
		h.bytes -= h.records[n].frame.Size()
		h.forgot = h.records[n].offset
		n++
	}
	h.records = slices.Delete(h.records, 0, n)
}

// admit calls deliver, which sends the client what it has to get first: the missed events, as one frame, and then the
// CONNECT packet. No event passes meanwhile. missed is nil if there were none; complete is false if some are not kept any
// more, or if they are more than a queue should take, and then none is given.
func (h *history) admit(s *Socket, maxBytes int, deliver func(missed *engineio.Frame, complete bool)) {
	if h == nil {
		deliver(nil, false)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.resumed == nil {
		s.since = h.last
		deliver(nil, false)
		return
	}
	s.since = s.resumed.since
	// An offset of an earlier session is meaningless here: the client has seen nothing of this one.
	seen := max(s.since, h.parseOffset(s.resumed.offset))
	frames, size := h.missed(seen, s.Rooms())
	if seen < h.forgot || size > maxBytes {
		s.since = h.last
		deliver(nil, false)
		return
	}
	deliver(engineio.JoinFrames(frames...), true)
}

// missed returns the events behind an offset that were for a socket in the given rooms, and their size. h.mu is held.
func (h *history) missed(seen uint64, rooms []string) (frames []*engineio.Frame, size int) {
	first, _ := slices.BinarySearchFunc(h.records, seen+1, func(r record, offset uint64) int {
		return int(int64(r.offset) - int64(offset))
	})
	for _, r := range h.records[first:] {
		if r.sel.covers(rooms) {
			frames = append(frames, r.frame)
			size += r.frame.Size()
		}
	}
	return frames, size
}

// covers reports whether a socket in the given rooms is selected.
func (sel Selector) covers(rooms []string) bool {
	in := func(room string) bool { return slices.Contains(rooms, room) }
	return (len(sel.Rooms) == 0 || slices.ContainsFunc(sel.Rooms, in)) && !slices.ContainsFunc(sel.Except, in)
}
