package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// BenchmarkRequest shows what a request costs in the server, without the network: go test ./server -run='^$' -bench=Request
func BenchmarkRequest(b *testing.B) {
	n := start(b, b.TempDir())
	handler := n.server.Handler()
	channel := "/api/messaging/channels/" + uuid.NewString() + "/messages"
	text := strings.Repeat("All work and no play makes Jack a dull boy. ", 8)
	post := fmt.Sprintf(`{"author_id":"%s","content":"%s","message_server_id":"%s","metadata":{"user_display_name":"Jack"}}`, uuid.New(), text, uuid.Nil)
	session := fmt.Sprintf(`{"agentId":"%s","userId":"%s"}`, n.agentID(), uuid.New())
	for range 50 {
		serve(b, handler, http.MethodPost, channel, post, http.StatusCreated)
	}
	for i := range 99 {
		serve(b, handler, http.MethodPost, "/api/agents", fmt.Sprintf(`{"characterJson":{"name":"Agent %d","bio":["%s"]}}`, i, text), http.StatusCreated)
	}
	for _, bench := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"ping", http.MethodGet, "/api/server/ping", "", http.StatusOK},
		{"100 agents", http.MethodGet, "/api/agents", "", http.StatusOK},
		{"50 messages", http.MethodGet, channel + "?limit=50", "", http.StatusOK},
		{"post", http.MethodPost, channel, post, http.StatusCreated},
		{"session", http.MethodPost, "/api/messaging/sessions", session, http.StatusCreated},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve(b, handler, bench.method, bench.path, bench.body, bench.status)
			}
		})
	}
}

// serve gives a request to a handler and drops the answer.
func serve(b *testing.B, handler http.Handler, method, path, body string, status int) {
	r, err := http.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1024"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := &dropped{header: http.Header{}}
	if handler.ServeHTTP(w, r); w.status != status {
		b.Fatalf("%s %s: status %d", method, path, w.status)
	}
}

// dropped is a response that nobody reads.
type dropped struct {
	header http.Header
	status int
}

func (d *dropped) Header() http.Header { return d.header }

func (d *dropped) WriteHeader(status int) { d.status = status }

func (d *dropped) Write(p []byte) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	return len(p), nil
}
