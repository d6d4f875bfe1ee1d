package socketio_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/socketio"
)

// TestClientsOfOtherLanguages sends what the libraries of other languages send, where that differs from the JavaScript one.
func TestClientsOfOtherLanguages(t *testing.T) {
	for _, test := range []struct {
		name  string
		query string   // of the URL
		send  []string // in turn, each followed by the answer that is expected; empty answers are not waited for
		want  []string // "…" stands for whatever follows
	}{
		{
			"Python", "transport=websocket&EIO=4&t=1764000000.123456",
			[]string{`40/chat,{}`, `42/chat,0["echo","a"]`, `41/chat,`, `40{}`, `421["echo"]`},
			[]string{`40/chat,{"sid"…`, `43/chat,0["a"]`, ``, `40{"sid"…`, `431[]`},
		},
		{
			"Java", "EIO=4&transport=websocket&t=PzFbQ3K",
			[]string{`40/chat,`, `42/chat,0["echo",{"text":"über"}]`, `41/chat,`, `40/chat,`, `42/chat,1["echo",null]`},
			[]string{`40/chat,{"sid"…`, `43/chat,0[{"text":"über"}]`, ``, `40/chat,{"sid"…`, `43/chat,1[null]`},
		},
		{
			"Swift", "transport=websocket&EIO=4&b64=1",
			[]string{`40`, `420["echo",{"a":1,"b":[true,null]},"extra",3]`, `40/chat,{"token":"t"}`, `42/chat,1["echo"]`},
			[]string{`40{"sid"…`, `430[{"a":1,"b":[true,null]},"extra",3]`, `40/chat,{"sid"…`, `43/chat,1[]`},
		},
		{
			"a namespace with a query", "EIO=4&transport=websocket",
			[]string{`40/chat?token=abc,`, `42/chat,0["echo",1]`},
			[]string{`40/chat,{"sid"…`, `43/chat,0[1]`},
		},
		{
			"a namespace without a comma", "EIO=4&transport=websocket",
			[]string{`40/chat`, `42/chat,0["echo",1]`, `41/chat`, `40`},
			[]string{`40/chat,{"sid"…`, `43/chat,0[1]`, ``, `40{"sid"…`},
		},
		{
			"parameters said twice", "EIO=3&transport=polling&EIO=4&transport=websocket",
			[]string{`40`},
			[]string{`40{"sid"…`},
		},
		{
			"an event that is a number, as old servers of this product have it", "EIO=4&transport=websocket",
			[]string{`40`, `420[1,"a"]`},
			[]string{`40{"sid"…`, `430["a"]`},
		},
	} {
		converse := func(t *testing.T, send func(string), next func() string) {
			t.Helper()
			for i, packet := range test.send {
				send(packet)
				if test.want[i] == "" {
					continue
				}
				got := next()
				if prefix, open := strings.CutSuffix(test.want[i], "…"); got != test.want[i] && (!open || !strings.HasPrefix(got, prefix)) {
					t.Fatalf("%s was answered with %s, want %s", packet, got, test.want[i])
				}
			}
		}
		serve := func(t *testing.T, test func(t *testing.T, b *bundle)) {
			bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
				echo := func(s *socketio.Socket) {
					for _, event := range []string{"echo", "1"} {
						s.On(event, func(_ context.Context, ev *socketio.Event) { ev.Ack(ev.Values()...) })
					}
				}
				b.onConnect = echo
				b.io.Of("/chat").OnConnect(echo)
				test(t, b)
			})
		}
		t.Run(test.name, func(t *testing.T) {
			serve(t, func(t *testing.T, b *bundle) {
				ws := b.WebSocket(t, "/socket.io/?"+test.query)
				if open := ws.Next(); !strings.HasPrefix(open, "0{") {
					t.Fatalf("got %q, want an open packet", open)
				}
				converse(t, func(packet string) { ws.Send(packet) }, ws.Next)
				ws.CloseNow()
			})
		})
		t.Run(test.name+", polling", func(t *testing.T) {
			serve(t, func(t *testing.T, b *bundle) {
				p := b.poller("/socket.io/?" + strings.ReplaceAll(test.query, "websocket", "polling"))
				converse(t, p.send, p.next)
				p.send("1")
			})
		})
		t.Run(test.name+", polling and then WebSocket", func(t *testing.T) {
			serve(t, func(t *testing.T, b *bundle) {
				query := "/socket.io/?" + strings.ReplaceAll(test.query, "websocket", "polling")
				p := b.poller(query)
				ws := b.WebSocket(t, strings.ReplaceAll(query, "polling", "websocket")+"&sid="+p.sid)
				ws.Send("2probe")
				ws.Expect("3probe")
				ws.Send("5") // before it has joined anything, as some do
				converse(t, func(packet string) { ws.Send(packet) }, ws.Next)
				ws.CloseNow()
			})
		})
	}
}

// poller is a client on polling.
type poller struct {
	b        *bundle
	url, sid string
	waiting  []string // packets of an earlier payload
}

// poller opens a session.
func (b *bundle) poller(url string) *poller {
	b.t.Helper()
	open := b.Get(b.t, url).Body
	if !strings.HasPrefix(open, "0{") {
		b.t.Fatalf("got %q, want an open packet", open)
	}
	sid := strings.Split(open, `"`)[3]
	return &poller{b: b, url: url + "&sid=" + sid, sid: sid}
}

// send posts a packet as libraries of other languages do: with their content type, and whatever they accept.
func (p *poller) send(packet string) {
	p.b.t.Helper()
	r := p.b.Request(p.b.t, http.MethodPost, p.url, packet)
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	r.Header.Set("Accept", "*/*")
	expect(p.b.t, "post", p.b.Do(p.b.t, r).Body, "ok")
}

func (p *poller) next() string {
	p.b.t.Helper()
	for len(p.waiting) == 0 {
		for packet := range strings.SplitSeq(p.b.Get(p.b.t, p.url).Body, "\x1e") {
			switch packet {
			case "2":
				p.send("3")
			case "6":
			default:
				p.waiting = append(p.waiting, packet)
			}
		}
	}
	first := p.waiting[0]
	p.waiting = p.waiting[1:]
	return first
}

// A library may send all of its first packets in one request.
func TestManyPacketsInOnePost(t *testing.T) {
	bubble(t, socketio.Config{}, func(t *testing.T, b *bundle) {
		b.onConnect = answer
		b.io.Of("/chat").OnConnect(func(*socketio.Socket) {})
		open := b.Get(t, pollingURL+"&b64=1").Body
		url := pollingURL + "&sid=" + strings.Split(open, `"`)[3]
		expect(t, "post", b.Post(t, url, "40{}\x1e40/chat,").Body, "ok")
		answers := strings.Split(b.Get(t, url).Body, "\x1e")
		for len(answers) < 2 {
			answers = append(answers, strings.Split(b.Get(t, url).Body, "\x1e")...)
		}
		for _, prefix := range []string{`40{"sid"`, `40/chat,{"sid"`} {
			if !strings.HasPrefix(answers[0], prefix) && !strings.HasPrefix(answers[1], prefix) {
				t.Errorf("answers %q, want one that begins with %s", answers, prefix)
			}
		}
		expect(t, "close", b.Post(t, url, "41/chat,\x1e41\x1e1").Body, "ok")
	})
}
