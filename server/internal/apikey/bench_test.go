package apikey_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/apikey"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// BenchmarkMiddleware measures what authentication adds to a request: on an open server, with the key of the settings, and with one
// that was made.
func BenchmarkMiddleware(b *testing.B) {
	st, err := sqlitestore.Open(b.Context(), sqlitestore.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	log := slog.New(slog.DiscardHandler)
	keys := apikey.New(apikey.Config{Store: st, Logger: log, Now: time.Now})
	for _, bm := range []struct {
		name    string
		single  string
		managed bool
	}{{name: "open"}, {name: "single", single: "a-long-random-text-that-nobody-guesses"}, {name: "managed", managed: true}} {
		b.Run(bm.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/server/ping", nil)
			r.Header.Set(auth.HeaderAPIKey, bm.single)
			if bm.managed {
				_, text, err := keys.Create(b.Context(), auth.Identity{}, apikey.NewKey{Name: "k", Scopes: auth.ScopeChat})
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set(auth.HeaderAPIKey, text)
			}
			guard := auth.NewGuard(auth.NewKeys(bm.single), auth.NewFailures(log, nil)).With(keys, auth.NewKeys("owner"))
			served := 0
			h := auth.Middleware(guard, func(*http.Request) string { return "192.0.2.1" }, func(_ http.ResponseWriter, _ *http.Request, err error) { b.Fatal(err) })(
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
			if served == 0 {
				b.Fatal("nobody was let in")
			}
		})
	}
}
