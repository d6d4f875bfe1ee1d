package server_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Opcodes and bits of frames, RFC 6455 §5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
	bitFinal       = 0x80
	bitMask        = 0x80
)

// wsFrame returns the bytes of one frame as a client sends it. first is the final bit, the reserved bits and the opcode.
func wsFrame(first byte, payload string) string {
	header := []byte{first}
	switch size := len(payload); {
	case size < 126:
		header = append(header, bitMask|byte(size))
	case size < 1<<16:
		header = binary.BigEndian.AppendUint16(append(header, bitMask|126), uint16(size))
	default:
		header = binary.BigEndian.AppendUint64(append(header, bitMask|127), uint64(size))
	}
	key := binary.BigEndian.AppendUint32(nil, rand.Uint32())
	masked := append(header, key...)
	for i := range len(payload) {
		masked = append(masked, payload[i]^key[i%4])
	}
	return string(masked)
}

// text returns a whole text message.
func text(payload string) string { return wsFrame(bitFinal|opText, payload) }

// fragmented returns a text message in pieces, with what stands between them.
func fragmented(between string, pieces ...string) string {
	var b strings.Builder
	for i, piece := range pieces {
		first := byte(opContinuation)
		if i == 0 {
			first = opText
		} else {
			b.WriteString(between)
		}
		if i == len(pieces)-1 {
			first |= bitFinal
		}
		b.WriteString(wsFrame(first, piece))
	}
	return b.String()
}

// closing returns a close frame with a status.
func closing(status uint16, reason string) string {
	return wsFrame(bitFinal|opClose, string(binary.BigEndian.AppendUint16(nil, status))+reason)
}

// door is a way in for WebSockets. Each has a message whose answer holds a text of the client's.
type door struct {
	name, path string
	hello      string // to send after the handshake, if anything
	ready      string // in the last frame of the greeting
	say        func(text, padding string) string
}

// doors returns the two ways in.
func doors() []door {
	quoted := func(text string) string { // not json.Marshal, which would mend what is no UTF-8
		return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
	}
	channel := uuid.New()
	message := func(text, padding string) string {
		return `"channelId":"` + channel.String() + `","content":"x","messageId":` + quoted(text) + `,"padding":` + quoted(padding)
	}
	return []door{
		{"Socket.IO", "/socket.io/?EIO=4&transport=websocket", "40", "connection_established", func(text, padding string) string {
			return `42["send_message",{` + message(text, padding) + `}]`
		}},
		{"plain", "/ws", "", `"connected"`, func(text, padding string) string {
			return `{"type":"message",` + message(text, padding) + `}`
		}},
	}
}

// wsPeer is a client that can send what no library would.
type wsPeer struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// peer connects to a door and reads its greeting.
func (n *node) peer(t *testing.T, d door) *wsPeer {
	t.Helper()
	base, err := url.Parse(n.http.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", base.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &wsPeer{t: t, conn: conn, in: bufio.NewReader(conn)}
	p.send("GET " + d.path + " HTTP/1.1\r\nHost: " + base.Host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	response, err := http.ReadResponse(p.in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", response, err)
	}
	if d.hello != "" {
		p.send(text(d.hello))
	}
	p.until(d.ready)
	return p
}

// send writes bytes as they are.
func (p *wsPeer) send(data string) {
	p.t.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience)) // what it says of a closed connection, writing says too
	if _, err := io.WriteString(p.conn, data); err != nil {
		p.t.Fatalf("writing: %v", err)
	}
}

// frame reads the next frame.
func (p *wsPeer) frame() (opcode byte, payload string, err error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, "", err
	}
	header := make([]byte, 2)
	if _, err := io.ReadFull(p.in, header); err != nil {
		return 0, "", err
	}
	size, extended := uint64(header[1]), 0
	switch header[1] {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if extended > 0 {
		raw := make([]byte, 8)
		if _, err := io.ReadFull(p.in, raw[8-extended:]); err != nil {
			return 0, "", err
		}
		size = binary.BigEndian.Uint64(raw)
	}
	data := make([]byte, size)
	_, err = io.ReadFull(p.in, data)
	if header[0]&0x70 != 0 || header[1]&bitMask != 0 {
		return 0, "", fmt.Errorf("frame header %x", header)
	}
	return header[0] & 0xf, string(data), err
}

// until reads frames up to a text with the given part in it.
func (p *wsPeer) until(part string) {
	p.t.Helper()
	for {
		opcode, payload, err := p.frame()
		if err != nil {
			p.t.Fatalf("waiting for %.60q: %v", part, err)
		}
		if opcode == opClose {
			p.t.Fatalf("waiting for %.60q: closed with %x", part, payload)
		}
		if opcode == opText && strings.Contains(payload, part) {
			return
		}
	}
}

// pong reads frames up to a pong.
func (p *wsPeer) pong(want string) {
	p.t.Helper()
	for {
		opcode, payload, err := p.frame()
		if err != nil {
			p.t.Fatalf("waiting for a pong: %v", err)
		}
		if opcode == opPong {
			if payload != want {
				p.t.Errorf("pong %q, want %q", payload, want)
			}
			return
		}
	}
}

// closed reads to the end of the connection and returns the status of the close frame: 1005 for one without, 1006 for none.
func (p *wsPeer) closed() (status int) {
	p.t.Helper()
	status = 1006
	for {
		opcode, payload, err := p.frame()
		if err, timeout := err.(net.Error); timeout && err.Timeout() {
			p.t.Fatal("the connection stays open")
		}
		if err != nil {
			return status
		}
		if opcode != opClose {
			continue
		}
		if status = 1005; len(payload) >= 2 {
			status = int(binary.BigEndian.Uint16([]byte(payload)))
		}
		_, _ = io.WriteString(p.conn, wsFrame(bitFinal|opClose, payload)) // the server may not wait for it
	}
}
