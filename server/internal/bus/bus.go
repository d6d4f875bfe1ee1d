// Package bus carries events between the parts of one server and between the nodes of a cluster.
//
// Events are hints: a reader woken by one reads the database, which holds the truth. Delivery is therefore at most once,
// in the publisher's order per subject, and a subscriber that falls behind is not waited for. What the bus does promise is
// that it never loses silently: a message with Lost set takes the place of missing ones.
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// ErrClosed is returned by operations on a bus that was closed.
var ErrClosed = errors.New("bus: closed")

// Message is one event as a subscriber receives it.
type Message struct {
	Subject string
	Value   any  // shared between subscribers; must not be changed
	Lost    bool // events before this point were dropped; Subject and Value are empty
}

// Value returns what was published. It is a T in the publisher's process, and its JSON wherever a bus has carried it to.
func Value[T any](m Message) (T, error) {
	if value, ok := m.Value.(T); ok {
		return value, nil
	}
	var value T
	raw, ok := m.Value.(json.RawMessage)
	if !ok {
		return value, fmt.Errorf("bus: a %T was published on %s, not a %T", m.Value, m.Subject, value)
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return value, fmt.Errorf("bus: decoding what was published on %s: %w", m.Subject, err)
	}
	return value, nil
}

// Bus is a publish-subscribe transport. Implementations are safe for concurrent use.
type Bus interface {
	// Publish hands a value to every subscription whose pattern matches subject: within the process as it is, elsewhere as
	// the JSON that encoding/json makes of it. It doesn't wait for them.
	Publish(ctx context.Context, subject string, value any) error
	// Subscribe returns a subscription that buffers up to size messages. A pattern is a subject, or a prefix followed by
	// "*" that stands for the rest.
	Subscribe(pattern string, size int) (*Subscription, error)
	// Close ends all subscriptions.
	Close() error
}

// Hint publishes a value without returning an error: a lost event loses nothing, so a failure is only logged.
func Hint(ctx context.Context, b Bus, log *slog.Logger, subject string, value any) {
	if err := b.Publish(context.WithoutCancel(ctx), subject, value); err != nil && !errors.Is(err, ErrClosed) {
		log.WarnContext(ctx, "event not published", "subject", subject, "error", err)
	}
}

// Subscription receives the messages of one pattern.
type Subscription struct {
	pattern string
	cancel  func(*Subscription)

	mu     sync.Mutex // serialises senders and Close
	ch     chan Message
	marked bool // the last slot holds a Lost mark that was not followed by a message yet
	closed bool
}

// NewSubscription returns a subscription for use by an implementation of Bus, which feeds it by Deliver; cancel is called
// once, by Close.
func NewSubscription(pattern string, size int, cancel func(*Subscription)) *Subscription {
	return &Subscription{pattern: pattern, cancel: cancel, ch: make(chan Message, max(size, 1)+1)}
}

// C returns the channel of messages. It is closed when the subscription or the bus is.
func (s *Subscription) C() <-chan Message { return s.ch }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.mu.Lock()
	done := s.closed
	if !done {
		s.closed = true
		close(s.ch)
	}
	s.mu.Unlock()
	if !done && s.cancel != nil {
		s.cancel(s)
	}
}

// Deliver queues a message without waiting. Where the queue is full the message is dropped, and one mark saying so takes
// the slot kept for it.
func (s *Subscription) Deliver(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case len(s.ch) < cap(s.ch)-1:
		s.marked = m.Lost
		s.ch <- m
	case !s.marked:
		s.marked = true
		s.ch <- Message{Lost: true}
	}
}

// matches reports whether the subscription wants subject.
func (s *Subscription) matches(subject string) bool {
	prefix, wild := strings.CutSuffix(s.pattern, "*")
	if wild {
		return strings.HasPrefix(subject, prefix)
	}
	return subject == s.pattern
}
