// Package selftest tries on a running server what it promises of whom it lets do what.
//
// [Isolation] sends requests to every operation of the contract, over REST, streams, addresses of files and both kinds of sockets, as
// everybody who could be another: somebody else, nobody, keys of each scope and, if there is one, a server under another name on the
// same database. What is let in follows from the contract's x-access; everything else must be refused, and neither show a word of what
// is another's nor change it. Each case makes the other's thing first, and those who may do what was refused to others do it at last:
// so a refusal is none because nothing was there.
//
// It makes the things that it tries to get at, under names that begin with the tag of its run, and removes them. To try a new operation,
// add a row to the table in requests.go; one that has none is reported as not tried.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// cleanTime is how long the removal of what was made may take, an interrupted run's too.
const cleanTime = time.Minute

// Isolation says where to try isolation, and with what.
type Isolation struct {
	URL string // of the server
	Key string // a credential of an admin there

	// Other is a server under another name (ELIZA_SERVER_ID) on the same database, with an admin's key; nil if there is none.
	Other *Server
	// People are persons who take no part in anything, beside those for whom keys are made.
	People []Person
	// Progress is told how many cases have been tried, and which operation is next; nil tells nobody.
	Progress func(tried int, next string)
	// Waiting is told when the server asks to wait for so many seconds before the next request; nil tells nobody.
	Waiting func(seconds int)
}

// Server is where one is, and an admin's key for it.
type Server struct {
	URL, Key string
	// Alternating says that it does not run while the first does, so that nothing can be overheard there.
	Alternating bool
}

// Person is somebody with a credential that allows the scope chat.
type Person struct {
	Name   string
	Token  string
	Claims uuid.UUID // whom the person says to be, besides; the zero UUID for nobody
	Entity uuid.UUID // whom the token proves
}

// The callers that each run has.
const (
	Owner     = "owner"     // a key for the person whose things they are
	Stranger  = "other"     // a key for another person
	Nobody    = "anonymous" // no credential
	Elsewhere = "tenant"    // an admin of Isolation.Other
)

// The ways in.
const (
	REST     = "REST"
	Stream   = "SSE"
	File     = "file"
	SocketIO = "Socket.IO"
	Plain    = "WebSocket"
)

// Case is one attempt of one caller, and how it ended.
type Case struct {
	Operation string `json:"operation"` // of the contract; on sockets what was tried
	Way       string `json:"way"`
	Caller    string `json:"caller"`
	Want      string `json:"want"`
	Status    int    `json:"status,omitempty"` // of the answer; 0 on sockets
	Held      bool   `json:"held"`
	Found     string `json:"found,omitempty"` // why it did not hold
	Request   string `json:"request,omitempty"`
}

// Untried is an operation, or a part of its cases, that was not tried.
type Untried struct {
	Operation string `json:"operation"`
	Why       string `json:"why"`
}

// Report is what a run found.
type Report struct {
	Tag      string    `json:"tag"` // with which the names of what was made begin
	Callers  []string  `json:"callers"`
	Cases    []Case    `json:"cases"`
	NotTried []Untried `json:"notTried"`
}

// Failed returns the cases that did not hold.
func (r Report) Failed() (failed []Case) {
	for _, c := range r.Cases {
		if !c.Held {
			failed = append(failed, c)
		}
	}
	return failed
}

// ErrNotIsolating says that a server promises nothing that could be tried.
var ErrNotIsolating = errors.New("the server does not isolate data")

// Run tries everything and removes what it made, also when ctx ends before. The report has what was tried until then.
func (i Isolation) Run(ctx context.Context) (_ Report, err error) {
	r := &run{Isolation: i, tag: "selftest-" + uuid.NewString()[:8], client: newClient(i.Waiting)}
	defer r.client.CloseIdleConnections()
	if err := r.begin(ctx); err != nil {
		return Report{}, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
		defer cancel()
		if left := r.things.remove(ctx); left != nil {
			err = errors.Join(err, fmt.Errorf("removing what was made (its names begin with %s): %w", r.tag, left))
		}
	}()
	if err = r.all(ctx); ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return r.report(), err
}

// run is one run.
type run struct {
	Isolation

	tag      string
	client   *client
	admin    caller
	callers  []caller
	things   *things
	cases    []Case
	notTried []Untried

	dangerous []func() error // what is tried at the end
}

