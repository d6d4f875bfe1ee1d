package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/settings"
)

// BenchmarkCredentials measures a request that does nothing else, by who makes it: with each kind of credential against anybody on a
// server that asks for none. The kinds take turns, so that what else the machine does disturbs all alike; reported are the ratios of
// the medians.
func BenchmarkCredentials(b *testing.B) {
	type caller struct {
		handler http.Handler
		header  []string
		times   []time.Duration
	}
	callers := map[string]*caller{}
	add := func(name string, change func(*settings.Settings), credential func(*node) []string) {
		cfg := testConfig(b)
		cfg.Limits.AuthMax = 1000
		change(&cfg)
		n := startWith(b, cfg)
		callers[name] = &caller{handler: n.server.Handler(), header: credential(n)}
	}
	nothing := func(*node) []string { return nil }
	keyed := func(s *settings.Settings) { s.Security.AuthToken = rightKey }
	add("open", func(*settings.Settings) {}, nothing)
	add("key", keyed, func(*node) []string { return []string{"X-API-KEY", rightKey} })
	add("managed-key", keyed, func(n *node) []string {
		return []string{"X-API-KEY", n.keyed(rightKey).newKey("bench", api.KeyScopeRead).Key}
	})
	add("login", func(s *settings.Settings) { s.Security.Users.Enable = true }, func(n *node) []string {
		return []string{"Authorization", "Bearer " + n.register("ann").Token}
	})
	for name, kind := range issuers(b) {
		issuer, tokens := kind()
		add(name, func(s *settings.Settings) { s.Security.Tokens = tokens }, func(*node) []string {
			return []string{"Authorization", "Bearer " + issuer.sign(b, uuid.NewString(), time.Hour)}
		})
	}
	names := slices.Sorted(maps.Keys(callers))
	for b.Loop() {
		for _, name := range names {
			c := callers[name]
			start := time.Now()
			for range 20 {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/api/server/ping", http.NoBody)
				if err != nil {
					b.Fatal(err)
				}
				r.RemoteAddr = "127.0.0.1:1024"
				setHeader(r, c.header)
				w := &dropped{header: http.Header{}}
				if c.handler.ServeHTTP(w, r); w.status != http.StatusOK {
					b.Fatalf("%s: status %d", name, w.status)
				}
			}
			c.times = append(c.times, time.Since(start))
		}
	}
	median := func(times []time.Duration) float64 {
		slices.Sort(times)
		return float64(times[len(times)/2])
	}
	open := median(callers["open"].times)
	for _, name := range names {
		b.ReportMetric(median(callers[name].times)/open, strings.ToLower(name)+"/open")
	}
}
