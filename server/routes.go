package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/compat"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/pluginhttp"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/rest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/web"
)

// Paths outside the contract.
const (
	pathSockets  = "/socket.io"
	pathPlain    = "/ws"
	pathSpecJSON = "/openapi.json"
	pathSpecYAML = "/openapi.yaml"
	pathEvents   = "/asyncapi.yaml"
)

// routes returns the HTTP interface: what every request passes, then sockets apart from everything else, because their
// responses must not be compressed and their engine answers for its own headers.
func (s *Server) routes() (http.Handler, error) {
	application, err := s.application()
	if err != nil {
		return nil, err
	}
	proxies, err := s.cfg.Security.Proxies()
	if err != nil {
		return nil, err
	}
	plain := s.parts.gateway.PlainHandler(s.parts.cors.Allows, httpx.ClientNetwork)
	split := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case isBelow(path, pathSockets):
			s.parts.io.ServeHTTP(w, r)
		case (path == pathPlain || path == "/") && realtime.IsPlainUpgrade(r):
			plain.ServeHTTP(w, r)
		default:
			application.ServeHTTP(w, r)
		}
	})
	return chi.Chain(
		httpx.RequestID, httpx.ClientIP(proxies), httpx.Mount(proxies), httpx.SingleSlashes, httpx.Watch(s.log, s.traces()),
		httpx.GuardOpen(s.cfg.Security)).Handler(split), nil
}

// application serves everything but sockets.
func (s *Server) application() (http.Handler, error) {
	doc, err := apiserver.GetSpec()
	if err != nil {
		return nil, err
	}
	plugins := pluginhttp.New(s.parts.runtime.Agents(), httpx.WriteError)
	operations := httpx.NewContract(doc)
	r := chi.NewRouter()
	r.Use(httpx.Route, compat.Paths(doc), plugins.Rewrite, httpx.SecurityHeaders(s.cfg.Production()), s.parts.cors.Handler, httpx.Compress(), httpx.Refusals(operations, s.parts.audit))
	r.Use(
		where(isAPI, httpx.RateLimit(s.cfg.Limits)),
		where(isHealth, httpx.HealthRateLimit(s.cfg.Limits)),
		where(bringsFiles, httpx.UploadRateLimit(s.cfg.Limits)),
		where(isAPI, httpx.LimitBody(s.cfg.Limits), httpx.RequireMediaType),
		plugins.Public,
		auth.Middleware(s.signing(s.parts.guard).Leaving(s.leavesOpen(httpx.Anonymous(doc))), httpx.ClientNetwork, httpx.WriteError),
		auth.Services(auth.NewGuard(auth.NewKeys(s.cfg.Security.ServiceKey), s.parts.failures), httpx.ClientNetwork, httpx.WriteError),
		where(isAPI, httpx.PrincipalRateLimit(s.cfg.Limits), httpx.NotModified),
		middleware.GetHead,
	)
	rest.Register(r.With(compat.Bodies, where(s.signs, compat.Rewriting(compat.HasJSON, s.takeFiles))), rest.Deps{
		Messaging:  s.parts.messaging,
		Sessions:   s.parts.sessions,
		Jobs:       s.parts.jobs,
		Dialogues:  s.parts.dialogues,
		Memory:     memory.New(s.parts.store, memory.Quotas{Rooms: s.cfg.Limits.MaxRooms, Worlds: s.cfg.Limits.MaxWorlds}),
		Knowledge:  s.parts.knowledge,
		Agents:     s.parts.runtime.Agents(),
		Titles:     s.parts.runtime,
		Media:      s.parts.media,
		Documents:  present.New(s.parts.files),
		Keys:       s.parts.keys,
		Users:      s.parts.users,
		Revoked:    s.parts.revocations,
		Network:    httpx.ClientNetwork,
		Audit:      s.parts.audit,
		Settings:   s.parts.settings,
		Logs:       s.logs,
		Health:     s.health,
		Stop:       s.requestStop,
		Sockets:    func() int { return len(s.parts.io.Of("/").Sockets()) },
		CheckOwner: s.checkOwner,
		Open:       func() bool { return !s.parts.guard.Required() },

		WriteError: httpx.WriteError,
		Middlewares: []apiserver.MiddlewareFunc{ // the first is the outermost
			httpx.Access(operations), where(s.lacksUsers, always(httpx.NotFound)), httpx.Validator(operations), httpx.Idempotent(operations, s.parts.answers), httpx.Audited(operations, s.parts.audit),
		},
		Registration: s.registration(), Version: s.version, Environment: s.cfg.Security.Environment, Isolated: s.cfg.Security.Isolation,
		Started: s.started, HTTPTimeout: s.cfg.Messages.HTTPTimeout,
	})
	r.Get(pathSpecJSON, rest.SpecJSON(httpx.WriteError))
	r.Get(pathSpecYAML, rest.SpecYAML(httpx.WriteError))
	r.Get(pathEvents, rest.EventsYAML(httpx.WriteError))
	noRoute, err := s.pages(r)
	if err != nil {
		return nil, err
	}
	r.MethodNotAllowed(httpx.MethodNotAllowed)
	r.NotFound(plugins.Fallback(noRoute).ServeHTTP)
	return r, nil
}

