package server

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/apikey"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/clock"
	"github.com/elizad/elizad/server/internal/dialogue"
	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/idempotency"
	"github.com/elizad/elizad/server/internal/instance"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/knowledge"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/mcp"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/pgaddress"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/revocation"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/internal/session"
	"github.com/elizad/elizad/server/internal/settingsfile"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/sweep"
	"github.com/elizad/elizad/server/internal/throttle"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/internal/user"
	"github.com/elizad/elizad/server/internal/webhook"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/settings"
	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

// parts are what a running server is made of. Each is set by its component's start.
type parts struct {
	audit       *audit.Service
	keys        *apikey.Service
	verifier    *token.Verifier
	users       *user.Service // nil: there are none
	revocations *revocation.Service
	guard       auth.Guard // of REST
	sockets     auth.Guard
	owner       auth.Guard // of what is the owner's, where the settings have no key
	token       string     // the owner's, where the settings have no key
	failures    *auth.Failures
	store       store.System
	clock       *clock.Steady
	database    string   // where the store keeps things, for people
	problems    []string // what did not keep the server from starting, and its owner should know
	media       *media.Service
	files       *fileurl.Signer // nil: addresses of files don't expire
	bus         *bus.Local
	secrets     *seal.Keys
	egress      *egress.Guard // to addresses that callers name
	hooks       *egress.Guard // the same, for callbacks
	messaging   *messaging.Service
	sessions    *session.Service
	jobs        *job.Service
	dialogues   *dialogue.Service
	sweeper     *sweep.Sweeper
	announcer   *webhook.Announcer
	instance    *instance.Instance
	answers     *idempotency.Keys
	settings    *settingsfile.File
	tools       *mcp.Service
	knowledge   *knowledge.Service
	runtime     *runtime.Service
	io          *socketio.Server
	gateway     *realtime.Gateway
	cors        *httpx.CORS
}

// components lists the parts in the order of their start. They stop in reverse: first sockets are disconnected, so that they
// reconnect elsewhere or later; then turns finish or are released; then events stop; then the database closes; and what went wrong
// on the way is reported.
func (s *Server) components() []lifecycle.Component {
	drain := s.cfg.Network.Drain
	var reports []lifecycle.Component
	if s.reports != nil {
		reports = append(reports, lifecycle.Component{Name: "the reports", Start: s.startReports, Stop: s.stopReports, StopTimeout: lastReports})
	}
	return append(reports, []lifecycle.Component{
		{Name: "the database", Start: s.openStore, Stop: func(context.Context) error { return s.parts.store.Close() }},
		{Name: "the audit log", Start: s.openAudit, Stop: func(ctx context.Context) error { return s.parts.audit.Stop(ctx) }},
		{Name: "keys and tokens", Start: s.openKeys, Stop: s.closeKeys},
		{Name: "the bus", Start: s.openBus, Stop: func(context.Context) error { return s.parts.bus.Close() }},
		{Name: "the instance", Start: s.openInstance, Stop: func(context.Context) error { return s.parts.instance.Close() }},
		{Name: "the files", Start: s.openMedia, Stop: func(context.Context) error { return s.parts.media.Close() }},
		{Name: "messaging", Start: s.openMessaging},
		{Name: "the users", Start: s.startUsers, Stop: s.stopUsers},
		{Name: "the announcer of jobs", Start: s.startAnnouncer, Stop: func(ctx context.Context) error { return s.parts.announcer.Stop(ctx) }},
		{Name: "the sweeper of sessions, jobs and dialogues", Start: func(ctx context.Context) error { return s.parts.sweeper.Start(ctx) }, Stop: s.stopSweeper},
		{Name: "the tools of agents", Start: s.startTools, Stop: func(ctx context.Context) error { return s.parts.tools.Stop(ctx) }},
		{Name: "the documents of agents", Start: s.startKnowledge, Stop: func(ctx context.Context) error { return s.parts.knowledge.Stop(ctx) }},
		{Name: "the agents", Start: s.startRuntime, Stop: func(ctx context.Context) error { return s.parts.runtime.Stop(ctx) }, StopTimeout: drain},
		{Name: "realtime", Start: s.startGateway, Stop: func(ctx context.Context) error { return s.parts.gateway.Stop(ctx) }},
		{Name: "sockets", Stop: s.drainSockets, StopTimeout: drain / 4},
	}...)
}

