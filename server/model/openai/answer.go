package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// Limits of one answer: no model writes that much, so more is a fault of the endpoint.
const (
	maxAnswer = 16 << 20 // bytes read in one piece
	maxStream = 64 << 20 // bytes of events
)

// errReaderLeft ends reading because the caller stopped ranging.
var errReaderLeft = errors.New("the reader of the answer left")

// answer turns the body of one response into chunks.
type answer struct {
	*exchange
	prompt []byte // the request as sent, for the estimate of its tokens

	model    string
	finish   string // as the wire spells it; empty until the model finished
	text     strings.Builder
	cut      joiner
	calls    toolCalls
	usage    *chatUsage
	begun    bool     // a choice was seen
	streamed bool     // and a piece of it
	foreign  bool     // so was something that is no part of an answer
	refused  *refusal // the endpoint's error is about the form of the request
}

// read reads the answer in the form that its first bytes show. Its type in the header is often another one's: gateways
// stream under the type of JSON, and send JSON in one piece under that of a stream.
func (a *answer) read(body io.Reader) error {
	r := bufio.NewReader(body)
	for {
		first, err := r.Peek(1)
		switch {
		case err == io.EOF:
			return a.end()
		case err != nil:
			return err
		case first[0] == 0xEF: // a byte order mark
			if mark, err := r.Peek(3); err != nil || string(mark) != "\uFEFF" {
				return a.unreadable(err)
			}
			_, _ = r.Discard(3)
		case isSpace(first[0]):
			_, _ = r.Discard(1)
		case first[0] == '{', first[0] == '[':
			return a.readValues(r)
		case bytes.IndexByte([]byte(":deir"), first[0]) >= 0: // a comment, or one of the fields data, event, error, id and retry
			return a.readStream(r)
		default:
			return a.unreadable(nil)
		}
	}
}

// readStream reads server-sent events until [DONE] or the end. A stream that breaks after the model finished is complete
// all the same: some endpoints send neither the marker nor the counts.
func (a *answer) readStream(body io.Reader) error {
	a.streamed = true
	size := 0
	for event, err := range events(body) {
		if err == nil && event.isDone() {
			a.streamed = false // the marker stands for a missing finish reason
			break
		}
		if size += len(event.data); size > maxStream {
			return tooLarge()
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
	return a.end()
}

// readValues reads JSON: a completion in one piece, or its chunks one after the other, in a list or not.
func (a *answer) readValues(body io.Reader) error {
	limited := &io.LimitedReader{R: body, N: maxAnswer + 1}
	values := json.NewDecoder(limited)
	for {
		var value json.RawMessage
		err := values.Decode(&value)
		switch {
		case limited.N <= 0:
			return tooLarge()
		case err == io.EOF:
			return a.end()
		case err != nil:
			return a.brokenValue(err)
		}
		list := []json.RawMessage{value}
		if value[0] == '[' {
			list = nil
			_ = json.Unmarshal(value, &list) // the decoder has checked it
		}
		for _, item := range list {
			if err := a.add(event{data: item}); err != nil {
				return err
			}
		}
	}
}

// brokenValue is the failure of an answer whose JSON doesn't go on as it should, unless the model had finished by then.
func (a *answer) brokenValue(err error) error {
	_, reading := errors.AsType[*readError](err)
	switch {
	case a.finish != "":
		return a.end()
	case reading:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return cutOff()
	default:
		return a.unreadable(err)
	}
}

// add takes one event of the answer in and yields its text. What is no part of an answer is passed over: gateways keep
// connections open with keep-alive events.
func (a *answer) add(e event) error {
	data := bytes.TrimSpace(e.data)
	if e.name == "error" {
		return a.failed(data)
	}
	if data[0] != '{' {
		a.foreign = a.foreign || !isHeartbeat(data) && !isHeartbeat(e.name)
		return nil
	}
	var part chatAnswer
	if err := json.Unmarshal(data, &part); err != nil {
		return a.unreadable(err)
	}
	if len(part.Error) > 0 && string(part.Error) != "null" || part.Object == "error" || part.Type == "error" {
		return a.failed(data)
	}
	if part.Usage != nil {
		a.usage = part.Usage
	}
	if len(part.Choices) == 0 {
		a.foreign = a.foreign || part.Usage == nil && part.Model == "" && !isHeartbeat(part.Type) && !isHeartbeat(e.name)
		return nil
	}
	if part.Model != "" {
		a.model = part.Model
	}
	return a.choose(part.Choices[0], part.Object) // one is asked for
}

// choose takes in what a choice says.
func (a *answer) choose(choice chatChoice, object string) error {
	a.begun = true
	a.streamed = a.streamed || object == "chat.completion.chunk"
	if choice.FinishReason != "" {
		a.finish = choice.FinishReason
	}
	a.calls.add(choice.Delta.ToolCalls)
	said := choice.Delta.Content + choice.Delta.Refusal + choice.Text
	whole := choice.Message.Content + choice.Message.Refusal
	switch {
	case a.text.Len() == 0 && a.cut.held == "": // the first piece, or the whole
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
	return a.say(a.cut.next(said))
}

// repeats reports whether the message of the last chunk is the text so far once more.
func (a *answer) repeats(message, finish string) bool {
	return finish != "" && strings.TrimSpace(message) == strings.TrimSpace(a.text.String())
}

func (a *answer) say(text string) error {
	if text == "" {
		return nil
	}
	a.text.WriteString(text)
	if !a.yield(model.Chunk{Text: text}, nil) {
		return errReaderLeft
	}
	return nil
}

// failed is the failure that the endpoint reports in place of the answer, or of its rest.
func (a *answer) failed(data []byte) error {
	if data[0] != '{' && data[0] != '[' {
		data, _ = json.Marshal(string(data)) // an explanation in plain words
	}
	said, failure := a.client.streamError(data, a.body.kind)
	if a.text.Len() == 0 {
		if r := refusalOf(failure.Status, said, a.body); r.part < parts {
			a.refused = &r
		}
	}
	return failure
}

// end yields the last chunk, if the answer is complete.
func (a *answer) end() error {
	switch {
	case !a.begun && a.foreign:
		return a.unreadable(nil)
	case !a.begun:
		return &model.Error{Kind: model.Unavailable, Message: "The model sent an empty answer."}
	case a.finish == "" && a.streamed, brokeOff(a.finish):
		return cutOff()
	}
	if a.accepted != nil {
		a.accepted()
	}
	if err := a.say(a.cut.rest()); err != nil {
		return err
	}
	done := &model.Done{
		FinishReason: finishReason(a.finish),
		Model:        a.model,
		Usage:        a.count(),
		ToolCalls:    a.calls.done(),
	}
	if done.Model == "" {
		done.Model = a.body.Model
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

// cutOff is the failure of an answer that ended before the model finished.
func cutOff() error {
	return &model.Error{Kind: model.Unavailable, Message: "The connection to the model ended in the middle of the answer.", Err: io.ErrUnexpectedEOF}
}

// tooLarge is the failure of an answer beyond all reason.
func tooLarge() error {
	return &model.Error{Kind: model.Protocol, Message: "The model's answer is too large."}
}

// unreadable is the failure of a body that isn't a completion. Before the first text the base URL is the likely culprit.
func (a *answer) unreadable(cause error) error {
	message := "The model's answer is not readable."
	if !a.begun {
		message = fmt.Sprintf("The endpoint answers with something other than a chat completion; check %s.", a.client.cfg.Settings.BaseURL)
	}
	return &model.Error{Kind: model.Protocol, Message: message, Err: cause}
}
