package realtime_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/session"
)

func TestPlainSessionNearsItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	s, err := b.sessions.Create(t.Context(), auth.Claimed(user), session.NewSession{AgentID: b.agent, UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	p := b.plain("?entityId=" + user.String())
	p.want("status", "connected")
	p.write(object{"type": "join", "channelId": s.ChannelID})
	p.want("status", "joined")
	for _, moment := range []struct {
		after  time.Duration
		status string
		over   bool
	}{{26 * time.Minute, "session_expiring", false}, {31 * time.Minute, "session_expired", true}} {
		b.clock.Store(int64(moment.after))
		b.sweep()
		e := p.want("type", "status", "status", moment.status, "sessionId", s.ID, "channelId", s.ChannelID)
		if left, ok := e["timeRemaining"].(float64); !ok || left < 0 || e["expiresAt"] == "" {
			t.Errorf("%s: %v", moment.status, e)
		}
	}
}

func TestPlainAgentsStartAndStop(t *testing.T) {
	t.Parallel()
	var running atomic.Bool
	other := uuid.New()
	b := setup(t, func(c *realtime.Config) {
		c.Guard = guard("k")
		c.Agents = func(context.Context) ([]realtime.AgentStatus, error) {
			return []realtime.AgentStatus{{ID: other, Name: "Ada", Running: true}, {ID: uuid.Nil, Name: "Eliza", Running: running.Load()}}, nil
		}
	})
	unauthenticated := b.plain("") // has not shown its key
	first, second := b.plain("?apiKey=k"), b.plain("?apiKey=k")
	for _, p := range []*plain{first, second} {
		p.want("status", "connected")
		p.write(object{"type": "status", "agentId": other})
		if agents := p.want("type", "status")["agents"].([]any); len(agents) != 1 || agents[0].(object)["id"] != other.String() {
			t.Errorf("agents %v", agents)
		}
	}
	for _, want := range []string{"active", "inactive"} {
		running.Store(want == "active")
		b.messaging.AnnounceAgents(t.Context())
		for _, p := range []*plain{first, second} {
			agents := p.want("type", "status")["agents"].([]any)
			if len(agents) != 2 || agents[1].(object)["status"] != want {
				t.Errorf("agents %v, want the second to be %s", agents, want)
			}
		}
	}
	unauthenticated.write(object{"type": "auth", "apiKey": "k"})
	unauthenticated.want("status", "connected") // and nothing before
}

func TestSocketsAreNotifiedOfAgentChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	socket := b.connect(uuid.New())
	b.messaging.AnnounceAgents(t.Context())
	socket.want("agentsChanged")
}

// A client that can set neither headers nor the query identifies itself by a frame.
func TestPlainClientSetsItsIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	p := b.plain("")
	if e := p.want("status", "connected"); e["entityId"] == user.String() {
		t.Errorf("greeting %v", e)
	}
	p.write(object{"type": "auth"}) // sends nothing
	p.write(object{"type": "auth", "entityId": "me"})
	p.want("type", "error", "code", "ENTITY_ID_REQUIRED")
	p.write(object{"type": "auth", "entityId": user})
	p.want("status", "connected", "entityId", user)
	p.write(object{"type": "auth", "entityId": uuid.New()}) // too late
	p.write(object{"type": "message", "agentId": b.agent, "content": "Hello"})
	p.want("type", "message", "senderId", user)
}

func TestPlainTextMustBeUTF8(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.plain("")
	p.want("status", "connected")
	p.write(`{"type":"status","agentId":"` + "\xff" + `"}`)
	if _, _, err := p.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusInvalidFramePayloadData {
		t.Errorf("after text that is none: %v", err)
	}
}

// A slow reader misses the pieces of a reply, from one on, and nothing else.
func TestPlainReaderThatLags(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	narrow := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(256 << 10)
		}
		return conn, err
	}}}
	p, quick := b.plainOver(narrow, "?entityId="+user.String()), b.plain("")
	for _, c := range []*plain{p, quick} {
		c.conn.SetReadLimit(1 << 20)
		c.want("status", "connected")
		c.write(object{"type": "join", "channelId": channel})
		c.want("status", "joined")
	}
	p.write(object{"type": "message", "channelId": channel, "content": "Hello"})
	p.want("content", "Hello")
	p.want("status", "received")
	turns, err := b.messaging.ClaimTurns(t.Context(), worker, 1, 0, time.Minute)
	if err != nil || len(turns) != 1 {
		t.Fatal(turns, err)
	}
	delivered := make(chan error, 1) // when everything was delivered to all
	go func() {
		for {
			_, raw, err := quick.conn.Read(t.Context())
			if err != nil || strings.Contains(string(raw), `"status":"complete"`) {
				delivered <- err
				return
			}
		}
	}()
	const pieces = 400
	piece := strings.Repeat("x", 24<<10) // together more than the network and the queue hold
	for i := range pieces {
		b.messaging.StreamChunk(t.Context(), messaging.DefaultServerID, turns[0], i, piece)
	}
	if _, err := b.messaging.FinishTurn(t.Context(), worker, turns[0], messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "the whole", AuthorName: "Agent"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-delivered; err != nil {
		t.Fatal(err)
	}
	next := 0
	for index, partial := p.piece(); partial; index, partial = p.piece() { // up to the complete message
		if index != next {
			t.Fatalf("piece %d, want %d", index, next)
		}
		next++
	}
	if next == 0 || next == pieces {
		t.Errorf("%d pieces came", next)
	}
	p.want("status", "complete")
}

// piece reads a message and returns its index if it is a chunk. It looks at nothing else, as there are many.
func (p *plain) piece() (index int, partial bool) {
	p.t.Helper()
	_, raw, err := p.conn.Read(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(raw), `,"content"`)
	var m struct {
		Type    string
		Index   int
		Partial bool
	}
	if err := json.Unmarshal([]byte(head+"}"), &m); err != nil || m.Type != "message" {
		p.t.Fatalf("%.200s: %v", raw, err)
	}
	return m.Index, m.Partial
}
