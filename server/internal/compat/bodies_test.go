package compat

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRespell(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"nothing to do keeps the bytes", `{ "content" : "x" }`, `{ "content" : "x" }`},
		{"an old name", `{"server_id":"a"}`, `{"message_server_id":"a"}`},
		{"the first of several", `{"serverId":"b","server_id":"a"}`, `{"message_server_id":"a"}`},
		{"the new name wins", `{"message_server_id":"n","messageServerId":"o"}`, `{"message_server_id":"n"}`},
		{"null is nothing", `{"message_server_id":null,"serverId":"a","x":{"y":null}}`, `{"message_server_id":"a","x":{"y":null}}`},
		{"no object", `[1]`, `[1]`},
		{"no JSON", `{"a"`, `{"a"`},
		{"null", `null`, `null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := respell([]byte(tt.body), oldNames); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func BenchmarkRespell(b *testing.B) {
	body := []byte(`{"author_id":"17dcb1c8-cf1f-438a-b8c7-dc93995e78be","content":"Hello there, how are you today?",` +
		`"message_server_id":"00000000-0000-0000-0000-000000000000","source_type":"client_chat","metadata":{"user_display_name":"Alice"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		respell(body, oldMessageNames)
	}
}

// A body that can't be read to its end is refused by its reader, with the reason.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	h := Bodies(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if _, ok := errors.AsType[*http.MaxBytesError](err); !ok || string(got) != `{"a":` {
			t.Errorf("read %q, %v", got, err)
		}
	}))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/messaging/channels", strings.NewReader(`{"a":"b"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.Body = http.MaxBytesReader(w, r.Body, 5)
	h.ServeHTTP(w, r)
}
