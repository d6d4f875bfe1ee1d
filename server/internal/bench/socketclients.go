package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
)

// A mark in its text identifies a sender's own message. It has the same size in each.
const (
	markSign   = '#'
	markFormat = "#%05d-%08d#"
	markSize   = 16
)

// socketClients are Socket.IO clients in channels. They live in this process, which is not measured, and do as little as
// clients can, because they share the machine with what is.
type socketClients struct {
	sockets   []*socketClient
	delivered atomic.Int64
	wanted    atomic.Int64
	all       chan struct{} // gets a value when so many are delivered as are wanted
	broken    chan error
	sent      atomic.Int64
}

type socketClient struct {
	number   int
	conn     net.Conn
	reader   *bufio.Reader
	channel  uuid.UUID
	entity   uuid.UUID
	mark     atomic.Pointer[[]byte] // of the message that the sender waits for
	returned chan struct{}
}

// gather connects sockets to a server, each in its given channel, and joined there if the server speaks Socket.IO.
func gather(addr string, socketIO bool, count int, channel func(n int) uuid.UUID) (*socketClients, error) {
	c := &socketClients{sockets: make([]*socketClient, count), all: make(chan struct{}, 1), broken: make(chan error, 1)}
	errs := make([]error, dialers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			for errs[d] == nil {
				n := int(next.Add(1)) - 1
				if n >= count {
					return
				}
				s := &socketClient{number: n, channel: channel(n), entity: benchID("socket", n), returned: make(chan struct{}, 1)}
				if errs[d] = s.connect(addr, socketIO); errs[d] == nil {
					c.sockets[n] = s
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		c.leave()
		return nil, err
	}
	for _, s := range c.sockets {
		go c.read(s)
	}
	return c, nil
}

func (c *socketClients) leave() {
	for _, s := range c.sockets {
		if s != nil {
			_ = s.conn.Close()
		}
	}
}

func (s *socketClient) connect(addr string, socketIO bool) error {
	kind := kindBare
	if socketIO {
		kind = kindSocketIO
	}
	conn, err := dialSocket(addr, kind, s.number, s.channel.String())
	if err != nil {
		return err
	}
	s.conn, s.reader = conn, bufio.NewReaderSize(conn, 4<<10)
	if !socketIO {
		return nil
	}
	if err := s.emit(1, map[string]any{"channelId": s.channel, "roomId": s.channel, "entityId": s.entity}); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for {
		payload, err := readFrame(s.reader)
		if err != nil {
			return fmt.Errorf("joining a channel: %w", err)
		}
		if bytes.HasPrefix(payload, []byte(`42["messageError"`)) {
			return fmt.Errorf("joining a channel: the server said %s", payload)
		}
		if bytes.HasPrefix(payload, []byte(`42["room_joined"`)) { // the last that is said of it
			return conn.SetReadDeadline(time.Time{})
		}
	}
}

// emit sends what the official clients do.
func (s *socketClient) emit(kind int, payload any) error {
	raw, err := json.Marshal([]any{"message", map[string]any{"type": kind, "payload": payload}})
	if err != nil {
		return err
	}
	_, err = s.conn.Write(frame(0x80, "42"+string(raw)))
	return err
}

// say sends a message and returns when it has come back.
func (c *socketClients) say(s *socketClient) error {
	mark := fmt.Appendf(nil, markFormat, s.number, c.sent.Add(1))
	s.mark.Store(&mark)
	err := s.emit(2, map[string]any{
		"senderId": s.entity, "senderName": "Person", "message": string(mark) + " " + benchText, "channelId": s.channel, "roomId": s.channel,
		"messageServerId": messaging.DefaultServerID, "messageId": uuid.New(), "source": "client_chat", "metadata": map[string]any{"channelType": "GROUP"},
	})
	if err != nil {
		return fmt.Errorf("sending a message: %w", err)
	}
	return c.await(s.returned, "a message to come back")
}

func (c *socketClients) await(happened <-chan struct{}, what string) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-happened:
		return nil
	case err := <-c.broken:
		return err
	case <-timer.C:
		return fmt.Errorf("waited %s for %s", patience, what)
	}
}

// talk lets each of some sockets say so many messages, one after the other, and returns when so many deliveries have been made.
func (c *socketClients) talk(senders []*socketClient, messages, deliveries int) error {
	c.delivered.Store(0)
	c.wanted.Store(int64(deliveries))
	errs := make([]error, len(senders))
	var wg sync.WaitGroup
	for i, s := range senders {
		wg.Go(func() {
			for n := 0; n < messages && errs[i] == nil; n++ {
				errs[i] = c.say(s)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.await(c.all, "all deliveries")
}

var broadcastPrefix = []byte(`42["messageBroadcast"`)

// read counts what is delivered to a socket.
func (c *socketClients) read(s *socketClient) {
	for {
		payload, err := readFrame(s.reader)
		if err != nil {
			select {
			case c.broken <- fmt.Errorf("reading from a socket: %w", err):
			default:
			}
			return
		}
		switch {
		case bytes.Equal(payload, []byte("2")):
			_, _ = io.WriteString(s.conn, "\x81\x81\x00\x00\x00\x003") // a socket that can't be written to fails when it is read
		case bytes.HasPrefix(payload, broadcastPrefix):
			if c.delivered.Add(1) == c.wanted.Load() {
				c.all <- struct{}{}
			}
			if mark := s.mark.Load(); mark != nil && bytes.Contains(payload, *mark) {
				s.mark.Store(nil)
				s.returned <- struct{}{}
			}
		case bytes.HasPrefix(payload, []byte(`42["messageError"`)):
			select {
			case c.broken <- fmt.Errorf("the server said %s", payload):
			default:
			}
		}
	}
}

// readFrame reads a frame and returns what is in it, unmasked only if its mask is zero, until the next one is read. Frames that
// don't fit into the reader's buffer are an error.
func readFrame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	size, length := 2, int(head[1]&0x7f)
	if head[1]&0x80 != 0 {
		size += 4
	}
	switch length {
	case 126:
		if head, err = r.Peek(4); err != nil {
			return nil, err
		}
		size, length = size+2, int(binary.BigEndian.Uint16(head[2:]))
	case 127:
		return nil, errors.New("a frame is larger than any that is measured")
	}
	whole, err := r.Peek(size + length)
	if err != nil {
		return nil, err
	}
	_, err = r.Discard(size + length)
	return whole[size:], err
}

// recordFrame returns the frame in which a server delivers a message, by sending one.
func recordFrame(addr string, channel uuid.UUID) ([]byte, error) {
	c := &socketClients{broken: make(chan error, 1)}
	s := &socketClient{channel: channel, entity: benchID("socket", 0), returned: make(chan struct{}, 1)}
	if err := s.connect(addr, true); err != nil {
		return nil, err
	}
	defer func() { _ = s.conn.Close() }()
	s.returned <- struct{}{} // it is read below
	if err := c.say(s); err != nil {
		return nil, err
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	for {
		payload, err := readFrame(s.reader)
		if err != nil {
			return nil, fmt.Errorf("recording a frame: %w", err)
		}
		if bytes.HasPrefix(payload, broadcastPrefix) {
			return frame(0, string(payload)), nil
		}
	}
}
