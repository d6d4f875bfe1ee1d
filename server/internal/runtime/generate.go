package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/model"
)

// maxAnswer is how many bytes of an answer are read. A longer one is cut off there.
const maxAnswer = 512 << 10

// Generate implements [agent.Services].
func (s services) Generate(ctx context.Context, req model.Request) (model.Answer, error) {
	if req.Kind == "" {
		req.Kind = model.TextLarge
	}
	if req.Purpose == "" {
		req.Purpose = model.Raw
	}
	return s.collect(ctx, req)
}

// collect calls the agent's model for an answer that is not streamed, and again when it broke off.
func (r *run) collect(ctx context.Context, req model.Request) (answer model.Answer, err error) {
	attempts := 0
	for try := 1; try <= maxTries; try++ {
		if answer, err = r.generate(ctx, req, &attempts, nil); err == nil || !worthRepeating(ctx, answer, err) {
			break
		}
	}
	return answer, err
}

// generate calls the agent's model and notes every attempt at the call in the record, with its number: attempts counts them,
// and may be nil. What the model writes is handed to sink, if there is one, piece by piece. After a failure the answer holds
// what was written until then.
func (r *run) generate(ctx context.Context, req model.Request, attempts *int, sink func(piece string)) (model.Answer, error) {
	if req.System == "" {
		req.System = r.standIns(fillNames(r.agent.character.System, r.agent.character.Name, authorOf(r.view.Message)))
	}
	req.Params = r.agent.settings.parameters(req.Kind, req.Params)
	if attempts == nil {
		attempts = new(int)
	}
	call := modelCall{run: r, acting: actingIn(ctx), attempts: attempts, start: time.Now()}
	heard := req.Report
	req.Report = func(a model.Attempt) {
		call.failed(a)
		if heard != nil {
			heard(a)
		}
	}
	call.req = req
	answer, err := r.service.ask(ctx, r.agent, r.account(), req, sink)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	call.note(answer, err, 0)
	if r.agent.card.notice(err); err == nil && !answer.Done.Fallback {
		r.agent.card.problem.Store(nil)
	}
	return answer, err
}

// read collects an answer, and hands its pieces to sink, if there is one.
func read(ctx context.Context, provider model.Provider, req model.Request, sink func(piece string)) (model.Answer, error) {
	var (
		answer model.Answer
		text   strings.Builder
		start  = time.Now()
	)
	for chunk, err := range provider.Generate(ctx, req) {
		if err != nil {
			answer.Text = text.String()
			return answer, err
		}
		if piece := dbtype.Text(chunk.Text); piece != "" {
			if text.Len() == 0 {
				answer.FirstToken = time.Since(start)
			}
			text.WriteString(piece)
			if sink != nil {
				sink(piece)
			}
		}
		if chunk.Done != nil {
			answer.Done = *chunk.Done
		}
		if text.Len() > maxAnswer {
			answer.Done.FinishReason = model.FinishLength
			break
		}
	}
	answer.Text = text.String()
	return answer, nil
}

// modelCall is one call for the record.
type modelCall struct {
	run      *run
	acting   *acting // nil outside of actions
	req      model.Request
	attempts *int // before this one
	start    time.Time
}

// failed notes an attempt that the provider repeats by itself.
func (c *modelCall) failed(a model.Attempt) {
	provider := c.run.agent.model.Provider
	c.note(model.Answer{Done: model.Done{Model: cmp.Or(a.Model, provider.Model(c.req.Kind)), Provider: cmp.Or(a.Provider, provider.Name())}}, a.Err, a.Wait)
	c.run.agent.card.notice(a.Err)
	c.start = time.Now().Add(a.Wait)
}

