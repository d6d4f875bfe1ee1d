package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// asWebSocket is the URL of an upgrade of the session that is polled at url.
func asWebSocket(url string) string { return strings.Replace(url, "polling", "websocket", 1) }

func TestUpgrade(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		ws := b.WebSocket(t, asWebSocket(url))
		ws.Send("2probe")
		ws.Expect("3probe")
		expect(t, "transport during the upgrade", r.session.Transport(), engineio.Polling)
		r.send("still on polling")
		expect(t, "poll", b.Get(t, url).Body, "4still on polling")
		r.send("queued")
		ws.Send("5", "4first")
		ws.Expect("4queued")
		expect(t, "message", <-r.messages, "first")
		expect(t, "transport", r.session.Transport(), engineio.WebSocket)
		expect(t, "poll after the upgrade", b.Get(t, url).Body, `{"code":3,"message":"Bad request"}`)
		expect(t, "post after the upgrade", b.Post(t, url, "4x").Body, `{"code":3,"message":"Bad request"}`)
		expect(t, "upgrades", b.server.Stats().Upgrades, 1)
		r.send("on the WebSocket")
		ws.Expect("4on the WebSocket")
	})
}

// The client has to finish its poll before it can switch, and may have started another one behind the first noop.
func TestHeldPollIsReleasedAgainAndAgain(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, _ := b.open()
		ws := b.WebSocket(t, asWebSocket(url))
		poll := b.hold(url)
		ws.Send("2probe")
		ws.Expect("3probe")
		begin := time.Now()
		for i := range 3 {
			expect(t, "poll", (<-poll).Body, "6")
			expect(t, "time since the probe", time.Since(begin), time.Duration(i+1)*100*time.Millisecond)
			poll = b.hold(url)
		}
		advance(60 * time.Millisecond)
		ws.Send("5")
		expect(t, "poll held at the switch", (<-poll).Body, "6")
		advance(time.Second)
		expect(t, "poll after the upgrade", b.Get(t, url).Status, 400)
	})
}

// A poll that was sent after the switch, against the protocol, may arrive before it.
func TestPollThatOvertakesTheSwitch(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, _ := b.open()
		ws := b.WebSocket(t, asWebSocket(url))
		ws.Send("2probe")
		ws.Expect("3probe")
		poll := b.hold(url)
		ws.Send("5")
		expect(t, "poll", (<-poll).Body, `{"code":3,"message":"Bad request"}`)
	})
}

func TestFailedUpgradeLeavesTheSessionAlone(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(ws *sockettest.WebSocket)
	}{
		{"no probe", func(ws *sockettest.WebSocket) { ws.Send("5"); ws.ExpectClose() }},
		{"message in place of a probe", func(ws *sockettest.WebSocket) { ws.Send("4hello"); ws.ExpectClose() }},
		{"wrong probe", func(ws *sockettest.WebSocket) { ws.Send("2prone"); ws.ExpectClose() }},
		{"binary", func(ws *sockettest.WebSocket) { ws.SendBinary([]byte("2probe")); ws.ExpectClose() }},
		{"message in place of the switch", func(ws *sockettest.WebSocket) {
			ws.Send("2probe")
			ws.Expect("3probe")
			ws.Send("4hello")
			ws.ExpectClose()
		}},
		{"lost before the probe", func(ws *sockettest.WebSocket) { ws.CloseNow() }},
		{"lost after the probe", func(ws *sockettest.WebSocket) {
			ws.Send("2probe")
			ws.Expect("3probe")
			ws.CloseNow()
		}},
		{"nothing in time", func(ws *sockettest.WebSocket) { ws.ExpectClose() }},
		{"no switch in time", func(ws *sockettest.WebSocket) {
			ws.Send("2probe")
			ws.Expect("3probe")
			ws.ExpectClose()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, engineio.Config{UpgradeTimeout: 10 * time.Second}, func(t *testing.T, b *bundle) {
				url, r := b.open()
				test.fail(b.WebSocket(t, asWebSocket(url)))
				synctest.Wait()
				expect(t, "closed", len(r.closed), 0)
				expect(t, "failed upgrades", b.server.Stats().UpgradesFailed, 1)
				r.send("alive")
				expect(t, "poll", b.Get(t, url).Body, "4alive")
				// And it may try again.
				ws := b.WebSocket(t, asWebSocket(url))
				ws.Send("2probe")
				ws.Expect("3probe")
				ws.Send("5")
				r.send("upgraded")
				ws.Expect("4upgraded")
			})
		})
	}
}

