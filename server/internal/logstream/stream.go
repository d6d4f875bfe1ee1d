package logstream

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// Stream keeps the newest entries and passes each on to its subscribers. It is safe for concurrent use. Make it with
// [NewStream].
type Stream struct {
	mu     sync.Mutex
	ring   []Entry // oldest first, beginning at next, once it is full
	next   int     // where the next entry goes
	seq    uint64
	subs   map[*Subscription]struct{}
	bounds int
}

// NewStream returns a stream that keeps up to size entries; less than one means 1000.
func NewStream(size int) *Stream {
	if size < 1 {
		size = 1000
	}
	return &Stream{bounds: size, subs: map[*Subscription]struct{}{}}
}

// Append adds an entry that did not come from the logger, such as one that a client submits, and returns it with its
// sequence number. Secrets in its attributes are replaced.
func (s *Stream) Append(e Entry) Entry {
	e.Message = cut(e.Message, maxMessage)
	attrs := e.Attrs
	e.Attrs = nil
	for _, a := range attrs {
		e.add(nil, slog.Any(a.Key, a.Value))
	}
	return s.publish(e)
}

func (s *Stream) publish(e Entry) Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	e.Seq = s.seq
	if len(s.ring) < s.bounds {
		s.ring = append(s.ring, e)
	} else {
		s.ring[s.next] = e
	}
	s.next = (s.next + 1) % s.bounds
	for sub := range s.subs {
		sub.push(e)
	}
	return e
}

// Last returns the newest n entries for which keep is true, oldest first. A nil keep keeps all. keep must not log.
func (s *Stream) Last(n int, keep func(*Entry) bool) []Entry {
	s.mu.Lock()
	entries := make([]Entry, 0, len(s.ring))
	if len(s.ring) == s.bounds {
		entries = append(entries, s.ring[s.next:]...)
		entries = append(entries, s.ring[:s.next]...)
	} else {
		entries = append(entries, s.ring...)
	}
	s.mu.Unlock()

	var out []Entry
	for i := len(entries) - 1; i >= 0 && len(out) < n; i-- {
		if keep == nil || keep(&entries[i]) {
			out = append(out, entries[i])
		}
	}
	slices.Reverse(out)
	return out
}

// Len returns the number of entries kept.
func (s *Stream) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ring)
}

// Clear forgets all entries and returns how many there were. Sequence numbers continue.
func (s *Stream) Clear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.ring)
	s.ring, s.next = nil, 0
	return n
}

// Handler returns a slog handler that appends every record at or above level to the stream.
func (s *Stream) Handler(level slog.Leveler) slog.Handler {
	return &handler{stream: s, level: level}
}

// handler turns records into entries.
type handler struct {
	stream *Stream
	level  slog.Leveler
	groups []string
	base   Entry // holds the attributes of With
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	e := h.base
	e.Time, e.Level, e.Message = r.Time, r.Level, cut(r.Message, maxMessage)
	e.Attrs = make([]Attr, len(h.base.Attrs), len(h.base.Attrs)+r.NumAttrs())
	copy(e.Attrs, h.base.Attrs)
	r.Attrs(func(a slog.Attr) bool {
		e.add(h.groups, a)
		return true
	})
	h.stream.publish(e)
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.base.Attrs = slices.Clone(h.base.Attrs)
	for _, a := range attrs {
		c.base.add(h.groups, a)
	}
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups = append(h.groups[:len(h.groups):len(h.groups)], name)
	return &c
}
