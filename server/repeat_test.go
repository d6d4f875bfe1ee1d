package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestIdempotentRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	channel, user := n.dm()
	path := "/api/messaging/channels/" + channel + "/messages"
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
			a := n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{"content": "once"}, "Idempotency-Key", "k")
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
	agent, channel := n.agent().ID, n.group()
	session := into[wireSession](n.do("POST", "/api/messaging/sessions", map[string]any{"agentId": agent, "userId": uuid.New()}).want(201)).SessionID
	for path, body := range map[string]any{
		"/api/agents":                                          map[string]any{"name": "Ada", "bio": "Calm."},
		"/api/agents/" + agent + "/worlds":                     map[string]any{"name": "W"},
		"/api/agents/" + agent + "/rooms":                      map[string]any{"name": "R"},
		"/api/messaging/message-servers":                       map[string]any{"name": "S", "sourceType": "x"},
		"/api/messaging/channels":                              map[string]any{"name": "C"},
		"/api/messaging/channels/" + channel + "/messages":     map[string]any{"content": "once"},
		"/api/messaging/submit":                                map[string]any{"channel_id": channel, "author_id": uuid.New(), "content": "once", "source_type": "x"},
		"/api/messaging/sessions":                              map[string]any{"agentId": agent, "userId": uuid.New()},
		"/api/messaging/sessions/" + session + "/messages":     map[string]any{"content": "once", "transport": "http"},
		"/api/messaging/sessions/" + session + "/renew":        nil,
		"/api/messaging/jobs":                                  map[string]any{"agentId": agent, "userId": uuid.New(), "content": "once?"},
		"/api/messaging/channels/" + channel + "/upload-media": nil,
		"/api/media/agents/" + agent + "/upload-media":         nil,
	} {
		key := uuid.NewString()
		send := func(content string) answer {
			if strings.HasSuffix(path, "/upload-media") {
				form, kind := form(formPart{"file", "a.png", "image/png", pngBytes + content})
				return n.do("POST", path, form, "Content-Type", kind, "Idempotency-Key", key)
			}
			return n.do("POST", path, body, "Idempotency-Key", key)
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
		"/api/server/logs":                       map[string]any{"logs": []any{map[string]any{"level": "info", "message": "twice"}}},
		"/api/messaging/messages/search":         map[string]any{"query": "words"},
		"/api/agents/" + n.agent().ID + "/start": nil,
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
	path := "/api/media/agents/" + n.agent().ID + "/upload-media"
	upload := func() wireUpload {
		body, kind := form(formPart{"file", "a.png", "image/png", pngBytes + strings.Repeat("x", 8<<20)})
		return data[wireUpload](n.do("POST", path, body, "Content-Type", kind, "Idempotency-Key", "k").want(200))
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
		return n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
			"author_id": user, "content": "Hello", "transport": "sse",
		}, "Idempotency-Key", "stream").want(200)
	}
	first, again := ask(), ask()
	if string(first.body) != string(again.body) || len(n.history(channel)) != 2 {
		t.Errorf("first %s\nagain %s", first.body, again.body)
	}
}

