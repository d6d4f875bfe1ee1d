package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

// Changes of one thing that come at the same moment are all kept: each names another member.
func TestChangesAtTheSameMomentAreAllKept(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(http.StatusCreated)
	world := data[struct{ WorldID string }](n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{"name": "w"}).want(201)).WorldID

	type members = map[string]any
	for _, path := range []string{"/api/agents/" + id, "/api/agents/" + id + "/worlds/" + world} {
		got := statuses(atOnce(func(i int) answer { return n.do("PATCH", path, members{"settings": members{fmt.Sprint("k", i): i}}) }))
		if got[http.StatusOK] != crowd {
			t.Errorf("%s: statuses %v", path, got)
		}
		after := data[struct{ Settings members }](n.do("PATCH", path, members{}).want(200)).Settings
		for i := range crowd {
			if key := fmt.Sprint("k", i); after[key] != float64(i) {
				t.Errorf("%s: %s is lost: %v", path, key, after)
			}
		}
	}

	heard := n.memories("/api/agents/" + id + "/memories?limit=1").Memories[0]
	path := "/api/agents/" + id + "/memories/" + heard.ID.String()
	got := statuses(atOnce(func(i int) answer {
		if i%2 == 0 {
			return n.do("PATCH", path, members{"content": "changed"})
		}
		return n.do("PATCH", path, members{"metadata": members{"by": "test"}})
	}))
	after := data[api.Memory](n.do("PATCH", path, members{}).want(200))
	if got[http.StatusOK] != crowd || object(after.Content)["text"] != "changed" || object(after.Metadata)["by"] != "test" {
		t.Errorf("statuses %v, and then %+v", got, after)
	}
}

// Of changes under one ETag that come at the same moment the first is made; the others are told that it was.
func TestOneChangePerETag(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	message := into[api.MessagePostedEnvelope](n.ask(channel, user, "Hello").want(201)).UserMessage.ID
	agent := "/api/agents/" + n.agentID()
	for path, field := range map[string]string{
		agent: "system", agent + "/rooms/" + channel: "name",
		"/api/messaging/channels/" + channel + "/details": "topic", "/api/messaging/messages/" + message.String(): "content",
	} {
		tag := n.do("GET", path, nil).want(200).header.Get("ETag")
		change := path
		if field == "topic" {
			change = "/api/messaging/channels/" + channel
		}
		got := statuses(atOnce(func(i int) answer {
			return n.do("PATCH", change, map[string]any{field: fmt.Sprint("version ", i)}, "If-Match", tag)
		}))
		if got[http.StatusOK] != 1 || got[http.StatusPreconditionFailed] != crowd-1 {
			t.Errorf("%s: statuses %v", change, got)
		}
	}
}

// An agent that many create at the same moment is there for all of them, if they mean the same one.
func TestAgentsCreatedAtTheSameMoment(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	name := "Same " + uuid.NewString()
	same := statuses(atOnce(func(_ int) answer { return n.do("POST", "/api/agents", map[string]any{"name": name, "bio": "x"}) }))
	if same[http.StatusCreated] != crowd {
		t.Errorf("the same: statuses %v", same)
	}
	name = "Other " + uuid.NewString()
	others := statuses(atOnce(func(i int) answer {
		return n.do("POST", "/api/agents", map[string]any{"name": name, "bio": fmt.Sprint(i)})
	}))
	if others[http.StatusCreated] != 1 || others[http.StatusConflict] != crowd-1 {
		t.Errorf("others: statuses %v", others)
	}
}

func TestRoomsMadeAtOnceAreDifferent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	var mu sync.Mutex
	var all sync.WaitGroup
	ids := map[string]bool{}
	for range 8 {
		all.Go(func() {
			room := data[api.RoomCreated](n.do("POST", "/api/agents/"+id+"/rooms", map[string]any{"name": "R"}).want(201)).ID
			world := data[struct{ World struct{ ID string } }](n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{"name": "W"}).want(201)).World.ID
			mu.Lock()
			defer mu.Unlock()
			ids[room.String()], ids[world] = true, true
		})
	}
	all.Wait()
	if len(ids) != 16 {
		t.Errorf("%d different ids of 16", len(ids))
	}
}

// Bridges that mirror the same channels at once don't get in each other's way.
func TestChannelsAreMirroredAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	server := data[api.MessageServerCreated](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "n", "sourceType": "s"}).want(201)).ID
	var forward []map[string]any
	for i := range 20 {
		forward = append(forward, map[string]any{"name": fmt.Sprint("c", i), "type": "GROUP", "sourceId": fmt.Sprint(i)})
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	for _, a := range atOnce(func(i int) answer {
		return n.do("POST", "/api/messaging/message-servers/"+server.String()+"/sync-channels", map[string]any{"channels": [][]map[string]any{forward, backward}[i%2]})
	}) {
		a.want(200)
	}
}

// Of many who change a thing as they have all seen it, one succeeds; and of many who add to a thing, none is lost.
func TestManyChangeOneThing(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	made := func(answers []answer) (succeeded int) {
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
	channelPath, messagePath := "/api/messaging/channels/"+channel, "/api/messaging/messages/"+n.say(channel, uuid.NewString(), "one").ID.String()
	for _, tt := range []struct{ read, change, field string }{
		{"/api/agents/" + n.agentID(), "/api/agents/" + n.agentID(), "system"},
		{channelPath + "/details", channelPath, "name"},
		{messagePath, messagePath, "content"},
	} {
		tag := n.do("GET", tt.read, nil).want(200).header.Get("ETag")
		if got := made(atOnce(func(i int) answer {
			return n.do("PATCH", tt.change, map[string]any{tt.field: fmt.Sprint("v", i)}, "If-Match", tag)
		})); got != 1 {
			t.Errorf("%s: %d of %d changes of one version succeeded", tt.change, got, crowd)
		}
	}

	worlds := "/api/agents/" + n.agentID() + "/worlds"
	world := data[struct{ WorldID string }](n.do("POST", worlds, map[string]any{"name": "w"}).want(201)).WorldID
	for _, path := range []string{channelPath + "?merge=true", worlds + "/" + world} {
		if got := made(atOnce(func(i int) answer {
			return n.do("PATCH", path, map[string]any{"metadata": map[string]any{fmt.Sprint("k", i): i}})
		})); got != crowd {
			t.Errorf("%s: %d of %d additions succeeded", path, got, crowd)
		}
		last := n.do("PATCH", path, map[string]any{"metadata": map[string]any{"last": true}}).want(200).body
		kept := 0
		for i := range crowd {
			if bytes.Contains(last, fmt.Appendf(nil, `"k%d":%d`, i, i)) {
				kept++
			}
		}
		if kept != crowd {
			t.Errorf("%s: %d of %d additions are there", path, kept, crowd)
		}
	}
}
