package openai

import (
	"encoding/json"
	"strings"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/call"
	"github.com/elizad/elizad/server/model/internal/exchange"
	"github.com/elizad/elizad/server/model/internal/pieces"
	"github.com/elizad/elizad/server/model/internal/sse"
)

// answer reads a completion, or the chunks of one.
type answer struct {
	*exchange.Answer

	model  string
	finish string // as the wire spells it; empty until the model finished
	calls  toolCalls
	usage  chatUsage
}

// Add implements [exchange.Reader].
func (a *answer) Add(name string, data []byte) error {
	var part chatAnswer
	if err := json.Unmarshal(data, &part); err != nil {
		return a.Unreadable(err)
	}
	if len(part.Error) > 0 && string(part.Error) != "null" || part.Object == "error" || part.Type == "error" {
		return a.Fail(data)
	}
	if part.Usage != nil {
		a.usage = *part.Usage
	}
	if len(part.Choices) == 0 {
		a.Foreign = a.Foreign || part.Usage == nil && part.Model == "" && !sse.IsHeartbeat(part.Type) && !sse.IsHeartbeat(name)
		return nil
	}
	if part.Model != "" {
		a.model = part.Model
	}
	return a.choose(part.Choices[0], part.Object) // one is asked for
}

// choose takes in what a choice says.
func (a *answer) choose(choice chatChoice, object string) error {
	a.Begun = true
	a.Streamed = a.Streamed || object == "chat.completion.chunk"
	if choice.FinishReason != "" {
		a.finish, a.Finished = choice.FinishReason, true
	}
	a.calls.add(choice.Delta.ToolCalls)
	said := choice.Delta.Content + choice.Delta.Refusal + choice.Text
	whole := choice.Message.Content + choice.Message.Refusal
	switch {
	case a.Silent(): // the first piece, or the whole
		a.calls.add(choice.Message.ToolCalls)
		if said == "" {
			said = whole
		}
	case said != "" || object == "chat.completion" || a.repeats(string(whole), choice.FinishReason):
		// The message says again what came in pieces.
	default: // an endpoint that calls pieces messages
		a.calls.add(choice.Message.ToolCalls)
		said = whole
	}
	return a.Say(pieces.Text(said))
}

// repeats reports whether the message of the last chunk is the text so far once more.
func (a *answer) repeats(message, finish string) bool {
	return finish != "" && strings.TrimSpace(message) == strings.TrimSpace(a.Text())
}

// Done implements [exchange.Reader].
func (a *answer) Done() (model.Done, error) {
	if brokeOff(a.finish) {
		return model.Done{}, call.CutOff()
	}
	done := model.Done{
		FinishReason: finishReason(a.finish),
		Model:        a.model,
		Usage:        a.usage.counts(),
		ToolCalls:    a.calls.done(),
	}
	if len(done.ToolCalls) > 0 {
		done.FinishReason = model.FinishTools // some endpoints say "stop"
	}
	return done, nil
}

// counts returns the counts that the endpoint reported, if any.
func (u chatUsage) counts() model.Usage {
	if u.PromptTokens == 0 && u.CompletionTokens == 0 {
		return model.Usage{}
	}
	usage := model.Usage{InputTokens: u.PromptTokens, OutputTokens: u.CompletionTokens, CachedTokens: u.PromptCacheHitTokens}
	if details := u.PromptTokensDetails; details != nil {
		usage.CachedTokens = max(usage.CachedTokens, details.CachedTokens)
	}
	return usage
}
