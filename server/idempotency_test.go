package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

func TestIdempotentRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	channel, user := n.dm()
	path := "/api/messaging/channels/" + channel.String() + "/messages"
	body := map[string]any{"author_id": user, "content": "Hello", "transport": "http"}
	key := []string{"Idempotency-Key", uuid.NewString()}
	first := n.do("POST", path, body, key...).want(201)
	again := n.do("POST", path, body, key...).want(201)
	if string(again.body) != string(first.body) || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("first %s\nagain %v %s", first.body, again.header, again.body)
	}
	if first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first answer says that it is a repetition")
	}
	body["content"] = "Something else"
	clearError(t, "another request", n.do("POST", path, body, key...), http.StatusConflict, "CONFLICT")
	clearError(t, "another path", n.do("POST", "/api/messaging/channels", map[string]any{"name": "x"}, key...), http.StatusConflict, "CONFLICT")
	n.do("POST", path, body, "Idempotency-Key", key[1], "X-Entity-Id", uuid.NewString()).want(201) // a key is its caller's own
	clearError(t, "a long key", n.do("POST", path, body, "Idempotency-Key", strings.Repeat("k", 256)), http.StatusBadRequest, "")

	n.stop()
	n = start(t, dir)
	body["content"] = "Hello"
	if after := n.do("POST", path, body, key...).want(201); string(after.body) != string(first.body) {
		t.Errorf("after a restart: %s", after.body)
	}
}

func TestFailedRequestLeavesTheKeyFree(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	key := []string{"Idempotency-Key", "k"}
	clearError(t, "too early", n.do("POST", "/api/messaging/channels", map[string]any{"name": ""}, key...), http.StatusBadRequest, "")
	n.do("POST", "/api/messaging/channels", map[string]any{"name": "now"}, key...).want(201)
}

func TestIdempotentRequestsAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	var posts sync.WaitGroup
	for range 8 {
		posts.Go(func() {
			a := n.do("POST", "/api/messaging/channels/"+channel.String()+"/messages", map[string]any{"content": "once"}, "Idempotency-Key", "k")
			if a.status != http.StatusCreated && a.status != http.StatusConflict {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	posts.Wait()
	if got := n.history(channel); len(got) != 1 {
		t.Errorf("history %+v", got)
	}
}

// TestIdempotentPosts repeats a POST of each kind: what it makes is made once, and the answer is the first one's.
func TestIdempotentPosts(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, says(mp3Bytes))
	agent, channel := n.agentID(), n.group()
	session := into[api.Session](n.do("POST", "/api/messaging/sessions", map[string]any{"agentId": agent, "userId": uuid.New()}).want(201)).SessionID
	for path, body := range map[string]any{
		"/api/agents": map[string]any{"name": "Ada", "bio": "Calm."},
		"/api/agents/" + agent.String() + "/worlds":                     map[string]any{"name": "W"},
		"/api/agents/" + agent.String() + "/rooms":                      map[string]any{"name": "R"},
		"/api/messaging/message-servers":                                map[string]any{"name": "S", "sourceType": "x"},
		"/api/messaging/channels":                                       map[string]any{"name": "C"},
		"/api/messaging/channels/" + channel.String() + "/messages":     map[string]any{"content": "once"},
		"/api/messaging/submit":                                         map[string]any{"channel_id": channel, "author_id": uuid.New(), "content": "once", "source_type": "x"},
		"/api/messaging/sessions":                                       map[string]any{"agentId": agent, "userId": uuid.New()},
		"/api/messaging/sessions/" + session.String() + "/messages":     map[string]any{"content": "once", "transport": "http"},
		"/api/messaging/sessions/" + session.String() + "/renew":        nil,
		"/api/messaging/jobs":                                           map[string]any{"agentId": agent, "userId": uuid.New(), "content": "once?"},
		"/api/messaging/channels/" + channel.String() + "/upload-media": nil,
		"/api/media/agents/" + agent.String() + "/upload-media":         nil,
	} {
		key := uuid.New()
		send := func(content string) answer {
			if strings.HasSuffix(path, "/upload-media") {
				form, kind := form(formPart{"file", "a.png", "image/png", pngBytes + content})
				return n.do("POST", path, form, "Content-Type", kind, "Idempotency-Key", key.String())
			}
			return n.do("POST", path, body, "Idempotency-Key", key.String())
		}
		first := send("x")
		again := send("x").want(first.status)
		if first.status/100 != 2 || string(first.body) != string(again.body) || again.header.Get("Idempotency-Replayed") != "true" ||
			first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
			t.Errorf("%s:\n%d %s\n%d %s", path, first.status, first.body, again.status, again.body)
		}
		if strings.Contains(path, "upload-media") {
			clearError(t, path+" with another file of the same size", send("y"), http.StatusConflict, "CONFLICT")
		}
	}
	if got := n.history(channel); len(got) != 2 {
		t.Errorf("history %+v", got)
	}
}

// What reads, or does the same however often it is asked, keeps nothing.
func TestReadingPostsKeepNothing(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for path, body := range map[string]any{
		"/api/server/logs":                               map[string]any{"logs": []any{map[string]any{"level": "info", "message": "twice"}}},
		"/api/messaging/messages/search":                 map[string]any{"query": "words"},
		"/api/agents/" + n.agentID().String() + "/start": nil,
	} {
		for range 2 {
			if a := n.do("POST", path, body, "Idempotency-Key", "k").want(200); a.header.Get("Idempotency-Replayed") != "" {
				t.Errorf("%s: the answer was kept", path)
			}
		}
	}
}

// A large upload is heard to its end before its first answer is given again: a caller in the middle of it would not hear.
func TestIdempotentLargeUpload(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	path := "/api/media/agents/" + n.agentID().String() + "/upload-media"
	upload := func() api.Upload {
		body, kind := form(formPart{"file", "a.png", "image/png", pngBytes + strings.Repeat("x", 8<<20)})
		return data[api.Upload](n.do("POST", path, body, "Content-Type", kind, "Idempotency-Key", "k").want(200))
	}
	if first, again := upload(), upload(); first != again || first.URL == "" {
		t.Errorf("stored twice: %+v, %+v", first, again)
	}
}

func TestIdempotentStream(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	ask := func() answer {
		return n.do("POST", "/api/messaging/channels/"+channel.String()+"/messages", map[string]any{
			"author_id": user, "content": "Hello", "transport": "sse",
		}, "Idempotency-Key", "stream").want(200)
	}
	first, again := ask(), ask()
	if string(first.body) != string(again.body) || len(n.history(channel)) != 2 {
		t.Errorf("first %s\nagain %s", first.body, again.body)
	}
}
