package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// eventRoom is how many events are buffered for the reader. It is more than the messages that one join brings.
const eventRoom = 1024

// Conn is a connection on which the server reports what happens in channels, and takes messages. When it is lost it is made
// again, after pauses that grow up to seconds, until Close; then the channels are joined where they were left, so that every
// message of a channel is delivered once and in order, even over a restart of the server.
//
// A reader that is slow, or doesn't read at all, does no harm: a bounded number of events is buffered for it, messages beyond
// that are read from the server again when there is room, and other events beyond that are dropped, which a [Rejoined] reports.
//
// A Conn is safe for concurrent use.
type Conn struct {
	client *Client
	events chan Event
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when run has returned
	failed error         // why run has ended by itself; valid once done is closed
	wake   chan struct{} // capacity 1: there may be a channel to join

	mu      sync.Mutex
	link    *link         // nil while there is none
	up      chan struct{} // closed while there is a link
	members map[uuid.UUID]*member
	joinAt  time.Time // before this, joining is pointless
}

// Dial connects to the server's sockets, with the client's identity and key; ctx bounds the dialing. It tries as often as any
// request. A server that refuses the client answers with an *Error.
func (c *Client) Dial(ctx context.Context) (*Conn, error) {
	var pause backoff
	for attempt := 0; ; attempt++ {
		l, err := c.connect(ctx)
		if err == nil {
			return newConn(c, l), nil
		}
		if attempt < c.retries && !isFinal(err) && ctx.Err() == nil {
			ended := sleep(ctx, max(pause.next(), retryAfterOf(err)))
			if ended == nil {
				continue
			}
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return nil, fmt.Errorf("connecting to the server's sockets: %w", err)
	}
}

// isFinal reports whether another attempt to connect would end the same way.
func isFinal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status < http.StatusInternalServerError && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// retryAfterOf returns how long the server asks to wait, within reason.
func retryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return min(e.RetryAfter, maxWait)
	}
	return 0
}

func newConn(c *Client, l *link) *Conn {
	ctx, cancel := context.WithCancelCause(context.Background())
	conn := &Conn{
		client: c, events: make(chan Event, eventRoom), cancel: cancel, done: make(chan struct{}), wake: make(chan struct{}, 1),
		up: make(chan struct{}), members: map[uuid.UUID]*member{},
	}
	go func() {
		defer close(conn.done)
		conn.failed = conn.run(ctx, l)
	}()
	return conn
}

// ErrClosed is returned by the methods of a Conn after Close.
var ErrClosed = errors.New("client: the connection is closed")

// Close disconnects from the server and waits until everything has ended. Closing twice is no error.
func (c *Conn) Close() error {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l != nil {
		l.leave()
	}
	c.cancel(ErrClosed)
	<-c.done
	return nil
}

// Events yields the events of the joined channels and of the connection. It waits for more until ctx ends, which it yields as
// an error, or until Close, which ends it; an *Error says that the server refuses the client from now on, and is the last.
// There should be one reader at a time; a later one continues where the one before stopped.
func (c *Conn) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			n, err := c.next(ctx)
			if errors.Is(err, ErrClosed) {
				return
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

// next returns the next event. Events from before the end of the connection come before the end.
func (c *Conn) next(ctx context.Context) (Event, error) {
	select {
	case n := <-c.events:
		return n, nil
	default:
	}
	c.drained()
	select {
	case n := <-c.events:
		return n, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.done:
	}
	select {
	case n := <-c.events:
		return n, nil
	default:
		return nil, c.failed
	}
}

// run keeps a link up until Close, or until the server refuses the client.
func (c *Conn) run(ctx context.Context, l *link) error {
	var pause backoff
	for {
		began := time.Now()
		err := c.use(ctx, l)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.push(Disconnected{Err: err})
		if time.Since(began) > maxPause { // else it was as good as none
			pause = backoff{}
		}
		for l = nil; l == nil; {
			if err := sleep(ctx, max(pause.next(), retryAfterOf(err))); err != nil {
				return err
			}
			if l, err = c.client.connect(ctx); err != nil && isFinal(err) {
				return fmt.Errorf("connecting to the server's sockets again: %w", err)
			}
		}
		c.push(Reconnected{})
	}
}

// use serves one link until it ends.
func (c *Conn) use(ctx context.Context, l *link) error {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.link = l
	close(c.up)
	c.mu.Unlock()
	c.signal()
	var joining sync.WaitGroup
	joining.Go(func() { c.joinAll(ctx, l) })
	err := l.serve(ctx, c.receive)
	c.mu.Lock()
	c.link, c.up = nil, make(chan struct{})
	c.mu.Unlock()
	l.end() // after that, so that callers that notice the loss wait for the next
	cancel()
	joining.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		m.lose()
	}
	return err
}

// current returns the link, and waits for one if there is none.
func (c *Conn) current(ctx context.Context) (*link, error) {
	for {
		c.mu.Lock()
		l, up := c.link, c.up
		c.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-c.done:
			return nil, c.failed
		}
	}
}

// receive takes an event. It runs in the reader of the link.
func (c *Conn) receive(event string, payload json.RawMessage) {
	n, err := decodeEvent(event, payload)
	if err != nil || n == nil {
		return // of a kind that this client doesn't know
	}
	switch n := n.(type) {
	case Broadcast:
		c.receiveMessage(n)
	case ChannelDeleted:
		c.mu.Lock()
		m := c.members[n.ChannelID]
		delete(c.members, n.ChannelID)
		c.mu.Unlock()
		if m != nil && !c.push(n) { // then joining again reports that the channel is empty
			c.mu.Lock()
			m.lag()
			c.members[n.ChannelID] = m
			c.mu.Unlock()
		}
	default:
		c.mu.Lock()
		m := c.members[n.about()]
		wanted := m != nil && m.standing != lagging
		c.mu.Unlock()
		if wanted {
			c.push(n)
		}
	}
}

// receiveMessage delivers a message in its turn.
func (c *Conn) receiveMessage(b Broadcast) {
	c.mu.Lock()
	m := c.members[b.ChannelID]
	if m == nil {
		c.mu.Unlock()
		return
	}
	wasComing, isNews := m.isComing(), m.isNews(b.Seq, b.ClientMessageID != "")
	c.mu.Unlock()
	pushed := isNews && c.push(b)
	c.mu.Lock()
	if pushed {
		m.noteDelivered(b.Seq)
	}
	toJoin := m.standing == away || wasComing && !m.isComing()
	c.mu.Unlock()
	if toJoin {
		c.signal()
	}
}

// push gives an event to the reader, if there is room. Otherwise its channel lags behind until the reader has caught up.
func (c *Conn) push(n Event) bool {
	select {
	case c.events <- n:
		return true
	default:
	}
	c.mu.Lock()
	if m := c.members[n.about()]; m != nil {
		m.lag()
	}
	c.mu.Unlock()
	if len(c.events) == 0 { // the reader was faster, and has not seen the mark
		c.drained()
	}
	return false
}

// drained rejoins the channels that lag behind.
func (c *Conn) drained() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		if m.standing == lagging {
			m.standing = away
			c.signal()
		}
	}
}

// signal wakes joinAll.
func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Channels returns the channels that are joined, or will be when the server is back.
func (c *Conn) Channels() []uuid.UUID {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(c.members))
	for id := range c.members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return ids
}
