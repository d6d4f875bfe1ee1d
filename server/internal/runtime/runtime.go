package runtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/quota"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/usage"
)

// Messages is what the runtime needs of [messaging.Service].
type Messages interface {
	ClaimTurns(ctx context.Context, owner string, n, perSender int, lease time.Duration) ([]messaging.Turn, error)
	RenewTurns(ctx context.Context, owner string, ids []uuid.UUID, lease time.Duration) (lost, cancelled []uuid.UUID, err error)
	ReleaseTurn(ctx context.Context, owner string, t messaging.Turn) error
	ReleaseTurns(ctx context.Context, owner string) error
	TurnContext(ctx context.Context, t messaging.Turn, recent int) (messaging.TurnContext, error)
	ReflectedUpTo(ctx context.Context, t messaging.Turn) (seq int64, err error)
	Reflected(ctx context.Context, t messaging.Turn, r messaging.Reflection) error
	HasReplyWith(ctx context.Context, personID uuid.UUID, words string, since time.Time) (bool, error)
	StreamChunk(ctx context.Context, serverID uuid.UUID, t messaging.Turn, index int, text string)
	FinishTurn(ctx context.Context, owner string, t messaging.Turn, o messaging.Outcome) (*messaging.Message, error)
	AddTurnLog(ctx context.Context, t messaging.Turn, log []messaging.TurnLogEntry) error
	BeginAction(ctx context.Context, owner string, t messaging.Turn, lease time.Duration, a messaging.TurnAction) error
	EndAction(ctx context.Context, t messaging.Turn, a messaging.TurnAction) error
	TurnActions(ctx context.Context, t messaging.Turn) ([]messaging.TurnAction, error)
	RecentActions(ctx context.Context, t messaging.Turn, n int) ([]messaging.TurnAction, error)
	Work() (*bus.Subscription, error)
	EndedTurns() (*bus.Subscription, error)
	CancelledTurns() (*bus.Subscription, error)

	CancelAgentTurns(ctx context.Context, agentID uuid.UUID, reason, detail string) error
	AnnounceAgents(ctx context.Context)
	CurrentServer() uuid.UUID
	AddServerAgent(ctx context.Context, who auth.Identity, serverID, agentID uuid.UUID) error
	SetParticipantState(ctx context.Context, who auth.Identity, channelID, entityID uuid.UUID, state string) error
}

// Capture says whether the texts of prompts and answers are kept in the record of a run.
type Capture string

// The levels of capture.
const (
	CaptureOff    Capture = "off"
	CaptureErrors Capture = "errors" // of calls that failed
	CaptureAll    Capture = "all"
)

// Config is what a Service is made of. Store, Messages, Models, Usage and Keys are required.
type Config struct {
	Store    store.System
	Namings  []store.Naming // of the tenant; none: that of the default one
	Messages Messages
	Models   Models
	Usage    *usage.Ledger // of what models take
	Keys     *seal.Keys    // seal the agents' secrets
	Salt     string        // opens secrets that an ElizaOS server sealed, in characters that come from there

	Knowledge   Knowledge       // nil: agents know no documents
	Attachments Attachments     // nil: agents see of attachments what their messages say
	Environment Environment     // nil: agents see nothing of the server's settings
	Plugins     *agent.Registry // nil: none
	Tools       ToolServers     // nil: none
	Logger      *slog.Logger    // nil: nothing is logged

	Owner              string           // names this server among those on one database; empty: a random name
	MaxAgents          int              // that callers may make; 0: no limit
	ConcurrentRuns     int              // 0: 64
	ConversationLength int              // messages that an agent sees; 0: 32
	RunTimeout         time.Duration    // 0: 5 minutes
	Now                func() time.Time // the clock of leases; nil: time.Now
	Lease              time.Duration    // how long a turn stays ours without news from us; 0: 15 seconds
	SampleTTL          time.Duration    // how long a room gets the same examples of a character; 0: 15 minutes
	Capture            Capture          // empty: CaptureOff
}

