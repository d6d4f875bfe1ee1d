// Package egress is the one way out of the server to addresses that its callers name: of models, webhooks, files and tools.
//
// The rest of the network that the server is in, and the machine itself, are not for callers to reach; the operator names what
// is. An address is looked at twice: by its looks when it is named, and when it is connected to, where the check is made on the
// very address, so that no later answer of a name server can differ from the one that was checked. No proxy is asked, and no
// redirect is followed.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Guard decides which addresses the server may be sent to by a caller.
type Guard struct {
	allowed  []rule
	loopback func() bool // whether callers may name this machine; nil: they may not
}

// rule is an entry of the operator's list.
type rule struct {
	host    string       // in lower case; empty: a network
	network netip.Prefix // of a rule without a host
	port    uint16       // 0: any
}

// New returns a guard that also lets through what lists, separated by commas, allow: names of hosts, addresses, and networks
// such as 10.1.0.0/16, each with a port behind it where only that is meant.
func New(lists ...string) (*Guard, error) {
	g := &Guard{}
	for entry := range strings.SplitSeq(strings.Join(lists, ","), ",") {
		if entry = strings.ToLower(strings.TrimSpace(entry)); entry == "" {
			continue
		}
		r, ok := parseRule(entry)
		if !ok {
			return nil, fmt.Errorf("%q is neither a host, nor an address, nor a network", entry)
		}
		g.allowed = append(g.allowed, r)
	}
	return g, nil
}

// WithLoopback returns the guard that lets callers name this machine while the function says so.
func (g *Guard) WithLoopback(may func() bool) *Guard {
	return &Guard{allowed: g.allowed, loopback: may}
}

func parseRule(entry string) (rule, bool) {
	if r, ok := parsePlace(strings.Trim(entry, "[]")); ok {
		return r, true
	}
	at := strings.LastIndexByte(entry, ':')
	if at < 0 {
		return rule{}, false
	}
	port, err := strconv.ParseUint(entry[at+1:], 10, 16)
	r, ok := parsePlace(strings.Trim(entry[:at], "[]"))
	r.port = uint16(port)
	return r, ok && err == nil && port > 0
}

func parsePlace(text string) (rule, bool) {
	if network, err := netip.ParsePrefix(text); err == nil {
		return rule{network: network.Masked()}, true
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return rule{network: netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen())}, true
	}
	return rule{host: text}, text != "" && !strings.ContainsAny(text, "/:[]@ ")
}

// A Refusal says why the server does not go to an address, as what follows its name: "must not hold a user".
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Forbidden marks the error for packages that know the guard only by what it does.
func (Refusal) Forbidden() {}

// The refusals of addresses that can only be seen when they are connected to.
const (
	Private   = Refusal("has a private address, which this server does not call")
	NoAddress = Refusal("has no address")
)

// Check refuses an address by its looks: only http and https, no user, no address that is private. What a name stands for is
// decided when it is connected to.
func (g *Guard) Check(address string) error {
	_, err := g.check(address)
	return err
}

// CheckBase is Check for an address to which the server adds paths and whose calls hold what people say: no query and no
// fragment, and TLS but for hosts that the operator allows and, where callers may name it, this machine.
func (g *Guard) CheckBase(address string) error {
	u, err := g.check(address)
	switch {
	case err != nil:
		return err
	case u.RawQuery != "" || u.ForceQuery:
		return Refusal("must not hold a query")
	case u.Fragment != "":
		return Refusal("must not hold a fragment")
	case u.Scheme != "https" && !g.inClear(u):
		return Refusal("must begin with https://")
	}
	return nil
}

func (g *Guard) check(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, Refusal("can't be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, Refusal("must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, Refusal("names no host")
	case u.User != nil:
		return nil, Refusal("must not hold a user or a password")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !g.allows(ip, port(u)) {
		return nil, Private
	}
	return u, nil
}

// inClear reports whether an address may be called without TLS.
func (g *Guard) inClear(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		return g.listed(ip, port(u)) || isLoopback(ip) // which has passed
	}
	return g.names(host, port(u)) || host == "localhost" && g.mayLoop()
}

func port(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

func (g *Guard) mayLoop() bool { return g.loopback != nil && g.loopback() }

// names reports whether the operator allows a host by its name.
func (g *Guard) names(host string, port uint16) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(g.allowed, func(r rule) bool { return r.host != "" && r.host == host && (r.port == 0 || r.port == port) })
}

// listed reports whether the operator allows an address.
func (g *Guard) listed(ip netip.Addr, port uint16) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(g.allowed, func(r rule) bool { return r.host == "" && r.network.Contains(ip) && (r.port == 0 || r.port == port) })
}

func isLoopback(ip netip.Addr) bool { return ip.Unmap().IsLoopback() }

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
	netip.MustParsePrefix("::/96"),           // what IPv4 in IPv6 was
	netip.MustParsePrefix("192.88.99.0/24"),  // its relays
	netip.MustParsePrefix("fec0::/10"),       // what site-local was
}

// allows reports whether an address may be connected to.
func (g *Guard) allows(ip netip.Addr, port uint16) bool {
	if g.listed(ip, port) || isLoopback(ip) && g.mayLoop() {
		return true
	}
	ip = ip.Unmap().WithZone("")
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}

const dialTimeout = 5 * time.Second

// DialContext connects to a host that the guard lets through.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	to, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, NoAddress
	}
	if !g.names(host, uint16(to)) {
		d.ControlContext = func(_ context.Context, _, target string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(target)
			if err != nil {
				return NoAddress
			}
			if !g.allows(at.Addr(), at.Port()) {
				return Private
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}

// Guarded changes a transport so that it goes where the guard lets it, and asks no proxy.
func (g *Guard) Guarded(t *http.Transport) *http.Transport {
	t.Proxy = nil
	t.DialContext = g.DialContext
	t.DialTLSContext = nil
	t.TLSHandshakeTimeout = dialTimeout
	t.MaxResponseHeaderBytes = maxHeader
	return t
}

const maxHeader = 64 << 10

// Client returns a client for single calls that each end within a time. It follows no redirect.
func (g *Guard) Client(conns int, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: g.Guarded(&http.Transport{
			ResponseHeaderTimeout: timeout,
			MaxConnsPerHost:       conns,
			MaxIdleConns:          conns,
			IdleConnTimeout:       30 * time.Second,
			ForceAttemptHTTP2:     true,
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       timeout,
	}
}

// Reason returns why the guard refused, if that is what an error is.
func Reason(err error) (Refusal, bool) { return errors.AsType[Refusal](err) }
