package httpx

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/internal/config"
)

// ClientIP finds the address of the caller: that of the connection, or the one that trusted proxies report in
// X-Forwarded-For. Without trusted proxies the header means nothing, because anybody can send it.
func ClientIP(proxies config.Proxies) Middleware {
	return func(next http.Handler) http.Handler {
		switch {
		case len(proxies.Networks) > 0:
			trusted := make([]string, 0, len(proxies.Networks))
			for _, network := range proxies.Networks {
				trusted = append(trusted, network.String())
			}
			next = middleware.ClientIPFromXFF(trusted...)(next)
		case proxies.Hops > 0:
			next = middleware.ClientIPFromXFFTrustedProxies(proxies.Hops)(next)
		}
		// The outer one stands where the header is missing or broken.
		return middleware.ClientIPFromRemoteAddr(next)
	}
}

// ClientIPFrom returns the address that [ClientIP] found. It is not valid outside of requests and for callers without an IP
// address, as on a unix socket.
func ClientIPFrom(ctx context.Context) netip.Addr {
	return middleware.GetClientIPAddr(ctx)
}
