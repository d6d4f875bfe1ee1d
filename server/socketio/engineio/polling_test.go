package engineio_test

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestPollIsHeldUntilThereIsSomething(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		poll := b.hold(url)
		if len(poll) != 0 {
			t.Fatal("answered with nothing")
		}
		r.send("one", "two")
		reply := <-poll
		// Messages sent at once may go with one reply or with two, but in order.
		if reply.Body == "4one" {
			reply.Body += "\x1e" + b.Get(t, url).Body
		}
		expect(t, "body", reply.Body, "4one\x1e4two")
	})
}

func TestPayloadsBothWays(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		reply := b.Post(t, url, "4one\x1ebAQID\x1e4två")
		expect(t, "status", reply.Status, 200)
		expect(t, "body", reply.Body, "ok")
		expect(t, "content type", reply.Header.Get("Content-Type"), "text/html")
		for _, want := range []string{"one", "binary:\x01\x02\x03", "två"} {
			expect(t, "message", <-r.messages, want)
		}
		r.session.Send(engineio.NewFrame([]byte("with"), []byte{1}, []byte{2, 3}), engineio.SendOptions{})
		r.session.Send(engineio.NewBinaryFrame([]byte{4}), engineio.SendOptions{})
		expect(t, "reply", b.Get(t, url).Body, "4with\x1ebAQ==\x1ebAgM=\x1ebBA==")
	})
}

func TestReplyIsBounded(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		big := strings.Repeat("x", 600_000)
		r.send(big, big, "small")
		expect(t, "first reply", len(b.Get(t, url).Body), 1+len(big))
		expect(t, "second reply", b.Get(t, url).Body, "4"+big+"\x1e4small")
	})
}

// An application may have set timeouts on its HTTP server that suit its other routes.
func TestLargeRepliesAreCompressed(t *testing.T) {
	long := strings.Repeat("All work and no play makes Jack a dull boy. ", 100)
	random := make([]byte, 2000)
	_, _ = rand.Read(random)
	noise := base64.StdEncoding.EncodeToString(random) // shrinks by a quarter at most
	for _, test := range []struct {
		name, accept, message, encoding string
		off                             bool
	}{
		{"accepted", "gzip, deflate, br", long, "gzip", false},
		{"accepted with a weight", "br;q=1, GZIP ; q=0.5", long, "gzip", false},
		{"not accepted", "identity", long, "", false},
		{"excluded", "gzip;q=0, br", long, "", false},
		{"malformed weight", "gzip;q=x", long, "", false},
		{"short", "gzip", "short", "", false},
		{"hard to compress", "gzip", noise, "gzip", false},
		{"switched off", "gzip", long, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, engineio.Config{Compress: !test.off}, func(t *testing.T, b *bundle) {
				url, r := b.open()
				r.send(test.message)
				request := b.Request(t, http.MethodGet, url, "")
				request.Header.Set("Accept-Encoding", test.accept)
				reply := b.Do(t, request)
				expect(t, "encoding", reply.Header.Get("Content-Encoding"), test.encoding)
				expect(t, "varies", reply.Header.Get("Vary") == "Accept-Encoding", !test.off && len(test.message) >= 1024)
				body := reply.Body
				if test.encoding != "" {
					expect(t, "length", reply.Header.Get("Content-Length"), strconv.Itoa(len(body)))
					unpacked, err := gzip.NewReader(strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					raw, err := io.ReadAll(unpacked)
					if err != nil {
						t.Fatal(err)
					}
					body = string(raw)
				}
				expect(t, "body", body, "4"+test.message)
			})
		})
	}
}

func TestPollOutlivesTheTimeoutsOfTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, engineio.Config{}, func(t testing.TB, h http.Handler) (*sockettest.Net, func()) {
			return sockettest.ServeWith(t, &http.Server{Handler: h, ReadTimeout: time.Second, WriteTimeout: time.Second})
		})
		url, r := b.open()
		poll := b.hold(url)
		advance(5 * time.Second)
		r.send("late")
		expect(t, "poll", (<-poll).Body, "4late")
		r.session.Abort("done")
		b.stop()
	})
}

func TestSecondPollEndsTheSession(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		first := b.hold(url)
		second := b.Get(t, url)
		expect(t, "status of the second", second.Status, 400)
		expect(t, "body of the second", second.Body, "")
		reply := <-first
		expect(t, "status of the first", reply.Status, 200)
		expect(t, "body of the first", reply.Body, "1")
		expect(t, "reason", <-r.closed, engineio.ReasonTransportError)
		expect(t, "later poll", b.Get(t, url).Body, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestAbortedPollEndsTheSession(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		ctx, cancel := context.WithCancel(t.Context())
		request := b.Request(t, http.MethodGet, url, "").WithContext(ctx)
		done := make(chan error)
		go func() {
			_, err := b.Client.Do(request)
			done <- err
		}()
		synctest.Wait()
		cancel()
		<-done
		expect(t, "reason", <-r.closed, engineio.ReasonTransportClose)
		expect(t, "later poll", b.Get(t, url).Status, 400)
	})
}

