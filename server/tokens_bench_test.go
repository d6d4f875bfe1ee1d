package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// BenchmarkCredentials measures a request that does nothing else, by who makes it: anybody, one with a key, one with a token of each
// kind of issuer.
func BenchmarkCredentials(b *testing.B) {
	bench := func(name string, header []string, change func(*settings.Settings)) {
		b.Run(name, func(b *testing.B) {
			cfg := testConfig(b)
			change(&cfg)
			s, err := server.New(cfg, server.WithLogger(slog.New(slog.DiscardHandler)))
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Shutdown(context.Background()) }()
			handler := s.Handler()
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/api/server/ping", http.NoBody)
				if err != nil {
					b.Fatal(err)
				}
				r.RemoteAddr = "127.0.0.1:1024"
				setHeader(r, header)
				w := &dropped{header: http.Header{}}
				if handler.ServeHTTP(w, r); w.status != http.StatusOK {
					b.Fatalf("status %d", w.status)
				}
			}
		})
	}
	bench("open", nil, func(*settings.Settings) {})
	bench("key", []string{"X-API-KEY", rightKey}, func(s *settings.Settings) { s.Security.AuthToken = rightKey })
	for name, kind := range issuers(b) {
		issuer, tokens := kind()
		bench(name, []string{"Authorization", "Bearer " + issuer.sign(b, uuid.NewString(), time.Hour)}, func(s *settings.Settings) { s.Security.Tokens = tokens })
	}
}
