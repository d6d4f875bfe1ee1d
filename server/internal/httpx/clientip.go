package httpx

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/internal/config"
)

// ClientIP finds the address of the caller: that of the connection, or the one that trusted proxies report in
// X-Forwarded-For. Without trusted proxies the header means nothing, because anybody can send it. It also finds out whether
// the caller is on this machine, for [IsLocal].
func ClientIP(proxies config.Proxies) Middleware {
	return func(next http.Handler) http.Handler {
		if len(proxies.Networks) == 0 && proxies.Hops == 0 {
			return callerHandler{next, connectionAddr}
		}
		next = callerHandler{next, reportedAddr}
		if len(proxies.Networks) > 0 {
			trusted := make([]string, 0, len(proxies.Networks))
			for _, network := range proxies.Networks {
				trusted = append(trusted, network.String())
			}
			return middleware.ClientIPFromXFF(trusted...)(next)
		}
		return middleware.ClientIPFromXFFTrustedProxies(proxies.Hops)(next)
	}
}

// callerHandler notes who calls.
type callerHandler struct {
	next http.Handler
	addr func(*http.Request) netip.Addr
}

func (h callerHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec, r := recorded(r)
	rec.client = h.addr(r)
	rec.local = rec.client.IsLoopback() && !passedOn(r)
	h.next.ServeHTTP(w, r)
}

// connectionAddr returns the address at the other end of the connection; none for a unix socket.
func connectionAddr(r *http.Request) netip.Addr {
	addr, _ := netip.ParseAddrPort(r.RemoteAddr)
	return addr.Addr().Unmap()
}

// reportedAddr returns the address that proxies report, or that of the connection where their header is missing or broken.
func reportedAddr(r *http.Request) netip.Addr {
	if addr := middleware.GetClientIPAddr(r.Context()); addr.IsValid() {
		return addr
	}
	return connectionAddr(r)
}

// passedOn reports whether a request bears the trace of a proxy.
func passedOn(r *http.Request) bool {
	for _, trace := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if len(r.Header[trace]) > 0 {
			return true
		}
	}
	return false
}

// ClientIPFrom returns the address that [ClientIP] found. It is not valid outside of requests and for callers without an IP
// address, as on a unix socket.
func ClientIPFrom(ctx context.Context) netip.Addr {
	if rec := recordOf(ctx); rec != nil {
		return rec.client
	}
	return netip.Addr{}
}

// IsLocal reports whether the caller of the request that ctx belongs to is on the server's own machine, as [ClientIP] found.
// A request that a proxy has passed on is not, wherever the proxy is.
func IsLocal(ctx context.Context) bool {
	rec := recordOf(ctx)
	return rec != nil && rec.local
}
