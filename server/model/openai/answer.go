package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// Limits of one answer: no model writes that much, so more is a fault of the endpoint.
const (
	maxWhole  = 16 << 20 // bytes read in one piece
	maxStream = 64 << 20 // bytes of events
)

// errReaderLeft ends reading because the caller stopped ranging.
var errReaderLeft = errors.New("the reader of the answer left")

// answer turns the body of one response into chunks.
type answer struct {
	client  *Client
	request *chatRequest
	prompt  []byte // the request as sent, for the estimate of its tokens
	yield   func(model.Chunk, error) bool

	model  string
	finish string // as the wire spells it; empty until the model finished
	text   strings.Builder
	calls  toolCalls
	usage  *chatUsage
	begun  bool // a choice was seen
}

// readStream reads server-sent events until [DONE] or the end. A stream that breaks after the model finished is complete
// all the same: some endpoints send neither the marker nor the counts.
func (a *answer) readStream(body io.Reader) error {
	size, complete := 0, false
	for event, err := range events(body) {
		if err == nil && isDone(event) {
			complete = true
			break
		}
		if size += len(event); size > maxStream {
			return a.tooLarge()
		}
		if err == nil {
			err = a.add(event)
		}
		if err != nil {
			if a.finish != "" && !errors.Is(err, errReaderLeft) {
				break
			}
			return err
		}
	}
	if !a.begun {
		return &model.Error{Kind: model.Unavailable, Message: "The model sent an empty answer."}
	}
	if a.finish == "" && !complete {
		return a.cut()
	}
	return a.end()
}

// readWhole reads a completion that came in one piece.
func (a *answer) readWhole(body io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(body, maxWhole+1))
	if err != nil {
		return err
	}
	if len(data) > maxWhole {
		return a.tooLarge()
	}
	if err := a.add(data); err != nil {
		return err
	}
	if !a.begun {
		return a.foreign(nil)
	}
	return a.end()
}

// add takes one JSON object of the answer in and yields its text.
func (a *answer) add(data []byte) error {
	var part chatAnswer
	if err := json.Unmarshal(data, &part); err != nil {
		return a.foreign(err)
	}
	if len(part.Error) > 0 && string(part.Error) != "null" || part.Object == "error" {
		return a.client.streamError(data, a.request.kind)
	}
	if part.Model != "" {
		a.model = part.Model
	}
	if part.Usage != nil {
		a.usage = part.Usage
	}
	if len(part.Choices) == 0 {
		return nil
	}
	a.begun = true
	choice := part.Choices[0] // one is asked for
	if choice.FinishReason != "" {
		a.finish = choice.FinishReason
	}
	for _, said := range []chatDelta{choice.Delta, choice.Message} {
		a.calls.add(said.ToolCalls)
		if text := string(said.Content) + said.Refusal; text != "" {
			a.text.WriteString(text)
			if !a.yield(model.Chunk{Text: text}, nil) {
				return errReaderLeft
			}
		}
	}
	return nil
}

// end yields the last chunk.
func (a *answer) end() error {
	done := &model.Done{
		FinishReason: finishReason(a.finish),
		Model:        a.model,
		Usage:        a.count(),
		ToolCalls:    a.calls.done(),
	}
	if done.Model == "" {
		done.Model = a.request.Model
	}
	if len(done.ToolCalls) > 0 {
		done.FinishReason = model.FinishTools // some endpoints say "stop"
	}
	a.yield(model.Chunk{Done: done}, nil)
	return nil
}

// count returns the usage the endpoint reported, or an estimate.
func (a *answer) count() model.Usage {
	if a.usage == nil || a.usage.PromptTokens == 0 && a.usage.CompletionTokens == 0 {
		return model.Usage{
			InputTokens:  model.EstimateTokens(string(a.prompt)),
			OutputTokens: model.EstimateTokens(a.text.String()),
			Estimated:    true,
		}
	}
	usage := model.Usage{InputTokens: a.usage.PromptTokens, OutputTokens: a.usage.CompletionTokens, CachedTokens: a.usage.PromptCacheHitTokens}
	if details := a.usage.PromptTokensDetails; details != nil {
		usage.CachedTokens = max(usage.CachedTokens, details.CachedTokens)
	}
	return usage
}

// cut is the failure of a stream that ended before the model finished.
func (a *answer) cut() error {
	return &model.Error{Kind: model.Unavailable, Message: "The connection to the model ended in the middle of the answer.",
		Err: io.ErrUnexpectedEOF}
}

// tooLarge is the failure of an answer beyond all reason.
func (a *answer) tooLarge() error {
	return &model.Error{Kind: model.Protocol, Message: "The model's answer is too large."}
}

// foreign is the failure of a body that isn't a completion. Before the first text the base URL is the likely culprit.
func (a *answer) foreign(cause error) error {
	message := "The model's answer is not readable."
	if !a.begun {
		message = fmt.Sprintf("The endpoint answers with something other than a chat completion; check %s.", a.client.cfg.Settings.BaseURL)
	}
	return &model.Error{Kind: model.Protocol, Message: message, Err: cause}
}