func TestSecondWebSocketIsClosed(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		first := b.WebSocket(t, asWebSocket(url))
		first.Send("2probe")
		first.Expect("3probe")
		b.WebSocket(t, asWebSocket(url)).ExpectClose()
		first.Send("5")
		synctest.Wait()
		b.WebSocket(t, asWebSocket(url)).ExpectClose()
		r.send("unharmed")
		first.Expect("4unharmed")
	})
}

func TestSessionEndsDuringTheUpgrade(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		ws := b.WebSocket(t, asWebSocket(url))
		ws.Send("2probe")
		ws.Expect("3probe")
		r.session.Close("")
		ws.ExpectClose()
		expect(t, "poll", b.Get(t, url).Body, "6\x1e1")
	})
}

func TestCloseWithAQueueFinishesTheUpgrade(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		url, r := b.open()
		ws := b.WebSocket(t, asWebSocket(url))
		ws.Send("2probe")
		ws.Expect("3probe")
		r.send("not to be lost")
		r.session.Close("")
		ws.Send("5")
		ws.Expect("4not to be lost")
		ws.ExpectClose()
		synctest.Wait()
		expect(t, "sessions", b.server.Stats().Sessions[engineio.WebSocket], 0)
	})
}

// The POST was sent before the switch, so its messages come first.
func TestPostUnderWayIsHandledFirst(t *testing.T) {
	bubble(t, engineio.Config{}, func(t *testing.T, b *bundle) {
		b.onOpen = func(r *recorder) { r.block = make(chan struct{}) }
		url, r := b.open()
		ws := b.WebSocket(t, asWebSocket(url))
		ws.Send("2probe")
		ws.Expect("3probe")
		post := make(chan string)
		request := b.Request(t, "POST", url, "4one\x1e4two")
		go func() { post <- b.Do(t, request).Body }()
		synctest.Wait()
		ws.Send("5")
		go ws.Send("4three")
		synctest.Wait()
		close(r.block)
		for _, want := range []string{"one", "two", "three"} {
			expect(t, "message", <-r.messages, want)
		}
		expect(t, "post", <-post, "ok")
	})
}

func TestUpgradesCanBeDisabled(t *testing.T) {
	bubble(t, engineio.Config{DisableUpgrades: true}, func(t *testing.T, b *bundle) {
		h := parseOpen(t, b.Get(t, pollingURL).Body)
		expect(t, "upgrades offered", len(h.Upgrades), 0)
		_, response, err := websocket.Dial(t.Context(), b.URL+websocketURL+"&sid="+h.SID, &websocket.DialOptions{HTTPClient: b.Client})
		if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
			t.Errorf("an upgrade is answered with %v, %v", response, err)
		}
		b.session(h.SID).send("still on polling")
		expect(t, "poll", b.Get(t, pollingURL+"&sid="+h.SID).Body, "4still on polling")
	})
}

// Clients that send and receive without a pause while they upgrade lose nothing, and keep the order.
func TestUpgradeUnderTraffic(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{QueuePackets: 10_000}, sockettest.ServeTCP)
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() { upgradeUnderTraffic(t, b) })
	}
	clients.Wait()
	if err := b.server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func upgradeUnderTraffic(t *testing.T, b *bundle) {
	url, r := b.open()
	const n = 300
	var traffic sync.WaitGroup
	defer traffic.Wait()
	half := make(chan struct{})
	traffic.Go(func() {
		for i := range n {
			r.send(fmt.Sprint(i))
			if i == n/2 {
				<-half
			}
		}
	})

	received, sent := 0, 0
	take := func(payload string) {
		for packet := range strings.SplitSeq(payload, "\x1e") {
			switch packet {
			case "6", "2":
			case "4" + fmt.Sprint(received):
				received++
			default:
				t.Errorf("got %q, want message %d", packet, received)
				received++
			}
		}
	}
	post := func() {
		b.Post(t, url, fmt.Sprintf("4%d\x1e4%d", sent, sent+1))
		sent += 2
	}
	post()
	take(b.Get(t, url).Body)
	ws := b.WebSocket(t, asWebSocket(url))
	ws.Send("2probe")
	ws.Expect("3probe")
	post()
	take(b.Get(t, url).Body)
	ws.Send("5")
	close(half)
	for received < n {
		take(ws.Next())
		if sent < n {
			ws.Send(fmt.Sprintf("4%d", sent))
			sent++
		}
	}
	for i := range sent {
		if got := <-r.messages; got != fmt.Sprint(i) {
			t.Errorf("server got %q, want message %d", got, i)
		}
	}
	ws.CloseNow()
}
