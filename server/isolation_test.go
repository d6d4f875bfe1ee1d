package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

// isolating returns a server that isolates data, the issuer of its tokens, and the node as its administrator.
func isolating(t *testing.T, change ...func(*settings.Settings)) (issuer, *node) {
	t.Helper()
	issuer, cfg := bySecret()
	n := verifying(t, cfg, append(change, func(c *settings.Settings) {
		c.Security.Isolation, c.Security.AuthToken = true, rightKey
	})...)
	return issuer, n
}

// belongings are things of one person, all with a word in them that nobody else may see.
type belongings struct {
	node             *node // as their owner
	owner            uuid.UUID
	channel, message uuid.UUID
	session, job     uuid.UUID
	file             string // its address
	ids              *idPool
	canary           string
}

// belongingsOf makes a conversation with an answer, a file in it, a session, and a job.
func belongingsOf(n *node, owner uuid.UUID) belongings {
	n.t.Helper()
	b := belongings{node: n, owner: owner, canary: "canary-" + owner.String()[:8], ids: newIDPool()}
	b.channel = n.dmBetween(n.agentID(), owner)
	b.message = into[api.MessagePostedEnvelope](n.ask(b.channel, owner, b.canary+" in a message").want(201)).UserMessage.ID
	b.file = data[api.Upload](n.uploadToChannel(b.channel, formPart{"file", "a.txt", "text/plain", b.canary}).want(200)).URL
	b.session = into[api.Session](n.createSession(api.CreateSessionRequest{AgentID: n.agentID(), UserID: owner}).want(201)).SessionID
	n.askSession(b.session, b.canary+" in a session").want(201)
	b.job = n.job(api.CreateJobRequest{UserID: owner, Content: b.canary + " in a job"}).JobID
	n.endedJob(b.job)
	thing := map[string]string{
		"agentId": n.agentID().String(), "channelId": b.channel.String(), "messageId": b.message.String(), "sessionId": b.session.String(), "jobId": b.job.String(),
		"entityId": owner.String(), "messageServerId": uuid.Nil.String(), "filename": path.Base(bare(b.file)),
	}
	for name, id := range thing {
		b.ids.add(name, id)
	}
	b.ids.keep(thing)
	return b
}

// state is what the owner sees of them, without what time alone changes.
func (b belongings) state() string {
	b.node.t.Helper()
	var out strings.Builder
	for _, path := range []string{
		"/api/messaging/channels/" + b.channel.String() + "/messages", "/api/messaging/channels/" + b.channel.String() + "/details",
		"/api/messaging/channels/" + b.channel.String() + "/participants", "/api/messaging/sessions/" + b.session.String(),
		"/api/messaging/sessions/" + b.session.String() + "/messages", "/api/messaging/jobs/" + b.job.String(), "/api/messaging/jobs", b.file,
	} {
		answer := b.node.do("GET", path, nil)
		var value any
		if json.Unmarshal(answer.body, &value) == nil {
			forget(value, "timeRemaining")
			answer.body = jsonOf(value)
		}
		fmt.Fprintf(&out, "%s: %d %s\n", path, answer.status, answer.body)
	}
	return out.String()
}

// forget takes members of a name out of a JSON value.
func forget(value any, name string) {
	switch v := value.(type) {
	case map[string]any:
		delete(v, name)
		for _, member := range v {
			forget(member, name)
		}
	case []any:
		for _, item := range v {
			forget(item, name)
		}
	}
}

