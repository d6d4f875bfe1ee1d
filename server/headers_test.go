package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Sent raw: names are given to what no operation answers, too.
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

// The contract has no HEAD: it is sent raw.
func TestHeadIsGetWithoutABody(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/api/agents", "/api/agents/" + n.agentID().String(), "/healthz", "/openapi.yaml", "/"} {
		if a := n.do("HEAD", path, nil).want(200); len(a.body) > 0 || a.header.Get("Content-Type") == "" {
			t.Errorf("%s: %d bytes, %v", path, len(a.body), a.header)
		}
	}
	n.do("HEAD", "/api/agents/"+uuid.NewString(), nil).want(404)
}

func TestErrorsAsProblemDetails(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	a := n.read(n.with("Accept", "application/problem+json").api().GetAgent(t.Context(), uuid.New())).want(404)
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/problem+json") {
		t.Errorf("type %q: %s", got, a.body)
	}
}

func TestEntityTags(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, thing := range n.versioned() {
		tag := thing.read(n).want(200).header.Get("ETag")
		if tag == "" {
			t.Fatalf("%s has no ETag", thing.name)
		}
		seen := func(tags string) answer { return thing.read(n.with("If-None-Match", tags)) }
		if a := seen(`"other", ` + tag).want(http.StatusNotModified); len(a.body) > 0 || a.header.Get("ETag") != tag {
			t.Errorf("%s: %v %s", thing.name, a.header, a.body)
		}
		seen(`"other"`).want(200)
		clearError(t, thing.name, thing.change(n.with("If-Match", `"other"`), "v1"), http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		seen(tag).want(http.StatusNotModified)
		same := n.with("If-Match", tag)
		changed := thing.change(same, "v2").want(200).header.Get("ETag")
		if changed == tag || changed != thing.read(n).want(200).header.Get("ETag") {
			t.Errorf("%s: tags %s, %s", thing.name, tag, changed)
		}
		clearError(t, thing.name, thing.change(same, "v3"), http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		thing.change(n.with("If-Match", "*"), "v4").want(200)
		seen(tag).want(200)
	}
}
