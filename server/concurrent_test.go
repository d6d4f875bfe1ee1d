package server_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// crowd is how many callers ask at the same moment.
const crowd = 12

// together sends a crowd's requests at the same moment, and returns how often each status was the answer.
func (n *node) together(method, path string, body func(i int) any, header ...string) map[int]int {
	n.t.Helper()
	var (
		statuses [crowd]int
		begin    = make(chan struct{})
		group    sync.WaitGroup
	)
	for i := range crowd {
		group.Go(func() {
			<-begin
			statuses[i] = n.do(method, path, body(i), header...).status
		})
	}
	close(begin)
	group.Wait()
	out := map[int]int{}
	for _, s := range statuses {
		out[s]++
	}
	return out
}

// Changes of one thing that come at the same moment are all kept: each names another member.
func TestChangesAtTheSameMomentAreAllKept(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agent().ID
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(http.StatusCreated)
	world := data[struct{ WorldID string }](n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{"name": "w"}).want(201)).WorldID

	type members = map[string]any
	for _, path := range []string{"/api/agents/" + id, "/api/agents/" + id + "/worlds/" + world} {
		got := n.together("PATCH", path, func(i int) any { return members{"settings": members{fmt.Sprint("k", i): i}} })
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
	path := "/api/agents/" + id + "/memories/" + heard.ID
	got := n.together("PATCH", path, func(i int) any {
		if i%2 == 0 {
			return members{"content": "changed"}
		}
		return members{"metadata": members{"by": "test"}}
	})
	after := data[wireMemory](n.do("PATCH", path, members{}).want(200))
	if got[http.StatusOK] != crowd || after.Content["text"] != "changed" || after.Metadata["by"] != "test" {
		t.Errorf("statuses %v, and then %+v", got, after)
	}
}

// Of changes under one ETag that come at the same moment the first is made; the others are told that it was.
func TestOneChangePerETag(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	message := into[reply](n.ask(channel, user, "Hello").want(201)).UserMessage.ID
	agent := "/api/agents/" + n.agent().ID
	for path, field := range map[string]string{
		agent: "system", agent + "/rooms/" + channel: "name",
		"/api/messaging/channels/" + channel + "/details": "topic", "/api/messaging/messages/" + message: "content",
	} {
		tag := n.do("GET", path, nil).want(200).header.Get("ETag")
		change := path
		if field == "topic" {
			change = "/api/messaging/channels/" + channel
		}
		got := n.together("PATCH", change, func(i int) any { return map[string]any{field: fmt.Sprint("version ", i)} }, "If-Match", tag)
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
	same := n.together("POST", "/api/agents", func(int) any { return map[string]any{"name": name, "bio": "x"} })
	if same[http.StatusCreated] != crowd {
		t.Errorf("the same: statuses %v", same)
	}
	name = "Other " + uuid.NewString()
	others := n.together("POST", "/api/agents", func(i int) any { return map[string]any{"name": name, "bio": fmt.Sprint(i)} })
	if others[http.StatusCreated] != 1 || others[http.StatusConflict] != crowd-1 {
		t.Errorf("others: statuses %v", others)
	}
}
