package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
)

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
	if diff := cmp.Diff([]string{"4", "3", "4;w=900"}, limits(n.read(n.api().ListAgents(t.Context())).want(200))); diff != "" {
		t.Error(diff)
	}
	upload := func() answer { return n.uploadToAgent(n.agentID()) } // of nothing
	if diff := cmp.Diff([]string{"2", "1", "2;w=900"}, limits(upload().want(400))); diff != "" {
		t.Error(diff)
	}
	upload().want(400)
	tooMuch := upload()
	clearError(t, "the third upload", tooMuch, http.StatusTooManyRequests, "UPLOAD_RATE_LIMIT_EXCEEDED")
	tooMany := n.read(n.api().ListAgents(t.Context()))
	clearError(t, "the fifth request", tooMany, http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED")
	for _, a := range []answer{tooMuch, tooMany} {
		if a.header.Get("Retry-After") != a.header.Get("RateLimit-Reset") {
			t.Errorf("Retry-After is %q, the window ends in %q", a.header.Get("Retry-After"), a.header.Get("RateLimit-Reset"))
		}
	}
	if a := n.read(n.api().GetLiveness(t.Context())).want(200); a.header.Get("RateLimit-Limit") != "" {
		t.Error("health checks are limited")
	}
}

// The limit of requests is for callers: agents do their work however many there were.
func TestAgentsAreNotLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.RateLimit, cfg.Limits.APIMax = true, 40
	n := startWith(t, cfg)
	channel, user := n.dm()
	posted := 0
	for a := (answer{}); a.status != http.StatusTooManyRequests; posted++ {
		a = n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: new(fmt.Sprint("Hello ", posted))})
	}
	posted-- // the last was refused
	agent := n.agentID()
	n.stop()
	cfg.Limits.RateLimit = false
	n = startWith(t, cfg)
	eventually(t, "the last answer", func() bool {
		count := 0
		for _, m := range n.history(channel) {
			if m.AuthorID == agent {
				count++
			}
		}
		return count == posted
	})
}

func TestWrongKeysAreCounted(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame"
	cfg.Limits.RateLimit, cfg.Limits.APIMax = true, 3
	n := startWith(t, cfg)
	guess := func(key string) answer { return n.read(n.keyed(key).api().ListAgents(t.Context())) }
	for range 3 {
		clearError(t, "a guess", guess("guess"), http.StatusUnauthorized, "UNAUTHORIZED")
	}
	clearError(t, "a guess too many", guess("open sesame"), http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED")
}

func TestHealthIsLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.RateLimit = true
	n := startWith(t, cfg)
	for range 100 {
		n.read(n.api().GetHealth(t.Context())).want(200)
	}
	if a := n.read(n.api().GetHealth(t.Context())).want(429); a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
	n.read(n.api().GetLiveness(t.Context())).want(200)
}

// TestHandshakesAreLimited has a client that connects again and again told to wait, while everything else goes on.
func TestHandshakesAreLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.RateLimit, cfg.Limits.SocketMax, cfg.Limits.SocketWindow = true, 3, time.Hour
	n := startWith(t, cfg)
	connect := func() *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.http.URL+"/socket.io/?EIO=4&transport=polling", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	for i := range 3 {
		if resp := connect(); resp.StatusCode != http.StatusOK {
			t.Fatalf("connection %d: status %d", i, resp.StatusCode)
		}
	}
	resp := connect()
	if resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one too many: status %d", resp.StatusCode)
	}
	if after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); after < 1 {
		t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
	}
}

// Who calls with a key of its own is one caller from wherever it calls; others are not slowed by it.
func TestKeysAreLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken, cfg.Security.TrustProxy = rightKey, "127.0.0.1"
	cfg.Limits.RateLimit, cfg.Limits.APIMax = true, 6
	n := startWith(t, cfg)
	one, other := n.keyed(rightKey).newKey("one", "read").Key, n.keyed(rightKey).newKey("other", "read").Key
	from := func(key string, machine int) answer {
		return n.do("GET", "/api/agents", nil, "X-API-KEY", key, "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", machine)) // no request of the client's says whence it comes
	}
	for i := range cfg.Limits.APIMax {
		from(one, i).want(200)
	}
	refused := from(one, 100)
	clearError(t, "one request too many", refused, http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED")
	if s, err := strconv.Atoi(refused.header.Get("Retry-After")); err != nil || s < 1 || s > 900 {
		t.Errorf("Retry-After is %q", refused.header.Get("Retry-After"))
	}
	from(other, 101).want(200)
	for i := range 2 * cfg.Limits.APIMax { // the key of the settings is everybody's
		from(rightKey, 102+i).want(200)
	}
}
