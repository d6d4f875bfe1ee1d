package auth_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	const id = "B850BC30-45F8-0041-A00A-83DF46D8555D"
	tests := []struct {
		name           string
		keys           auth.Keys
		method, path   string
		key, entity    string
		wantStatus     int
		wantEntityNone bool
	}{
		{name: "open server", method: "GET", path: "/api/agents", entity: id, wantStatus: 200},
		{name: "right key", keys: auth.NewKeys("secret"), method: "GET", path: "/api/agents", key: "secret", entity: id, wantStatus: 200},
		{name: "second key", keys: auth.NewKeys("", "a", "b"), method: "GET", path: "/api/agents", key: "b", entity: id, wantStatus: 200},
		{name: "wrong key", keys: auth.NewKeys("secret"), method: "GET", path: "/api/agents", key: "secreT", wantStatus: 401},
		{name: "no key", keys: auth.NewKeys("secret"), method: "POST", path: "/api", wantStatus: 401},
		{name: "outside the API", keys: auth.NewKeys("secret"), method: "GET", path: "/healthz", entity: id, wantStatus: 200},
		{name: "preflight", keys: auth.NewKeys("secret"), method: "OPTIONS", path: "/api/agents", entity: id, wantStatus: 200},
		{name: "malformed entity is nobody", method: "GET", path: "/api/agents", entity: "urn:uuid:" + id, wantStatus: 200, wantEntityNone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got auth.Identity
			h := auth.Middleware(auth.NewGuard(tt.keys, auth.NewFailures(slog.New(slog.DiscardHandler), nil)), func(*http.Request) string { return "a" }, func(w http.ResponseWriter, _ *http.Request, err error) {
				w.WriteHeader(apierr.From(err).Code.Status())
			})(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = auth.FromContext(r.Context()) }))
			r := httptest.NewRequest(tt.method, tt.path, nil)
			r.Header.Set(auth.HeaderAPIKey, tt.key)
			r.Header.Set(auth.HeaderEntityID, tt.entity)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.wantStatus {
				t.Fatalf("status %d, want %d", w.Code, tt.wantStatus)
			}
			want := "b850bc30-45f8-0041-a00a-83df46d8555d"
			if tt.wantEntityNone {
				want = "00000000-0000-0000-0000-000000000000"
			}
			if w.Code == http.StatusOK && got.Entity().String() != want {
				t.Errorf("entity %s, want %s", got.Entity(), want)
			}
		})
	}
}

func TestCredentialsIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, authorization, want, token string }{
		{"k", "", "k", ""}, {"", "Bearer k", "k", ""}, {"", "bearer  k ", "k", ""}, {"", "BEARER k", "k", ""}, {"a", "Bearer b", "a", ""}, {" ", "Bearer b", "b", ""},
		{"", "Basic k", "", ""}, {"", "Bearer", "", ""}, {"", "Bearer ", "", ""}, {"", "Bearerk", "", ""}, {"", "k", "", ""}, {"", "", "", ""}, {"", "Bearer a b", "a b", ""},
		{"", "Bearer a.b.c", "", "a.b.c"}, {"k", "Bearer a.b.c", "k", "a.b.c"}, {"", "Bearer a.b", "a.b", ""}, {"a.b.c", "", "a.b.c", ""},
	} {
		h := http.Header{}
		h.Set(auth.HeaderAPIKey, tt.key)
		h.Set(auth.HeaderAuthorization, tt.authorization)
		if got := auth.CredentialsIn(h); got.Key != tt.want || got.Token != tt.token {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "x", "b850bc3045f80041a00a83df46d8555d", "{b850bc30-45f8-0041-a00a-83df46d8555d}", "b850bc30-45f8-0041-a00a-83df46d8555g"} {
		if _, err := auth.ParseID(bad); !apierr.IsCode(err, apierr.InvalidID) {
			t.Errorf("ParseID(%q) = %v, want INVALID_ID", bad, err)
		}
	}
}