// all tries everything.
func (r *run) all(ctx context.Context) error {
	if err := r.admit(ctx); err != nil {
		return err
	}
	for _, op := range api.Operations() {
		if err := r.operation(ctx, op); err != nil {
			return err
		}
	}
	if err := r.elsewhere(ctx); err != nil {
		return err
	}
	if err := r.sockets(ctx); err != nil {
		return err
	}
	return r.danger()
}

func (r *run) report() Report {
	out := Report{Tag: r.tag, Cases: r.cases, NotTried: r.notTried}
	for _, c := range r.callers {
		out.Callers = append(out.Callers, c.name)
	}
	return out
}

// begin makes sure that the server isolates data, and that the key is an admin's.
func (r *run) begin(ctx context.Context) error {
	r.admin = caller{name: "admin", base: strings.TrimRight(r.URL, "/"), key: r.Key, scopes: scopesOf("admin"), everyone: true}
	r.things = newThings(r.tag, r.client, r.admin)
	a, err := r.client.send(ctx, r.admin, request{method: "GET", target: "/api/server/debug/servers"})
	if err != nil {
		return err
	}
	if a.status/100 != 2 {
		return fmt.Errorf("an admin's key is needed: the server answers %d: %s", a.status, a.message())
	}
	if a.text("data", "environment", "dataIsolation") != "on" {
		return ErrNotIsolating
	}
	return nil
}

// admit makes a key for each caller.
func (r *run) admit(ctx context.Context) error {
	owner, other := uuid.New(), uuid.New()
	for _, c := range []caller{
		{name: Owner, scopes: scopesOf("chat"), entity: owner, owner: true},
		{name: Stranger, scopes: scopesOf("chat"), entity: other},
		{name: Nobody},
		{name: "read", scopes: scopesOf("read")},
		{name: "chat", scopes: scopesOf("chat")},
		{name: "manage", scopes: scopesOf("manage")},
		{name: "service", scopes: scopesOf("service"), everyone: true},
		{name: "admin", scopes: scopesOf("admin"), everyone: true},
	} {
		c.base = r.admin.base
		if c.name != Nobody {
			scope := c.scopes[0]
			var err error
			if c.key, err = r.things.newKey(ctx, c.name, string(scope), c.entity); err != nil {
				return err
			}
		}
		if c.entity == uuid.Nil {
			c.entity = uuid.New() // whom it names
		}
		r.callers = append(r.callers, c)
	}
	for _, p := range r.People {
		r.callers = append(r.callers, caller{name: p.Name, base: r.admin.base, token: p.Token, claims: p.Claims, scopes: scopesOf("chat"), entity: p.Entity})
	}
	if r.Other != nil {
		r.callers = append(r.callers, caller{name: Elsewhere, base: strings.TrimRight(r.Other.URL, "/"), key: r.Other.Key, scopes: scopesOf("admin"), everyone: true, elsewhere: true, entity: uuid.New()})
	}
	r.things.owner, r.things.manager, r.things.service = r.caller(Owner), r.caller("manage"), r.caller("service")
	return nil
}

// caller returns the caller of a name, which there is.
func (r *run) caller(name string) caller {
	return r.callers[slices.IndexFunc(r.callers, func(c caller) bool { return c.name == name })]
}

// caller is who tries something.
type caller struct {
	name       string
	base       string // the address of its server
	key, token string
	claims     uuid.UUID   // whom it says to be, besides
	scopes     []api.Scope // what its credential allows, the one that it was made with first
	entity     uuid.UUID   // whom it is, or names where it has to
	owner      bool        // the things are its
	everyone   bool        // it sees everyone's
	elsewhere  bool        // its server has another name
}

// isKnown reports whether it has a credential.
func (c caller) isKnown() bool { return c.key != "" || c.token != "" }

// may reports whether its credential allows an operation of the contract.
func (c caller) may(op api.Operation, rule api.Rule) bool {
	if rule.Scope == api.ScopeNone {
		return op.Open || c.isKnown()
	}
	return slices.Contains(c.scopes, rule.Scope)
}

// scopesOf returns what a key of a scope allows, as people are told.
func scopesOf(scope api.Scope) []api.Scope {
	switch scope {
	case api.ScopeAdmin:
		return []api.Scope{api.ScopeAdmin, api.ScopeManage, api.ScopeChat, api.ScopeRead, api.ScopeService}
	case api.ScopeManage:
		return []api.Scope{api.ScopeManage, api.ScopeChat, api.ScopeRead}
	case api.ScopeChat:
		return []api.Scope{api.ScopeChat, api.ScopeRead}
	default:
		return []api.Scope{scope}
	}
}