// logged has each component say in the log how long its start took.
func (s *Server) logged(components []lifecycle.Component) []lifecycle.Component {
	for i, c := range components {
		if c.Start == nil {
			continue
		}
		components[i].Start = func(ctx context.Context) error {
			begin := time.Now()
			err := c.Start(ctx)
			if err == nil {
				s.log.Debug("started "+c.Name, "took", time.Since(begin).Round(time.Microsecond))
			}
			return err
		}
	}
	return components
}

// lastReports is how long a server that stops waits for Sentry to take what is still to be reported.
const lastReports = 2 * time.Second

func (s *Server) startReports(context.Context) error { return s.reports.Start() }

func (s *Server) stopReports(ctx context.Context) error {
	if !s.reports.Stop(ctx) {
		s.log.Warn("not all reports were sent: Sentry did not take them in time")
	}
	return nil
}

// traces returns what reports the durations of requests; nil if none are.
func (s *Server) traces() func(httpx.Ended) {
	if s.reports == nil || s.cfg.Reports.TracesSampleRate <= 0 {
		return nil
	}
	return s.reports.Trace
}

func (s *Server) openStore(ctx context.Context) (err error) {
	s.parts.store, s.parts.database, err = openDatabase(ctx, s.cfg, s.dataDir, s.tenant, s.log)
	if err != nil {
		return err
	}
	if err := s.sayLeftBehind(ctx); err != nil {
		return errors.Join(err, s.parts.store.Close())
	}
	return nil
}

// openDatabase opens the database that the settings name, and says for people where it is.
func openDatabase(ctx context.Context, cfg settings.Settings, dir string, tenant store.Tenant, log *slog.Logger) (store.System, string, error) {
	if url := cfg.Storage.PostgresURL; url != "" {
		address, err := pgaddress.Parse(url)
		if err != nil {
			return nil, "", fmt.Errorf("POSTGRES_URL (--postgres-url) %w", err)
		}
		log.Info("opening the database", "engine", "postgres", "database", address.String())
		st, err := pgstore.Open(ctx, pgstore.Config{URL: url, Tenant: tenant, Logger: log})
		if err != nil {
			return nil, "", err
		}
		return st, address.String(), nil
	}
	file := sqlitestore.Config{Dir: dir, File: cfg.Storage.SQLitePath, Tenant: tenant, Logger: log}
	log.Info("opening the database", "engine", "sqlite", "database", file.Path())
	st, err := sqlitestore.Open(ctx, file)
	if err != nil {
		return nil, "", err
	}
	return st, file.Path(), nil
}

// tenantOf returns whose data a server keeps.
func tenantOf(cfg settings.Settings) store.Tenant {
	return tenantNamed(cfg.Storage.ServerID)
}

func (s *Server) openAudit(ctx context.Context) error {
	s.parts.audit = audit.New(audit.Config{
		Store: s.parts.store, Logger: s.log, Now: time.Now, Keep: time.Duration(s.cfg.Security.AuditDays) * 24 * time.Hour,
	})
	return s.parts.audit.Start(ctx)
}

// openKeys prepares what decides about credentials. Where the settings have no key, the owner shows a token: as long as nobody needs
// a key, for what is the owner's, and from the first key that is made for everything.
func (s *Server) openKeys(ctx context.Context) error {
	s.parts.failures = auth.NewFailures(s.log, nil)
	s.parts.keys = apikey.New(apikey.Config{Store: s.parts.store, Logger: s.log, Now: time.Now, First: s.closeToStrangers})
	var owner auth.Keys
	if !s.cfg.Security.HasKey() {
		token, err := auth.OwnerToken(s.dataDir)
		if err != nil {
			return err
		}
		owner = auth.NewKeys(token)
		s.parts.token, s.parts.owner = token, auth.NewGuard(owner, s.parts.failures)
	}
	tokens, err := s.openTokens()
	if err != nil {
		return err
	}
	s.parts.guard = auth.NewGuard(auth.NewKeys(s.cfg.Security.RESTKeys()...), s.parts.failures).With(s.parts.keys, owner).WithTokens(tokens).Isolating(s.cfg.Security.Isolation)
	s.parts.sockets = auth.NewGuard(auth.NewKeys(s.cfg.Security.SocketKeys()...), s.parts.failures).With(s.parts.keys, owner).WithTokens(tokens).Isolating(s.cfg.Security.Isolation)
	if err := s.parts.keys.Start(ctx); err != nil {
		return err
	}
	s.parts.verifier.Start()
	return s.holdIsolation(ctx)
}