func TestRefusedPosts(t *testing.T) {
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		reason                  string // empty if the session survives
	}{
		{"malformed", "", "abc", 400, engineio.ReasonParseError},
		{"malformed behind a good one", "", "4a\x1ex", 400, engineio.ReasonParseError},
		{"empty", "", "", 400, engineio.ReasonParseError},
		{"bad base64", "", "b!!!", 400, engineio.ReasonParseError},
		{"not UTF-8", "", "4\xff", 400, engineio.ReasonParseError},
		{"ping from the client", "", "2", 400, engineio.ReasonParseError},
		{"open from the client", "", "0{}", 400, engineio.ReasonParseError},
		{"too many packets", "", strings.Repeat("4\x1e", 10) + "4", 400, engineio.ReasonParseError},
		{"binary body", "application/octet-stream", "4a", 400, engineio.ReasonTransportError},
		{"too large", "", "4" + strings.Repeat("x", 1000), 413, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, engineio.Config{MaxPayload: 1000, MaxPackets: 10}, func(t *testing.T, b *bundle) {
				url, r := b.open()
				request := b.Request(t, http.MethodPost, url, test.body)
				if test.contentType != "" {
					request.Header.Set("Content-Type", test.contentType)
				}
				reply := b.Do(t, request)
				expect(t, "status", reply.Status, test.status)
				if test.status == 413 {
					expect(t, "body", reply.Body, "")
				}
				if test.reason == "" {
					expect(t, "next post", b.Post(t, url, "4x").Body, "ok")
					return
				}
				expect(t, "reason", <-r.closed, test.reason)
				expect(t, "next poll", b.Get(t, url).Body, `{"code":1,"message":"Session ID unknown"}`)
			})
		})
	}
}

func TestChunkedPostOverTheLimit(t *testing.T) {
	bubble(t, engineio.Config{MaxPayload: 1000}, func(t *testing.T, b *bundle) {
		url, _ := b.open()
		request := b.Request(t, http.MethodPost, url, "")
		request.Body = http.NoBody
		request.ContentLength = -1
		request.Body = readCloser{strings.NewReader("4" + strings.Repeat("x", 1000))}
		reply := b.Do(t, request)
		expect(t, "status", reply.Status, 413)
		expect(t, "body", reply.Body, "")
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestSecondPostEndsTheSession(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		b.onOpen = func(r *recorder) { r.block = make(chan struct{}) }
		url, r := b.open()
		request := b.Request(t, http.MethodPost, url, "4slow")
		first := make(chan int)
		go func() { first <- b.Do(t, request).Status }()
		synctest.Wait()
		expect(t, "status of the second", b.Post(t, url, "4x").Status, 400)
		expect(t, "reason", <-r.closed, engineio.ReasonTransportError)
		close(r.block)
		expect(t, "status of the first", <-first, 200)
	})
}

func TestClientClosesOnPolling(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		poll := b.hold(url)
		expect(t, "post", b.Post(t, url, "4before\x1e1\x1e4after").Body, "ok")
		expect(t, "held poll", (<-poll).Body, "6")
		expect(t, "reason", <-r.closed, engineio.ReasonTransportClose)
		expect(t, "message before", <-r.messages, "before")
		expect(t, "messages after", len(r.messages), 0)
		expect(t, "later poll", b.Get(t, url).Status, 400)
	})
}

func TestClientClosesBetweenPolls(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, _ := b.open()
		expect(t, "post", b.Post(t, url, "1").Body, "ok")
		// A poll that is being held gets what it would have got a moment before.
		expect(t, "first poll", b.Get(t, url).Body, "6")
		expect(t, "second poll", b.Get(t, url).Status, 400)
	})
}

