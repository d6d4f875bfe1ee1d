package logstream

import "sync"

// Subscription receives the entries of a [Stream] from the moment it was made. Its owner waits on [Subscription.Ready] and
// then calls [Subscription.Take], and calls [Subscription.Close] in the end.
type Subscription struct {
	stream *Stream
	size   int
	ready  chan struct{} // capacity 1: a hint that queue is not empty

	mu      sync.Mutex
	queue   []Entry
	dropped uint64
}

// Subscribe returns a subscription that holds up to size entries for its owner; less than one means 100. When it is full,
// the oldest entry makes room.
func (s *Stream) Subscribe(size int) *Subscription {
	if size < 1 {
		size = 100
	}
	sub := &Subscription{stream: s, size: size, ready: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs[sub] = struct{}{}
	return sub
}

// Ready delivers a value after entries arrived. One value may stand for many entries.
func (sub *Subscription) Ready() <-chan struct{} { return sub.ready }

// Take returns the waiting entries, oldest first, and the number that were dropped before them since the last call.
func (sub *Subscription) Take() (entries []Entry, dropped uint64) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	entries, dropped = sub.queue, sub.dropped
	sub.queue, sub.dropped = nil, 0
	return entries, dropped
}

// Close ends the subscription. Entries that wait can still be taken. Closing twice is harmless.
func (sub *Subscription) Close() {
	sub.stream.mu.Lock()
	defer sub.stream.mu.Unlock()
	delete(sub.stream.subs, sub)
}

func (sub *Subscription) push(e Entry) {
	sub.mu.Lock()
	if len(sub.queue) == sub.size {
		copy(sub.queue, sub.queue[1:])
		sub.queue = sub.queue[:sub.size-1]
		sub.dropped++
	}
	sub.queue = append(sub.queue, e)
	sub.mu.Unlock()
	select {
	case sub.ready <- struct{}{}:
	default: // its owner has not yet answered the last hint
	}
}
