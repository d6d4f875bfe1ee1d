package realtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/session"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/sweep"
	"github.com/elizad/elizad/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 2 * time.Minute
	worker   = "worker"
)

// bench is a gateway on a real engine and a real database, with one running agent.
type bench struct {
	t         *testing.T
	messaging *messaging.Service
	sessions  *session.Service
	db        store.System
	url       string
	agent     uuid.UUID
	clock     *atomic.Int64 // nanoseconds by which the domain's clock is ahead
}

// mute is a bus that loses everything.
type mute struct{ *bus.Local }

func (mute) Publish(context.Context, string, any) error { return nil }

func setup(t *testing.T, change ...func(*realtime.Config)) *bench {
	t.Helper()
	return setupOn(t, bus.NewLocal(), change...)
}

// setupOn is setup with the test's bus.
func setupOn(t *testing.T, events bus.Bus, change ...func(*realtime.Config)) *bench {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: st, agent: uuid.New(), clock: new(atomic.Int64)}
	now := func() time.Time { return time.Now().Add(time.Duration(b.clock.Load())) }
	b.messaging = messaging.New(messaging.Config{Store: st, Bus: events, Now: now})
	b.sessions = session.New(session.Config{Store: st, Messaging: b.messaging, Now: now})
	io := socketio.NewServer(socketio.Config{
		Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryRooms, Identity: realtime.Identity},
	})
	cfg := realtime.Config{IO: io, Messaging: b.messaging}
	for _, c := range change {
		c(&cfg)
	}
	gateway := realtime.New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.Handle("/ws", gateway.PlainHandler(
		func(r *http.Request) bool { return r.Header.Get("Origin") == "" }, func(*http.Request) string { return "127.0.0.1" },
	))
	srv := httptest.NewServer(mux)
	b.url = srv.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = io.Shutdown(ctx)
		if err := gateway.Stop(ctx); err != nil {
			t.Errorf("stopping the gateway: %v", err)
		}
		srv.Close()
		_ = events.Close()
		_ = st.Close()
	})
	if err := b.messaging.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := gateway.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = st.SystemUpdate(t.Context(), func(q db.System) error {
		now := dbtype.MillisOf(time.Now())
		_, err := q.InsertAgent(t.Context(), db.InsertAgentParams{
			ID: b.agent, Name: "Agent", Character: dbtype.JSON(`{}`), Secrets: dbtype.JSON(`{}`), Enabled: true, Running: true, CreatedAt: now, UpdatedAt: now,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.messaging.AddServerAgent(t.Context(), auth.System(), messaging.DefaultServerID, b.agent); err != nil {
		t.Fatal(err)
	}
	return b
}

// guard admits clients with one of the keys.
func guard(keys ...string) auth.Guard {
	return auth.NewGuard(auth.NewKeys(keys...), auth.NewFailures(slog.New(slog.DiscardHandler), nil))
}

// dm returns the channel of a person and the agent.
func (b *bench) dm(user uuid.UUID) messaging.Channel {
	b.t.Helper()
	c, err := b.messaging.FindOrCreateDM(b.t.Context(), auth.Claimed(user), messaging.DMRequest{A: b.agent, B: user})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// answer lets the agent answer the message that has waited longest, and streams its pieces.
func (b *bench) answer(pieces ...string) {
	b.t.Helper()
	turns, err := b.messaging.ClaimTurns(b.t.Context(), worker, 1, 0, time.Minute)
	if err != nil || len(turns) != 1 {
		b.t.Fatalf("claimed %v, %v", turns, err)
	}
	for i, p := range pieces {
		b.messaging.StreamChunk(b.t.Context(), messaging.DefaultServerID, turns[0], i, p)
	}
	_, err = b.messaging.FinishTurn(b.t.Context(), worker, turns[0], messaging.Outcome{
		Status: messaging.TurnReplied,
		Reply:  &messaging.Reply{Content: strings.Join(pieces, ""), AuthorName: "Agent", RawMessage: json.RawMessage(`{"thought":"hm","actions":["REPLY"]}`)},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// client is a Socket.IO client over WebSocket that implements just enough of the protocol.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

type event struct {
	name string
	raw  json.RawMessage
	data map[string]any
	ack  int // id of the acknowledgement that this is, or -1
}

// dial opens a connection and presents auth, an object in JSON or nothing.
func (b *bench) dial(auth string) *client {
	b.t.Helper()
	conn, resp, err := websocket.Dial(b.t.Context(), b.url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	c := &client{t: b.t, conn: conn}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	if first := c.read(); !strings.HasPrefix(first, "0{") {
		b.t.Fatalf("handshake %q", first)
	}
	c.write("40" + auth)
	return c
}

// connect dials and waits for the greeting.
func (b *bench) connect(user uuid.UUID) *client {
	b.t.Helper()
	auth := ""
	if user != uuid.Nil {
		auth = fmt.Sprintf(`{"entityId":%q}`, user)
	}
	c := b.dial(auth)
	if got := c.read(); !strings.HasPrefix(got, `40{"sid":`) {
		b.t.Fatalf("connect %q", got)
	}
	c.want("authenticated")
	c.want("connection_established")
	return c
}

func (c *client) write(packet string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(packet)); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next packet that is not a heartbeat.
func (c *client) read() string {
	c.t.Helper()
	for {
		ctx, cancel := context.WithTimeout(c.t.Context(), patience)
		_, data, err := c.conn.Read(ctx)
		cancel()
		if err != nil {
			c.t.Fatalf("reading: %v", err)
		}
		if string(data) != "2" {
			return string(data)
		}
		c.write("3")
	}
}

// emit sends an event; its name may be a number.
func (c *client) emit(name any, payload any) {
	c.t.Helper()
	c.write("42" + c.encode(name, payload))
}

// emitAck sends an event and asks for acknowledgement id.
func (c *client) emitAck(id int, name any, payload any) {
	c.t.Helper()
	c.write("42" + strconv.Itoa(id) + c.encode(name, payload))
}

func (c *client) encode(args ...any) string {
	c.t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(raw)
}

// next returns the next event or acknowledgement.
func (c *client) next() event {
	c.t.Helper()
	packet := c.read()
	e := event{ack: -1}
	rest, isEvent := strings.CutPrefix(packet, "42")
	if !isEvent {
		id, isAck := strings.CutPrefix(packet, "43")
		at := strings.IndexByte(id, '[')
		if !isAck || at < 0 {
			c.t.Fatalf("packet %q", packet)
		}
		n, err := strconv.Atoi(id[:at])
		if err != nil {
			c.t.Fatalf("packet %q", packet)
		}
		e.ack, rest = n, id[at:]
	}
	var args []json.RawMessage
	if err := json.Unmarshal([]byte(rest), &args); err != nil {
		c.t.Fatalf("packet %q: %v", packet, err)
	}
	if isEvent {
		_ = json.Unmarshal(args[0], &e.name)
		args = args[1:]
	}
	if len(args) > 0 {
		e.raw = args[0]
		if isEvent {
			checkContract(c.t, "socketio", e.name, e.raw)
		} else {
			checkContract(c.t, "ack", "", e.raw)
		}
		_ = json.Unmarshal(args[0], &e.data)
	}
	return e
}

// want returns the next event, which must have that name.
func (c *client) want(name string) event {
	c.t.Helper()
	e := c.next()
	if e.name != name {
		c.t.Fatalf("got %s %s, want %s", e.name, e.raw, name)
	}
	return e
}

// join joins a channel and waits for the confirmations.
func (c *client) join(channel uuid.UUID) {
	c.t.Helper()
	c.emit("1", map[string]any{"channelId": channel})
	c.want("channel_joined")
	c.want("room_joined")
}

// sweep sweeps the sessions that are due.
func (b *bench) sweep() {
	b.t.Helper()
	if _, _, err := sweep.New(sweep.Config{Store: sweep.NewGate(b.db), Parts: []sweep.Part{b.sessions.Part()}}).Sweep(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}
