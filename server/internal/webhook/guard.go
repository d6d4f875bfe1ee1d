package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/elizad/elizad/server/apierr"
)

// Guard decides which addresses the server may be sent to by a caller. The rest of the network that the server is in, and the
// machine itself, are not for callers to reach; the operator names what is.
type Guard struct {
	hosts    []string // names in lower case
	networks []netip.Prefix
}

// NewGuard returns a guard that also lets through what a list, separated by commas, allows: names of hosts, addresses, and
// networks such as 10.1.0.0/16.
func NewGuard(allow string) (*Guard, error) {
	g := &Guard{}
	for entry := range strings.SplitSeq(allow, ",") {
		entry = strings.ToLower(strings.Trim(strings.TrimSpace(entry), "[]"))
		if entry == "" {
			continue
		}
		if network, err := netip.ParsePrefix(entry); err == nil {
			g.networks = append(g.networks, network.Masked())
		} else if address, err := netip.ParseAddr(entry); err == nil {
			g.networks = append(g.networks, netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()))
		} else if strings.ContainsAny(entry, "/: ") {
			return nil, fmt.Errorf("%q is neither a host, nor an address, nor a network", entry)
		} else {
			g.hosts = append(g.hosts, entry)
		}
	}
	return g, nil
}

// Check refuses an address by its looks: only http and https, no user, no address that is private. What a name stands for is
// decided when it is connected to.
func (g *Guard) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return apierr.Wrap(err, apierr.ValidationFailed, "The callback URL can't be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return apierr.New(apierr.ValidationFailed, "The callback URL must begin with http:// or https://")
	case u.Hostname() == "":
		return apierr.New(apierr.ValidationFailed, "The callback URL names no host")
	case u.User != nil:
		return apierr.New(apierr.ValidationFailed, "The callback URL must not hold a user or a password")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !g.allows(ip) {
		return apierr.New(apierr.ValidationFailed, "The callback URL is a private address, which this server does not call")
	}
	return nil
}

// special are networks that are neither private nor local by name, and yet not the public internet.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' own
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind a translator
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same, local
	netip.MustParsePrefix("100::/64"),        // discarded
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // IPv4 in IPv6
	netip.MustParsePrefix("fec0::/10"),       // what site-local was
}

// allows reports whether an address may be connected to.
func (g *Guard) allows(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(g.networks, within) {
		return true
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(special, within)
}

var (
	errPrivate = errors.New("the host has a private address, which this server does not call")
	errName    = errors.New("the host has no address")
)

// dial connects to a host. Its name is resolved once, and the check is made on the very address that is connected to, so that
// no later answer of a name server can differ from the one that was checked.
func (g *Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(g.hosts, strings.ToLower(strings.TrimSuffix(host, "."))) {
		d.ControlContext = func(_ context.Context, _, target string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(target)
			if err != nil {
				return errName
			}
			if !g.allows(at.Addr()) {
				return errPrivate
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}

const (
	dialTimeout = 5 * time.Second
	callTimeout = 10 * time.Second // of a whole call
	maxAnswer   = 64 << 10         // bytes that are read of an answer, so that the connection can be used again
)

// client returns an HTTP client that only goes where the guard lets it, follows no redirect, and asks no proxy.
func (g *Guard) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            g.dial,
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  callTimeout,
			MaxResponseHeaderBytes: maxAnswer,
			MaxConnsPerHost:        workers,
			MaxIdleConns:           workers,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       callTimeout,
	}
}