// leavesOpen returns which requests need no credential: those of operations that the contract lets everybody call. Where there are
// no users, strangers are not told so by the operations on users.
func (s *Server) leavesOpen(anonymous func(*http.Request) bool) func(*http.Request) bool {
	return func(r *http.Request) bool { return anonymous(r) && !s.lacksUsers(r) }
}

// registration returns how somebody becomes a user; "" without users.
func (s *Server) registration() string {
	if s.parts.users == nil {
		return ""
	}
	return s.cfg.Security.Users.Registration
}

// lacksUsers reports whether a request is about users of a server that has none. Tokens of other issuers are revoked there, too.
func (s *Server) lacksUsers(r *http.Request) bool {
	return s.parts.users == nil && isBelow(r.URL.Path, "/api/auth") && r.URL.Path != "/api/auth/revocations"
}

// always returns a middleware that answers every request by itself.
func always(answer http.HandlerFunc) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler { return answer }
}

// pages adds the pages for browsers to r, and returns what answers where there is no route: a 404 or, for what can't be the
// API's, the web UI of another maker, whose routes only it knows.
func (s *Server) pages(r chi.Router) (noRoute http.Handler, err error) {
	for path, page := range web.Explorer() {
		r.Method(http.MethodGet, path, page)
	}
	if s.cfg.WebUI() && s.parts.token != "" {
		for path, page := range web.Owner() {
			r.Method(http.MethodGet, path, page)
		}
	}
	notFound := http.HandlerFunc(httpx.NotFound)
	if s.cfg.WebUI() && s.cfg.Web.Dir != "" {
		folder, err := web.Folder(s.cfg.Web.Dir, s.cfg.Web.External, notFound)
		if err != nil {
			return nil, fmt.Errorf("opening the web UI of ELIZA_UI_DIR (--ui-dir): %w", err)
		}
		return where(isReading, func(http.Handler) http.Handler { return folder })(notFound), nil
	}
	for path, page := range web.Chat() {
		if !s.cfg.WebUI() {
			page = http.HandlerFunc(uiOff)
		}
		r.Method(http.MethodGet, path, page)
	}
	return notFound, nil
}

