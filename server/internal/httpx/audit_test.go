package httpx_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/settings"
)

// auditRecorder is an audit log in memory.
type auditRecorder struct {
	entries, refusals []audit.Entry
	fails             bool
	asked             int
}

func (a *auditRecorder) Append(_ context.Context, e audit.Entry) error {
	a.asked++
	if a.fails {
		return errors.New("the disk is full")
	}
	a.entries = append(a.entries, e)
	return nil
}

func (a *auditRecorder) Refused(_ string, e audit.Entry) { a.refusals = append(a.refusals, e) }

// auditedOperations are operations of the published contract, which has x-audit for the first.
func auditedOperations(t testing.TB) httpx.Contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {
		"/agents/{agentId}/rooms/{roomId}": {"delete": {"operationId": "DeleteRoom", "responses": {"204": {"description": "ok"}}}},
		"/messages/{channelId}": {"post": {"operationId": "PostMessage", "responses": {"201": {"description": "ok"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return httpx.NewContract(doc)
}

func TestAudited(t *testing.T) {
	t.Parallel()
	agent, room := uuid.New(), uuid.New()
	for name, tt := range map[string]struct {
		serve      http.HandlerFunc
		fails      bool
		status     int // of the answer
		written    int // the status of the entry; 0: there is none
		refused    int // the same of the refusal
		wantInBody string
	}{
		"done":           {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, status: 204, written: 204},
		"without status": {serve: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }, status: 200, written: 200, wantInBody: "ok"},
		"without a word": {serve: func(http.ResponseWriter, *http.Request) {}, status: 200, written: 200},
		"not there": {serve: func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, apierr.New(apierr.NotFound, "not there"))
		}, status: 404, wantInBody: "not there"},
		"refused": {serve: func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, apierr.New(apierr.Forbidden, "not yours"))
		}, status: 403, refused: 403},
		"too many requests": {serve: func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, apierr.New(apierr.RateLimited, "slowly"))
		}, status: 429},
		"broken":       {serve: func(w http.ResponseWriter, r *http.Request) { httpx.WriteError(w, r, errors.New("x")) }, status: 500, written: 500},
		"a panic":      {serve: func(http.ResponseWriter, *http.Request) { panic("x") }, status: 500, written: 500},
		"not writable": {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); _, _ = w.Write([]byte("elz_")) }, fails: true, status: 503, wantInBody: "audit log"},
		"broken, not writable": {serve: func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, apierr.New(apierr.Timeout, "slow"))
		}, fails: true, status: apierr.Timeout.Status(), wantInBody: "slow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, known := &auditRecorder{fails: tt.fails}, auditedOperations(t)
			r := chi.NewRouter()
			r.Use(httpx.Refusals(known, log))
			r.With(httpx.Audited(known, log)).Delete("/agents/{agentId}/rooms/{roomId}", tt.serve)
			h := chi.Chain(httpx.RequestID, httpx.ClientIP(settings.Proxies{}), httpx.Watch(slog.New(slog.DiscardHandler), nil)).Handler(r)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "DELETE", "/agents/"+agent.String()+"/rooms/"+room.String(), nil))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.wantInBody) || strings.Contains(w.Body.String(), "elz_") {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			for _, is := range []struct {
				entries []audit.Entry
				want    int
			}{{log.entries, tt.written}, {log.refusals, tt.refused}} {
				switch {
				case is.want == 0 && len(is.entries) == 0:
				case is.want == 0 || len(is.entries) != 1:
					t.Errorf("entries %+v, want %d", is.entries, is.want)
				default:
					if e := is.entries[0]; e.Status != is.want || e.Operation != "deleteRoom" || e.Target != room || e.Within != agent || e.Address != "192.0.2.1" || e.RequestID == "" {
						t.Errorf("entry %+v", e)
					}
				}
			}
			if log.asked > 1 {
				t.Errorf("written %d times", log.asked)
			}
		})
	}
}

// What is not in the audit log is served as if there were none.
func BenchmarkNotAudited(b *testing.B) {
	known := auditedOperations(b)
	for name, middlewares := range map[string][]func(http.Handler) http.Handler{
		"without": nil,
		"with":    {httpx.Refusals(known, &auditRecorder{}), httpx.Audited(known, &auditRecorder{})},
	} {
		b.Run(name, func(b *testing.B) {
			r := chi.NewRouter()
			r.With(middlewares...).Post("/messages/{channelId}", func(http.ResponseWriter, *http.Request) {})
			h := chi.Chain(httpx.RequestID).Handler(r)
			w, req := httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "POST", "/messages/7", nil)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, req)
			}
		})
	}
}
