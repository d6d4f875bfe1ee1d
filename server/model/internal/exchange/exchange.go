// Package exchange asks an endpoint for text and passes on what it answers, piece by piece, whatever protocol it speaks. A
// protocol is a [Wire]: it says what requests look like, and what the events of an answer mean.
package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/call"
	"github.com/elizad/elizad/server/model/internal/form"
)

// Client asks an endpoint.
type Client struct {
	Endpoint *call.Endpoint
	Forms    *form.Memory
	Usual    form.Form // the form of requests to models of which nothing is known
	Path     string    // of requests, below the base URL
	Answers  string    // what answers are called, in failures: "a chat completion"
	Wire     Wire
}

// Wire is a protocol.
type Wire interface {
	// Request translates a request to a model into the form that it takes. It is sent as JSON.
	Request(model string, req model.Request, f form.Form) form.Request
	// Reader returns a reader of one answer, which passes its text on.
	Reader(a *Answer) Reader
}

// Reader reads the events of one answer.
type Reader interface {
	// Add takes in one event. Data is a JSON object. An error in place of the answer is passed to [Answer.Fail].
	Add(name string, data []byte) error
	// Done returns how a complete answer ended. Model and Usage may be missing.
	Done() (model.Done, error)
}

// Generate runs one request; see [model.Provider]. One that the endpoint refuses because of its form is sent once more in the
// form that the model takes.
func (c *Client) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		if err := c.generate(ctx, req, yield); err != nil {
			yield(model.Chunk{}, c.Endpoint.Named(err))
		}
	}
}

func (c *Client) generate(ctx context.Context, req model.Request, yield func(model.Chunk, error) bool) error {
	if err := req.Validate(); err != nil {
		return err
	}
	name, err := c.Endpoint.ResolveModel(ctx, req.Kind)
	if err != nil {
		return err
	}
	key := form.Key{Endpoint: c.Endpoint.Path(c.Path), Model: name}
	return c.Forms.Adapt(key, c.Usual, req.Attempted, func(f form.Form, accepted func()) (*form.Refusal, error) {
		a := &Answer{client: c, sent: c.Wire.Request(name, req, f), kind: req.Kind, model: name, yield: yield, accepted: accepted}
		return a.run(ctx)
	})
}

// run sends the request and yields the answer. A failure is returned, with what of the request's form the endpoint refuses.
func (a *Answer) run(ctx context.Context) (*form.Refusal, error) {
	payload, err := json.Marshal(a.sent)
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	a.payload = payload
	said, err := a.client.Endpoint.Post(ctx, a.client.Path, payload, a.kind, func(body io.Reader) error {
		if err := a.read(body, a.client.Wire.Reader(a)); !errors.Is(err, errReaderLeft) {
			return err
		}
		return nil
	})
	if failure, ok := errors.AsType[*model.Error](err); ok && a.refused == nil {
		a.refused = form.RefusalOf(failure.Status, said.Message, said.Param, a.sent)
	}
	return a.refused, err
}
