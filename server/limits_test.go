package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// What one caller may take up: ids, room, and the names under which it shows.

func TestAgentsAreNotMadeUnderOthersIDs(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "0123456789abcdef0123456789abcdef"
	key := []string{"X-API-KEY", cfg.Security.AuthToken}
	n := startWith(t, cfg)
	eliza := data[struct{ Agents []wireAgent }](n.do("GET", "/api/agents", nil, key...).want(200)).Agents[0].ID
	silent, writer := uuid.NewString(), uuid.NewString()
	channel := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+eliza+"&currentUserId="+silent, nil, key...).want(200)).ID
	post := func(channel, author string) answer {
		return n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
			"author_id": author, "content": "hello", "message_server_id": uuid.Nil, "transport": "http",
		}, key...)
	}
	post(channel, writer).want(201) // the room is there now
	room := agent.UUIDFor(uuid.MustParse(eliza), channel).String()
	world := agent.UUIDFor(uuid.MustParse(eliza), uuid.Nil.String()).String()
	for what, id := range map[string]string{"participant": silent, "author": writer, "channel": channel, "room": room, "world": world} {
		e := into[wireError](n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"id": id, "name": "Mallory", "bio": "x"}}, key...).want(409))
		if e.Error.Code != "CONFLICT" || !strings.Contains(e.Error.Message, what) {
			t.Errorf("the id of a %s: %+v", what, e.Error)
		}
	}
	for _, author := range []string{silent, writer} {
		post(channel, author).want(201)
	}

	// A room that is not there yet can be taken, and does no harm.
	next := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+eliza+"&currentUserId="+writer, nil, key...).want(200)).ID
	future := agent.UUIDFor(uuid.MustParse(eliza), next).String()
	n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"id": future, "name": "Mallory", "bio": "x"}}, key...).want(201)
	post(next, writer).want(201)
	n.do("GET", "/api/agents/"+eliza+"/rooms/"+next, nil, key...).want(200)
	var memories int
	eventually(t, "the agent remembers", func() bool {
		memories = len(data[wireMemories](n.do("GET", "/api/agents/"+eliza+"/memories?channelId="+next, nil, key...).want(200)).Memories)
		return memories >= 2
	})

	// An agent may be deleted and made anew, wherever it took part.
	n.do("DELETE", "/api/agents/"+eliza, nil, key...).want(204)
	n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"id": eliza, "name": "Eliza", "bio": "again"}}, key...).want(201)
}

func TestAgentsAreBounded(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxAgents = 3
	n := startWith(t, cfg)
	create := func(name, bio string) answer {
		return n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"name": name, "bio": bio}})
	}
	e := into[wireError](create("Large", strings.Repeat("x", 256<<10)).want(413)).Error
	if e.Code != "PAYLOAD_TOO_LARGE" || !strings.Contains(e.Message, "262144") {
		t.Errorf("%+v", e)
	}
	id := data[struct{ ID string }](create("Two", strings.Repeat("x", 200<<10)).want(201)).ID
	create("Three", "x").want(201)
	e = into[wireError](create("Four", "x").want(413)).Error
	if e.Code != "QUOTA_EXCEEDED" || !strings.Contains(e.Details, "ELIZAD_MAX_AGENTS") {
		t.Errorf("%+v", e)
	}
	create("Three", "x").want(201) // it is there already
	n.do("PATCH", "/api/agents/"+id, map[string]any{"system": strings.Repeat("y", 100<<10)}).want(413)
	n.do("PATCH", "/api/agents/"+id, map[string]any{"system": "short"}).want(200)
	n.do("DELETE", "/api/agents/"+id, nil).want(204)
	create("Four", "x").want(201)
	if got := into[struct{ AgentCount int }](n.do("GET", "/api/server/health", nil).want(200)).AgentCount; got != 1 {
		t.Errorf("%d agents run", got)
	}
}

// rlo turns the direction of what follows.
const rlo = "\u202e"

func TestNamesAreHarmless(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	const family = "👩\u200d👩\u200d👧"
	name, want := rlo+"A\u200bda\x07 "+family+"\u2069", "Ada "+family
	expect := func(what, got string) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %+q, want %+q", what, got, want)
		}
	}
	type named struct{ ID, Name string }
	made := data[struct {
		ID        string
		Character named
	}](n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"name": name, "bio": "x"}}).want(201))
	expect("the agent's name", made.Character.Name)
	if made.ID != agent.ID(want).String() {
		t.Errorf("the id %s doesn't follow from the name that is shown", made.ID)
	}
	expect("its name after a change", data[named](n.do("PATCH", "/api/agents/"+made.ID, map[string]any{"name": name}).want(200)).Name)
	n.do("PATCH", "/api/agents/"+made.ID, map[string]any{"name": rlo}).want(400)

	channel, user := n.dm()
	expect("the channel's name", data[named](n.do("PATCH", "/api/messaging/channels/"+channel, map[string]any{"name": name}).want(200)).Name)
	n.do("PATCH", "/api/messaging/channels/"+channel, map[string]any{"name": rlo}).want(400)
	expect("a new channel's name", data[named](n.do("POST", "/api/messaging/channels", map[string]any{"name": name, "message_server_id": uuid.Nil, "participantCentralUserIds": []string{user}}).want(201)).Name)
	server := data[struct{ Server named }](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": name, "sourceType": "test"}).want(201)).Server
	expect("the message server's name", server.Name)
	n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": user, "content": "hello " + rlo, "message_server_id": uuid.Nil, "author_display_name": name,
	}).want(201)
	history := n.do("GET", "/api/messaging/channels/"+channel+"/messages", nil).want(200)
	for _, m := range data[struct {
		Messages []struct{ AuthorID, AuthorDisplayName, Content string }
	}](history).Messages {
		if m.AuthorID == user {
			expect("the author's name", m.AuthorDisplayName)
			if m.Content != "hello "+rlo {
				t.Errorf("what was said is %+q", m.Content)
			}
		}
	}
	body, kind := fileForm("file", strings.ReplaceAll(name, "\x07", "")+".txt", "text/plain", "hello")
	file := data[struct{ OriginalName string }](n.do("POST", "/api/messaging/channels/"+channel+"/upload-media", body, "Content-Type", kind).want(200))
	if file.OriginalName != want+".txt" {
		t.Errorf("the file's name is %+q", file.OriginalName)
	}
	expect("the room's name", data[named](n.do("POST", fmt.Sprintf("/api/agents/%s/rooms", made.ID), map[string]any{"name": name}).want(201)).Name)
}

func TestHealthIsLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.RateLimit = true
	n := startWith(t, cfg)
	for range 100 {
		n.do("GET", "/health", nil).want(200)
	}
	if a := n.do("GET", "/health", nil).want(429); a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
	n.do("GET", "/healthz", nil).want(200)
}

func TestDocumentsAreCompressedOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/openapi.json", "/openapi.yaml", "/asyncapi.yaml"} {
		plain := n.do("GET", path, nil, "Accept-Encoding", "identity").want(200)
		packed := n.do("GET", path, nil, "Accept-Encoding", "br, gzip").want(200)
		r, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, plain.body) || packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Vary") == "" {
			t.Errorf("%s: %d bytes of %d, %v, %v", path, len(got), len(plain.body), packed.header, err)
		}
	}
}
