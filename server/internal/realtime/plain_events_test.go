package realtime_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
)

func TestPlainSessionNearsItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	s, err := b.messaging.CreateSession(t.Context(), auth.Entity(user), messaging.NewSession{AgentID: b.agent, UserID: user})
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
		if _, _, err := b.messaging.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
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
		c.Keys = auth.NewKeys("k")
		c.Agents = func(context.Context) ([]realtime.AgentStatus, error) {
			return []realtime.AgentStatus{{ID: other, Name: "Ada", Running: true}, {ID: uuid.Nil, Name: "Eliza", Running: running.Load()}}, nil
		}
	})
	stranger := b.plain("") // has not shown its key
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
	stranger.write(object{"type": "auth", "apiKey": "k"})
	stranger.want("status", "connected") // and nothing before
}

// A client that can set neither headers nor the query names itself by a frame.
func TestPlainClientTakesAName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	p := b.plain("")
	if e := p.want("status", "connected"); e["entityId"] == user.String() {
		t.Errorf("greeting %v", e)
	}
	p.write(object{"type": "auth"}) // says nothing
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

// A reader that lags behind loses pieces of a reply, from one on, and nothing else.
func TestPlainReaderThatLags(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	p, quick := b.plain("?entityId="+user.String()), b.plain("")
	for _, c := range []*plain{p, quick} {
		c.conn.SetReadLimit(64 << 20)
		c.want("status", "connected")
		c.write(object{"type": "join", "channelId": channel})
		c.want("status", "joined")
	}
	p.write(object{"type": "message", "channelId": channel, "content": "Hello"})
	p.want("content", "Hello")
	p.want("status", "received")
	quick.want("content", "Hello")
	turns, err := b.messaging.ClaimTurns(t.Context(), worker, 1, time.Minute)
	if err != nil || len(turns) != 1 {
		t.Fatal(turns, err)
	}
	const pieces = 400
	piece := strings.Repeat("x", 64<<10) // together more than the network and the queue hold
	for i := range pieces {
		b.messaging.StreamChunk(t.Context(), messaging.DefaultServerID, turns[0], i, piece)
		quick.want("partial", true, "index", i) // does not wait for the other
	}
	if _, err := b.messaging.FinishTurn(t.Context(), worker, turns[0], messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "the whole", AuthorName: "Agent"},
	}); err != nil {
		t.Fatal(err)
	}
	quick.want("content", "the whole")
	next := 0
	e := p.read()
	for ; e["partial"] == true; e = p.read() {
		if e["index"] != float64(next) {
			t.Fatalf("piece %v, want %d", e["index"], next)
		}
		next++
	}
	if e["content"] != "the whole" || next == 0 || next == pieces {
		t.Errorf("after %d pieces: %v", next, e)
	}
	p.want("status", "complete")
}
