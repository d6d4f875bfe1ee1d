package realtime

import (
	"slices"
	"sync"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// plainHub holds the plain connections and the channels that they listen to.
type plainHub struct {
	mu       sync.Mutex
	closed   bool
	conns    map[*plainConn]struct{}
	channels map[uuid.UUID][]*plainConn
	serving  sync.WaitGroup
}

// enter adds a connection, unless the hub is closed.
func (h *plainHub) enter(c *plainConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	if h.conns == nil {
		h.conns, h.channels = map[*plainConn]struct{}{}, map[uuid.UUID][]*plainConn{}
	}
	h.conns[c] = struct{}{}
	h.serving.Add(1)
	return true
}

func (h *plainHub) leave(c *plainConn) {
	h.mu.Lock()
	delete(h.conns, c)
	for id := range c.joined {
		h.remove(c, id)
	}
	h.mu.Unlock()
	h.serving.Done()
}

// join makes a connection a listener of a channel; once is enough. It reports false for one that listens to too many.
func (h *plainHub) join(c *plainConn, channelID uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := c.joined[channelID]; ok {
		return true
	}
	if len(c.joined) >= plainChannels {
		return false
	}
	c.joined[channelID] = struct{}{}
	h.channels[channelID] = append(slices.Clip(h.channels[channelID]), c) // readers hold the old slice
	return true
}

// listens reports whether a connection listens to a channel.
func (h *plainHub) listens(c *plainConn, channelID uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := c.joined[channelID]
	return ok
}

// quit ends that a connection listens to a channel.
func (h *plainHub) quit(c *plainConn, channelID uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(c.joined, channelID)
	h.remove(c, channelID)
}

// remove takes a connection from the listeners of a channel, whose readers hold the old slice. The caller holds the mutex.
func (h *plainHub) remove(c *plainConn, channelID uuid.UUID) {
	rest := slices.DeleteFunc(slices.Clone(h.channels[channelID]), func(o *plainConn) bool { return o == c })
	if h.channels[channelID] = rest; len(rest) == 0 {
		delete(h.channels, channelID)
	}
}

// members returns the listeners of a channel in a slice of the caller's own.
func (h *plainHub) members(channelID uuid.UUID) []*plainConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.channels[channelID])
}

func (h *plainHub) hasListeners(channelID uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.channels[channelID]) > 0
}

// everyone returns the connections that have been accepted.
func (h *plainHub) everyone() []*plainConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	conns := make([]*plainConn, 0, len(h.conns))
	for c := range h.conns {
		if c.admitted {
			conns = append(conns, c)
		}
	}
	return conns
}

// admit marks a connection as let in.
func (h *plainHub) admit(c *plainConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.admitted = true
}

// drop removes a channel that is gone.
func (h *plainHub) drop(channelID uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.channels[channelID] {
		delete(c.joined, channelID)
	}
	delete(h.channels, channelID)
}

// close ends all connections in a way that makes clients come back, and waits for them.
func (h *plainHub) close() {
	h.mu.Lock()
	h.closed = true
	for c := range h.conns {
		c.end(websocket.StatusGoingAway, "server shutting down")
	}
	h.mu.Unlock()
	h.serving.Wait()
}