func TestServerClosesOnPolling(t *testing.T) {
	for _, test := range []struct {
		held, queued bool
		want         string
	}{
		{true, false, "1"},
		{true, true, "4last\x1e1"},
		{false, false, "6\x1e1"},
		{false, true, "4last\x1e1"},
	} {
		t.Run(fmt.Sprintf("held=%v,queued=%v", test.held, test.queued), func(t *testing.T) {
			bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
				url, r := b.open()
				end := func() {
					if test.queued {
						r.send("last")
					}
					r.session.Close("")
				}
				var body string
				if test.held {
					poll := b.hold(url)
					end()
					body = (<-poll).Body
				} else {
					end()
					expect(t, "reason, before the client knows", <-r.closed, engineio.ReasonForcedClose)
					expect(t, "post after the end", b.Post(t, url, "4x").Status, 400)
					body = b.Get(t, url).Body
				}
				if body == "4last" { // the poll was released before the end
					body += "\x1e" + strings.TrimPrefix(b.Get(t, url).Body, "6\x1e")
				}
				expect(t, "poll", body, test.want)
				expect(t, "later poll", b.Get(t, url).Status, 400)
				expect(t, "sessions", b.server.Stats().Sessions[engineio.Polling], 0)
			})
		})
	}
}

func TestClosedSessionIsForgotten(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		_, r := b.open()
		r.send("nobody will ask for this")
		r.session.Close("")
		advance(29 * time.Second)
		expect(t, "sessions after 29 s", b.server.Stats().Sessions[engineio.Polling], 1)
		advance(2 * time.Second)
		expect(t, "sessions after 31 s", b.server.Stats().Sessions[engineio.Polling], 0)
	})
}

// python-engineio refuses a payload of more than 16 packets.
const mostPackets = 16

// collect polls until a number of packets has arrived, and returns them.
func (b *bundle) collect(t *testing.T, url string, want int) []string {
	t.Helper()
	var got []string
	for len(got) < want {
		packets := strings.Split(b.Get(t, url).Body, "\x1e")
		if len(packets) > mostPackets {
			t.Errorf("%d packets in one response", len(packets))
		}
		got = append(got, packets...)
	}
	return got
}

// numbered returns the packets of a number of messages.
func numbered(n int) (messages, packets []string) {
	for i := range n {
		messages = append(messages, strconv.Itoa(i))
		packets = append(packets, "4"+strconv.Itoa(i))
	}
	return messages, packets
}

func TestBurstGoesWithSeveralReplies(t *testing.T) {
	messages, want := numbered(60)
	attachments := make([][]byte, 40)
	for i := range attachments {
		attachments[i] = []byte{byte(i)}
	}
	for _, test := range []struct {
		name string
		send func(r *recorder)
		want []string
	}{
		{"messages", func(r *recorder) { r.send(messages...) }, want},
		{"a message with many attachments", func(r *recorder) {
			r.session.Send(engineio.NewFrame([]byte("with"), attachments...), engineio.SendOptions{Shed: "stream"})
			r.send("after")
		}, slices.Concat([]string{"4with"}, each(attachments, func(a []byte) string { return "b" + base64.StdEncoding.EncodeToString(a) }), []string{"4after"})},
		{"messages joined to one", func(r *recorder) {
			r.send("before")
			r.session.Send(engineio.JoinFrames(each(messages, func(m string) *engineio.Frame { return chunk(m) })...), engineio.SendOptions{})
		}, slices.Concat([]string{"4before"}, want)},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
				url, r := b.open()
				test.send(r)
				if got := b.collect(t, url, len(test.want)); !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
				r.send("next")
				expect(t, "what comes next", b.Get(t, url).Body, "4next")
			})
		})
	}
}

// The rest of a frame goes by WebSocket when the session is upgraded meanwhile.
func TestRestOfAFrameIsUpgraded(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		messages, want := numbered(20)
		url, r := b.open()
		r.session.Send(engineio.JoinFrames(each(messages, func(m string) *engineio.Frame { return chunk(m) })...), engineio.SendOptions{})
		got := b.collect(t, url, 1)
		ws := b.WebSocket(t, strings.Replace(url, "polling", "websocket", 1))
		ws.Send("2probe")
		expect(t, "probe", ws.Next(), "3probe")
		ws.Send("5")
		for len(got) < len(want) {
			got = append(got, ws.Next())
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A session that is closed still delivers what was sent before, and only then the close packet.
func TestBurstBeforeTheClose(t *testing.T) {
	for _, n := range []int{15, 16, 17, 60} {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d,held=%v", n, held), func(t *testing.T) {
				bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
					messages, want := numbered(n)
					want = append(want, "1")
					url, r := b.open()
					var got []string
					if held {
						poll := b.hold(url)
						r.send(messages...)
						r.session.Close("")
						got = strings.Split((<-poll).Body, "\x1e")
					} else {
						r.send(messages...)
						r.session.Close("")
					}
					got = append(got, b.collect(t, url, len(want)-len(got))...)
					if got = slices.DeleteFunc(got, func(p string) bool { return p == "6" }); !slices.Equal(got, want) {
						t.Errorf("got %q, want %q", got, want)
					}
					expect(t, "later poll", b.Get(t, url).Status, 400)
				})
			})
		}
	}
}

func each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
