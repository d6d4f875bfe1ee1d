package socketio_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

var (
	soakTime    = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")
	soakClients = flag.Int("soak.clients", 50, "the number of clients of TestSoak")
)

// TestSoak lets clients come, upgrade, talk and go in every way there is. Each one checks that it is answered in order; in
// the end nothing may be left of them.
func TestSoak(t *testing.T) {
	t.Parallel()
	b, stop := setup(t, socketio.Config{Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay}}, sockettest.ServeTCP)
	b.connected = make(chan *socketio.Socket, 1<<20)
	var connected, disconnected atomic.Int64
	b.onConnect = func(s *socketio.Socket) {
		connected.Add(1)
		s.OnDisconnect(func(string) { disconnected.Add(1) })
		s.Join("room", fmt.Sprint("room ", rand.N(10)))
		s.On("echo", func(_ context.Context, ev *socketio.Event) { ev.Ack(ev.Values()...) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), *soakTime)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			b.main.To(fmt.Sprint("room ", rand.N(10))).Emit("noise", "x")
			<-time.After(time.Millisecond)
		}
	})
	for range *soakClients {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := soak(b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.io.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	stop()
	stats := b.io.Stats()
	if connected.Load() != disconnected.Load() || connected.Load() == 0 {
		t.Errorf("%d sockets were connected, %d disconnected", connected.Load(), disconnected.Load())
	}
	expect(t, "sockets", stats.Sockets["/"], 0)
	expect(t, "polling sessions", stats.Engine.Sessions["polling"], 0)
	expect(t, "WebSocket sessions", stats.Engine.Sessions["websocket"], 0)
	expect(t, "unopened connections", stats.Unopened, 0)
	t.Logf("%d connections, %d upgrades, %d upgrades given up, %v", connected.Load(), stats.Engine.Upgrades, stats.Engine.UpgradesFailed, stats.Engine.Closed)
}

// soak is the life of one client.
func soak(b *bundle) error {
	s := &soaker{bundle: b}
	if err := s.open(); err != nil {
		return err
	}
	if err := s.talk(rand.N(5)); err != nil {
		return err
	}
	switch rand.N(4) {
	case 0:
		return s.leavePolling()
	case 1:
		return s.giveUpUpgrade()
	}
	if err := s.upgrade(); err != nil {
		return err
	}
	if err := s.talk(rand.N(20)); err != nil {
		return err
	}
	return s.leaveWebSocket()
}

// soaker is a client that first polls.
type soaker struct {
	*bundle
	url   string
	ws    *websocket.Conn
	next  int      // number of the next event
	inbox []string // packets that were polled and not looked at
}

func (s *soaker) request(ctx context.Context, method, url, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := s.Client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		return "", err
	}
	_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s: %s %s", method, url, response.Status, content)
	}
	return content, nil
}

func (s *soaker) open() error {
	open, err := s.request(s.t.Context(), http.MethodGet, pollingURL, "")
	if err != nil {
		return err
	}
	s.url = pollingURL + "&sid=" + strings.Split(open, `"`)[3]
	if err := s.send("40"); err != nil {
		return err
	}
	accepted, err := s.receive()
	if err == nil && !strings.HasPrefix(accepted, `40{"sid"`) {
		err = fmt.Errorf("got %q, want to be accepted", accepted)
	}
	return err
}

func (s *soaker) send(message string) error {
	if s.ws != nil {
		return s.ws.Write(s.t.Context(), websocket.MessageText, []byte(message))
	}
	_, err := s.request(s.t.Context(), http.MethodPost, s.url, message)
	return err
}

func (s *soaker) receive() (string, error) {
	if len(s.inbox) > 0 {
		message := s.inbox[0]
		s.inbox = s.inbox[1:]
		return message, nil
	}
	if s.ws != nil {
		_, data, err := s.ws.Read(s.t.Context())
		return string(data), err
	}
	payload, err := s.request(s.t.Context(), http.MethodGet, s.url, "")
	s.inbox = strings.Split(payload, "\x1e")
	if err != nil {
		return "", err
	}
	return s.receive()
}

// talk sends n events and waits for their acknowledgements, which come in order. Whatever else comes is noise.
func (s *soaker) talk(n int) error {
	for range n {
		if err := s.send(fmt.Sprintf(`42%d["echo",%d]`, s.next, s.next)); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		want := fmt.Sprintf("43%d[%d]", s.next, s.next)
		for {
			got, err := s.receive()
			if err != nil {
				return fmt.Errorf("waiting for %s: %w", want, err)
			}
			if got == want {
				break
			}
			if strings.HasPrefix(got, "43") {
				return fmt.Errorf("got %s, want %s", got, want)
			}
		}
		s.next++
	}
	return nil
}

func (s *soaker) dial() (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(s.t.Context(), s.URL+strings.Replace(s.url, "polling", "websocket", 1), &websocket.DialOptions{HTTPClient: s.Client})
	if err != nil {
		return nil, err
	}
	if err := ws.Write(s.t.Context(), websocket.MessageText, []byte("2probe")); err != nil {
		return nil, err
	}
	_, answer, err := ws.Read(s.t.Context())
	if err == nil && string(answer) != "3probe" {
		err = fmt.Errorf("probe was answered with %q", answer)
	}
	return ws, err
}

func (s *soaker) upgrade() error {
	ws, err := s.dial()
	if err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	// Some events are sent and answered while the upgrade is under way.
	if err := s.talk(rand.N(3)); err != nil {
		return err
	}
	s.ws = ws
	return s.send("5")
}

func (s *soaker) giveUpUpgrade() error {
	ws, err := s.dial()
	if err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	_ = ws.CloseNow()
	if err := s.talk(2); err != nil {
		return err
	}
	return s.leavePolling()
}

func (s *soaker) leavePolling() error {
	switch rand.N(3) {
	case 0:
		return s.send("1")
	case 1: // abort a poll, at any moment
		ctx, cancel := context.WithTimeout(s.t.Context(), rand.N(20*time.Millisecond))
		defer cancel()
		_, err := s.request(ctx, http.MethodGet, s.url, "")
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		_ = s.send("1") // in case that it was not held at that moment
		return nil
	default:
		return s.send("41\x1e1")
	}
}

func (s *soaker) leaveWebSocket() error {
	switch rand.N(4) {
	case 0:
		_ = s.send("1")
		return s.ws.CloseNow()
	case 1:
		_ = s.send("4broken")
		return s.ws.CloseNow()
	case 2:
		return s.ws.CloseNow()
	default:
		s.ws.Close(websocket.StatusNormalClosure, "")
		return nil
	}
}
