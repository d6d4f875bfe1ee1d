package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestRequestsHaveNames(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for path, status := range map[string]int{"/healthz": 200, "/api/agents": 200, "/api/nowhere": 404, "/media/generated/x/y": 400} {
		if a := n.do("GET", path, nil, "X-Request-Id", "mine-1").want(status); a.header.Get("X-Request-Id") != "mine-1" {
			t.Errorf("%s: the caller's name became %q", path, a.header.Get("X-Request-Id"))
		}
		if a := n.do("GET", path, nil, "X-Request-Id", "<script>").want(status); uuid.Validate(a.header.Get("X-Request-Id")) != nil {
			t.Errorf("%s: a name that isn't plain became %q", path, a.header.Get("X-Request-Id"))
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/api/agents", "/api/agents/" + n.agentID(), "/healthz", "/openapi.yaml", "/"} {
		if a := n.do("HEAD", path, nil).want(200); len(a.body) > 0 || a.header.Get("Content-Type") == "" {
			t.Errorf("%s: %d bytes, %v", path, len(a.body), a.header)
		}
	}
	n.do("HEAD", "/api/agents/"+uuid.NewString(), nil).want(404)
}

func TestErrorsAsProblemDetails(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	a := n.do("GET", "/api/agents/"+uuid.NewString(), nil, "Accept", "application/problem+json").want(404)
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/problem+json") {
		t.Errorf("type %q: %s", got, a.body)
	}
}

func TestEntityTags(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	message := n.say(channel, uuid.NewString(), "one").ID
	room := "/api/agents/" + n.agentID() + "/rooms/" + n.agentID()
	for _, tt := range []struct {
		read, change string
		patch        func(i int) any
	}{
		{"/api/agents/" + n.agentID(), "/api/agents/" + n.agentID(), func(i int) any { return map[string]any{"system": fmt.Sprint("v", i)} }},
		{"/api/messaging/channels/" + channel + "/details", "/api/messaging/channels/" + channel, func(i int) any { return map[string]any{"name": fmt.Sprint("v", i)} }},
		{room, room, func(i int) any { return map[string]any{"name": fmt.Sprint("v", i)} }},
		{"/api/messaging/messages/" + message.String(), "/api/messaging/messages/" + message.String(), func(i int) any { return map[string]any{"content": fmt.Sprint("v", i)} }},
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
