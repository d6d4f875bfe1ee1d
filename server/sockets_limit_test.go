package server_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

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
