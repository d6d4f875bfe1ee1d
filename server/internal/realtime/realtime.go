// Package realtime puts the events of the messaging domain on Socket.IO, and takes messages from it.
//
// Inbound, a socket joins channels and posts messages, in every spelling that clients use. Outbound, one goroutine reads the
// bus and writes to the sockets of this node. It keeps for each channel the number of the newest message that it has
// delivered, and fills any gap from the database, so all sockets see every message once and in the order of the numbers,
// whatever the bus reorders or drops. What is sent are the types that go generate makes of the contract.
package realtime

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/throttle"
	"github.com/elizad/elizad/server/socketio"
)

// Messaging is what this package needs of the domain.
type Messaging interface {
	CurrentServer() uuid.UUID
	Channel(ctx context.Context, who auth.Identity, id uuid.UUID) (messaging.Channel, error)
	CancelAnswer(ctx context.Context, who auth.Identity, channelID, id uuid.UUID) ([]messaging.Turn, error)
	Post(ctx context.Context, who auth.Identity, d messaging.Draft) (messaging.Posted, error)
	Ask(ctx context.Context, who auth.Identity, d messaging.Draft, target uuid.UUID) (*messaging.Exchange, error)
	MessagesSince(ctx context.Context, who auth.Identity, channelID uuid.UUID, seq int64, limit int) ([]messaging.Message, error)
	FindOrCreateDM(ctx context.Context, who auth.Identity, r messaging.DMRequest) (messaging.Channel, error)
	Subscribe(channelID uuid.UUID) (*bus.Subscription, error)
	AgentChanges() (*bus.Subscription, error)
}

// AgentStatus is what the plain dialect reports of an agent.
type AgentStatus struct {
	ID      uuid.UUID
	Name    string
	Running bool
}

// Config is what a Gateway is made of.
type Config struct {
	IO            *socketio.Server
	Messaging     Messaging
	Guard         auth.Guard // of the API key
	Agents        func(ctx context.Context) ([]AgentStatus, error)
	Documents     present.Documents // shows messages
	Files         *fileurl.Signer   // takes signatures off what comes in; nil: there are none
	Logs          *logstream.Stream // what subscribers of the log get; nil: nothing
	RateLimit     throttle.Limit    // of inbound events, and of handshakes; the zero value is no limit
	RequireEntity bool              // refuse clients without an identity
	MaxPayload    int64             // bytes of one frame on a plain WebSocket; 0: 1,000,000
	Refused       func(Refusal)     // hears of connections that are refused for their credentials; nil: nobody does
	Logger        *slog.Logger
	Now           func() time.Time // nil: time.Now
}

// Refusal is what is known of a connection that was refused.
type Refusal struct {
	Network string
	Who     auth.Identity
	Status  int // that a request would have been answered with
}

// Gateway connects the main namespace of a Socket.IO server to the domain.
type Gateway struct {
	io            *socketio.Server
	ns            *socketio.Namespace
	messaging     Messaging
	guard         auth.Guard
	listAgents    func(ctx context.Context) ([]AgentStatus, error)
	docs          present.Documents
	files         *fileurl.Signer
	logs          *logstream.Stream
	refused       func(Refusal)
	requireEntity bool
	maxPayload    int64
	inbound       map[string]bool // names of inbound events
	log           *slog.Logger
	now           func() time.Time

	limiter *throttle.Limiter
	// handshakes has the same limit as limiter.
	handshakes *throttle.Limiter
	plain      plainHub
	typing     typingHub
	pending    pending
	cursors    cursors
	watchers   sync.WaitGroup // of the log

	rejoins chan rejoining // for the delivery, which alone knows what has been delivered
	ahead   []bus.Message  // of the delivery: events that it has taken from the bus and not delivered yet

	sub      *bus.Subscription
	agents   *bus.Subscription // changes of agents
	delivery sync.WaitGroup
}

// New registers the handlers on cfg.IO. Nothing is delivered before Start.
func New(cfg Config) *Gateway {
	g := &Gateway{
		io: cfg.IO, ns: cfg.IO.Of("/"), messaging: cfg.Messaging, guard: cfg.Guard, listAgents: cfg.Agents, docs: cfg.Documents, files: cfg.Files, logs: cfg.Logs, refused: cfg.Refused,
		requireEntity: cfg.RequireEntity, maxPayload: cmp.Or(cfg.MaxPayload, 1_000_000),
		log: cfg.Logger, now: cfg.Now, limiter: throttle.NewLimiter(cfg.RateLimit), handshakes: throttle.NewLimiter(cfg.RateLimit),
		rejoins: make(chan rejoining), inbound: inboundEvents(),
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.logs == nil {
		g.logs = logstream.NewStream(0)
	}
	if g.refused == nil {
		g.refused = func(Refusal) {}
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.ns.Use(g.authenticate)
	g.ns.OnConnect(g.connected)
	g.listen()
	return g
}

// Start begins to deliver events to sockets.
func (g *Gateway) Start(ctx context.Context) error {
	agents, err := g.messaging.AgentChanges()
	if err != nil {
		return fmt.Errorf("starting the realtime gateway: %w", err)
	}
	sub, err := g.messaging.Subscribe(uuid.Nil)
	if err != nil {
		agents.Close()
		return fmt.Errorf("starting the realtime gateway: %w", err)
	}
	g.sub, g.agents = sub, agents
	ctx = context.WithoutCancel(ctx)
	g.delivery.Go(func() { lifecycle.Persist(ctx, g.log, "the delivery of events", func() { g.deliver(ctx) }) })
	g.delivery.Go(func() {
		lifecycle.Persist(ctx, g.log, "the delivery of agents' states", func() { g.deliverAgentChanges(ctx) })
	})
	return nil
}

// Stop ends the delivery and waits for it, and for everything that served a socket. Shut the sockets' server down first.
func (g *Gateway) Stop(ctx context.Context) error {
	if g.sub == nil {
		return nil
	}
	g.plain.close()
	g.sub.Close()
	g.agents.Close()
	return lifecycle.Await(ctx, func() {
		g.delivery.Wait()
		g.watchers.Wait()
	})
}

// roomPrefix keeps channels apart from the rooms that sockets have for themselves.
const roomPrefix = "ch:"

// room returns the room of a channel, named as a client named it.
func room(channel string) string { return roomPrefix + strings.ToLower(channel) }

func channelRoom(id uuid.UUID) string { return roomPrefix + id.String() }

// channelIn returns the channel whose room has a name; ok is false for other rooms.
func channelIn(room string) (id uuid.UUID, ok bool) {
	name, ok := strings.CutPrefix(room, roomPrefix)
	if !ok {
		return uuid.Nil, false
	}
	id, err := auth.ParseID(name)
	return id, err == nil
}
