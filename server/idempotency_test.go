package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

func TestIdempotentRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	channel, user := n.dm()
	key := uuid.NewString()
	once := n.with("Idempotency-Key", key)
	first, again := once.ask(channel, user, "Hello").want(201), once.ask(channel, user, "Hello").want(201)
	if string(again.body) != string(first.body) || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("first %s\nagain %v %s", first.body, again.header, again.body)
	}
	if first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first answer says that it is a repetition")
	}
	clearError(t, "another request", once.ask(channel, user, "Something else"), http.StatusConflict, "CONFLICT")
	clearError(t, "another path", once.createChannel(api.CreateChannelRequest{Name: "x"}), http.StatusConflict, "CONFLICT")
	once.as(uuid.New()).ask(channel, user, "Something else").want(201) // a key is its caller's own
	clearError(t, "a long key", n.with("Idempotency-Key", strings.Repeat("k", 256)).ask(channel, user, "Something else"), http.StatusBadRequest, "")

	n.stop()
	n = start(t, dir)
	if after := n.with("Idempotency-Key", key).ask(channel, user, "Hello").want(201); string(after.body) != string(first.body) {
		t.Errorf("after a restart: %s", after.body)
	}
}

func TestFailedRequestLeavesTheKeyFree(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir()).with("Idempotency-Key", "k")
	clearError(t, "too early", n.createChannel(api.CreateChannelRequest{}), http.StatusBadRequest, "")
	n.createChannel(api.CreateChannelRequest{Name: "now"}).want(201)
}

func TestIdempotentRequestsAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	for _, a := range atOnce(func(int) answer {
		return n.with("Idempotency-Key", "k").post(channel, api.PostMessageRequest{Content: new("once")})
	}) {
		if a.status != http.StatusCreated && a.status != http.StatusConflict {
			t.Errorf("status %d: %s", a.status, a.body)
		}
	}
	if got := n.history(channel); len(got) != 1 {
		t.Errorf("history %+v", got)
	}
}

// TestIdempotentPosts repeats a POST of each kind: what it makes is made once, and the answer is the first one's.
func TestIdempotentPosts(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, says(mp3Bytes))
	agent, channel, user, session := n.agentID(), n.group(), uuid.New(), n.session(nil).SessionID
	picture := func(content string) formPart { return formPart{"file", "a.png", "image/png", pngBytes + content} }
	for what, send := range map[string]func(n *node, content string) answer{
		"agent":          func(n *node, _ string) answer { return n.createAgent(map[string]any{"name": "Ada", "bio": "Calm."}) },
		"world":          func(n *node, _ string) answer { return n.createWorld(agent, api.CreateWorldRequest{Name: new("W")}) },
		"room":           func(n *node, _ string) answer { return n.createRoom(agent, api.CreateRoomRequest{Name: new("R")}) },
		"message server": func(n *node, _ string) answer { return n.createMessageServer("S") },
		"channel":        func(n *node, _ string) answer { return n.createChannel(api.CreateChannelRequest{Name: "C"}) },
		"message":        func(n *node, _ string) answer { return n.post(channel, api.PostMessageRequest{Content: new("once")}) },
		"submission": func(n *node, _ string) answer {
			return n.submit(api.SubmitMessageRequest{ChannelID: channel, AuthorID: user, Content: "once", SourceType: new("x")})
		},
		"session": func(n *node, _ string) answer {
			return n.createSession(api.CreateSessionRequest{AgentID: agent, UserID: user})
		},
		"session message": func(n *node, _ string) answer { return n.askSession(session, "once") },
		"renewal":         func(n *node, _ string) answer { return n.read(n.api().RenewSession(t.Context(), session)) },
		"job": func(n *node, _ string) answer {
			return n.createJob(api.CreateJobRequest{AgentID: &agent, UserID: user, Content: "once?"})
		},
		"file of a message": func(n *node, content string) answer { return n.uploadToMessage(channel, picture(content)) },
		"file of an agent":  func(n *node, content string) answer { return n.uploadToAgent(agent, picture(content)) },
	} {
		once := n.with("Idempotency-Key", uuid.NewString())
		first := send(once, "x")
		again := send(once, "x").want(first.status)
		if first.status/100 != 2 || string(first.body) != string(again.body) || again.header.Get("Idempotency-Replayed") != "true" ||
			first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
			t.Errorf("%s:\n%d %s\n%d %s", what, first.status, first.body, again.status, again.body)
		}
		if strings.HasPrefix(what, "file") {
			clearError(t, what+" with another file of the same size", send(once, "y"), http.StatusConflict, "CONFLICT")
		}
	}
	if got := n.history(channel); len(got) != 2 {
		t.Errorf("history %+v", got)
	}
}

// What reads, or does the same however often it is asked, keeps nothing.
func TestReadingPostsKeepNothing(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir()).with("Idempotency-Key", "k")
	for what, send := range map[string]func() answer{
		"logs": func() answer {
			twice := []api.SubmittedLog{{Level: new("info"), Message: "twice"}}
			return n.read(n.api().PostServerLogs(t.Context(), nil, api.SubmitLogsRequest{Logs: twice}))
		},
		"search": func() answer {
			return n.read(n.api().SearchMessages(t.Context(), api.SearchMessagesRequest{Query: new("words")}))
		},
		"start": func() answer { return n.read(n.api().StartAgent(t.Context(), n.agentID())) },
	} {
		for range 2 {
			if a := send().want(200); a.header.Get("Idempotency-Replayed") != "" {
				t.Errorf("%s: the answer was kept", what)
			}
		}
	}
}

// A large upload is heard to its end before its first answer is given again: a caller in the middle of it would not hear.
func TestIdempotentLargeUpload(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir()).with("Idempotency-Key", "k")
	upload := func() api.Upload {
		picture := formPart{"file", "a.png", "image/png", pngBytes + strings.Repeat("x", 8<<20)}
		return data[api.Upload](n.uploadToAgent(n.agentID(), picture).want(200))
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
		return n.with("Idempotency-Key", "stream").post(channel, api.PostMessageRequest{
			AuthorID: &user, Content: new("Hello"), Transport: new(api.TransportSse),
		}).want(200)
	}
	first, again := ask(), ask()
	if string(first.body) != string(again.body) || len(n.history(channel)) != 2 {
		t.Errorf("first %s\nagain %s", first.body, again.body)
	}
}
