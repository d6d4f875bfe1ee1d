package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

func TestSessionFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	s := n.session(nil)
	id := s.SessionID
	if s.TimeoutConfig.TimeoutMinutes != 30 || s.TimeoutConfig.MaxDurationMinutes != 720 || !s.TimeoutConfig.AutoRenew || object(s.Metadata)["page"] != "help" ||
		s.TimeRemaining < 29*60_000 || s.IsNearExpiration {
		t.Errorf("session %+v", s)
	}
	got := into[api.SessionMessagePostedEnvelope](n.askSession(id, "Hello").want(201))
	if got.AgentResponse.Text == "" || got.UserMessage.AuthorID != s.UserID || got.UserMessage.SourceType != "user" || got.SessionStatus.RenewalCount != 1 ||
		!got.SessionStatus.WasRenewed || got.Data.AgentResponse.Text != got.AgentResponse.Text || got.Data.ID != got.UserMessage.ID || got.Data.SessionStatus.RenewalCount != 1 {
		t.Errorf("answer %+v", got)
	}
	picture := jsonOf([]any{map[string]any{"type": "image", "url": "https://example.com/cat.png"}})
	n.read(n.api().PostSessionMessage(t.Context(), id, nil, api.PostSessionMessageRequest{Content: "And then?", Attachments: picture})).want(201)
	messages := func(of api.ListSessionMessagesParams) api.SessionMessageList {
		t.Helper()
		return into[api.SessionMessageList](n.read(n.api().ListSessionMessages(t.Context(), id, &of)).want(200))
	}
	var history []api.SessionMessage
	eventually(t, "the second answer", func() bool {
		history = messages(api.ListSessionMessagesParams{}).Messages
		return len(history) == 4
	})
	for i, m := range history {
		if m.IsAgent != (i%2 == 0) {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	if files, _ := object(history[1].Metadata)["attachments"].([]any); len(files) != 1 {
		t.Errorf("the attachment is lost: %s", history[1].Metadata)
	}
	if h := n.history(s.ChannelID); len(h) != 4 {
		t.Errorf("%d messages in the channel", len(h))
	}
	limited := messages(api.ListSessionMessagesParams{Limit: new("1")})
	if len(limited.Messages) != 1 || !limited.HasMore || limited.Messages[0].ID != history[0].ID {
		t.Errorf("page %+v", limited)
	}
	if renewed := into[api.Session](n.read(n.api().RenewSession(t.Context(), id)).want(200)); renewed.RenewalCount != 3 {
		t.Errorf("renewed %+v", renewed)
	}
	if beat := into[api.Session](n.read(n.api().HeartbeatSession(t.Context(), id)).want(200)); beat.RenewalCount != 4 {
		t.Errorf("heartbeat %+v", beat)
	}
	change := api.TimeoutPatch{TimeoutMinutes: jsonOf("45"), AutoRenew: new(false)}
	changed := into[api.Session](n.read(n.api().UpdateSessionTimeout(t.Context(), id, change)).want(200))
	if c := changed.TimeoutConfig; c.TimeoutMinutes != 45 || c.MaxDurationMinutes != 720 || c.AutoRenew {
		t.Errorf("changed %+v", changed)
	}
	list := into[api.SessionList](n.read(n.as(s.UserID).api().ListSessions(t.Context(), nil)).want(200))
	if len(list.Sessions) != 1 || list.Total != 1 || list.Stats.ActiveSessions != 1 || list.Sessions[0].SessionID != id {
		t.Errorf("list %+v", list)
	}
	health := into[api.SessionsHealth](n.read(n.api().GetSessionsHealth(t.Context())).want(200))
	if health.Status != "healthy" || health.ActiveSessions != 1 {
		t.Errorf("health %+v", health)
	}
	if gone := into[api.SessionDeleted](n.read(n.api().DeleteSession(t.Context(), id)).want(200)); !gone.Success || !gone.Data.Success {
		t.Errorf("deleted %+v", gone)
	}
	clearError(t, "a deleted session", n.read(n.api().GetSession(t.Context(), id)), http.StatusNotFound, "SESSION_NOT_FOUND")
}

// Transports are asked for in the words of older clients, too, which are sent raw.
func TestSessionTransports(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Streams carry words one by one.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	path := sessionsPath + "/" + n.session(nil).SessionID.String() + "/messages"
	events := readSSE(t, n.do("POST", path, map[string]any{"content": "Tell me about streams", "mode": "stream"}).want(200).body)
	var text strings.Builder
	for _, e := range events {
		var chunk struct{ Chunk string }
		if err := json.Unmarshal(e.data, &chunk); err == nil && e.name == "chunk" {
			text.WriteString(chunk.Chunk)
		}
	}
	var done struct {
		Text          string
		SessionStatus struct{ WasRenewed bool }
	}
	if err := json.Unmarshal(events[len(events)-1].data, &done); err != nil || events[0].name != "user_message" || done.Text != text.String() || !done.SessionStatus.WasRenewed {
		t.Errorf("%v: pieces %q, end %+v", err, text.String(), done)
	}
	sync := into[api.SessionMessagePostedEnvelope](n.do("POST", path, map[string]any{"content": "Once more", "transport": "sync"}).want(201))
	if sync.AgentResponse.Text != done.Text {
		t.Errorf("answer %+v", sync)
	}
}

// Cursors lead through messages of the same millisecond, which bounds of time can't tell apart.
func TestSessionMessagesAreReadByCursor(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	user := uuid.New()
	s := n.sessionOf(user)
	for i := range 4 {
		n.say(s.ChannelID, user, fmt.Sprint("Message ", i))
	}
	path := sessionsPath + "/" + s.SessionID.String() + "/messages"
	var got []string
	at, pages := path+"?limit=3", 0
	for ; at != ""; pages++ {
		a := n.do("GET", at, nil).want(200) // as the link before it says
		for _, m := range into[api.SessionMessageList](a).Messages {
			if strings.HasPrefix(m.Content, "Message ") {
				got = append(got, m.Content)
			}
		}
		if pages == 0 {
			n.say(s.ChannelID, user, "One more")
		}
		at = nextPage(t, at, a)
	}
	if diff := cmp.Diff([]string{"Message 3", "Message 2", "Message 1", "Message 0"}, got); diff != "" || pages < 2 {
		t.Errorf("in %d pages: %s", pages, diff)
	}
	page := func(cursor *string) answer {
		return n.read(n.api().ListSessionMessages(t.Context(), s.SessionID, &api.ListSessionMessagesParams{Limit: new("1"), Cursor: cursor}))
	}
	first := into[api.SessionMessageList](page(nil).want(200))
	if second := into[api.SessionMessageList](page(first.Cursors.Next).want(200)); len(second.Messages) != 1 || !first.HasMore {
		t.Errorf("%+v, then %+v", first, second)
	}
	clearError(t, "a made-up cursor", page(new("zzz")), http.StatusBadRequest, "")
}

// What no valid request says is sent raw.
func TestSessionBadInput(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent, user := n.agentID(), uuid.New()
	for name, body := range map[string]any{
		"nothing":       map[string]any{},
		"no user":       map[string]any{"agentId": agent},
		"no UUID":       map[string]any{"agentId": "x", "userId": user},
		"list":          map[string]any{"agentId": agent, "userId": user, "metadata": []int{1}},
		"much metadata": map[string]any{"agentId": agent, "userId": user, "metadata": map[string]any{"x": strings.Repeat("x", 11<<10)}},
	} {
		clearError(t, name, n.do("POST", sessionsPath, body), http.StatusBadRequest, "")
	}
	clearError(t, "unknown agent", n.createSession(api.CreateSessionRequest{AgentID: uuid.New(), UserID: user}), http.StatusNotFound, "AGENT_NOT_FOUND")
	n.do("POST", sessionsPath, map[string]any{"agentId": agent, "userId": user, "timeoutConfig": "soon"}).want(201)
	odd := n.session(map[string]any{"timeoutMinutes": "7.5", "autoRenew": "false", "maxDurationMinutes": "abc", "unknown": 1})
	if c := odd.TimeoutConfig; c.TimeoutMinutes != 7.5 || c.AutoRenew || c.MaxDurationMinutes != 720 {
		t.Errorf("odd time-outs became %+v", c)
	}
	path := sessionsPath + "/" + odd.SessionID.String()
	for name, body := range map[string]any{
		"no content": map[string]any{}, "empty": map[string]any{"content": ""}, "a number": map[string]any{"content": 7},
		"long": map[string]any{"content": strings.Repeat("x", 200_001)}, "transport": map[string]any{"content": "x", "transport": "toString"},
		"attachments": map[string]any{"content": "x", "attachments": "cat.png"},
		"metadata":    map[string]any{"content": "x", "metadata": map[string]any{"x": strings.Repeat("x", 11<<10)}},
	} {
		clearError(t, name, n.do("POST", path+"/messages", body), http.StatusBadRequest, "")
	}
	clearError(t, "no time", n.do("GET", path+"/messages?before=soon", nil), http.StatusBadRequest, "")
	for name, body := range map[string]any{
		"below": map[string]any{"timeoutMinutes": 4}, "above": map[string]any{"timeoutMinutes": 1441}, "list": map[string]any{"timeoutMinutes": []int{}}, "word": map[string]any{"autoRenew": "yes"},
	} {
		clearError(t, name, n.do("PATCH", path+"/timeout", body), http.StatusBadRequest, "")
	}
	some, ctx := uuid.New(), t.Context()
	for what, a := range map[string]answer{
		"read": n.read(n.api().GetSession(ctx, some)), "delete": n.read(n.api().DeleteSession(ctx, some)), "renew": n.read(n.api().RenewSession(ctx, some)),
		"heartbeat": n.read(n.api().HeartbeatSession(ctx, some)), "time-outs": n.read(n.api().UpdateSessionTimeout(ctx, some, api.TimeoutPatch{})),
		"messages": n.read(n.api().ListSessionMessages(ctx, some, nil)), "ask": n.askSession(some, "x"),
	} {
		clearError(t, what+" of no session", a, http.StatusNotFound, "SESSION_NOT_FOUND")
	}
}

// A session runs out while the server is off; the agent's own settings decide when.
func TestSessionOutlivesTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := testConfig(t)
	cfg.Storage.Dir = dir
	cfg.Sessions.MinTimeout = 100 * time.Millisecond
	n := startWith(t, cfg)
	n.changeAgent(n.agentID(), map[string]any{"settings": map[string]any{"SESSION_TIMEOUT_MINUTES": 90}}).want(200)
	long, short := n.session(nil), n.session(map[string]any{"timeoutMinutes": 0.02})
	if long.TimeoutConfig.TimeoutMinutes != 90 || !short.IsNearExpiration {
		t.Fatalf("sessions %+v, %+v", long, short)
	}
	n.askSession(long.SessionID, "Hello").want(201)
	n.stop()

	again := startWith(t, cfg)
	get := func(id uuid.UUID) answer { return again.read(again.api().GetSession(t.Context(), id)) }
	eventually(t, "the end of the short one", func() bool { return get(short.SessionID).status == http.StatusGone })
	clearError(t, "the short one", again.askSession(short.SessionID, "x"), http.StatusGone, "SESSION_EXPIRED")
	got := into[api.Session](get(long.SessionID).want(200))
	if got.RenewalCount != 1 || got.TimeoutConfig.TimeoutMinutes != 90 {
		t.Errorf("session %+v", got)
	}
	again.askSession(long.SessionID, "Hello again").want(201)
	if h := again.history(long.ChannelID); len(h) != 4 {
		t.Errorf("%d messages", len(h))
	}
}

func TestSessionsAreClearedOnShutdown(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Sessions.ClearOnShutdown = true
	n := startWith(t, cfg)
	s := n.session(nil)
	n.stop()
	again := startWith(t, cfg)
	clearError(t, "a cleared session", again.read(again.api().GetSession(t.Context(), s.SessionID)), http.StatusNotFound, "SESSION_NOT_FOUND")
}

func TestSessionOfADeletedChannel(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	s := n.session(nil)
	n.read(n.api().DeleteChannel(t.Context(), s.ChannelID)).want(204)
	clearError(t, "its channel is gone", n.askSession(s.SessionID, "x"), http.StatusGone, "SESSION_EXPIRED")
}