// note writes an attempt at the call into the record. Texts are left out unless the operator wants them.
func (c *modelCall) note(answer model.Answer, err error, wait time.Duration) {
	*c.attempts++
	usage := answer.Done.Usage
	data := map[string]any{
		"modelType": c.req.Kind, "modelKey": c.req.Kind, "params": paramsNote(c.req.Params), "purpose": c.req.Purpose,
		"provider": answer.Done.Provider, "model": answer.Done.Model, "attempt": *c.attempts,
		"executionTime": max(0, time.Since(c.start).Milliseconds()), "firstTokenMs": answer.FirstToken.Milliseconds(),
		"inputTokens": usage.InputTokens, "outputTokens": usage.OutputTokens, "cachedTokens": usage.CachedTokens, "estimated": usage.Estimated,
		"usage": map[string]any{
			"prompt_tokens": usage.InputTokens, "completion_tokens": usage.OutputTokens, "total_tokens": usage.InputTokens + usage.OutputTokens,
		},
	}
	if cost, known := c.run.agent.model.cost(c.req.Kind, answer.Done); known && (err == nil || usage != model.Usage{}) {
		data["cost"], data["currency"] = cost.Dollars(), "USD"
		if source, paid := c.run.agent.model.Sources[answer.Done.Provider]; paid {
			data["prices"] = source.Prices
		}
	}
	if answer.Done.Fallback {
		data["fallback"] = true
	}
	if answer.Done.FinishReason != "" {
		data["finishReason"] = answer.Done.FinishReason
	}
	if err != nil {
		data["error"] = publicText(err)
		if e, ok := errors.AsType[*model.Error](err); ok {
			data["reason"] = reasonModel + string(e.Kind)
		}
	}
	if wait > 0 {
		data["retryInMs"] = wait.Milliseconds()
	}
	prompt := ""
	if capture := c.run.service.cfg.Capture; capture == CaptureAll || capture == CaptureErrors && err != nil {
		prompt = c.req.Prompt
		data["systemPrompt"], data["prompt"], data["response"] = c.req.System, prompt, answer.Text
	}
	if c.acting != nil {
		data["actionContext"] = map[string]any{"actionName": c.acting.name, "actionId": c.acting.id}
		c.acting.called(c.req.Kind, c.start, prompt)
	}
	c.run.record.spend(answer.Done)
	c.run.record.add(messaging.LogModelUsed, data)
}

// paramsNote returns the parameters that were set.
func paramsNote(p model.Params) map[string]any {
	note := map[string]any{}
	if p.MaxTokens > 0 {
		note["maxTokens"] = p.MaxTokens
	}
	for name, value := range map[string]*float64{
		"temperature": p.Temperature, "topP": p.TopP, "frequencyPenalty": p.FrequencyPenalty, "presencePenalty": p.PresencePenalty,
	} {
		if value != nil {
			note[name] = *value
		}
	}
	return note
}

// publicText is what people may know of an error.
func publicText(err error) string {
	if e, ok := errors.AsType[*model.Error](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[*runError](err); ok {
		return e.detail
	}
	if errors.Is(err, errCancelled) {
		return "It was cancelled"
	}
	if errors.Is(err, errRunTimeout) || errors.Is(err, context.DeadlineExceeded) {
		return "It took too long"
	}
	return "An internal error occurred"
}

// parameters completes the parameters of a call from settings: by kind of model, for all, and by older names.
func (s *settings) parameters(kind model.Kind, p model.Params) model.Params {
	find := func(name string, older ...string) (float64, bool) {
		for _, setting := range settingsFor(kind, name, older...) {
			if n, ok := s.number(setting); ok {
				return n, true
			}
		}
		return 0, false
	}
	set := func(into **float64, low, high float64, name string, older ...string) {
		if n, ok := find(name, older...); ok && *into == nil && n >= low && n <= high {
			*into = &n
		}
	}
	if n, _, ok := s.tokenLimit(kind); ok && p.MaxTokens == 0 && n >= 1 && n < 1<<31 {
		p.MaxTokens = int(n)
	}
	set(&p.Temperature, 0, 2, "TEMPERATURE", "MODEL_TEMPERATURE")
	set(&p.TopP, 0, 1, "TOP_P")
	set(&p.FrequencyPenalty, -2, 2, "FREQUENCY_PENALTY", "MODEL_FREQ_PENALTY")
	set(&p.PresencePenalty, -2, 2, "PRESENCE_PENALTY", "MODEL_PRESENCE_PENALTY")
	return p
}

// tokenLimit returns the token limit that is set for a kind of model, and the setting that sets it, or would.
func (s *settings) tokenLimit(kind model.Kind) (limit float64, name string, ok bool) {
	names := settingsFor(kind, "MAX_TOKENS", "MODEL_MAX_TOKEN")
	for _, name := range names {
		if n, ok := s.number(name); ok {
			return n, name, true
		}
	}
	return 0, names[0], false
}

// settingsFor lists the settings of a parameter, of which the first that is set counts: by kind of model, for all, and by older names.
func settingsFor(kind model.Kind, name string, older ...string) []string {
	return append([]string{string(kind) + "_" + name, "DEFAULT_" + name}, older...)
}

// moreTokens says what to do about a model that used up its tokens.
func (s *settings) moreTokens(kind model.Kind) string {
	limit, name, ok := s.tokenLimit(kind)
	if !ok {
		return "give it more with " + name
	}
	return fmt.Sprintf("raise %s, which is %.0f", name, limit)
}
