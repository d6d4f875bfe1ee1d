package httpx_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// envelope is an error as clients read it.
type envelope struct {
	Success bool `json:"success"`
	Error   struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Details string `json:"details"`
	} `json:"error"`
}

// wire reads an error response; the zero envelope stands for any other.
func wire(t *testing.T, w *httptest.ResponseRecorder) (e envelope) {
	t.Helper()
	if w.Code < 400 {
		return e
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("the error is not JSON: %v: %s", err, w.Body)
	}
	if e.Success || e.Error.Message == "" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Errorf("error response: %v %s", w.Header(), w.Body)
	}
	return e
}

func limits(body int64) settings.Limits {
	l := settings.Default().Limits
	l.MaxBody = body
	return l
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })

func TestWriteError(t *testing.T) {
	t.Parallel()
	secret := errors.New("SELECT hunter2")
	tests := []struct {
		name, accept string
		method       string
		err          error
		status       int
		contentType  string
		body         string
	}{
		{"domain error", "", "GET", apierr.New(apierr.NotFound, "No such agent").WithDetails("d"), 404, "application/json; charset=utf-8",
			`{"success":false,"error":{"code":"NOT_FOUND","message":"No such agent","details":"d"}}`},
		{"unknown error", "*/*", "GET", secret, 500, "application/json; charset=utf-8",
			`{"success":false,"error":{"code":"INTERNAL","message":"An internal error occurred"}}`},
		{"problem", "application/problem+json", "GET", apierr.Wrap(secret, apierr.Conflict, "Taken"), 409, "application/problem+json",
			`{"type":"about:blank","title":"Conflict","status":409,"detail":"Taken","code":"CONFLICT","requestId":"id-1"}`},
		{"problem or JSON", "application/json, application/problem+json;q=1", "GET", apierr.New(apierr.Conflict, "Taken"), 409, "application/problem+json",
			`{"type":"about:blank","title":"Conflict","status":409,"detail":"Taken","code":"CONFLICT","requestId":"id-1"}`},
		{"rather JSON", "application/problem+json;q=0.5, application/json", "GET", apierr.New(apierr.Conflict, "Taken"), 409, "application/json; charset=utf-8",
			`{"success":false,"error":{"code":"CONFLICT","message":"Taken"}}`},
		{"HEAD", "", "HEAD", apierr.New(apierr.NotFound, "x"), 404, "application/json; charset=utf-8", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := httpx.RequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "5")
				w.Header().Set("ETag", "x")
				httpx.WriteError(w, r, tt.err)
			}))
			r := httptest.NewRequest(tt.method, "/", nil)
			r.Header.Set("Accept", tt.accept)
			r.Header.Set("X-Request-Id", "id-1")
			w := serve(h, r)
			if w.Code != tt.status || w.Header().Get("Content-Type") != tt.contentType || strings.TrimSpace(w.Body.String()) != tt.body {
				t.Errorf("got %d %s\n%s", w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			if w.Header().Get("Content-Length") != "" || w.Header().Get("ETag") != "" {
				t.Errorf("headers of the answer that was not given: %v", w.Header())
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	var seen string
	h := httpx.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = httpx.RequestIDFrom(r.Context()) }))
	for incoming, kept := range map[string]bool{
		"req-1": true, "01J/abc=": true, "": false, "two words": false, "line\nbreak": false, strings.Repeat("x", 129): false, "é": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Request-Id"] = []string{incoming}
		got := serve(h, r).Header().Get("X-Request-Id")
		if got != seen || got == "" || (got == incoming) != kept {
			t.Errorf("%q: response has %q, context has %q", incoming, got, seen)
		}
	}
	if httpx.RequestIDFrom(t.Context()) != "" || httpx.LogAttrs(t.Context()) != nil {
		t.Error("an id outside of requests")
	}
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ trust, remote, forwarded, want string }{
		{"", "203.0.113.9:1", "198.51.100.1", "203.0.113.9"},
		{"1", "10.0.0.1:1", "198.51.100.66, 198.51.100.1", "198.51.100.1"},
		{"2", "10.0.0.1:1", "198.51.100.66, 198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"2", "10.0.0.1:1", "198.51.100.1", "10.0.0.1"},
		{"10.0.0.0/8", "10.0.0.1:1", "198.51.100.66, 198.51.100.1, 10.2.2.2", "198.51.100.1"},
		{"10.0.0.0/8", "203.0.113.9:1", "198.51.100.1", "203.0.113.9"},
		{"", "[::1]:1", "", "::/64"},
		{"", "[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},
		{"", "[fe80::1%eth0]:1", "", "fe80::/64"},
		{"", "[::ffff:203.0.113.9]:1", "", "203.0.113.9"},
		{"", "@", "198.51.100.1", "none"},
		{"1", "10.0.0.1:1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"1", "10.0.0.1:1", "::ffff:198.51.100.1", "198.51.100.1"},
		{"::1", "[::1]:1", "203.0.113.66, 198.51.100.1", "198.51.100.1"},
	} {
		proxies, err := settings.Security{TrustProxy: tt.trust}.Proxies()
		if err != nil {
			t.Fatal(err)
		}
		var got string
		h := httpx.ClientIP(proxies)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = httpx.ClientNetwork(r)
		}))
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		r.Header.Set("X-Forwarded-For", tt.forwarded)
		serve(h, r)
		if got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler http.HandlerFunc
		status  int
		log     []string // in the one line; none: no line at level info
		abort   bool
	}{
		{"success is debug", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, nil, false},
		{"refusal is info", func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, apierr.New(apierr.NotFound, "No such agent"))
		}, 404, []string{"level=INFO", "status=404", "code=NOT_FOUND", "path=/api/x", "requestId=r-1"}, false},
		{"failure is an error with its cause", func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, errors.New("disk on fire"))
		}, 500, []string{"level=ERROR", "status=500", "code=INTERNAL", "disk on fire"}, false},
		{"panic", func(http.ResponseWriter, *http.Request) { panic("hunter2") }, 500, []string{"level=ERROR", "status=500", "panic: hunter2", "stack="}, false},
		{"panic in the middle", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"half":`)
			panic("hunter2")
		}, 200, []string{"level=ERROR", "aborted=true", "stack="}, true},
		{"deliberate abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 200, nil, true},
		{"error in the middle", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(418)
			httpx.WriteError(w, r, errors.New("too late"))
		}, 418, []string{"status=418", "too late"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			logger := slog.New(withRequestID{slog.NewTextHandler(&log, nil)})
			h := httpx.RequestID(httpx.Watch(logger, nil)(tt.handler))
			r := httptest.NewRequest("GET", "/api/x?token=hunter3", nil)
			r.Header.Set("X-Request-Id", "r-1")
			w := httptest.NewRecorder()
			aborted := func() (aborted bool) {
				defer func() { aborted = recover() != nil }()
				h.ServeHTTP(w, r)
				return false
			}()
			if w.Code != tt.status || aborted != tt.abort {
				t.Errorf("status %d, connection cut: %v", w.Code, aborted)
			}
			if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "too late") {
				t.Errorf("the cause is in the answer: %s", w.Body)
			}
			lines := strings.Count(log.String(), "\n")
			if lines != min(1, len(tt.log)) || strings.Contains(log.String(), "hunter3") {
				t.Errorf("%d lines logged:\n%s", lines, &log)
			}
			for _, want := range tt.log {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is missing in %s", want, &log)
				}
			}
		})
	}
}

// The pattern of the route is known when the request has ended, and when it has panicked.
func TestWatchKnowsTheRoute(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var ended []httpx.Ended
	r := chi.NewRouter()
	r.Use(httpx.Route)
	r.Get("/things/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) })
	r.Get("/panic/{id}", func(http.ResponseWriter, *http.Request) { panic("x") })
	h := httpx.RequestID(httpx.Watch(slog.New(slog.NewTextHandler(&log, nil)), func(e httpx.Ended) { ended = append(ended, e) })(r))
	for _, path := range []string{"/things/7", "/panic/7", "/nowhere"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	var got []string
	for _, e := range ended {
		got = append(got, fmt.Sprint(e.Method, " ", e.Route, " ", e.Status))
		if e.ID == "" || e.Begin.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	if diff := cmp.Diff([]string{"GET /things/{id} 202", "GET /panic/{id} 500", "GET  404"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "route=/panic/{id}") {
		t.Errorf("the log: %s", &log)
	}
}

// withRequestID adds what LogAttrs gives, as the server's logger does.
type withRequestID struct{ slog.Handler }

func (h withRequestID) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(httpx.LogAttrs(ctx)...)
	return h.Handler.Handle(ctx, r)
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	h := httpx.SecurityHeaders(false)(ok)
	api, page := serve(h, httptest.NewRequest("GET", "/api/agents", nil)).Header(), serve(h, httptest.NewRequest("GET", "/", nil)).Header()
	if got := api.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") {
		t.Errorf("API policy: %s", got)
	}
	if got := page.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'self'") || strings.Contains(got, "unsafe-eval") {
		t.Errorf("page policy: %s", got)
	}
	for _, h := range []http.Header{api, page} {
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") != "" {
			t.Errorf("headers: %v", h)
		}
	}
	if serve(httpx.SecurityHeaders(true)(ok), httptest.NewRequest("GET", "/", nil)).Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS in production")
	}
}

func TestBodyRules(t *testing.T) {
	t.Parallel()
	h := httpx.RequestID(httpx.LimitBody(limits(10))(httpx.RequireMediaType(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			httpx.WriteError(w, r, httpx.RequestError(err))
		}
	}))))
	tests := []struct {
		name, method, contentType, body string
		chunked                         bool
		status                          int
	}{
		{"JSON", "POST", "application/json", "{}", false, 200},
		{"JSON of a kind", "POST", "application/merge-patch+json", "{}", false, 200},
		{"nothing", "POST", "", "", false, 200},
		{"form", "POST", "application/x-www-form-urlencoded", "a=b", false, 415},
		{"no type", "PUT", "", "{}", false, 415},
		{"chunked without type", "PATCH", "", "{}", true, 415},
		{"chunked", "PATCH", "application/json", "{}", true, 200},
		{"DELETE is not looked at", "DELETE", "text/plain", "x", false, 200},
		{"too large", "POST", "application/json", "12345678901", false, 413},
		{"too large, chunked", "POST", "application/json", "12345678901", true, 413},
		{"an upload may be larger", "POST", "multipart/form-data; boundary=x", "12345678901", false, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var body io.Reader = strings.NewReader(tt.body)
			if tt.chunked {
				body = io.MultiReader(body)
			}
			r := httptest.NewRequest(tt.method, "/api/x", body)
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			w := serve(h, r)
			wire(t, w)
			if w.Code != tt.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := settings.Default().Limits
		l.APIMax, l.APIWindow = 3, time.Minute
		h := httpx.RequestID(httpx.ClientIP(settings.Proxies{})(httpx.RateLimit(l)(ok)))
		ask := func(from string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", "/api/x", nil)
			r.RemoteAddr = from
			return serve(h, r)
		}
		for i := range 3 {
			w := ask("198.51.100.1:1")
			if w.Code != 200 || w.Header().Get("RateLimit-Limit") != "3" || w.Header().Get("RateLimit-Policy") != "3;w=60" ||
				w.Header().Get("RateLimit-Remaining") != string(rune('2'-i)) || w.Header().Get("RateLimit-Reset") != "60" {
				t.Errorf("request %d: %d %v", i+1, w.Code, w.Header())
			}
		}
		time.Sleep(20 * time.Second) // virtual
		w := ask("198.51.100.1:2")
		if got := wire(t, w); w.Code != 429 || got.Error.Code != "RATE_LIMIT_EXCEEDED" || w.Header().Get("Retry-After") != "40" {
			t.Errorf("fourth request: %d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := ask("198.51.100.2:1"); w.Code != 200 {
			t.Errorf("another caller: %d", w.Code)
		}
		for i := range 4 { // one household
			if w := ask([]string{"[2001:db8:1:2::a]:1", "[2001:db8:1:2::b]:1"}[i%2]); (w.Code == 200) != (i < 3) {
				t.Errorf("IPv6 request %d: %d", i+1, w.Code)
			}
		}
		time.Sleep(2 * time.Minute)
		if w := ask("198.51.100.1:3"); w.Code != 200 {
			t.Errorf("after the window: %d", w.Code)
		}
		l.RateLimit = false
		h = httpx.RateLimit(l)(ok)
		for range 9 {
			if w := ask("198.51.100.9:1"); w.Code != 200 || w.Header().Get("RateLimit-Limit") != "" {
				t.Errorf("switched off: %d %v", w.Code, w.Header())
			}
		}
	})
}

// stack is all middlewares around a handler, in the server's order.
func stack(h http.Handler) http.Handler {
	s := settings.Default()
	for _, wrap := range []httpx.Middleware{
		httpx.Compress(), httpx.NewCORS(s.Security).Handler, httpx.SecurityHeaders(false),
		httpx.Watch(slog.New(slog.DiscardHandler), nil), httpx.ClientIP(settings.Proxies{}), httpx.RequestID,
	} {
		h = wrap(h)
	}
	return h
}

func TestStreamsPassTheStack(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	server := httptest.NewServer(stack(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		flusher, canFlush := w.(http.Flusher)
		if !canFlush {
			t.Error("the ResponseWriter is no Flusher")
			return
		}
		for range 2 {
			_, _ = io.WriteString(w, "data: x\n\n")
			flusher.Flush()
			<-next
		}
	})))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if enc := resp.Header.Get("Content-Encoding"); enc != "" {
		t.Errorf("an event stream in %s", enc)
	}
	lines := bufio.NewScanner(resp.Body)
	for range 2 {
		if !lines.Scan() || lines.Text() != "data: x" || !lines.Scan() {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
		next <- struct{}{} // only after the event arrived
	}
}

func TestSocketsPassTheStack(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(stack(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hijacker, canHijack := w.(http.Hijacker)
		if !canHijack {
			t.Error("the ResponseWriter is no Hijacker")
			return
		}
		conn, _, err := hijacker.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw")
		_ = conn.Close()
	})))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
	if all, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(all), "raw") {
		t.Errorf("got %q, %v", all, err)
	}
}

func TestCompress(t *testing.T) {
	t.Parallel()
	h := httpx.Compress()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.Repeat("x", 4096))
	}))
	for accept, want := range map[string]string{"gzip, zstd": "gzip", "": "", "br": ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		if got := serve(h, r).Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: %q", accept, got)
		}
	}
}

func TestNewServer(t *testing.T) {
	t.Parallel()
	s := httpx.NewServer(ok, slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 || s.WriteTimeout != 0 || s.ReadTimeout != 0 {
		t.Errorf("limits: %+v", s)
	}
}
