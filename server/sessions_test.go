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
	path := sessionsPath + "/" + s.SessionID.String()
	if s.TimeoutConfig.TimeoutMinutes != 30 || s.TimeoutConfig.MaxDurationMinutes != 720 || !s.TimeoutConfig.AutoRenew || object(s.Metadata)["page"] != "help" ||
		s.TimeRemaining < 29*60_000 || s.IsNearExpiration {
		t.Errorf("session %+v", s)
	}
	got := into[api.SessionMessagePostedEnvelope](n.do("POST", path+"/messages", map[string]any{"content": "Hello", "transport": "http"}).want(201))
	if got.AgentResponse.Text == "" || got.UserMessage.AuthorID != s.UserID || got.UserMessage.SourceType != "user" || got.SessionStatus.RenewalCount != 1 ||
		!got.SessionStatus.WasRenewed || got.Data.AgentResponse.Text != got.AgentResponse.Text || got.Data.ID != got.UserMessage.ID || got.Data.SessionStatus.RenewalCount != 1 {
		t.Errorf("answer %+v", got)
	}
	into[api.SessionMessagePostedEnvelope](n.do("POST", path+"/messages", map[string]any{"content": "And then?", "attachments": []any{map[string]any{"type": "image", "url": "https://example.com/cat.png"}}}).want(201))
	type page struct {
		Messages []struct {
			ID, Content, AuthorID string
			IsAgent               bool
			Metadata              map[string]any
		}
		HasMore bool
	}
	var history page
	eventually(t, "the second answer", func() bool {
		history = into[page](n.do("GET", path+"/messages", nil).want(200))
		return len(history.Messages) == 4
	})
	for i, m := range history.Messages {
		if m.IsAgent != (i%2 == 0) {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	if files, _ := history.Messages[1].Metadata["attachments"].([]any); len(files) != 1 {
		t.Errorf("the attachment is lost: %v", history.Messages[1].Metadata)
	}
	if h := n.history(s.ChannelID.String()); len(h) != 4 {
		t.Errorf("%d messages in the channel", len(h))
	}
	limited := into[page](n.do("GET", path+"/messages?limit=1", nil).want(200))
	if len(limited.Messages) != 1 || !limited.HasMore || limited.Messages[0].ID != history.Messages[0].ID {
		t.Errorf("page %+v", limited)
	}
	if renewed := into[api.Session](n.do("POST", path+"/renew", nil).want(200)); renewed.RenewalCount != 3 {
		t.Errorf("renewed %+v", renewed)
	}
	if beat := into[api.Session](n.do("POST", path+"/heartbeat", nil).want(200)); beat.RenewalCount != 4 {
		t.Errorf("heartbeat %+v", beat)
	}
	changed := into[api.Session](n.do("PATCH", path+"/timeout", map[string]any{"timeoutMinutes": "45", "autoRenew": false}).want(200))
	if c := changed.TimeoutConfig; c.TimeoutMinutes != 45 || c.MaxDurationMinutes != 720 || c.AutoRenew {
		t.Errorf("changed %+v", changed)
	}
	list := into[struct {
		Sessions []api.Session
		Total    int
		Stats    struct{ ActiveSessions int }
	}](n.do("GET", sessionsPath, nil, "X-Entity-Id", s.UserID.String()).want(200))
	if len(list.Sessions) != 1 || list.Total != 1 || list.Stats.ActiveSessions != 1 || list.Sessions[0].SessionID != s.SessionID {
		t.Errorf("list %+v", list)
	}
	health := into[struct {
		Status         string
		ActiveSessions int
	}](n.do("GET", sessionsPath+"/health", nil).want(200))
	if health.Status != "healthy" || health.ActiveSessions != 1 {
		t.Errorf("health %+v", health)
	}
	if gone := into[struct {
		Success bool
		Data    struct{ Success bool }
	}](n.do("DELETE", path, nil).want(200)); !gone.Success || !gone.Data.Success {
		t.Errorf("deleted %+v", gone)
	}
	clearError(t, "a deleted session", n.do("GET", path, nil), http.StatusNotFound, "SESSION_NOT_FOUND")
}

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
	user := uuid.NewString()
	s := into[api.Session](n.do("POST", sessionsPath, map[string]any{"agentId": n.agentID(), "userId": user}).want(201))
	for i := range 4 {
		n.say(s.ChannelID.String(), user, fmt.Sprint("Message ", i))
	}
	path := sessionsPath + "/" + s.SessionID.String() + "/messages"
	type page struct {
		Messages []struct{ Content string }
		HasMore  bool
		Cursors  struct{ Next, Prev string }
	}
	var got []string
	at, pages := path+"?limit=3", 0
	for ; at != ""; pages++ {
		a := n.do("GET", at, nil).want(200)
		for _, m := range into[page](a).Messages {
			if strings.HasPrefix(m.Content, "Message ") {
				got = append(got, m.Content)
			}
		}
		if pages == 0 {
			n.say(s.ChannelID.String(), user, "One more")
		}
		at = nextPage(t, at, a)
	}
	if diff := cmp.Diff([]string{"Message 3", "Message 2", "Message 1", "Message 0"}, got); diff != "" || pages < 2 {
		t.Errorf("in %d pages: %s", pages, diff)
	}
	first := into[page](n.do("GET", path+"?limit=1", nil).want(200))
	if second := into[page](n.do("GET", path+"?limit=1&cursor="+first.Cursors.Next, nil).want(200)); len(second.Messages) != 1 || !first.HasMore {
		t.Errorf("%+v, then %+v", first, second)
	}
	clearError(t, "a made-up cursor", n.do("GET", path+"?cursor=zzz", nil), http.StatusBadRequest, "")
}