// TestIsolationUnderAttack sends requests to every operation of the contract, made from its schemas, that name the things of one person,
// by everybody who is another: none sees a word of them, and none changes them. The owner's own requests, made in the same way, succeed.
func TestIsolationUnderAttack(t *testing.T) {
	t.Parallel()
	ear := &eavesdropper{TB: t}
	issuer, n := isolating(t)
	admin := n.keyed(rightKey)
	owner, other := uuid.New(), uuid.New()
	b := belongingsOf(n.bearing(issuer.sign(t, owner.String(), time.Hour)), owner)
	ops := operations(t)
	slices.SortFunc(ops, func(x, y operation) int { return strings.Compare(x.name(), y.name()) })
	ops = slices.DeleteFunc(ops, func(o operation) bool { return o.OperationID == "stopServer" })
	before := b.state()
	token := issuer.sign(t, other.String(), time.Hour)
	strangers := map[string]http.Header{
		"another person":           {"Authorization": {"Bearer " + token}},
		"one who names the owner":  {"Authorization": {"Bearer " + token}, "X-Entity-Id": {owner.String()}},
		"a key that may chat":      {"X-Api-Key": {admin.newKey("c", "chat").Key}, "X-Entity-Id": {owner.String()}},
		"a key that may read":      {"X-Api-Key": {admin.newKey("r", "read").Key}},
		"a key for another person": {"X-Api-Key": {admin.createKey(api.CreateKeyRequest{Name: "o", Scopes: []api.KeyScope{"chat"}, EntityID: &other}).Key}},
		"nobody":                   {},
	}
	for name, credentials := range strangers {
		g := &generator{Rand: rand.New(rand.NewPCG(*seed, 7)), ids: b.ids}
		for _, o := range ops {
			for range 6 {
				r := g.request(o)
				status, body := n.sendAs(r, credentials)
				if strings.Contains(body, b.canary) && !strings.Contains(r.body+r.target, b.canary) {
					t.Errorf("%s sees what isn't theirs: %s: %d %.600s\n%s", name, o.name(), status, body, r)
				}
				if status >= 500 && status != 501 && status != 503 && status != 504 {
					t.Errorf("%s: %s: %d %.600s\n%s", name, o.name(), status, body, r)
				}
				if rule, _ := api.Access(o.OperationID); name == "nobody" && rule.Scope != api.ScopeNone && status/100 == 2 {
					t.Errorf("nobody: %s: %d %.600s\n%s", o.name(), status, body, r)
				}
			}
		}
		if after := b.state(); after != before {
			t.Fatalf("%s changed what isn't theirs:\n%s\nbefore:\n%s", name, after, before)
		}
	}
	g := &generator{Rand: rand.New(rand.NewPCG(*seed, 8)), ids: b.ids}
	mine := http.Header{"Authorization": {"Bearer " + issuer.sign(t, owner.String(), time.Hour)}}
	tried, worked := 0, []string{}
	for _, o := range ops {
		rule, _ := api.Access(o.OperationID)
		if rule.Scope != api.ScopeRead && rule.Scope != api.ScopeChat || o.method == http.MethodDelete {
			continue
		}
		tried++
		for range 12 {
			if status, _ := n.sendAs(g.request(o), mine); status/100 == 2 {
				worked = append(worked, o.name())
				break
			}
		}
	}
	if len(worked) < tried*2/3 {
		t.Errorf("of %d operations the owner could do only %q", tried, worked)
	}
	for _, line := range ear.trouble() {
		t.Error(line)
	}
}

// sendAs sends a generated request with some credentials instead of its own.
func (n *node) sendAs(r request, credentials http.Header) (status int, body string) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), r.method, n.http.URL+r.target, strings.NewReader(r.body))
	if err != nil {
		n.t.Fatal(err)
	}
	if r.body == "" && r.header.Get("Content-Type") == "" {
		req.Body = http.NoBody
	}
	req.Header = r.header.Clone()
	for _, name := range []string{"X-Api-Key", "Authorization", "X-Entity-Id", "X-Internal-Service-Secret"} {
		req.Header.Del(name)
	}
	for name, values := range credentials {
		req.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		n.t.Fatalf("%s: %v", r, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatalf("%s: %v", r, err)
	}
	return resp.StatusCode, string(text)
}

