package runtime

import (
	"cmp"
	"context"
	"iter"

	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

// Models chooses the model of an agent.
type Models interface {
	// Choose picks a model by an agent's settings. It doesn't connect to anything, and answers the same for the same
	// settings.
	Choose(req ModelRequest) ModelChoice
	// Routes returns where settings send the keys of models, always for the same ones in the same order.
	Routes(lookup model.Lookup) []secrets.Route
}

// ModelRequest is what a choice depends on.
type ModelRequest struct {
	Lookup  model.Lookup // the agent's settings, then the server's
	Plugins []string     // as in the character
}

// ModelChoice is the model of an agent.
type ModelChoice struct {
	Provider model.Provider
	Sources  map[string]Source // by the names of the providers that may answer. What one answers that isn't here costs nothing
	Notice   string            // for the owner: why it is this one, when that needs attention
	// ReplyNotices go with every reply, by the provider that gave it, so that readers don't take the built-in responder for a language
	// model.
	ReplyNotices map[string]string
	// Introduction is what the model says of itself, to each person once a day.
	Introduction string

	Main      model.Provider   // writes replies as long as it works; nil: Provider does
	Fallbacks []model.Provider // that Provider asks when Main fails

	Transcription Transcription
	Speech        Speech
}

// Source is where answers come from that cost something.
type Source struct {
	Key    string // the setting whose value the provider sends to be let in; empty for none
	Prices string // names the list of prices
	// Cost returns what a call of a model cost, and whether that is known.
	Cost func(model string, u model.Usage) (price.Amount, bool)
}

// Transcription is the model that turns recordings into text. Where there is no model for it, Missing says what to set.
type Transcription struct {
	model.Transcriber
	Key     string // as for texts
	Missing string
}

// Speech is the model that reads texts aloud. Where there is no model for it, Missing says what to set.
type Speech struct {
	model.Speaker
	Key     string // as for texts
	Missing string
}

// status describes the model to the owner, as it is now.
func (c ModelChoice) status() ModelStatus {
	status := ModelStatus{EndpointStatus: endpointStatus(cmp.Or(c.Main, c.Provider)), Notice: c.Notice}
	for _, p := range c.Fallbacks {
		status.Fallbacks = append(status.Fallbacks, endpointStatus(p))
	}
	return status
}

func endpointStatus(p model.Provider) EndpointStatus {
	status := EndpointStatus{Provider: p.Name(), Model: p.Model(model.TextLarge)}
	if guarded, ok := p.(*model.Guarded); ok {
		circuit := guarded.Circuit(model.TextLarge)
		status.Circuit, status.RetryAt = string(circuit.State), circuit.RetryAt
	}
	return status
}

// brokenChoice is the choice of an agent whose model cannot be used until a setting changes.
func brokenChoice(message string) ModelChoice {
	return ModelChoice{Provider: Misconfigured("none", message), Notice: message}
}

// Misconfigured returns a provider whose calls all fail with a message that says what to change.
func Misconfigured(name, message string) model.Provider {
	return misconfigured{name: name, message: message}
}

type misconfigured struct{ name, message string }

func (m misconfigured) Name() string            { return m.name }
func (m misconfigured) Model(model.Kind) string { return "" }

func (m misconfigured) Generate(context.Context, model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		yield(model.Chunk{}, &model.Error{Kind: model.Config, Provider: m.name, Message: m.message})
	}
}
