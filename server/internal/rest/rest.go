// Package rest answers the HTTP interface: it translates between the contract's types and the domain, and holds no rule.
//
// There is one file per tag of api/openapi.yaml; messages have a second one, submissions.go, for what agents and bridges outside
// of this server send. To add an operation, write it into the contract and run go generate; the compiler then names the method
// that [handlers] lacks. Add it to the struct of its tag, in three steps: the request becomes the domain's types, one domain
// call, package present shows the answer. Return any failure as it is: the error type of apierr carries what the wire needs, and
// one function writes it.
package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/apikey"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/dialogue"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/knowledge"
	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/revocation"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/session"
	"github.com/elizad/elizad/server/internal/settingsfile"
	"github.com/elizad/elizad/server/internal/user"
)

// Deps is what the handlers work with. All fields are required unless they say otherwise.
type Deps struct {
	Messaging *messaging.Service
	Sessions  *session.Service
	Jobs      *job.Service
	Dialogues *dialogue.Service
	Memory    *memory.Service
	Knowledge *knowledge.Service
	Agents    Agents
	Titles    *runtime.Service // which names conversations
	Media     *media.Service
	Documents present.Documents // shows what may hold addresses of files
	Keys      *apikey.Service
	Audit     *audit.Service
	Users     *user.Service // nil: there are none
	Revoked   *revocation.Service
	Settings  *settingsfile.File // the settings of agents that may be changed over HTTP
	Logs      *logstream.Stream  // what the log routes show
	Health    HealthFunc
	Stop      func()     // asks the server to stop, and returns at once
	Sockets   func() int // how many are connected

	// CheckOwner returns nil if a caller may see and change what belongs to the server's owner, and else why not.
	CheckOwner func(ctx context.Context) error
	// Network names the network that a request comes from.
	Network func(r *http.Request) string
	// Open reports whether callers need no key.
	Open func() bool
	// WriteError answers a request with an error of any kind.
	WriteError func(w http.ResponseWriter, r *http.Request, err error)
	// Middlewares wrap each operation inside the router, the first outermost: the place for validation against the
	// contract, which needs to know the route.
	Middlewares []apiserver.MiddlewareFunc

	Registration string // how somebody becomes a user, as the contract says it; "" without users
	Version      string
	Environment  string    // "production" or "development"
	Isolated     bool      // people see only what is theirs
	Started      time.Time // when the server started; zero means now

	// HTTPTimeout bounds how long a post with the http transport waits for its answer; 0 means two minutes.
	HTTPTimeout time.Duration
}

const defaultHTTPTimeout = 2 * time.Minute

// handlers implements every operation of the contract, tag by tag.
type handlers struct {
	agentHandlers
	runHandlers
	memoryHandlers
	knowledgeHandlers
	roomHandlers
	worldHandlers
	messageServerHandlers
	channelHandlers
	messageHandlers
	sessionHandlers
	jobHandlers
	mediaHandlers
	audioHandlers
	keyHandlers
	userHandlers
	auditHandlers
	openaiHandlers
	systemHandlers
}

var _ apiserver.StrictServerInterface = handlers{}

// Register adds the contract's operations to r.
func Register(r chi.Router, d Deps) {
	if d.HTTPTimeout <= 0 {
		d.HTTPTimeout = defaultHTTPTimeout
	}
	if d.Started.IsZero() {
		d.Started = time.Now()
	}
	messages := messageHandlers{messages: d.Messaging, docs: d.Documents, httpTimeout: d.HTTPTimeout}
	h := handlers{
		agentHandlers:         agentHandlers{agents: d.Agents, docs: d.Documents},
		runHandlers:           runHandlers{runs: d.Messaging, agents: d.Agents},
		memoryHandlers:        memoryHandlers{memories: d.Memory, docs: d.Documents},
		knowledgeHandlers:     knowledgeHandlers{d.Knowledge},
		roomHandlers:          roomHandlers{rooms: d.Memory, docs: d.Documents},
		worldHandlers:         worldHandlers{worlds: d.Memory, docs: d.Documents},
		messageServerHandlers: messageServerHandlers{servers: d.Messaging, docs: d.Documents},
		channelHandlers:       channelHandlers{channels: d.Messaging, titles: d.Titles, docs: d.Documents},
		messageHandlers:       messages,
		sessionHandlers:       sessionHandlers{sessions: d.Sessions, messages: messages, started: d.Started},
		jobHandlers:           jobHandlers{jobs: d.Jobs, docs: d.Documents},
		mediaHandlers:         mediaHandlers{files: d.Media, docs: d.Documents},
		audioHandlers:         audioHandlers{agents: d.Agents, files: d.Media, messaging: d.Messaging, messages: messages},
		openaiHandlers:        openaiHandlers{agents: d.Agents, dialogues: d.Dialogues, messages: messages},
		keyHandlers:           keyHandlers{keys: d.Keys, checkOwner: d.CheckOwner, open: d.Open},
		auditHandlers:         auditHandlers{log: d.Audit, checkOwner: d.CheckOwner},
		userHandlers:          userHandlers{users: d.Users, revoked: d.Revoked, checkOwner: d.CheckOwner, network: d.Network},
		systemHandlers: systemHandlers{
			version: d.Version, environment: d.Environment, isolated: d.Isolated, started: d.Started, health: d.Health, agents: d.Agents, servers: d.Messaging, docs: d.Documents,
			sockets: d.Sockets, logs: d.Logs, settings: d.Settings, stop: d.Stop, checkOwner: d.CheckOwner,
			registration: d.Registration,
		},
	}
	strict := apiserver.NewStrictHandlerWithOptions(h, []apiserver.StrictMiddlewareFunc{withRequest}, apiserver.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			d.WriteError(w, r, bodyError(err))
		},
		ResponseErrorHandlerFunc: d.WriteError,
	})
	apiserver.HandlerWithOptions(strict, apiserver.ChiServerOptions{
		BaseRouter:  r,
		Middlewares: d.Middlewares,
		ErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			d.WriteError(w, r, paramError(err))
		},
	})
}

type requestKey struct{}

// withRequest lets responses find the request that they answer: those of files their ranges, those of lists their links.
func withRequest(next apiserver.StrictHandlerFunc, _ string) apiserver.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		return next(context.WithValue(ctx, requestKey{}, r), w, r, request)
	}
}

func requestFrom(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}