// isReading reports whether a request may be for a page.
func isReading(r *http.Request) bool {
	return !isAPI(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// uiOff answers in place of a web UI that is switched off.
func uiOff(w http.ResponseWriter, r *http.Request) {
	httpx.WriteError(w, r, apierr.New(apierr.Forbidden, "The web UI is switched off").WithDetails("ELIZA_UI_ENABLE (--web-ui) switches it on"))
}

// where applies middlewares to some requests only.
func where(matches func(*http.Request) bool, middlewares ...func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := chi.Chain(middlewares...).Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if matches(r) {
				guarded.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// isAPI reports whether a request is one for the API, even if no such path exists.
func isAPI(r *http.Request) bool { return auth.IsAPI(strings.ToLower(r.URL.Path)) }

// isHealth reports whether a request asks how the server is, other than as a part of the API, whose limit counts there.
func isHealth(r *http.Request) bool { return r.URL.Path == "/health" }

// bringsFiles reports whether a request costs what uploads cost: disk, the reading of documents, or a model for speech.
func bringsFiles(r *http.Request) bool {
	switch {
	case !isAPI(r):
		return false
	case strings.HasSuffix(r.URL.Path, "/plugins/knowledge/documents"):
		return r.Method == http.MethodPost
	}
	return strings.HasSuffix(r.URL.Path, "/upload-media") || isBelow(r.URL.Path, "/api/audio")
}

// checkOwner returns nil for callers that may stop the server and handle its settings and keys. Where the settings have an API
// key, what callers may was checked before. Where they have none, the owner's token is asked for, and pages of other servers of
// this machine, which may use the rest, are not served; once a key was made, an admin's will do. It is checked again, for the first
// key may have been made since the request came in.
func (s *Server) checkOwner(ctx context.Context) error {
	r := httpx.RequestFrom(ctx)
	switch {
	case s.parts.token == "":
		return nil
	case r != nil && s.parts.guard.Required():
		who, err := s.parts.guard.Admit(ctx, httpx.ClientNetwork(r), auth.CredentialsIn(r.Header))
		if err != nil {
			return refused(err, "Only an admin may do that", "Send a key with the scope admin, or the owner's token, as X-API-KEY")
		}
		return who.Scopes().Require(auth.ScopeAdmin)
	case r == nil || !s.parts.cors.Own(r):
		return apierr.New(apierr.Forbidden, "Only pages of this server may do that")
	}
	if err := s.parts.owner.Check(httpx.ClientNetwork(r), auth.CredentialsIn(r.Header).Key); err != nil {
		return refused(err, "Only the owner of the server may do that",
			"Send the token in the file "+auth.OwnerTokenFile+" of the server's data folder as X-API-KEY; or set ELIZA_SERVER_AUTH_TOKEN and send that")
	}
	audit.ByOwner(ctx)
	return nil
}

// refused explains why a credential was not accepted, unless it was not even looked at.
func refused(err error, message, details string) error {
	if blocked, ok := errors.AsType[*auth.BlockedError](err); ok {
		return blocked.Public()
	}
	if errors.Is(err, auth.ErrRefused) {
		return apierr.Wrap(err, apierr.Forbidden, "%s", message).WithDetails(details)
	}
	return err
}

func isBelow(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// health examines the server for its health routes.
func (s *Server) health(ctx context.Context) rest.HealthReport {
	const timeout = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	report := rest.HealthReport{Stopping: s.stopping.Load()}
	agents, err := s.parts.runtime.Agents().Count(ctx, auth.System())
	if ping := s.parts.store.Ping(ctx); ping != nil {
		err = ping // which knows better what is wrong
	}
	if err != nil {
		report.Database = rest.Condition{Word: store.FaultOf(err).String(), Problem: apierr.From(err).Message}
	}
	if err := s.files.check(s.parts.media.Check); err != nil {
		report.Files = rest.Condition{Word: "not_writable", Problem: apierr.From(err).Message}
		if problem, ok := errors.AsType[*media.Problem](err); ok {
			report.Files.Word = problem.Word
		}
	}
	report.ActiveAgents = agents.Running
	return report
}

// filesHealth remembers for a moment how the folders of uploads are. A look writes to the disk, and every caller may ask.
type filesHealth struct {
	mu   sync.Mutex
	seen time.Time
	err  error
}

func (f *filesHealth) check(look func() error) error {
	const moment = time.Second
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen.IsZero() || time.Since(f.seen) >= moment {
		f.err = look()
		f.seen = time.Now()
	}
	return f.err
}
