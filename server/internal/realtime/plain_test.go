package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/realtime"
)

// plain is a client of the plain dialect.
type plain struct {
	t    *testing.T
	conn *websocket.Conn
}

func (b *bench) plain(query string) *plain {
	b.t.Helper()
	return b.plainOver(http.DefaultClient, query)
}

// plainOver is plain with an HTTP client of the test.
func (b *bench) plainOver(network *http.Client, query string) *plain {
	b.t.Helper()
	conn, resp, err := websocket.Dial(b.t.Context(), b.url+"/ws"+query, &websocket.DialOptions{HTTPClient: network})
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	return &plain{t: b.t, conn: conn}
}

func (p *plain) write(frame any) {
	p.t.Helper()
	raw, isText := frame.(string)
	if !isText {
		encoded, err := json.Marshal(frame)
		if err != nil {
			p.t.Fatal(err)
		}
		raw = string(encoded)
	}
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, []byte(raw)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plain) read() object {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, raw, err := p.conn.Read(ctx)
	if err != nil {
		p.t.Fatalf("reading: %v", err)
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		p.t.Fatal(err)
	}
	checkContract(p.t, "plain", fmt.Sprint(o["type"]), raw)
	return o
}

// want reads a frame with the given members.
func (p *plain) want(members ...any) object {
	p.t.Helper()
	o := p.read()
	for i := 0; i+1 < len(members); i += 2 {
		if got := o[members[i].(string)]; fmt.Sprint(got) != fmt.Sprint(members[i+1]) {
			p.t.Fatalf("%v is %v, want %v: %v", members[i], got, members[i+1], o)
		}
	}
	return o
}

func TestPlainConversation(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	b := setup(t, func(c *realtime.Config) {
		c.Agents = func(context.Context) ([]realtime.AgentStatus, error) {
			return []realtime.AgentStatus{{ID: user, Name: "Eliza", Running: true}}, nil
		}
	})
	p := b.plain("?entityId=" + user.String())
	p.want("type", "status", "status", "connected", "entityId", user)
	p.write(object{"type": "status"})
	if agents := p.want("type", "status")["agents"].([]any); len(agents) != 1 || agents[0].(object)["status"] != "active" {
		t.Errorf("agents %v", agents)
	}

	p.write(object{"type": "message", "agentId": b.agent, "content": "Hello", "messageId": "m1"})
	own := p.want("type", "message", "content", "Hello", "clientMessageId", "m1", "senderId", user)
	p.want("type", "status", "status", "received", "messageId", own["id"], "clientMessageId", "m1", "channelId", own["channelId"])

	channel := own["channelId"]
	other, socket := b.plain(""), b.connect(uuid.New())
	other.want("status", "connected")
	other.write(object{"type": "join", "channelId": channel})
	other.want("status", "joined", "channelId", channel)
	socket.emit("1", object{"channelId": channel})
	socket.want("channel_joined")
	socket.want("room_joined")

	b.answer("Good ", "day")
	for _, c := range []*plain{p, other} {
		c.want("type", "message", "partial", true, "index", 0, "content", "Good ")
		c.want("type", "message", "partial", true, "index", 1, "content", "day")
		c.want("type", "message", "content", "Good day", "agentId", b.agent)
		c.want("type", "status", "status", "complete", "messageId", own["id"], "outcome", "replied")
	}
	for _, name := range []string{"messageStreamChunk", "messageStreamChunk", "messageBroadcast", "messageComplete"} {
		socket.want(name)
	}
	socket.emit("2", object{"channelId": channel, "message": "from the other door"})
	socket.want("messageBroadcast")
	socket.want("messageAck")
	if m := p.want("type", "message", "content", "from the other door"); m["clientMessageId"] != nil {
		t.Errorf("another's copy %v", m)
	}
}

func TestPlainErrorsKeepTheConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.plain("")
	p.want("status", "connected")
	for frame, code := range map[any]string{
		"no json": "INVALID_JSON", "[1]": "INVALID_JSON", `{"type":"dance"}`: "INVALID_REQUEST", `{"type":"message","content":"x"}`: "INVALID_MESSAGE",
		`{"type":"message","agentId":"` + uuid.NewString() + `"}`: "INVALID_MESSAGE", `{"type":"join"}`: "CHANNEL_ID_REQUIRED",
	} {
		p.write(frame)
		p.want("type", "error", "code", code)
	}
	p.write(object{"type": "join", "channelId": uuid.New()})
	p.want("status", "joined")
	for range 10 {
		p.write("nonsense")
		p.want("type", "error")
	}
	if _, _, err := p.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("after ten errors in a row: %v", err)
	}
}

func TestPlainKey(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *realtime.Config) { c.Guard = guard("k") })
	b.plain("?apiKey=k").want("status", "connected")
	first := b.plain("")
	first.write(object{"type": "auth", "apiKey": "k"})
	first.want("status", "connected")
	for _, refused := range []*plain{b.plain("?apiKey=wrong"), b.plain("")} {
		_ = refused.conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"auth","apiKey":"no"}`))
		refused.want("type", "error", "error", "Invalid or missing API Key")
		if _, _, err := refused.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("after a wrong key: %v", err)
		}
	}
}

func TestPlainOrigin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, resp, err := websocket.Dial(t.Context(), b.url+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign page: %v", err)
	}
	var closed websocket.CloseError
	if errors.As(err, &closed) || !strings.Contains(fmt.Sprint(err), "403") {
		t.Errorf("error %v", err)
	}
}

func TestPlainJoinsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.plain("")
	p.want("status", "connected")
	first := uuid.New()
	for i := range 1000 {
		id := first
		if i > 0 {
			id = uuid.New()
		}
		p.write(object{"type": "join", "channelId": id})
		p.want("status", "joined")
	}
	p.write(object{"type": "join", "channelId": uuid.New()})
	p.want("type", "error", "code", "BAD_REQUEST")
	p.write(object{"type": "join", "channelId": first}) // where it is already
	p.want("status", "joined")
}
