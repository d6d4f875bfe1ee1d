package server_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestLimitsAreTold(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.RateLimit, cfg.Limits.APIMax, cfg.Limits.UploadMax = true, 4, 2
	n := startWith(t, cfg)
	limits := func(a answer) []string {
		if s, err := strconv.Atoi(a.header.Get("RateLimit-Reset")); err != nil || s < 1 || s > 900 {
			t.Errorf("RateLimit-Reset is %q", a.header.Get("RateLimit-Reset"))
		}
		return []string{a.header.Get("RateLimit-Limit"), a.header.Get("RateLimit-Remaining"), a.header.Get("RateLimit-Policy")}
	}
	if diff := cmp.Diff([]string{"4", "3", "4;w=900"}, limits(n.do("GET", "/api/agents", nil).want(200))); diff != "" {
		t.Error(diff)
	}
	upload := "/api/media/agents/" + uuid.NewString() + "/upload-media"
	if diff := cmp.Diff([]string{"2", "1", "2;w=900"}, limits(n.do("POST", upload, nil).want(400))); diff != "" {
		t.Error(diff)
	}
	n.do("POST", upload, nil).want(400)
	tooMuch := n.do("POST", upload, nil)
	clearError(t, "the third upload", tooMuch, http.StatusTooManyRequests, "UPLOAD_RATE_LIMIT_EXCEEDED")
	tooMany := n.do("GET", "/api/agents", nil)
	clearError(t, "the fifth request", tooMany, http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED")
	for _, a := range []answer{tooMuch, tooMany} {
		if a.header.Get("Retry-After") != a.header.Get("RateLimit-Reset") {
			t.Errorf("Retry-After is %q, the window ends in %q", a.header.Get("Retry-After"), a.header.Get("RateLimit-Reset"))
		}
	}
	if a := n.do("GET", "/healthz", nil).want(200); a.header.Get("RateLimit-Limit") != "" {
		t.Error("health checks are limited")
	}
}
