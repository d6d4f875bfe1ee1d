package settings

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Proxies says which reverse proxies are trusted to name the client: either a number of hops, or networks. The zero
// value trusts none.
type Proxies struct {
	Hops     int
	Networks []netip.Prefix
}

// Proxies reads TrustProxy: a number of hops, or addresses and networks separated by commas.
func (s Security) Proxies() (Proxies, error) {
	text := strings.TrimSpace(s.TrustProxy)
	if on, err := parseSwitch(text); text == "" || (err == nil && !on) {
		return Proxies{}, nil
	}
	const hint = "write the number of proxies in front of the server, or their networks, such as 10.0.0.0/8,::1"
	if hops, err := strconv.Atoi(text); err == nil {
		if hops < 0 || hops > 16 {
			return Proxies{}, fmt.Errorf("TRUST_PROXY (--trust-proxy) is %d; %s", hops, hint)
		}
		return Proxies{Hops: hops}, nil
	}
	var p Proxies
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		prefix, err := netip.ParsePrefix(part)
		if addr, addrErr := netip.ParseAddr(part); addrErr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return Proxies{}, fmt.Errorf("TRUST_PROXY (--trust-proxy) contains %q; %s", part, hint)
		}
		p.Networks = append(p.Networks, prefix.Masked())
	}
	return p, nil
}

// Trust reports whether the proxy at an address is trusted.
func (p Proxies) Trust(addr netip.Addr) bool {
	return p.Hops > 0 || slices.ContainsFunc(p.Networks, func(network netip.Prefix) bool { return network.Contains(addr) })
}
