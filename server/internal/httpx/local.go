package httpx

import (
	"context"
	"net/http"
)

type localKey struct{}

// Local finds out whether a caller is on the server's own machine, for [IsLocal]. A request that a proxy has passed on is not,
// wherever the proxy is. It needs [ClientIP] outside of it.
func Local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local := ClientIPFrom(r.Context()).Unmap().IsLoopback()
		for _, trace := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
			local = local && r.Header.Get(trace) == ""
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), localKey{}, local)))
	})
}

// IsLocal reports whether the caller of the request that ctx belongs to is on the server's own machine, as [Local] found.
func IsLocal(ctx context.Context) bool {
	local, _ := ctx.Value(localKey{}).(bool)
	return local
}
