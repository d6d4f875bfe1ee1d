package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/authtest"
	"github.com/elizad/elizad/server/internal/httpx"
)

// The rules are those of the published contract's operations, which the operations of this one are named after.
func TestAccess(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {
		"/version": {"get": {"operationId": "getVersion", "responses": {"200": {"description": "ok"}}}},
		"/agents": {"get": {"operationId": "listAgents", "responses": {"200": {"description": "ok"}}},
			"post": {"operationId": "createAgent", "responses": {"200": {"description": "ok"}}}},
		"/log": {"get": {"operationId": "getServerLogs", "responses": {"200": {"description": "ok"}}}},
		"/submit": {"post": {"operationId": "submitMessage", "responses": {"200": {"description": "ok"}}}},
		"/new": {"get": {"operationId": "notThere", "responses": {"200": {"description": "ok"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	guarded := r.With(httpx.Access(httpx.NewContract(doc)))
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			guarded.MethodFunc(method, path, func(http.ResponseWriter, *http.Request) {})
		}
	}
	for _, tt := range []struct {
		scopes  auth.Scopes
		allowed string
	}{
		{0, "GET /version"},
		{auth.ScopeRead, "GET /version, GET /agents, HEAD /agents"},
		{auth.ScopeManage, "GET /version, GET /agents, HEAD /agents, POST /agents"},
		{auth.ScopeAdmin, "GET /version, GET /agents, HEAD /agents, POST /agents, GET /log, HEAD /log, POST /submit"},
		{auth.ScopeService, "GET /version, POST /submit"},
	} {
		allowed := ""
		for _, call := range [][2]string{
			{"GET", "/version"}, {"GET", "/agents"}, {"HEAD", "/agents"}, {"POST", "/agents"}, {"GET", "/log"}, {"HEAD", "/log"},
			{"POST", "/submit"}, {"GET", "/new"},
		} {
			ctx := auth.NewContext(t.Context(), authtest.Holder(auth.Grant{Scopes: tt.scopes.Granted()}))
			w := httptest.NewRecorder()
			r.ServeHTTP(w, httptest.NewRequestWithContext(ctx, call[0], call[1], nil))
			switch w.Code {
			case http.StatusOK:
				if allowed != "" {
					allowed += ", "
				}
				allowed += call[0] + " " + call[1]
			case http.StatusForbidden:
			default:
				t.Errorf("%v: status %d", call, w.Code)
			}
		}
		if allowed != tt.allowed {
			t.Errorf("%v allows %s, want %s", tt.scopes.Names(), allowed, tt.allowed)
		}
	}
}