func (s *Server) closeKeys(ctx context.Context) error {
	s.parts.verifier.Stop()
	return s.parts.keys.Stop(ctx)
}

func (s *Server) openInstance(context.Context) (err error) {
	s.parts.instance, err = instance.Open(s.dataDir)
	return err
}

func (s *Server) openBus(context.Context) error {
	s.parts.bus = bus.NewLocal()
	return nil
}

func (s *Server) openMessaging(ctx context.Context) error {
	var err error
	if s.parts.secrets == nil { // which users need first
		if s.parts.secrets, err = s.loadKeys(); err != nil {
			return err
		}
	}
	s.parts.files = s.newSigner()
	if s.parts.egress, err = egress.New(s.cfg.Security.EgressAllow); err != nil {
		return fmt.Errorf("reading ELIZAD_EGRESS_ALLOW (--egress-allow): %w", err)
	}
	s.parts.egress = s.parts.egress.WithLoopback(s.atHome)
	if s.parts.hooks, err = egress.New(s.cfg.Sessions.WebhookAllow, s.cfg.Security.EgressAllow); err != nil {
		return fmt.Errorf("reading ELIZAD_WEBHOOK_ALLOW (--webhook-allow): %w", err)
	}
	s.parts.clock = clock.New(time.Now)
	s.joinMessaging()
	s.parts.answers = idempotency.New(idempotency.Config{
		Store: s.parts.store, Logger: s.log, Now: s.parts.clock.Now, Owner: s.parts.instance.ID,
		PerCaller: s.cfg.Limits.AnswersPerCaller, InAll: s.cfg.Limits.Answers,
	})
	if err := s.parts.answers.Recover(ctx, s.parts.instance.Returned); err != nil {
		return err
	}
	if err := s.parts.messaging.Prepare(ctx); err != nil {
		return err
	}
	if err := s.parts.sweeper.Prepare(ctx); err != nil {
		return err
	}
	deletions, err := s.parts.messaging.DeletedChannels()
	if err != nil {
		return err
	}
	s.parts.media.Start(ctx, func(ctx context.Context) iter.Seq[uuid.UUID] { return channelsIn(ctx, deletions) })
	return nil
}

// joinMessaging makes messaging, with the parts that have their own channels and that sweeps end: sessions, jobs and dialogues.
func (s *Server) joinMessaging() {
	p := &s.parts
	gate, alarm := sweep.NewGate(p.store), sweep.NewAlarm()
	p.messaging = messaging.New(messaging.Config{
		Store: gate, ServerID: s.tenant.ServerID, Bus: p.bus, Logger: s.log, Now: p.clock.Now, MailboxLimit: s.cfg.Messages.QueueMax, MaxContent: s.cfg.Limits.MaxMessage,
		Quotas: messaging.Quotas{
			Channels: s.cfg.Limits.MaxChannels, DMs: s.cfg.Limits.MaxDMs,
			Servers: s.cfg.Limits.MaxServers, Participants: s.cfg.Limits.MaxParticipants,
		},
		GuardAgents: p.guard.Required, PublicURL: p.media.PublicURL,
	})
	p.sessions = session.New(session.Config{
		Store: gate, Messaging: p.messaging, Now: p.clock.Now, Alarm: alarm, Most: s.cfg.Limits.MaxSessions,
		Limits: session.Limits{
			Timeout: s.cfg.Sessions.Timeout, MinTimeout: s.cfg.Sessions.MinTimeout, MaxTimeout: s.cfg.Sessions.MaxTimeout,
			MaxDuration: s.cfg.Sessions.MaxDuration, Warning: s.cfg.Sessions.Warning,
		},
		AgentSettings: func(ctx context.Context, id uuid.UUID) (func(string) (string, bool), bool, error) {
			return p.runtime.Agents().Settings(ctx, auth.System(), id)
		},
	})
	p.jobs = job.New(job.Config{
		Store: gate, Bus: p.bus, Messaging: p.messaging, Logger: s.log, Now: p.clock.Now, Alarm: alarm, Most: s.cfg.Limits.MaxJobs,
		CheckCallback: webhook.CheckCallback(p.hooks), Secrets: p.secrets,
	})
	p.dialogues = dialogue.New(dialogue.Config{Store: gate, Messaging: p.messaging, Now: p.clock.Now, Alarm: alarm, Most: s.cfg.Limits.MaxDialogues})
	p.messaging.Observe(p.sessions.Observer(), p.jobs.Observer(), p.dialogues.Observer())
	p.sweeper = sweep.New(sweep.Config{
		Store: gate, Parts: []sweep.Part{p.sessions.Part(), p.jobs.Part(), p.dialogues.Part()}, Alarm: alarm, Logger: s.log, Now: p.clock.Now, Jumps: p.clock,
		Interval: s.cfg.Sessions.CleanupInterval,
	})
}

