package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/apierr"
)

// Scopes is a set of what callers may be allowed. The zero value allows nothing but what needs no scope.
type Scopes uint8

// The scopes: reading what is no secret; taking part in conversations; agents, with what they did and remember; the server
// itself; and speaking for others, as bridges to platforms do.
const (
	ScopeRead Scopes = 1 << iota
	ScopeChat
	ScopeManage
	ScopeAdmin
	ScopeService

	AllScopes = ScopeRead | ScopeChat | ScopeManage | ScopeAdmin | ScopeService
)

// scopeNames names the scopes, each in the place of its bit.
var scopeNames = [...]string{"read", "chat", "manage", "admin", "service"}

// ParseScopes returns the set of the scopes that are named. "none" names no scope.
func ParseScopes(names ...string) (set Scopes, err error) {
	for _, name := range names {
		bit := slices.Index(scopeNames[:], name)
		switch {
		case bit >= 0:
			set |= 1 << bit
		case name != "none":
			return 0, fmt.Errorf("%q is no scope; there are %s", name, strings.Join(scopeNames[:], ", "))
		}
	}
	return set, nil
}

// Names returns the names of the scopes in s, the weakest first.
func (s Scopes) Names() []string {
	names := []string{}
	for bit, name := range scopeNames {
		if s&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Granted returns what a key with the scopes s allows: admin everything, manage also chat, and chat also read.
func (s Scopes) Granted() Scopes {
	if s&ScopeAdmin != 0 {
		return AllScopes
	}
	if s&ScopeManage != 0 {
		s |= ScopeChat
	}
	if s&ScopeChat != 0 {
		s |= ScopeRead
	}
	return s
}

// Require returns nil if s allows what needs the scopes in needed, and else the refusal for callers, which names them.
func (s Scopes) Require(needed Scopes) error {
	if s&needed == needed {
		return nil
	}
	names := strings.Join((needed &^ s).Names(), ", ")
	return apierr.New(apierr.Forbidden, "The credentials don't allow this").WithDetails("The scope " + names + " is needed")
}
