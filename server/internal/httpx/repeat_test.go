package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/apierr"
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

func (a answers) Claim(_ context.Context, _, key, fingerprint string) (httpx.Claim, *httpx.Answer, error) {
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

// once returns a handler for the operations of a contract: /x and /y take a key; /found does too and finds what it made; /read
// takes none.
func once(t *testing.T, a answers, handler http.HandlerFunc) http.Handler {
	t.Helper()
	const operation = `{"post": {"x-idempotent": %q, "responses": {"200": {"description": "ok"}}}}`
	doc, err := openapi3.NewLoader().LoadFromData(fmt.Appendf(nil, `{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {
		"/x": `+operation+`, "/y": `+operation+`, "/found": `+operation+`, "/read": `+operation+`}}`, "answer", "answer", "effect", ""))
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	for path := range doc.Paths.Map() {
		r.With(httpx.Idempotent(httpx.NewContract(doc), a)).HandleFunc(path, handler)
	}
	return r
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
		{"panics", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		a := answers{}
		func() {
			defer func() { _ = recover() }()
			serve(once(t, a, tt.serve), post("/x", "{}"))
		}()
		if k := a["k"]; (k != nil && k.answer != nil) != tt.keeps {
			t.Errorf("%s: kept %+v", tt.name, k)
		}
	}
}

func TestIdempotentReplay(t *testing.T) {
	t.Parallel()
	a, calls := answers{}, 0
	h := once(t, a, func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Moment", "now")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	})
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

// A long response is not kept: the repetition gets what was made, or the operation finds it.
func TestIdempotentLongAnswer(t *testing.T) {
	t.Parallel()
	const id = "8e03978e-40d5-43dd-bc93-6894a57f9324"
	a, calls := answers{}, 0
	h := once(t, a, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"data":{"id":"`+id+`","text":"`+strings.Repeat("x", 64<<10)+`"}}`)
	})
	serve(h, post("/x", "{}"))
	again := serve(h, post("/x", "{}"))
	if calls != 1 || again.Code != http.StatusConflict || !strings.Contains(again.Body.String(), "made "+id) || !strings.Contains(again.Body.String(), "201") {
		t.Errorf("%d calls, %d %s", calls, again.Code, again.Body)
	}
	if size := len(a["k"].answer.Body); size > 1<<10 {
		t.Errorf("%d bytes are kept", size)
	}
	delete(a, "k")
	calls = 0
	serve(h, post("/found", "{}"))
	if again := serve(h, post("/found", "{}")); calls != 2 || again.Code != http.StatusCreated || len(a) != 0 {
		t.Errorf("%d calls, %d, %d keys", calls, again.Code, len(a))
	}
}

func TestOnlyWhatMakesSomethingIsKept(t *testing.T) {
	t.Parallel()
	a, calls := answers{}, 0
	h := once(t, a, func(http.ResponseWriter, *http.Request) { calls++ })
	for range 2 {
		serve(h, post("/read", "{}"))
	}
	if calls != 2 || len(a) != 0 {
		t.Errorf("%d calls, %d keys", calls, len(a))
	}
}

// The same form is the same under another boundary; another file is not, whatever its size.
func TestIdempotentForms(t *testing.T) {
	t.Parallel()
	upload := func(boundary, content string) *http.Request {
		r := post("/x", "--"+boundary+"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"+content+"\r\n--"+boundary+"--\r\n")
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
		r.Body = io.NopCloser(iotest.OneByteReader(r.Body))
		return r
	}
	for _, reads := range []bool{true, false} {
		a, calls := answers{}, 0
		h := once(t, a, func(_ http.ResponseWriter, r *http.Request) {
			calls++
			if reads {
				_, _ = io.Copy(io.Discard, r.Body)
			}
		})
		serve(h, upload("one", "content one -- on"))
		for _, tt := range []struct {
			boundary, content string
			status            int
		}{{"one", "content one -- on", 200}, {"another", "content one -- on", 200}, {"two", "content two -- tw", 409}, {"one", "content one -- xx", 409}} {
			if w := serve(h, upload(tt.boundary, tt.content)); w.Code != tt.status || calls != 1 {
				t.Errorf("%+v: %d, %d calls", tt, w.Code, calls)
			}
		}
		delete(a, "k")
		serve(h, upload("one", "some content"))
		if w := serve(h, upload("somewhere-else", "some content")); w.Code != 200 || calls != 2 {
			t.Errorf("under another boundary: %d, %d calls", w.Code, calls)
		}
	}
}

func TestIdempotentKeepsNoPartialAnswer(t *testing.T) {
	t.Parallel()
	a := answers{}
	ctx, leave := context.WithCancelCause(t.Context())
	h := once(t, a, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the first half")
		leave(errors.New("gone"))
	})
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
