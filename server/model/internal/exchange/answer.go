package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/call"
	"github.com/elizad/elizad/server/model/internal/form"
	"github.com/elizad/elizad/server/model/internal/pieces"
	"github.com/elizad/elizad/server/model/internal/sse"
)

// errReaderLeft ends reading because the caller stopped ranging.
var errReaderLeft = errors.New("the reader of the answer left")

// Answer is an answer while it is read. Its [Reader] tells it by the fields how far it is.
type Answer struct {
	Begun    bool // a piece of an answer was seen
	Finished bool // the model said why it stopped. Whatever breaks after it doesn't matter
	Foreign  bool // something was seen that is no part of an answer
	Streamed bool // the answer comes in pieces: one that is not finished is cut off
	Complete bool // the last event was seen, and nothing after it is read

	client   *Client
	sent     form.Request
	payload  []byte // the same as it was sent, for the estimate of its tokens
	kind     model.Kind
	model    string
	yield    func(model.Chunk, error) bool
	accepted func() // called when the endpoint takes the form of the request
	refused  *form.Refusal

	text strings.Builder
	cut  pieces.Joiner
}

// Text returns what was passed on so far.
func (a *Answer) Text() string { return a.text.String() }

// Silent reports whether nothing was said so far.
func (a *Answer) Silent() bool { return a.text.Len() == 0 && !a.cut.Pending() }

// Say passes a piece of the text on.
func (a *Answer) Say(piece pieces.Text) error { return a.say(a.cut.Next(piece)) }

func (a *Answer) say(text string) error {
	if text == "" {
		return nil
	}
	a.text.WriteString(text)
	if !a.yield(model.Chunk{Text: text}, nil) {
		return errReaderLeft
	}
	return nil
}

// Fail returns the failure that the endpoint reports in place of the answer, or of its rest.
func (a *Answer) Fail(data []byte) error {
	said, failure := a.client.Endpoint.StreamError(data, a.kind)
	if a.text.Len() == 0 {
		a.refused = form.RefusalOf(failure.Status, said.Message, said.Param, a.sent)
	}
	return failure
}

// read reads the answer, in one piece or as a stream until its last event. One that breaks after the model finished is complete
// all the same: some endpoints send neither the marker nor the counts.
func (a *Answer) read(body io.Reader, r Reader) error {
	whole, err := sse.Open(body)
	switch {
	case err == io.EOF:
		return a.end(r)
	case errors.Is(err, sse.ErrForeign):
		return a.Unreadable(err)
	case err != nil:
		return err
	}
	a.Streamed = whole.Streamed
	for event, err := range whole.Events() {
		if err != nil {
			if a.Finished {
				break
			}
			return a.broken(err)
		}
		if whole.Streamed && event.IsDone() {
			a.Complete = true // the marker stands for a missing reason, too
			break
		}
		if err := a.add(event, r); err != nil {
			if a.Finished && whole.Streamed && !errors.Is(err, errReaderLeft) {
				break
			}
			return err
		}
		if a.Complete {
			break
		}
	}
	return a.end(r)
}

// add takes in one event. What is no part of an answer is passed over: gateways keep connections open with keep-alive events.
func (a *Answer) add(e sse.Event, r Reader) error {
	data := bytes.TrimSpace(e.Data)
	switch {
	case e.Name == "error":
		if data[0] != '{' && data[0] != '[' {
			data, _ = json.Marshal(string(data)) // an explanation in plain words
		}
		return a.Fail(data)
	case data[0] != '{':
		a.Foreign = a.Foreign || !sse.IsHeartbeat(data) && !sse.IsHeartbeat(e.Name)
		return nil
	default:
		return r.Add(e.Name, data)
	}
}

// broken is the failure of an answer that doesn't go on as it should.
func (a *Answer) broken(err error) error {
	_, explained := errors.AsType[*model.Error](err)
	switch {
	case explained, call.IsReadError(err):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return call.CutOff()
	default:
		return a.Unreadable(err)
	}
}

// end yields the last chunk, if the answer is complete.
func (a *Answer) end(r Reader) error {
	switch {
	case !a.Begun && a.Foreign:
		return a.Unreadable(nil)
	case !a.Begun:
		return &model.Error{Kind: model.Unavailable, Message: "The model sent an empty answer."}
	case !a.Finished && a.Streamed && !a.Complete:
		return call.CutOff()
	}
	done, err := r.Done()
	if err != nil {
		return err
	}
	a.accepted()
	if err := a.say(a.cut.Rest()); err != nil {
		return err
	}
	if done.Model == "" {
		done.Model = a.model
	}
	if done.Usage == (model.Usage{}) {
		done.Usage = model.Usage{
			InputTokens:  model.EstimateTokens(string(a.payload)),
			OutputTokens: model.EstimateTokens(a.text.String()),
			Estimated:    true,
		}
	}
	a.yield(model.Chunk{Done: &done}, nil)
	return nil
}

// Unreadable is the failure of a body that isn't an answer. Before the first text the base URL is the likely culprit.
func (a *Answer) Unreadable(cause error) error {
	message := "The model's answer is not readable."
	if !a.Begun {
		message = fmt.Sprintf("The endpoint answers with something other than %s; check %s.", a.client.Answers, a.client.Endpoint.Settings().BaseURL)
	}
	return &model.Error{Kind: model.Protocol, Message: message, Err: cause}
}
