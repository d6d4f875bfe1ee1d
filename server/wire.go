package server

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/idempotency"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/rest"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/settingsfile"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/webhook"
	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/engineio"
)

// parts are what a running server is made of. Each is set by its component's start.
type parts struct {
	keys      auth.Keys
	store     store.Store
	media     *media.Service
	bus       *bus.Local
	secrets   *seal.Keys
	hooks     *webhook.Guard
	messaging *messaging.Service
	upkeep    *messaging.Upkeep
	announcer *webhook.Announcer
	answers   *idempotency.Keys
	settings  *settingsfile.File
	runtime   *runtime.Service
	io        *socketio.Server
	gateway   *realtime.Gateway
	cors      *httpx.CORS
}

// components lists the parts in the order of their start. They stop in reverse: first sockets are sent away, so that they
// reconnect elsewhere or later; then turns finish or are given back; then events stop; then the database closes.
func (s *Server) components() []lifecycle.Component {
	drain := s.cfg.Network.Drain
	return []lifecycle.Component{
		{Name: "the database", Start: s.openStore, Stop: func(context.Context) error { return s.parts.store.Close() }},
		{Name: "the bus", Start: s.openBus, Stop: func(context.Context) error { return s.parts.bus.Close() }},
		{Name: "the files", Start: s.openMedia, Stop: func(context.Context) error { return s.parts.media.Close() }},
		{Name: "messaging", Start: s.openMessaging},
		{Name: "the announcer of jobs", Start: s.startAnnouncer, Stop: func(ctx context.Context) error { return s.parts.announcer.Stop(ctx) }},
		{Name: "the upkeep of sessions and jobs", Start: s.startUpkeep, Stop: s.stopUpkeep},
		{Name: "the agents", Start: s.startRuntime, Stop: func(ctx context.Context) error { return s.parts.runtime.Stop(ctx) }, StopTimeout: drain},
		{Name: "realtime", Start: s.startGateway, Stop: func(ctx context.Context) error { return s.parts.gateway.Stop(ctx) }},
		{Name: "sockets", Stop: s.drainSockets, StopTimeout: drain / 4},
	}
}

func (s *Server) openStore(ctx context.Context) error {
	if url := s.cfg.Storage.PostgresURL; url != "" {
		st, err := pgstore.Open(ctx, pgstore.Config{URL: url, Logger: s.log})
		if err != nil {
			return err
		}
		s.parts.store = st
		return nil
	}
	st, err := sqlitestore.Open(ctx, sqlitestore.Config{Dir: s.dataDir, File: s.cfg.Storage.SQLitePath, Logger: s.log})
	if err != nil {
		return err
	}
	s.parts.store = st
	return nil
}

func (s *Server) openBus(context.Context) error {
	s.parts.bus = bus.NewLocal()
	return nil
}

func (s *Server) openMessaging(ctx context.Context) error {
	s.parts.keys = auth.NewKeys(s.cfg.Security.AuthToken)
	var err error
	if s.parts.secrets, err = s.loadKeys(); err != nil {
		return err
	}
	if s.parts.hooks, err = webhook.NewGuard(s.cfg.Sessions.WebhookAllow); err != nil {
		return fmt.Errorf("reading ELIZAD_WEBHOOK_ALLOW (--webhook-allow): %w", err)
	}
	s.parts.messaging = messaging.New(messaging.Config{
		Store: s.parts.store, Bus: s.parts.bus, Logger: s.log, MailboxLimit: s.cfg.Messages.QueueMax, GuardAgents: s.parts.keys.Required(),
		PublicURL: s.parts.media.PublicURL,
		Sessions: messaging.SessionLimits{
			Timeout: s.cfg.Sessions.Timeout, MinTimeout: s.cfg.Sessions.MinTimeout, MaxTimeout: s.cfg.Sessions.MaxTimeout,
			MaxDuration: s.cfg.Sessions.MaxDuration, Warning: s.cfg.Sessions.Warning,
		},
		AgentSettings: func(ctx context.Context, id uuid.UUID) (func(string) (string, bool), error) {
			return s.parts.runtime.Agents().Settings(ctx, auth.Service(), id)
		},
		CheckCallback: s.parts.hooks.Check,
		Secrets:       s.parts.secrets,
	})
	s.parts.answers = idempotency.New(s.parts.store, time.Now)
	if err := s.parts.answers.Recover(ctx); err != nil {
		return err
	}
	if err := s.parts.messaging.Prepare(ctx); err != nil {
		return err
	}
	deletions, err := s.parts.messaging.DeletedChannels()
	if err != nil {
		return err
	}
	s.parts.media.Start(ctx, func(ctx context.Context) iter.Seq[uuid.UUID] { return channelsIn(ctx, deletions) })
	return nil
}

func (s *Server) openMedia(context.Context) error {
	dirs, err := s.cfg.Storage.MediaDirs()
	if err != nil {
		return err
	}
	s.parts.media, err = media.Open(media.Config{
		Store: s.parts.store, AgentUploads: dirs.AgentUploads, ChannelUploads: dirs.ChannelUploads, Generated: dirs.Generated,
		MaxFile: s.cfg.Limits.MaxUpload, Quota: s.cfg.Limits.UploadQuota, Logger: s.log,
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
				if e, err := messaging.DecodeEvent(m.Data); err == nil && !m.Lost && !yield(e.ChannelID) {
					return
				}
			}
		}
	}
}