// open connects a Socket.IO client with a token and waits until it is welcomed.
func (n *node) open(auth map[string]any) *websocket.Conn {
	n.t.Helper()
	conn, answer := n.connect(auth)
	if !strings.HasPrefix(answer, "40") {
		n.t.Fatalf("connecting: %s", answer)
	}
	for readEvent(n.t, conn).name != "connection_established" {
		continue
	}
	return conn
}

// expect emits an event and waits for another.
func (n *node) expect(conn *websocket.Conn, event string, payload any, want string) string {
	n.t.Helper()
	n.emit(conn, event, payload)
	for {
		switch e := readEvent(n.t, conn); {
		case e.name == want:
			return string(e.payload)
		case slices.Contains([]string{"messageBroadcast", "messageAck", "channel_joined", "log_subscription_confirmed", "messageError"}, e.name):
			n.t.Fatalf("%s was followed by %s %s", event, e.name, e.payload)
		}
	}
}

// TestIsolationOnSockets has a stranger and a former participant on both kinds of sockets: neither hears what is said.
func TestIsolationOnSockets(t *testing.T) {
	t.Parallel()
	issuer, n := isolating(t)
	owner, guest, stranger := uuid.New(), uuid.New(), uuid.New()
	token := func(of uuid.UUID) string { return issuer.sign(t, of.String(), time.Hour) }
	mine := n.bearing(token(owner))
	channel := mine.group(owner, guest)
	mine.say(channel, owner, "first")

	outside := n.open(map[string]any{"token": token(stranger), "entityId": owner})
	for event, payload := range map[string]any{
		"1": map[string]any{"channelId": channel}, "join_channel": map[string]any{"channelId": channel, "lastSeq": 0}, "room_joining": map[string]any{"roomId": "lobby"},
		"2": map[string]any{"channelId": channel, "message": "let me in", "senderId": stranger, "metadata": map[string]any{"isDm": true, "targetUserId": owner}},
	} {
		if e := n.expect(outside, event, payload, "messageError"); !strings.Contains(e, "Channel not found") || !strings.Contains(e, "NOT_FOUND") {
			t.Errorf("%s: %s", event, e)
		}
	}
	if e := n.expect(outside, "2", map[string]any{"channelId": channel, "message": "as you", "senderId": owner}, "messageError"); !strings.Contains(e, `"NOT_FOUND"`) && !strings.Contains(e, `"FORBIDDEN"`) {
		t.Errorf("in another's name: %s", e)
	}
	if e := n.expect(outside, "subscribe_logs", map[string]any{}, "messageError"); !strings.Contains(e, "admin") {
		t.Errorf("the log: %s", e)
	}
	plainOutside := n.plain(map[string]any{"type": "auth", "token": token(stranger)})
	n.hear(plainOutside)
	for _, frame := range []map[string]any{{"type": "join", "channelId": channel}, {"type": "message", "channelId": channel, "content": "let me in"}} {
		n.write(plainOutside, string(jsonOf(frame)))
		if got := n.hear(plainOutside); !strings.Contains(got, "NOT_FOUND") {
			t.Errorf("plain %s: %s", frame["type"], got)
		}
	}

	inside := n.open(map[string]any{"token": token(guest)})
	n.expect(inside, "1", map[string]any{"channelId": channel}, "channel_joined")
	plainInside := n.plain(map[string]any{"type": "auth", "token": token(guest)})
	n.hear(plainInside)
	n.write(plainInside, string(jsonOf(map[string]any{"type": "join", "channelId": channel})))
	n.hear(plainInside)
	mine.say(channel, owner, "second")
	if e := readEvent(t, inside); !strings.Contains(string(e.payload), "second") {
		for !strings.Contains(string(e.payload), "second") {
			e = readEvent(t, inside)
		}
	}
	if got := n.hear(plainInside); !strings.Contains(got, "second") {
		t.Errorf("a participant heard %s", got)
	}

	mine.read(mine.api().UpdateChannel(t.Context(), channel, &api.UpdateChannelParams{}, api.ChannelPatch{ParticipantCentralUserIds: &[]uuid.UUID{owner}})).want(200)
	for e := readEvent(t, inside); e.name != "channel_left"; e = readEvent(t, inside) {
		if e.name == "channelUpdated" {
			t.Errorf("one who left is told %s", e.payload)
		}
	}
	mine.say(channel, owner, "third")
	// What they hear next is what they do themselves.
	for name, conn := range map[string]*websocket.Conn{"a stranger": outside, "one who left": inside} {
		own := uuid.New()
		n.emit(conn, "2", map[string]any{"channelId": own, "message": "my own"})
		for {
			e := readEvent(t, conn)
			if strings.Contains(string(e.payload), channel.String()) {
				t.Errorf("%s hears %s %s", name, e.name, e.payload)
			}
			if e.name == "messageBroadcast" {
				if !strings.Contains(string(e.payload), "my own") {
					t.Errorf("%s hears %s", name, e.payload)
				}
				break
			}
		}
	}
	for name, conn := range map[string]*websocket.Conn{"a stranger": plainOutside, "one who left": plainInside} {
		n.write(conn, string(jsonOf(map[string]any{"type": "status"})))
		for got := n.hear(conn); !strings.Contains(got, `"agents"`); got = n.hear(conn) {
			if strings.Contains(got, "third") {
				t.Errorf("%s hears %s", name, got)
			}
		}
	}
}

