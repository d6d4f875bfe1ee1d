package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/httpx"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/rest"
	"github.com/elizad/elizad/server/internal/web"
)

// Paths outside the contract.
const (
	pathSockets  = "/socket.io"
	pathPlain    = "/ws"
	pathSpecJSON = "/openapi.json"
	pathSpecYAML = "/openapi.yaml"
	pathEvents   = "/asyncapi.yaml"
	pathDocs     = "/docs"
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
	plain := s.parts.gateway.PlainHandler(s.parts.cors.Allows, callerAddress)
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
	return chi.Chain(httpx.RequestID, httpx.ClientIP(proxies), httpx.Watch(s.log)).Handler(split), nil
}

// application serves everything but sockets.
func (s *Server) application() (http.Handler, error) {
	doc, err := apiserver.GetSpec()
	if err != nil {
		return nil, err
	}
	plugins := rest.NewPlugins(s.parts.runtime.Agents(), httpx.WriteError)
	page, err := s.page()
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(rest.Spelling(doc), plugins.Rewrite, httpx.SecurityHeaders(s.cfg.Production()), s.parts.cors.Handler, httpx.Compress())
	r.Use(
		rest.OlderPaths(), rest.Aliases,
		where(isAPI, httpx.RateLimit(s.cfg.Limits)),
		where(bringsFiles, httpx.UploadRateLimit(s.cfg.Limits)),
		where(isAPI, httpx.LimitBody(s.cfg.Limits), httpx.RequireMediaType),
		plugins.Public,
		auth.Middleware(s.parts.keys, httpx.WriteError), auth.Services(auth.NewKeys(s.cfg.Security.ServiceKey)),
		where(isAPI, httpx.NotModified, httpx.Idempotent(s.parts.answers)),
		middleware.GetHead,
	)
	rest.Register(r, rest.Deps{
		Messaging: s.parts.messaging, Agents: s.parts.runtime.Agents(), Media: s.parts.media, Voices: s.parts.runtime.Agents(),
		Memory: memory.New(s.parts.store), Titles: s.parts.runtime, Health: s.health, WriteError: httpx.WriteError,
		Logs: s.logs, Settings: s.parts.settings, Stop: s.requestStop, Trusted: s.trusted,
		Sockets:     func() int { return len(s.parts.io.Of("/").Sockets()) },
		Middlewares: []apiserver.MiddlewareFunc{httpx.Validator(doc)},
		Version:     s.version, Environment: s.cfg.Security.Environment, Started: s.started, HTTPTimeout: s.cfg.Messages.HTTPTimeout,
	})
	r.Get(pathSpecJSON, rest.SpecJSON(httpx.WriteError))
	r.Get(pathSpecYAML, rest.SpecYAML)
	r.Get(pathEvents, rest.EventsYAML)
	explorer := web.Explorer(pathSpecJSON)
	r.Handle(pathDocs, explorer)
	r.Handle(pathDocs+"/*", explorer)
	r.MethodNotAllowed(httpx.MethodNotAllowed)
	r.NotFound(plugins.Fallback(page).ServeHTTP)
	return r, nil
}

// page returns what answers where no route does: the API with its own error, everything else with the web UI, if there is one.
func (s *Server) page() (http.Handler, error) {
	var page http.Handler
	switch {
	case !s.cfg.WebUI():
		page = http.HandlerFunc(uiOff)
	case s.cfg.Web.Dir != "":
		var err error
		if page, err = web.Folder(s.cfg.Web.Dir); err != nil {
			return nil, fmt.Errorf("opening the web UI of ELIZA_UI_DIR (--ui-dir): %w", err)
		}
	default:
		page = web.Handler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r) || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			httpx.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	}), nil
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

// isAPI reports whether a request is one for the API, also if it is for no path of it.
func isAPI(r *http.Request) bool { return isBelow(strings.ToLower(r.URL.Path), "/api") }

// bringsFiles reports whether a request costs what uploads cost: disk, or a model for speech.
func bringsFiles(r *http.Request) bool {
	return isAPI(r) && strings.HasSuffix(r.URL.Path, "/upload-media") || isBelow(r.URL.Path, "/api/audio")
}

func callerAddress(r *http.Request) string { return httpx.ClientIPFrom(r.Context()).String() }

// trusted reports whether the caller of a request brought the API key, which is checked before, or, where none is needed, is on
// this machine.
func (s *Server) trusted(ctx context.Context) bool {
	return s.parts.keys.Required() || httpx.IsLocal(ctx)
}

func isBelow(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// health examines the server for its health routes.
func (s *Server) health(ctx context.Context) rest.HealthReport {
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	report := rest.HealthReport{Database: s.parts.store.Ping(ctx) == nil, Stopping: s.stopping.Load()}
	agents, err := s.parts.runtime.Agents().List(ctx, auth.Service())
	if err != nil {
		report.Database = false
		return report
	}
	for _, a := range agents {
		if a.Running {
			report.ActiveAgents++
		}
	}
	return report
}