func TestEntityTags(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	message := n.say(channel, uuid.NewString(), "one").ID
	room := "/api/agents/" + n.agent().ID + "/rooms/" + n.agent().ID
	for _, tt := range []struct {
		read, change string
		patch        func(i int) any
	}{
		{"/api/agents/" + n.agent().ID, "/api/agents/" + n.agent().ID, func(i int) any { return map[string]any{"system": fmt.Sprint("v", i)} }},
		{"/api/messaging/channels/" + channel + "/details", "/api/messaging/channels/" + channel, func(i int) any { return map[string]any{"name": fmt.Sprint("v", i)} }},
		{room, room, func(i int) any { return map[string]any{"name": fmt.Sprint("v", i)} }},
		{"/api/messaging/messages/" + message, "/api/messaging/messages/" + message, func(i int) any { return map[string]any{"content": fmt.Sprint("v", i)} }},
	} {
		tag := n.do("GET", tt.read, nil).want(200).header.Get("ETag")
		if tag == "" {
			t.Fatalf("%s has no ETag", tt.read)
		}
		if a := n.do("GET", tt.read, nil, "If-None-Match", `"other", `+tag).want(http.StatusNotModified); len(a.body) > 0 || a.header.Get("ETag") != tag {
			t.Errorf("%s: %v %s", tt.read, a.header, a.body)
		}
		n.do("GET", tt.read, nil, "If-None-Match", `"other"`).want(200)
		clearError(t, tt.change, n.do("PATCH", tt.change, tt.patch(1), "If-Match", `"other"`), http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		n.do("GET", tt.read, nil, "If-None-Match", tag).want(http.StatusNotModified)
		changed := n.do("PATCH", tt.change, tt.patch(2), "If-Match", tag).want(200).header.Get("ETag")
		if changed == tag || changed != n.do("GET", tt.read, nil).want(200).header.Get("ETag") {
			t.Errorf("%s: tags %s, %s", tt.read, tag, changed)
		}
		clearError(t, tt.change, n.do("PATCH", tt.change, tt.patch(3), "If-Match", tag), http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		n.do("PATCH", tt.change, tt.patch(4), "If-Match", "*").want(200)
		n.do("GET", tt.read, nil, "If-None-Match", tag).want(200)
	}
}

// Of many who change a thing as they have all seen it, one succeeds; and of many who add to a thing, none is lost.
func TestManyChangeOneThing(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	const many = 12
	atOnce := func(change func(i int) answer) (succeeded int) {
		answers := make([]answer, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() { answers[i] = change(i) })
		}
		all.Wait()
		for _, a := range answers {
			if a.status == 200 {
				succeeded++
			} else {
				clearError(t, "a change that came too late", a, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
			}
		}
		return succeeded
	}
	channel := n.group()
	channelPath, messagePath := "/api/messaging/channels/"+channel, "/api/messaging/messages/"+n.say(channel, uuid.NewString(), "one").ID
	for _, tt := range []struct{ read, change, field string }{
		{"/api/agents/" + n.agent().ID, "/api/agents/" + n.agent().ID, "system"},
		{channelPath + "/details", channelPath, "name"},
		{messagePath, messagePath, "content"},
	} {
		tag := n.do("GET", tt.read, nil).want(200).header.Get("ETag")
		if got := atOnce(func(i int) answer {
			return n.do("PATCH", tt.change, map[string]any{tt.field: fmt.Sprint("v", i)}, "If-Match", tag)
		}); got != 1 {
			t.Errorf("%s: %d of %d changes of one version succeeded", tt.change, got, many)
		}
	}

	worlds := "/api/agents/" + n.agent().ID + "/worlds"
	world := data[struct{ WorldID string }](n.do("POST", worlds, map[string]any{"name": "w"}).want(201)).WorldID
	for _, path := range []string{channelPath + "?merge=true", worlds + "/" + world} {
		if got := atOnce(func(i int) answer {
			return n.do("PATCH", path, map[string]any{"metadata": map[string]any{fmt.Sprint("k", i): i}})
		}); got != many {
			t.Errorf("%s: %d of %d additions succeeded", path, got, many)
		}
		last := n.do("PATCH", path, map[string]any{"metadata": map[string]any{"last": true}}).want(200).body
		kept := 0
		for i := range many {
			if bytes.Contains(last, fmt.Appendf(nil, `"k%d":%d`, i, i)) {
				kept++
			}
		}
		if kept != many {
			t.Errorf("%s: %d of %d additions are there", path, kept, many)
		}
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	for i := range 5 {
		n.say(channel, uuid.NewString(), fmt.Sprint(i+1))
	}
	type page struct {
		Messages []wireMessage
		Cursors  struct{ Next, Prev string }
	}
	var got []string
	path := "/api/messaging/channels/" + channel + "/messages?limit=2"
	var newest string
	for path != "" {
		a := n.do("GET", path, nil).want(200)
		p := data[page](a)
		for _, m := range p.Messages {
			got = append(got, m.Content)
		}
		if newest == "" {
			newest = p.Cursors.Prev
			n.say(channel, uuid.NewString(), "6") // moves no page
		}
		path = nextPage(t, path, a)
	}
	if diff := cmp.Diff([]string{"5", "4", "3", "2", "1"}, got); diff != "" {
		t.Error(diff)
	}
	after := data[page](n.do("GET", "/api/messaging/channels/"+channel+"/messages?cursor="+newest, nil).want(200))
	if len(after.Messages) != 1 || after.Messages[0].Content != "6" {
		t.Errorf("newer %+v", after)
	}
	still := data[page](n.do("GET", "/api/messaging/channels/"+channel+"/messages?cursor="+after.Cursors.Prev, nil).want(200))
	if len(still.Messages) != 0 || still.Cursors.Prev != after.Cursors.Prev {
		t.Errorf("nothing newer: %+v", still)
	}
	clearError(t, "a made-up cursor", n.do("GET", "/api/messaging/channels/"+channel+"/messages?cursor=abc", nil), http.StatusBadRequest, "")
}

func TestTotalsAndPagesOfLists(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	var want []string
	for range 3 {
		want = append([]string{n.group()}, want...)
	}
	path := "/api/messaging/message-servers/" + uuid.Nil.String() + "/channels?limit=2"
	type page struct {
		Channels   []struct{ ID string }
		NextCursor string
	}
	first := n.do("GET", path, nil).want(200)
	second := n.do("GET", path+"&cursor="+data[page](first).NextCursor, nil).want(200)
	var got []string
	for _, c := range append(data[page](first).Channels, data[page](second).Channels...) {
		got = append(got, c.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" || first.header.Get("X-Total-Count") != "3" || second.header.Get("Link") != "" || data[page](second).NextCursor != "" {
		t.Errorf("%v %v %s", first.header, second.header, diff)
	}
	if !strings.Contains(first.header.Get("Link"), `rel="next"`) {
		t.Errorf("Link %q", first.header.Get("Link"))
	}
	for path, total := range map[string]string{
		"/api/agents": "1", "/api/messaging/message-servers": "1", "/api/agents/" + n.agent().ID + "/runs": "0",
	} {
		if got := n.do("GET", path, nil).want(200).header.Get("X-Total-Count"); got != total {
			t.Errorf("%s: X-Total-Count %q", path, got)
		}
	}
}
