package httpx

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/settings"
)

// ClientIP finds the address of the caller: that of the connection, or the one that trusted proxies report in
// X-Forwarded-For. Without trusted proxies the header means nothing, because every client can send it.
func ClientIP(proxies settings.Proxies) Middleware {
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

// callerHandler notes the caller's address.
type callerHandler struct {
	next http.Handler
	addr func(*http.Request) netip.Addr
}

func (h callerHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec, r := recorded(r)
	rec.client = h.addr(r)
	rec.passedOn = passedOn(r)
	rec.request = r
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
		return addr.Unmap()
	}
	return connectionAddr(r)
}

// passedOn reports whether a request bears the trace of a proxy.
func passedOn(r *http.Request) bool {
	for _, trace := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via", prefixHeader} {
		if len(r.Header[trace]) > 0 {
			return true
		}
	}
	return false
}

// ClientNetwork names the network of the caller that [ClientIP] found, for what is counted by caller: an IPv4 address, or
// the /64 of an IPv6 one, which is one client's 2^64 addresses. Callers without an address, as on a unix socket, share one
// name.
func ClientNetwork(r *http.Request) string {
	rec := recordOf(r.Context())
	if rec == nil {
		return noNetwork
	}
	if rec.network == "" {
		rec.network = networkOf(rec.client)
	}
	return rec.network
}

const (
	noNetwork  = "none"
	ipv6Prefix = 64 // bits of an IPv6 address that a caller cannot choose
)

func networkOf(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return noNetwork
	case addr.Is4():
		return addr.String()
	default:
		network, err := addr.WithZone("").Prefix(ipv6Prefix)
		if err != nil {
			return noNetwork // unreachable: every IPv6 address is that long
		}
		return network.String()
	}
}

// RequestFrom returns the request that ctx belongs to, as [ClientIP] saw it; nil outside of requests.
func RequestFrom(ctx context.Context) *http.Request {
	if rec := recordOf(ctx); rec != nil {
		return rec.request
	}
	return nil
}
