package mcp

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/lifecycle"
)

const (
	maxConnections = 256              // of all agents
	idleTime       = 10 * time.Minute // after which a connection is closed that nobody used
	sweepEvery     = time.Minute
	firstWait      = 3 * time.Second // for servers whose tools are not known yet, in a turn
)

// Options are what a [Service] is made of. All are required but Servers.
type Options struct {
	Guard   *egress.Guard // of addresses in characters
	Servers []Config      // the operator's
	Logger  *slog.Logger
	Version string
	Now     func() time.Time
}

// Service holds the connections to MCP servers.
type Service struct {
	guard    *egress.Guard
	operator []Config
	log      *slog.Logger
	version  string
	now      func() time.Time

	life    context.Context // of all connections
	end     context.CancelFunc
	running sync.WaitGroup

	ending  sync.Mutex
	stopped bool // nothing is begun any more; guarded by ending

	mu      sync.Mutex
	servers map[string]*server
}

// New returns a service that is connected to nothing.
func New(o Options) *Service {
	s := &Service{guard: o.Guard, operator: o.Servers, log: o.Logger, version: o.Version, now: o.Now, servers: map[string]*server{}}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Start begins to close what nobody uses.
func (s *Service) Start(context.Context) error {
	s.spawn("the sweep of MCP servers", func() { lifecycle.Persist(s.life, s.log, "the sweep of MCP servers", s.sweep) })
	return nil
}

// Stop closes all connections.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	servers := s.servers
	s.servers = map[string]*server{}
	s.mu.Unlock()
	for _, one := range servers {
		one.close()
	}
	s.ending.Lock()
	s.stopped = true
	s.ending.Unlock()
	s.end()
	return lifecycle.Await(ctx, s.running.Wait)
}

// spawn runs fn, which does what is named, beside everything else, unless the service has stopped.
func (s *Service) spawn(what string, fn func()) bool {
	s.ending.Lock()
	defer s.ending.Unlock()
	if s.stopped {
		return false
	}
	s.running.Go(func() {
		defer lifecycle.Contain(s.log, what)
		fn()
	})
	return true
}

// sweep closes connections that nobody uses, until the service stops.
func (s *Service) sweep() {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-ticker.C:
			s.closeUnused(idleTime)
		}
	}
}

// closeUnused forgets the servers that nobody used for a time.
func (s *Service) closeUnused(since time.Duration) {
	before := s.now().Add(-since)
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, one := range s.servers {
		if one.unusedSince(before) {
			delete(s.servers, key)
			one.close()
		}
	}
}

// unusedSince reports whether nobody used the server since a time.
func (s *server) unusedSince(before time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connecting == nil && s.used.Before(before)
}

// server returns the connection to a server that an agent has.
func (s *Service) server(c Config, owner string) (*server, error) {
	key := c.key(owner)
	if one := s.known(key); one != nil {
		return one, nil
	}
	s.mu.Lock()
	full := len(s.servers) >= maxConnections
	s.mu.Unlock()
	if full {
		s.closeUnused(sweepEvery)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.servers[key]; one != nil {
		return one, nil
	}
	if len(s.servers) >= maxConnections {
		return nil, errTooMany
	}
	one := &server{service: s, config: c, used: s.now()}
	s.servers[key] = one
	return one, nil
}

func (s *Service) known(key string) *server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.servers[key]
}

// checkAddress refuses an address of a character that egress doesn't let through. A query is part of some.
func (s *Service) checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	u.RawQuery = ""
	return s.guard.CheckBase(u.String())
}

// Agent is who uses tools.
type Agent struct {
	ID       uuid.UUID
	Name     string
	Settings map[string]any // of its character, with its secrets
}

// Of returns the tools that an agent has, by the operator's file and by its own settings. It connects to nothing.
func (s *Service) Of(a Agent) *Tools {
	t := &Tools{service: s, owner: a.ID.String()}
	for _, c := range s.operator {
		if c.serves(a.ID.String(), a.Name) {
			t.servers = append(t.servers, named{Config: c})
		}
	}
	t.servers = append(t.servers, inSettings(a.Settings)...)
	return t
}