// TestAgentsAreStoppedByThoseWhoManageThem has a person who manages agents, and sees nobody's conversations but their own, stop and remove
// agents that are answering others.
func TestAgentsAreStoppedByThoseWhoManageThem(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(manager *node){
		"stopped": func(m *node) { m.read(m.api().StopAgent(m.t.Context(), m.agentID())).want(200) },
		"removed": func(m *node) { m.read(m.api().DeleteAgent(m.t.Context(), m.agentID())).want(204) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, gate := make(chan struct{}), make(chan struct{})
			defer close(gate)
			once := sync.OnceFunc(func() { close(begun) })
			model := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				once()
				script := modeltest.Frame("One, two, three.")
				script.Gates = map[int]<-chan struct{}{3: gate}
				return script
			})
			issuer, n := isolating(t, func(c *settings.Settings) {
				c.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=key"})
			})
			owner, manager := uuid.New(), uuid.New()
			asking := n.bearing(issuer.sign(t, owner.String(), time.Hour))
			channel := asking.dmBetween(asking.agentID(), owner)
			answered := make(chan []sseEvent, 1)
			go func() { answered <- asking.stream(channel, owner, "Count.") }()
			<-begun
			key := n.keyed(rightKey).createKey(api.CreateKeyRequest{Name: "m", Scopes: []api.KeyScope{"manage"}, EntityID: &manager}).Key
			end(n.keyed(key))
			events := <-answered
			if last := object(events[len(events)-1].data); last["outcome"] != "cancelled" {
				t.Errorf("who asked is told %v", last)
			}
		})
	}
}

// TestIsolationIsKept has a server whose database was used with isolation start without.
func TestIsolationIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(change func(*settings.Security)) error {
		cfg := testConfig(t)
		cfg.Storage.Dir, cfg.Security.AuthToken = dir, rightKey
		change(&cfg.Security)
		s, err := server.New(cfg, server.WithLogger(slog.New(slog.DiscardHandler)))
		if err == nil {
			err = s.Start(t.Context())
			_ = s.Shutdown(t.Context())
		}
		return err
	}
	on := func(s *settings.Security) { s.Isolation = true }
	off := func(*settings.Security) {}
	for i, step := range []struct {
		change func(*settings.Security)
		want   string
	}{
		{off, ""}, {on, ""}, {on, ""}, {off, "ELIZAD_ISOLATION_OFF"}, {off, "ENABLE_DATA_ISOLATION"},
		{func(s *settings.Security) { s.Unisolated = true }, ""}, {off, ""},
	} {
		err := run(step.change)
		if step.want == "" && err != nil || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
			t.Errorf("start %d: %v", i+1, err)
		}
	}
}
