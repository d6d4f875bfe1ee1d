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

func doors() []door {
	quoted := func(text string) string { // not json.Marshal, which would mend what is no UTF-8
		return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
	}
	channel := uuid.NewString()
	message := func(text, padding string) string {
		return `"channelId":"` + channel + `","content":"x","messageId":` + quoted(text) + `,"padding":` + quoted(padding)
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

// What RFC 6455 allows has its effect, however it is cut into frames.
func TestFramesThatAreFine(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, d := range doors() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			p := n.peer(t, d)
			for _, size := range []int{1, 60, 125, 126, 127, 128, 1000, 65_400, 70_000, 400_000} {
				id := fmt.Sprintf("size-%d", size)
				p.send(text(d.say(id, strings.Repeat("x", size))))
				p.until(id)
			}
			p.send(text(d.say("κόσμε 𐀀 ￿", "")))
			p.until("κόσμε 𐀀")
			whole := d.say("in pieces κόσμε", "")
			for i := range len(whole) - 1 { // also within a character
				p.send(fragmented("", whole[:i+1], whole[i+1:]))
			}
			for range len(whole) - 1 {
				p.until("in pieces κόσμε")
			}
			p.send(fragmented("", strings.Split(whole, "")...))
			p.until("in pieces κόσμε")
			p.send(fragmented("", "", whole, ""))
			p.until("in pieces κόσμε")
			for _, b := range []byte(text(whole) + wsFrame(bitFinal|opPing, "slow")) { // one byte at a time
				p.send(string([]byte{b}))
			}
			p.pong("slow")

			p.send(wsFrame(bitFinal|opPing, ""))
			p.pong("")
			p.send(wsFrame(bitFinal|opPing, strings.Repeat("\xfe", 125)))
			p.pong(strings.Repeat("\xfe", 125))
			p.send(wsFrame(bitFinal|opPong, "not asked for") + wsFrame(bitFinal|opPong, ""))
			p.send(strings.Repeat(wsFrame(bitFinal|opPing, "many"), 10))
			for range 10 {
				p.pong("many")
			}
			p.send(fragmented(wsFrame(bitFinal|opPing, "between")+wsFrame(bitFinal|opPong, "x"), whole[:10], whole[10:20], whole[20:]))
			p.pong("between")
			p.pong("between")
			p.until("in pieces κόσμε")
		})
	}
}

// What it forbids ends the connection, with the status that says why, and no other one.
func TestFramesThatEndTheConnection(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	const (
		protocolError = 1002
		notUTF8       = 1007
		tooBig        = 1009
		noStatus      = 1005
		noFrame       = 1006
	)
	for _, d := range doors() {
		neighbour := n.peer(t, d)
		whole := d.say("x", "")
		unmasked := string([]byte{bitFinal | opText, byte(len(whole))}) + whole
		cases := []struct {
			name, bytes string
			status      []int // any of them
		}{
			{"not masked", unmasked, []int{protocolError, noFrame, noStatus}}, // it may close without a word or a reason
			{"control frame of 126 bytes", wsFrame(bitFinal|opPing, strings.Repeat("x", 126)), []int{protocolError}},
			{"control frame in pieces", wsFrame(opPing, "x"), []int{protocolError}},
			{"continuation of nothing", wsFrame(bitFinal|opContinuation, whole), []int{protocolError}},
			{"continuation of nothing, to go on", wsFrame(opContinuation, whole), []int{protocolError}},
			{"continuation of a whole message", text(whole) + wsFrame(bitFinal|opContinuation, whole), []int{protocolError}},
			{"message within a message", wsFrame(opText, whole) + text(whole), []int{protocolError}},
			{"binary within a text", wsFrame(opText, whole) + wsFrame(bitFinal|opBinary, whole), []int{protocolError}},
			{"length with its highest bit set", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", []int{protocolError, tooBig, noFrame}},
			{"not UTF-8", text(d.say("\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited", "")), []int{notUTF8}},
			{"not UTF-8 in the last piece", fragmented("", whole[:8], whole[8:]+"\xff"), []int{notUTF8}},
			{"character cut short", text(whole + "\xce"), []int{notUTF8}},
			{"surrogate", text(d.say("\xed\xa0\x80", "")), []int{notUTF8}},
			{"beyond Unicode", text(d.say("\xf4\x90\x80\x80", "")), []int{notUTF8}},
			{"overlong", text(d.say("\xc0\xaf", "")), []int{notUTF8}},
			{"too large", text(d.say("x", strings.Repeat("x", 1_100_000))), []int{tooBig}},
			{"too large, in pieces", fragmented("", strings.Repeat("4", 600_000), strings.Repeat("4", 600_000)), []int{tooBig}},
			{"close", wsFrame(bitFinal|opClose, ""), []int{noStatus}},
			{"close with a status", closing(1000, ""), []int{1000}},
			{"close with a reason", closing(1000, strings.Repeat("x", 123)), []int{1000}},
			{"close with a status of an application", closing(3000, "") + text(whole), []int{3000}},
			{"close with the largest status", closing(4999, ""), []int{4999}},
			{"close with half a status", wsFrame(bitFinal|opClose, "\x03"), []int{protocolError}},
			{"close with 124 bytes of reason", closing(1000, strings.Repeat("x", 124)), []int{protocolError}},
		}
		for bit := byte(0x10); bit <= 0x40; bit <<= 1 {
			cases = append(cases, struct {
				name, bytes string
				status      []int
			}{fmt.Sprintf("reserved bit %x", bit), wsFrame(bitFinal|bit|opText, whole), []int{protocolError}})
		}
		for _, opcode := range []byte{3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf} {
			cases = append(cases, struct {
				name, bytes string
				status      []int
			}{fmt.Sprintf("opcode %x", opcode), wsFrame(bitFinal|opcode, ""), []int{protocolError}})
		}
		for _, status := range []uint16{0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535} {
			cases = append(cases, struct {
				name, bytes string
				status      []int
			}{fmt.Sprintf("close with the status %d", status), closing(status, ""), []int{protocolError}})
		}
		for _, tt := range cases {
			t.Run(d.name+", "+tt.name, func(t *testing.T) {
				p := n.peer(t, d)
				_, _ = io.WriteString(p.conn, tt.bytes) // the server need not read it all
				status := p.closed()
				for _, want := range tt.status {
					if status == want {
						return
					}
				}
				t.Errorf("status %d, want one of %v", status, tt.status)
			})
		}
		neighbour.send(text(d.say("has noticed nothing", "")))
		neighbour.until("has noticed nothing")
	}
}
