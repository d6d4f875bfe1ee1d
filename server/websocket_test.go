package server_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

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
