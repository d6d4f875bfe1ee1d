// Package rest answers the HTTP interface: it translates between the contract's types and the domain, and holds no rule.
//
// There is one file per tag of api/openapi.yaml. To add an operation, write it into the contract and run go generate; the
// compiler then names the method that [handlers] lacks. Add it to the struct of its tag, in three steps: the request
// becomes the domain's types, one domain call, package present shows the answer. Return any failure as it is: the error type of
// apierr carries what the wire needs, and one function writes it.
package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/logstream"
)

// Deps is what the handlers work with. All fields are required unless they say otherwise.
type Deps struct {
	Messaging Messaging
	Sessions  Sessions
	Jobs      Jobs
	Agents    Agents
	Memory    Memory
	Titles    Titles
	Media     Media
	Voices    Voices
	Health    HealthFunc
	Logs      *logstream.Stream // what the log routes show
	Settings  StoredSettings
	Stop      func()     // asks the server to stop, and returns at once
	Sockets   func() int // how many are connected

	// WriteError answers a request with an error of any kind.
	WriteError func(w http.ResponseWriter, r *http.Request, err error)
	// Middlewares wrap each operation inside the router, the first outermost: the place for validation against the
	// contract, which needs to know the route.
	Middlewares []apiserver.MiddlewareFunc

	Version      string
	Environment  string    // "production" or "development"
	Started      time.Time // when the server started; zero means now
	RequiresAuth bool      // whether requests need a signed identity

	// CheckOwner returns nil if a caller may see and change what belongs to the server's owner, and else why not.
	CheckOwner func(ctx context.Context) error

	// HTTPTimeout bounds how long a post with the http transport waits for its answer; 0 means two minutes.
	HTTPTimeout time.Duration
}

const defaultHTTPTimeout = 2 * time.Minute

// handlers implements every operation of the contract, tag by tag.
type handlers struct {
	agentHandlers
	runHandlers
	memoryHandlers
	roomHandlers
	worldHandlers
	messageServerHandlers
	channelHandlers
	messageHandlers
	sessionHandlers
	jobHandlers
	mediaHandlers
	audioHandlers
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
	posting := messageHandlers{messages: d.Messaging, httpTimeout: d.HTTPTimeout}
	h := handlers{
		agentHandlers{d.Agents},
		runHandlers{d.Messaging},
		memoryHandlers{d.Memory},
		roomHandlers{d.Memory},
		worldHandlers{d.Memory},
		messageServerHandlers{d.Messaging},
		channelHandlers{channels: d.Messaging, messages: d.Messaging, titles: d.Titles},
		posting,
		sessionHandlers{d.Sessions, posting, d.Started},
		jobHandlers{d.Jobs},
		mediaHandlers{d.Media},
		audioHandlers{voices: d.Voices, files: d.Media, messaging: d.Messaging, posting: posting},
		systemHandlers{d},
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