func (c *Config) setDefaults() error {
	if c.Store == nil || c.Messages == nil || c.Models == nil || c.Usage == nil || c.Keys == nil {
		return errors.New("runtime: a store, messages, models, a ledger and keys are required")
	}
	if len(c.Namings) == 0 {
		c.Namings = []store.Naming{{}}
	}
	if c.Tools == nil {
		c.Tools = noTools{}
	}
	if c.Environment == nil {
		c.Environment = noEnvironment{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Owner == "" {
		c.Owner = uuid.NewString()
	}
	if c.Capture == "" {
		c.Capture = CaptureOff
	}
	setDefault(&c.ConcurrentRuns, 64)
	setDefault(&c.ConversationLength, 32)
	setDefault(&c.RunTimeout, 5*time.Minute)
	setDefault(&c.Lease, 15*time.Second)
	setDefault(&c.SampleTTL, 15*time.Minute)
	return nil
}

func setDefault[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Service takes the turns of agents.
type Service struct {
	cfg    Config
	agents *Agents

	life       context.Context // of everything that Start begins
	end        context.CancelCauseFunc
	drain      chan struct{} // closed: no more turns are claimed
	dispatcher sync.WaitGroup
	keeper     sync.WaitGroup
	runs       sync.WaitGroup // which the dispatcher starts
	background sync.WaitGroup // providers that outstayed their run, and evaluators
	slots      chan struct{}  // a token for each turn that is being taken
	freed      chan struct{}  // a slot was given back

	evaluating    *evaluations
	introductions introductions

	leasing   sync.Mutex // held while leases are claimed or renewed
	renewed   time.Time  // when they were renewed last; guarded by leasing
	claimless bool       // the last claim failed; guarded by leasing

	mu      sync.Mutex
	started bool
	stopped bool
	held    map[uuid.UUID]context.CancelCauseFunc // of the turns that run here
}

// New returns a service that takes no turns before it is started. Its agents can be used at once.
func New(cfg Config) (*Service, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	agents := &Agents{
		store: cfg.Store, namings: cfg.Namings, keys: cfg.Keys, salt: cfg.Salt, messages: cfg.Messages, models: cfg.Models, plugins: cfg.Plugins, log: cfg.Logger, usage: cfg.Usage,
		tally:   quota.NewTally(quota.Quota{Most: cfg.MaxAgents, What: "agents", Setting: "ELIZAD_MAX_AGENTS (--max-agents)"}, cfg.Now),
		numbers: &numbers{now: cfg.Now},
		uses:    newUses(cfg.Store, cfg.Logger), knowledge: cfg.Knowledge,
	}
	b := &builder{agents: agents, environment: cfg.Environment, models: cfg.Models, registry: cfg.Plugins, tools: cfg.Tools, knowledge: cfg.Knowledge, log: cfg.Logger}
	agents.versions = newAgentVersions(b.build)
	s := &Service{
		cfg: cfg, agents: agents,
		drain: make(chan struct{}),
		slots: make(chan struct{}, cfg.ConcurrentRuns),
		freed: make(chan struct{}, 1),
		held:  map[uuid.UUID]context.CancelCauseFunc{},
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	s.evaluating = newEvaluations(s)
	return s, nil
}

// Agents returns the agents.
func (s *Service) Agents() *Agents { return s.agents }

// versionOf returns a version of an agent, or a newer one.
func (s *Service) versionOf(ctx context.Context, id uuid.UUID, version int64) (*agentVersion, error) {
	if m := s.agents.versions.known(id, version); m != nil {
		return m, nil
	}
	m, _, err := s.currentVersion(ctx, id)
	return m, err
}

// currentVersion returns what is built from an agent's present version, and whether the agent runs.
func (s *Service) currentVersion(ctx context.Context, id uuid.UUID) (*agentVersion, bool, error) {
	var row db.Agent
	err := s.cfg.Store.SystemView(ctx, func(q db.System) (err error) {
		row, err = find(ctx, q, id)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	m, err := s.agents.versions.of(ctx, row)
	return m, row.Running, err
}