func (s *Server) openMedia(context.Context) error {
	dirs, err := s.cfg.Storage.MediaDirs()
	if err != nil {
		return err
	}
	s.parts.media, err = media.Open(media.Config{
		Store: s.parts.store, AgentUploads: dirs.AgentUploads, ChannelUploads: dirs.ChannelUploads, Generated: dirs.Generated,
		MaxFile: s.cfg.Limits.MaxUpload, Quota: s.cfg.Limits.UploadQuota, Logger: s.log,
		Instance: s.parts.instance.ID,
	})
	return err
}

// channelsIn yields the channels that the events of a subscription are about until ctx ends.
func channelsIn(ctx context.Context, events *bus.Subscription) iter.Seq[uuid.UUID] {
	return func(yield func(uuid.UUID) bool) {
		defer events.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case m, ok := <-events.C():
				if !ok {
					return
				}
				if e, err := messaging.DecodeEvent(m); err == nil && !m.Lost && !yield(e.ChannelID) {
					return
				}
			}
		}
	}
}

func (s *Server) stopSweeper(ctx context.Context) error {
	if err := s.parts.sweeper.Stop(ctx); err != nil || !s.cfg.Sessions.ClearOnShutdown {
		return err
	}
	return s.parts.sessions.Clear(ctx)
}

func (s *Server) startAnnouncer(ctx context.Context) error {
	s.parts.announcer = webhook.New(webhook.Config{
		Jobs: s.parts.jobs, Show: present.New(s.parts.files), Guard: s.parts.hooks, Version: s.version, Logger: s.log,
	})
	return s.parts.announcer.Start(ctx)
}

// earlyPayload bounds what a client may send on a socket before it has shown a key: room for the packet that brings it.
const earlyPayload = 4 << 10

func (s *Server) startGateway(ctx context.Context) error {
	s.parts.cors = httpx.NewCORS(s.cfg.Security)
	early := 0
	if s.parts.sockets.Required() {
		early = earlyPayload
	}
	s.parts.io = socketio.NewServer(socketio.Config{
		ConnectTimeout: 10 * time.Second,
		Recovery:       socketio.RecoveryConfig{Mode: socketio.RecoveryRooms, Identity: realtime.Identity},
		Logger:         s.log,
		Engine: engineio.Config{
			PingInterval: s.cfg.Sockets.PingInterval, PingTimeout: s.cfg.Sockets.PingTimeout, MaxPayload: int(s.cfg.Sockets.MaxPayload),
			EarlyPayload: early,
			CORS:         engineio.CORS{Allow: func(r *http.Request, _ string) bool { return s.parts.cors.Allows(r) }},
			ClientIP:     httpx.ClientNetwork,
			Throttle:     func(address string) time.Duration { return s.parts.gateway.HandshakeWait(address) },
			Compress:     true,
			Deflate:      s.cfg.Sockets.Deflate,
			KeepHeaders:  []string{auth.HeaderAPIKey, auth.HeaderAuthorization},
			Logger:       s.log,
		},
	})
	var limit throttle.Limit
	if s.cfg.Limits.RateLimit {
		limit = throttle.Limit{Max: s.cfg.Limits.SocketMax, Window: s.cfg.Limits.SocketWindow}
	}
	s.parts.gateway = realtime.New(realtime.Config{
		IO: s.parts.io, Messaging: s.parts.messaging, Guard: s.parts.sockets,
		Agents: s.agentStatus, Documents: present.New(s.parts.files), Files: s.parts.files, Logs: s.logs, Refused: s.socketRefused, RateLimit: limit, Logger: s.log,
		RequireEntity: s.cfg.Sockets.RequireEntityID, MaxPayload: s.cfg.Sockets.MaxPayload,
	})
	return s.parts.gateway.Start(ctx)
}

// socketRefused counts a connection that was refused for the audit log.
func (s *Server) socketRefused(r realtime.Refusal) {
	s.parts.audit.Refused(r.Network, audit.Entry{Operation: "socket", Status: r.Status, Who: r.Who, Address: r.Network})
}

