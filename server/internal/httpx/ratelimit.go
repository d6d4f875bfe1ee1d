package httpx

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/httprate"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/throttle"
	"github.com/elizad/elizad/server/settings"
)

// RateLimit bounds how many requests one address may make per window, and says in RateLimit headers how many are left. Callers
// count by [ClientNetwork]. The count is this process's own, and of those beyond
// [throttle.MaxCallers] the least recently seen are evicted. It needs [ClientIP] outside of it; requests without
// an address share one count.
func RateLimit(limits settings.Limits) Middleware {
	return rateLimit(limits.RateLimit, limits.APIMax, limits.APIWindow, apierr.RateLimited, "Too many requests. Please try again later.")
}

// UploadRateLimit is RateLimit for requests that bring files, or make them, with a separate count. It belongs inside of
// the other: its headers win.
func UploadRateLimit(limits settings.Limits) Middleware {
	return rateLimit(limits.RateLimit, limits.UploadMax, limits.UploadWindow, apierr.UploadsLimited, "Too many upload attempts. Please try again later.")
}

// HealthRateLimit is RateLimit for the health of the server, which is asked for without a key: 100 times a minute and network,
// which only a refusal shows.
func HealthRateLimit(limits settings.Limits) Middleware {
	return refuseOver(limits.RateLimit, 100, time.Minute, ClientNetwork)
}

// PrincipalRateLimit bounds how many requests a caller may make per window who has proven who it is, from all its addresses together, by
// the numbers of [RateLimit]: see [auth.Identity.Principal]. Only a refusal shows it. It belongs inside of the middleware that
// identifies callers.
func PrincipalRateLimit(limits settings.Limits) Middleware {
	return refuseOver(limits.RateLimit, limits.APIMax, limits.APIWindow, func(r *http.Request) string { return auth.FromContext(r.Context()).Principal() })
}

// refuseOver counts requests by whom, those of an empty name not at all.
func refuseOver(on bool, most int, window time.Duration, whom func(*http.Request) string) Middleware {
	if !on {
		return func(next http.Handler) http.Handler { return next }
	}
	limiter := httprate.NewRateLimiter(most, window, httprate.WithLimitCounter(new(throttle.Windows)),
		httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name := whom(r); name != "" && limiter.OnLimit(w, r, name) {
				WriteError(w, r, apierr.New(apierr.RateLimited, "Too many requests. Please try again later."))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func rateLimit(on bool, most int, window time.Duration, code apierr.Code, message string) Middleware {
	if !on {
		return func(next http.Handler) http.Handler { return next }
	}
	limiter := httprate.NewRateLimiter(most, window, httprate.WithLimitCounter(new(throttle.Windows)), httprate.WithResponseHeaders(httprate.ResponseHeaders{
		Limit: "RateLimit-Limit", Remaining: "RateLimit-Remaining", Reset: "RateLimit-Reset",
	}))
	policy := fmt.Sprintf("%d;w=%d", most, int(window.Seconds()))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refused := limiter.OnLimit(w, r, ClientNetwork(r))
			h := w.Header()
			h.Set("RateLimit-Policy", policy)
			// The limiter gives the time of the reset; the draft that clients read wants the seconds until then.
			if at, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64); err == nil {
				h.Set("RateLimit-Reset", strconv.FormatInt(max(1, at-time.Now().Unix()), 10))
			}
			if refused {
				h.Set("Retry-After", h.Get("RateLimit-Reset"))
				WriteError(w, r, apierr.New(code, "%s", message))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
