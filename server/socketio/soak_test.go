package socketio_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

var (
	soakTime    = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")
	soakClients = flag.Int("soak.clients", 50, "the number of clients of TestSoak")
)

const soakRooms = 10

// TestSoak lets clients connect, join, send, leave, upgrade, disconnect and reconnect in every possible way. Each one checks
// that it is answered in order, and that of every room it gets each message once and in order, from joining to leaving, lost
// connections in between included. In the end nothing may be left of them: no session, no socket, and nothing that still refers
// to one.
func TestSoak(t *testing.T) {
	t.Parallel()
	b, stop := setup(t, socketio.Config{
		Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay, MaxDisconnection: 3 * time.Second, MaxPackets: 100_000},
		// This many clients on one machine are late at times, which is not what is tested here.
		Engine:         engineio.Config{UpgradeTimeout: time.Minute, PingTimeout: time.Minute, WriteTimeout: time.Minute},
		ConnectTimeout: time.Minute,
	}, sockettest.ServeTCP)
	s := newSoak(b)
	var background sync.WaitGroup
	background.Go(s.forgetConnected)
	ctx, cancel := context.WithTimeout(t.Context(), *soakTime)
	defer cancel()
	background.Go(func() { s.publish(ctx) })
	var clients sync.WaitGroup
	for range *soakClients {
		clients.Go(func() {
			client := &soaker{bundle: b, deliveries: &s.deliveries, recoveries: &s.recoveries}
			for ctx.Err() == nil {
				if err := client.live(); err != nil {
					t.Error(err)
					cancel() // one report is enough
					return
				}
			}
		})
	}
	clients.Wait()
	close(b.connected)
	background.Wait()

	s.expectNothingLeft(t)
	shutdownCtx, cancelShutdown := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancelShutdown()
	if err := b.io.Shutdown(shutdownCtx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	stop()
	stats := b.io.Stats()
	t.Logf("%d connections, %d recovered, %d messages delivered in rooms, %d upgrades, %d upgrades given up, %v",
		s.connected.Load(), s.recoveries.Load(), s.deliveries.Load(), stats.Engine.Upgrades, stats.Engine.UpgradesFailed, stats.Engine.Closed)
}

// soak is the server's side.
type soak struct {
	*bundle
	rooms [soakRooms]soakRoom

	connected, disconnected atomic.Int64
	deliveries, recoveries  atomic.Int64

	mu      sync.Mutex // guards what follows
	sockets []weak.Pointer[socketio.Socket]
}

// soakRoom numbers its messages. A socket joins and leaves between two of them, and gets the number.
type soakRoom struct {
	mu   sync.Mutex
	sent int
}

func newSoak(b *bundle) *soak {
	s := &soak{bundle: b}
	b.onConnect = func(socket *socketio.Socket) {
		s.connected.Add(1)
		s.mu.Lock()
		s.sockets = append(s.sockets, weak.Make(socket))
		s.mu.Unlock()
		socket.OnDisconnect(func(string) { s.disconnected.Add(1) })
		socket.On("echo", func(_ context.Context, ev *socketio.Event) { ev.Ack(ev.Values()...) })
		socket.On("join", func(_ context.Context, ev *socketio.Event) {
			s.change(ev, func(room string) { _ = socket.Join(room) })
		})
		socket.On("leave", func(_ context.Context, ev *socketio.Event) {
			s.change(ev, func(room string) { socket.Leave(room) })
		})
	}
	return s
}

func roomName(i int) string { return fmt.Sprint("room ", i) }

func (s *soak) change(ev *socketio.Event, change func(room string)) {
	var i int
	if ev.Decode(0, &i) != nil || i < 0 || i >= soakRooms {
		return
	}
	r := &s.rooms[i]
	r.mu.Lock()
	defer r.mu.Unlock()
	change(roomName(i))
	ev.Ack(r.sent)
}

// publish sends to the rooms, as often as that many clients can take.
func (s *soak) publish(ctx context.Context) {
	tick := time.NewTicker(time.Duration(*soakClients) * 20 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		i := rand.N(soakRooms)
		r := &s.rooms[i]
		r.mu.Lock()
		r.sent++
		_ = s.main.To(roomName(i)).Emit("noise", i, r.sent) // numbers can be encoded
		r.mu.Unlock()
	}
}

// forgetConnected keeps the bundle from keeping the sockets.
func (s *soak) forgetConnected() {
	for range s.bundle.connected {
	}
}

// expectNothingLeft waits until the last sessions have ended, and then for the garbage collector to find every socket: a timer,
// a goroutine or an entry anywhere would keep it.
func (s *soak) expectNothingLeft(t *testing.T) {
	t.Helper()
	s.eventually(t, "sessions are left", func() (any, bool) {
		stats := s.io.Stats()
		left := []int{stats.Engine.Sessions["polling"], stats.Engine.Sessions["websocket"], stats.Sockets["/"], stats.Recoverable["/"], stats.Unopened, stats.Engine.QueuedBytes}
		return left, left[0]+left[1]+left[2]+left[3]+left[4]+left[5] == 0
	})
	if s.connected.Load() != s.disconnected.Load() || s.connected.Load() == 0 {
		t.Errorf("%d sockets were connected, %d disconnected", s.connected.Load(), s.disconnected.Load())
	}
	s.Client.CloseIdleConnections()
	s.eventually(t, "sockets are kept", func() (any, bool) {
		runtime.GC()
		kept := 0
		for _, socket := range s.sockets {
			if socket.Value() != nil {
				kept++
			}
		}
		return kept, kept == 0
	})
}

func (s *soak) eventually(t *testing.T, what string, done func() (any, bool)) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		state, ok := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: %v", what, state)
			return
		}
		advance(50 * time.Millisecond)
	}
}