func (s *Server) agentStatus(ctx context.Context) ([]realtime.AgentStatus, error) {
	agents, err := s.parts.runtime.Agents().List(ctx, auth.System())
	if err != nil {
		return nil, err
	}
	out := make([]realtime.AgentStatus, len(agents))
	for i, a := range agents {
		out[i] = realtime.AgentStatus{ID: a.ID, Name: a.Name, Running: a.Running}
	}
	return out, nil
}

// drainSockets sends the sockets away. Those that don't leave in time are cut, as a polling client that is between two polls
// must be: they come back all the same.
func (s *Server) drainSockets(ctx context.Context) error {
	if err := s.parts.io.Shutdown(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// closeToStrangers ends the sockets that came before callers needed a key.
func (s *Server) closeToStrangers() {
	if s.parts.token != "" && s.handler.Load() != nil { // else there are none yet
		s.log.Info("an API key was made: from now on every caller needs one")
		s.parts.gateway.ExpelStrangers()
	}
}

func (s *Server) loadKeys() (*seal.Keys, error) {
	if text := s.cfg.Security.MasterKey; text != "" {
		keys, err := seal.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("reading ELIZAD_MASTER_KEY: %w", err)
		}
		return keys, nil
	}
	keys, err := seal.Load(filepath.Join(s.dataDir, seal.KeyFileName))
	if err != nil {
		return nil, fmt.Errorf("loading the key of secrets: %w", err)
	}
	return keys, nil
}

func (s *Server) startKnowledge(ctx context.Context) error {
	dir, err := s.cfg.KnowledgeDir()
	if err != nil {
		return err
	}
	s.parts.knowledge = knowledge.New(knowledge.Config{Store: s.parts.store, Dir: dir, Most: s.cfg.Limits.MaxDocuments, Logger: s.log})
	return s.parts.knowledge.Start(ctx)
}

func (s *Server) startRuntime(ctx context.Context) error {
	models, err := newModels(s.parts.egress, s.cfg.Messages.BuiltinNotice, s.cfg.Messages.BuiltinDelay, s.cfg.Agents.Prices)
	if err != nil {
		return err
	}
	models.program = s.model
	plugins, err := agent.NewRegistry(s.plugins...)
	if err != nil {
		return fmt.Errorf("registering plugins: %w", err)
	}
	s.parts.settings = settingsfile.New(s.dataDir, func(values map[string]string) []secrets.Route {
		return routes(func(name string) (model.Setting, bool) {
			value, ok := values[name]
			return model.Setting{Name: name, Value: value, Origin: model.FromStore}, ok
		})
	})
	stored, err := s.parts.settings.Load()
	if err != nil {
		return err
	}
	characters := s.readCharacters()
	namings, err := store.Namings(ctx, s.parts.store)
	if err != nil {
		return err
	}
	names, err := operatorsAgents(namings, characters, s.bringsNone())
	if err != nil {
		return err
	}
	owner := s.parts.instance.ID.String()
	if s.parts.instance.Returned { // what ran when this server was killed need not wait for its lease to pass
		if err := s.parts.messaging.ReleaseTurns(ctx, owner); err != nil {
			return err
		}
	}
	s.parts.runtime, err = runtime.New(runtime.Config{
		Store: s.parts.store, Namings: namings, Messages: s.parts.messaging, Models: models, Plugins: plugins, Logger: s.log, Owner: owner,
		Usage: usage.NewLedger(s.parts.store, s.log, nil),
		Keys:  s.parts.secrets, Salt: s.cfg.Security.SecretSalt,
		Environment: environment{s.cfg.Agents.Environment.WithStored(stored).WithAgents(names)},
		Attachments: s.newAttachments(), Knowledge: s.parts.knowledge, Tools: toolServers{s.parts.tools},
		MaxAgents: s.cfg.Limits.MaxAgents, ConcurrentRuns: s.cfg.Messages.ConcurrentRuns, ConversationLength: s.cfg.Messages.ConversationLength,
		RunTimeout: s.cfg.Messages.RunTimeout, Capture: runtime.Capture(s.cfg.Messages.Capture),
	})
	if err != nil {
		return err
	}
	if unused := s.cfg.Agents.Environment.Unused(); len(unused) > 0 {
		s.log.Warn("variables that this server doesn't use", "names", unused, "used", "elizad help settings")
	}
	if err := s.parts.runtime.Agents().Conceal(ctx); err != nil {
		return err
	}
	if err := s.bringAgents(ctx, characters); err != nil {
		return err
	}
	return s.parts.runtime.Start(ctx)
}