func TestSessionBadInput(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent, user := n.agentID(), uuid.NewString()
	for name, body := range map[string]any{
		"nothing":       map[string]any{},
		"no user":       map[string]any{"agentId": agent},
		"no UUID":       map[string]any{"agentId": "x", "userId": user},
		"list":          map[string]any{"agentId": agent, "userId": user, "metadata": []int{1}},
		"much metadata": map[string]any{"agentId": agent, "userId": user, "metadata": map[string]any{"x": strings.Repeat("x", 11<<10)}},
	} {
		clearError(t, name, n.do("POST", sessionsPath, body), http.StatusBadRequest, "")
	}
	clearError(t, "unknown agent", n.do("POST", sessionsPath, map[string]any{"agentId": uuid.NewString(), "userId": user}), http.StatusNotFound, "AGENT_NOT_FOUND")
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
	some := sessionsPath + "/" + uuid.NewString()
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"GET", some, nil}, {"DELETE", some, nil}, {"POST", some + "/renew", nil}, {"POST", some + "/heartbeat", nil},
		{"PATCH", some + "/timeout", map[string]any{}}, {"GET", some + "/messages", nil}, {"POST", some + "/messages", map[string]any{"content": "x"}},
	} {
		clearError(t, r.method+" "+r.path, n.do(r.method, r.path, r.body), http.StatusNotFound, "SESSION_NOT_FOUND")
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
	n.do("PATCH", "/api/agents/"+n.agentID(), map[string]any{"settings": map[string]any{"SESSION_TIMEOUT_MINUTES": 90}}).want(200)
	long, short := n.session(nil), n.session(map[string]any{"timeoutMinutes": 0.02})
	if long.TimeoutConfig.TimeoutMinutes != 90 || !short.IsNearExpiration {
		t.Fatalf("sessions %+v, %+v", long, short)
	}
	into[api.SessionMessagePostedEnvelope](n.do("POST", sessionsPath+"/"+long.SessionID.String()+"/messages", map[string]any{"content": "Hello", "transport": "http"}).want(201))
	n.stop()

	again := startWith(t, cfg)
	eventually(t, "the end of the short one", func() bool {
		return again.do("GET", sessionsPath+"/"+short.SessionID.String(), nil).status == http.StatusGone
	})
	clearError(t, "the short one", again.do("POST", sessionsPath+"/"+short.SessionID.String()+"/messages", map[string]any{"content": "x"}), http.StatusGone, "SESSION_EXPIRED")
	got := into[api.Session](again.do("GET", sessionsPath+"/"+long.SessionID.String(), nil).want(200))
	if got.RenewalCount != 1 || got.TimeoutConfig.TimeoutMinutes != 90 {
		t.Errorf("session %+v", got)
	}
	into[api.SessionMessagePostedEnvelope](again.do("POST", sessionsPath+"/"+long.SessionID.String()+"/messages", map[string]any{"content": "Hello again", "transport": "http"}).want(201))
	if h := again.history(long.ChannelID.String()); len(h) != 4 {
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
	clearError(t, "a cleared session", again.do("GET", sessionsPath+"/"+s.SessionID.String(), nil), http.StatusNotFound, "SESSION_NOT_FOUND")
}

func TestSessionOfADeletedChannel(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	s := n.session(nil)
	n.do("DELETE", "/api/messaging/channels/"+s.ChannelID.String(), nil).want(204)
	clearError(t, "its channel is gone", n.do("POST", sessionsPath+"/"+s.SessionID.String()+"/messages", map[string]any{"content": "x"}), http.StatusGone, "SESSION_EXPIRED")
}
