package httpx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/config"
	"github.com/elizad/elizad/server/internal/httpx"
)

// answers keeps answers in a map, for one caller.
type answers map[string]*kept

type kept struct {
	fingerprint string
	answer      *httpx.Answer
	all         answers
	key         string
}

func (a answers) Claim(_ context.Context, key, fingerprint string) (httpx.Claim, *httpx.Answer, error) {
	switch k := a[key]; {
	case k == nil:
		a[key] = &kept{fingerprint: fingerprint, all: a, key: key}
		return a[key], nil, nil
	case k.fingerprint != fingerprint || k.answer == nil:
		return nil, nil, apierr.New(apierr.Conflict, "in use")
	default:
		return nil, k.answer, nil
	}
}

func (k *kept) Keep(_ context.Context, a httpx.Answer) error {
	k.answer = &a
	return nil
}

func (k *kept) Release(context.Context) error {
	delete(k.all, k.key)
	return nil
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "k")
	return r
}

func TestIdempotentKeepsSuccessesOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		serve http.HandlerFunc
		keeps bool
	}{
		{"created", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, true},
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, true},
		{"refused", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }, false},
		{"failed", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, false},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) }, false},
		{"panics", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		a := answers{}
		func() {
			defer func() { _ = recover() }()
			serve(httpx.Idempotent(a)(tt.serve), post("/x", "{}"))
		}()
		if k := a["k"]; (k != nil && k.answer != nil) != tt.keeps {
			t.Errorf("%s: kept %+v", tt.name, k)
		}
	}
}

func TestIdempotentReplay(t *testing.T) {
	t.Parallel()
	a, calls := answers{}, 0
	h := httpx.Idempotent(a)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Moment", "now")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	}))
	first, again := serve(h, post("/x", "body")), serve(h, post("/x", "body"))
	if calls != 1 || again.Code != first.Code || again.Body.String() != "body" {
		t.Errorf("%d calls; %d %q, %d %q", calls, first.Code, first.Body, again.Code, again.Body)
	}
	if diff := cmp.Diff(http.Header{"Content-Type": {"text/plain"}, "Idempotency-Replayed": {"true"}}, again.Header()); diff != "" {
		t.Error(diff)
	}
	for _, other := range []*http.Request{post("/x", "other"), post("/y", "body"), post("/x?q=1", "body")} {
		if w := serve(h, other); w.Code != http.StatusConflict || w.Header().Get("Retry-After") != "" {
			t.Errorf("%s: %d", other.URL, w.Code)
		}
	}
	get := post("/x", "body")
	get.Method = http.MethodPut
	if serve(h, get); calls != 2 {
		t.Error("a PUT is idempotent by itself")
	}
}

func TestIdempotentForgetsWhoLeft(t *testing.T) {
	t.Parallel()
	a := answers{}
	ctx, leave := context.WithCancelCause(t.Context())
	h := httpx.Idempotent(a)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the first half")
		leave(errors.New("gone"))
	}))
	serve(h, post("/x", "{}").WithContext(ctx))
	if len(a) != 0 {
		t.Error("half an answer is kept")
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	h := httpx.NotModified(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", "text/plain")
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "body")
	}))
	for _, tt := range []struct {
		method, path, known string
		status              int
	}{
		{"GET", "/", `"v1"`, 304}, {"GET", "/", `W/"v1"`, 304}, {"GET", "/", `"v0", "v1"`, 304}, {"HEAD", "/", `*`, 304},
		{"GET", "/", `"v2"`, 200}, {"GET", "/", "", 200}, {"POST", "/", `"v1"`, 200}, {"GET", "/missing", `"v1"`, 404},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Header.Set("If-None-Match", tt.known)
		w := serve(h, r)
		if w.Code != tt.status || (tt.status == 304) != (w.Body.Len() == 0) || w.Header().Get("ETag") != `"v1"` {
			t.Errorf("%+v: %d %q %v", tt, w.Code, w.Body, w.Header())
		}
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		remote, header string
		want           bool
	}{
		{"127.0.0.1:1234", "", true}, {"[::1]:1234", "", true}, {"[::ffff:127.0.0.1]:1234", "", true}, {"192.0.2.1:1234", "", false},
		{"127.0.0.1:1234", "X-Forwarded-For", false}, {"127.0.0.1:1234", "Forwarded", false}, {"@", "", false},
	} {
		var got bool
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = httpx.IsLocal(r.Context()) })
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		if tt.header != "" {
			r.Header.Set(tt.header, "192.0.2.1")
		}
		serve(httpx.ClientIP(config.Proxies{})(h), r)
		if got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
