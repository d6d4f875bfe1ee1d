package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
)

// joinsAtOnce is how many joins run at a time, until their missed messages have arrived. More would bring more at once than the
// server queues for a client before it disconnects it as too slow.
const joinsAtOnce = 2

// Join subscribes to a channel, which need not exist yet: to the messages after number after or, with [Latest], from now on. It
// returns the number of the newest message there is; later ones are delivered live, after those that were missed. A channel
// that is joined already stays as it is.
//
// Join waits for the server, even for one that is away, as long as ctx and the client's timeout allow. A refusal is an *Error.
func (c *Conn) Join(ctx context.Context, channelID uuid.UUID, after int64) (newest int64, err error) {
	ctx, cancel := c.client.bound(ctx)
	defer cancel()
	if newest, err = c.join(ctx, channelID, after); err != nil {
		return 0, fmt.Errorf("joining a channel: %w", err)
	}
	return newest, nil
}

func (c *Conn) join(ctx context.Context, channelID uuid.UUID, after int64) (newest int64, err error) {
	c.mu.Lock()
	m := c.members[channelID]
	isNew := m == nil
	if isNew {
		m = newMember(channelID, max(after, 0))
		c.members[channelID] = m
		c.signal()
	}
	m.waiting++
	c.mu.Unlock()
	select {
	case <-m.settle:
		err = m.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-c.done:
		err = c.failed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m.waiting--
	if !m.settled && m.waiting == 0 && c.members[channelID] == m { // no caller wants it any more
		delete(c.members, channelID)
	}
	if isNew {
		return m.start, err
	}
	return max(m.seq, m.reach), err
}

// Leave unsubscribes from a channel. One that isn't joined is no error.
func (c *Conn) Leave(ctx context.Context, channelID uuid.UUID) error {
	c.mu.Lock()
	delete(c.members, channelID)
	l := c.link
	c.mu.Unlock()
	c.signal()
	if l == nil {
		return nil // the next connection doesn't begin with it
	}
	ctx, cancel := c.client.bound(ctx)
	defer cancel()
	if _, err := l.ask(ctx, "leave_channel", api.SocketChannelRef{ChannelID: channelID.String()}); err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("leaving a channel: %w", err)
	}
	return nil
}

// joinAll joins channels as soon as they are to be joined, until the link ends.
func (c *Conn) joinAll(ctx context.Context, l *link) {
	for {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
		for m, payload := c.nextJoin(); m != nil; m, payload = c.nextJoin() {
			if err := l.call("join_channel", payload, func(answer json.RawMessage, err error) { c.joined(m, answer, err) }); err != nil {
				return // the link has ended
			}
		}
		c.mu.Lock()
		pause := time.Until(c.joinAt)
		c.mu.Unlock()
		if pause <= 0 {
			continue
		}
		if sleep(ctx, pause) != nil {
			return
		}
		c.signal()
	}
}

// nextJoin returns a channel to join and what to send for it, nil if there is none for now.
func (c *Conn) nextJoin() (m *member, payload any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.joinAt) {
		return nil, nil
	}
	underWay := 0
	for _, other := range c.members {
		switch {
		case other.isComing():
			underWay++
		case other.standing == away:
			m = other
		}
	}
	if m == nil || underWay >= joinsAtOnce {
		return nil, nil
	}
	m.standing = asked
	return m, api.SocketJoin{ChannelID: m.id.String(), LastSeq: new(m.seq)}
}

// joined takes the answer to a join. It runs in the reader of the link, before the missed messages are read.
func (c *Conn) joined(m *member, answer json.RawMessage, err error) {
	var a api.SocketJoined
	if err == nil {
		err = json.Unmarshal(answer, &a)
	}
	if errors.Is(err, errLost) {
		return
	}
	c.mu.Lock()
	if c.members[m.id] != m { // left meanwhile
		c.mu.Unlock()
		return
	}
	var event Event
	switch refusal, refused := errors.AsType[*Error](err); {
	case err == nil:
		if n, ok := m.confirmed(a); ok {
			event = n
		}
	case refused && isPassing(refusal):
		m.standing, c.joinAt = away, time.Now().Add(max(refusal.RetryAfter, firstPause))
	default:
		delete(c.members, m.id)
		if !m.settled {
			m.err = err
			close(m.settle)
		} else if refused {
			event = Refused{ChannelID: m.id, Err: refusal}
		}
	}
	c.mu.Unlock()
	c.signal()
	if event != nil {
		c.push(event)
	}
}

// isPassing reports whether a refusal on a socket may be over soon.
func isPassing(e *Error) bool {
	switch e.Code {
	case apierr.RateLimited, apierr.Unavailable, apierr.Internal, apierr.Timeout:
		return true
	}
	return false
}