func (s *Server) startUpkeep(ctx context.Context) error {
	s.parts.upkeep = messaging.NewUpkeep(s.parts.messaging, s.cfg.Sessions.CleanupInterval)
	return s.parts.upkeep.Start(ctx)
}

func (s *Server) stopUpkeep(ctx context.Context) error {
	if err := s.parts.upkeep.Stop(ctx); err != nil || !s.cfg.Sessions.ClearOnShutdown {
		return err
	}
	return s.parts.messaging.ClearSessions(ctx)
}

func (s *Server) startAnnouncer(ctx context.Context) error {
	s.parts.announcer = webhook.New(webhook.Config{
		Messaging: s.parts.messaging, Guard: s.parts.hooks, Show: rest.JobDocument, Version: s.version, Logger: s.log,
	})
	return s.parts.announcer.Start(ctx)
}

// nodeName names this process among those that may take turns.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + strconv.Itoa(os.Getpid()) + "-" + uuid.NewString()[:8]
}

func (s *Server) startGateway(ctx context.Context) error {
	s.parts.cors = httpx.NewCORS(s.cfg.Security)
	s.parts.io = socketio.NewServer(socketio.Config{
		ConnectTimeout: 10 * time.Second,
		Recovery:       socketio.RecoveryConfig{Mode: socketio.RecoveryRooms, Identity: realtime.Identity},
		Logger:         s.log,
		Engine: engineio.Config{
			PingInterval: s.cfg.Sockets.PingInterval, PingTimeout: s.cfg.Sockets.PingTimeout, MaxPayload: int(s.cfg.Sockets.MaxPayload),
			CORS:        engineio.CORS{Allow: func(r *http.Request, _ string) bool { return s.parts.cors.Allows(r) }},
			ClientIP:    callerAddress,
			Throttle:    func(address string) time.Duration { return s.parts.gateway.HandshakeWait(address) },
			Compress:    true,
			Deflate:     s.cfg.Sockets.Deflate,
			KeepHeaders: []string{auth.HeaderAPIKey},
			Logger:      s.log,
		},
	})
	var limit realtime.RateLimit
	if s.cfg.Limits.RateLimit {
		limit = realtime.RateLimit{Max: s.cfg.Limits.SocketMax, Window: s.cfg.Limits.SocketWindow}
	}
	s.parts.gateway = realtime.New(realtime.Config{
		IO: s.parts.io, Messaging: s.parts.messaging, Keys: auth.NewKeys(s.cfg.Security.AuthToken, s.cfg.Security.SocketKey),
		Agents: s.agentStatus, Logs: s.logs, RateLimit: limit, RequireEntity: s.cfg.Sockets.RequireEntityID, Logger: s.log,
	})
	return s.parts.gateway.Start(ctx)
}

func (s *Server) agentStatus(ctx context.Context) ([]realtime.AgentStatus, error) {
	agents, err := s.parts.runtime.Agents().List(ctx, auth.Service())
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

func (s *Server) startRuntime(ctx context.Context) error {
	models, err := newModels(s.cfg.Messages.BuiltinNotice, s.cfg.Messages.BuiltinDelay)
	if err != nil {
		return fmt.Errorf("making the built-in responder: %w", err)
	}
	plugins, err := agent.NewRegistry(s.plugins...)
	if err != nil {
		return fmt.Errorf("registering plugins: %w", err)
	}
	s.parts.settings = settingsfile.New(s.dataDir)
	stored, err := s.parts.settings.Load()
	if err != nil {
		return err
	}
	s.parts.runtime, err = runtime.New(runtime.Config{
		Store: s.parts.store, Messages: s.parts.messaging, Models: models, Keys: s.parts.secrets, Salt: s.cfg.Security.SecretSalt, Environment: s.cfg.Agents.Environment.WithDefaults(stored), Plugins: plugins,
		Logger: s.log, Owner: nodeName(), ConcurrentRuns: s.cfg.Messages.ConcurrentRuns, ConversationLength: s.cfg.Messages.ConversationLength,
		RunTimeout: s.cfg.Messages.RunTimeout, Capture: runtime.Capture(s.cfg.Messages.Capture),
	})
	if err != nil {
		return err
	}
	if err := s.bringAgents(ctx); err != nil {
		return err
	}
	return s.parts.runtime.Start(ctx)
}

// bringAgents imports the characters that the settings name; without any, a new database gets the default agent.
func (s *Server) bringAgents(ctx context.Context) error {
	agents := s.parts.runtime.Agents()
	var characters []agent.Character
	for _, path := range s.cfg.Agents.Characters {
		c, err := s.readCharacter(path)
		if err != nil {
			return err
		}
		characters = append(characters, c)
	}
	if len(characters) == 0 {
		return agents.EnsureDefault(ctx)
	}
	return agents.Import(ctx, characters, true)
}

// readCharacter reads a character file. Fields that are no part of a character are kept aside, and the owner is told.
func (s *Server) readCharacter(path string) (agent.Character, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return agent.Character{}, fmt.Errorf("reading a character: %w", err)
	}
	c, report, err := agent.ImportCharacter(data)
	if err != nil {
		if invalid, ok := errors.AsType[*agent.ValidationError](err); ok {
			err = invalid // which says it all; what is around it is for answers
		}
		return agent.Character{}, fmt.Errorf("reading the character in %s: %w", path, err)
	}
	if len(report.Kept) > 0 {
		s.log.Warn("fields that are no part of a character were kept under settings.imported", "file", path, "fields", report.Kept)
	}
	return c, nil
}
