package bus

import (
	"context"
	"strings"
	"sync"
)

// Local is the bus of a single process.
type Local struct {
	mu     sync.RWMutex
	exact  map[string]map[*Subscription]struct{} // by subject
	wild   map[*Subscription]struct{}
	closed bool
}

// NewLocal returns a bus that reaches the subscribers of this process.
func NewLocal() *Local {
	return &Local{exact: map[string]map[*Subscription]struct{}{}, wild: map[*Subscription]struct{}{}}
}

// Publish implements Bus. Every matching subscription has the message queued when it returns.
func (b *Local) Publish(_ context.Context, subject string, value any) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return ErrClosed
	}
	m := Message{Subject: subject, Value: value}
	for s := range b.exact[subject] {
		s.Deliver(m)
	}
	for s := range b.wild {
		if s.matches(subject) {
			s.Deliver(m)
		}
	}
	return nil
}

// Subscribe implements Bus.
func (b *Local) Subscribe(pattern string, size int) (*Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	s := NewSubscription(pattern, size, b.remove)
	if strings.HasSuffix(pattern, "*") {
		b.wild[s] = struct{}{}
		return s, nil
	}
	if b.exact[pattern] == nil {
		b.exact[pattern] = map[*Subscription]struct{}{}
	}
	b.exact[pattern][s] = struct{}{}
	return s, nil
}

// Close implements Bus.
func (b *Local) Close() error {
	b.mu.Lock()
	b.closed = true
	var all []*Subscription
	for s := range b.wild {
		all = append(all, s)
	}
	for _, subs := range b.exact {
		for s := range subs {
			all = append(all, s)
		}
	}
	b.mu.Unlock()
	for _, s := range all {
		s.Close()
	}
	return nil
}

func (b *Local) remove(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.wild, s)
	if subs := b.exact[s.pattern]; subs != nil {
		delete(subs, s)
		if len(subs) == 0 {
			delete(b.exact, s.pattern)
		}
	}
}
