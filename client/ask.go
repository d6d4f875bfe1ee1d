package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
)

// silence is how long a stream may be silent. The server sends a keep-alive every 15 seconds.
const silence = 45 * time.Second

// errSilent says that a stream is broken although its connection seems open.
var errSilent = errors.New("the server has fallen silent")

// AnswerStep is one step of an answer; exactly one of its fields is set.
type AnswerStep struct {
	Sent *UserMessage   // the question, as stored; first
	Text string         // the next piece of the reply
	Done *AgentResponse // the end; last. Its Outcome says whether and why the agent did not answer
}

// Ask sends a text to an agent in the direct channel of the two, and yields the answer while it is written. It waits as long as
// ctx and the agent do. An agent that fails ends the answer with an *Error. Breaking out of the range ends the reading, not the
// agent's work: the reply will be in the channel.
func (c *Client) Ask(ctx context.Context, agentID uuid.UUID, text string) iter.Seq2[AnswerStep, error] {
	return func(yield func(AnswerStep, error) bool) {
		channel, err := c.DirectChannel(ctx, agentID)
		if err != nil {
			yield(AnswerStep{}, err)
			return
		}
		question := NewMessage{Content: &text, Metadata: encode(map[string]any{"isDm": true, "targetAgentId": agentID})}
		for event, err := range c.Stream(ctx, channel.ID, question) {
			if !yield(event, err) {
				return
			}
		}
	}
}

// Stream posts m to a channel and yields the answer of the agent that it is addressed to, like Ask. A stream that breaks is
// resumed where it broke.
func (c *Client) Stream(ctx context.Context, channelID uuid.UUID, m NewMessage) iter.Seq2[AnswerStep, error] {
	m = c.signed(m, api.TransportSse)
	return c.answer(ctx, func(ctx context.Context, last *string) (*http.Response, error) {
		return c.api.PostMessage(withRepeat(ctx), channelID, &api.PostMessageParams{LastEventID: last}, m, acceptStream)
	})
}

// Reply waits for the end of an answer and returns it.
func Reply(answer iter.Seq2[AnswerStep, error]) (AgentResponse, error) {
	for event, err := range answer {
		if err != nil {
			return AgentResponse{}, err
		}
		if event.Done != nil {
			return *event.Done, nil
		}
	}
	return AgentResponse{}, io.ErrUnexpectedEOF
}

// question posts a message, whose answer is a stream; with last, the stream is the rest after the event of that id.
type question func(ctx context.Context, last *string) (*http.Response, error)

// answer yields the events of an answer until its end.
func (c *Client) answer(ctx context.Context, ask question) iter.Seq2[AnswerStep, error] {
	return func(yield func(AnswerStep, error) bool) {
		var last *string
		var pause backoff
		for attempt := 0; ; attempt++ {
			before := last
			err := c.stream(ctx, ask, &last, func(e AnswerStep) bool { return yield(e, nil) })
			if last != before {
				attempt, pause = 0, backoff{}
			}
			if err == nil {
				return
			}
			if _, resumable := errors.AsType[*brokenStream](err); resumable && last != nil && attempt < c.retries {
				ended := sleep(ctx, pause.next())
				if ended == nil {
					continue
				}
				err = fmt.Errorf("%w: %w", ended, err)
			}
			yield(AnswerStep{}, fmt.Errorf("asking an agent: %w", err))
			return
		}
	}
}

// brokenStream is the end of a stream before the end of the answer.
type brokenStream struct{ cause error }

func (b *brokenStream) Error() string { return "the stream has broken: " + b.cause.Error() }
func (b *brokenStream) Unwrap() error { return b.cause }

// stream yields the events of one stream, notes the ids of those that have one, and returns nil when the answer is complete or
// yield returns false.
func (c *Client) stream(ctx context.Context, ask question, last **string, yield func(AnswerStep) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := ask(ctx, *last)
	if err != nil && *last != nil && ctx.Err() == nil {
		return &brokenStream{err}
	} else if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		return errorOf(resp, body)
	}
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watchdog.Stop()
	frames := newFrameReader(resp.Body, func() { watchdog.Reset(silence) })
	for {
		f, err := frames.next()
		switch cause := context.Cause(ctx); {
		case err == nil:
		case errors.Is(cause, errSilent):
			return &brokenStream{cause}
		case cause != nil:
			return cause
		case errors.Is(err, io.EOF):
			return &brokenStream{io.ErrUnexpectedEOF} // done or error were still expected
		default:
			return &brokenStream{err}
		}
		event, err := f.decode()
		if err != nil {
			return err
		}
		if f.id != "" {
			*last = &f.id
		}
		if event != (AnswerStep{}) && !yield(event) || event.Done != nil {
			return nil
		}
	}
}

func acceptStream(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "text/event-stream, application/json")
	return nil
}

// decode returns the event in a frame, the zero AnswerStep for a kind that is not known, and an *Error for the failure
// that ended the stream.
func (f frame) decode() (e AnswerStep, err error) {
	switch f.event {
	case "user_message":
		err = json.Unmarshal(f.data, &e.Sent)
	case "chunk":
		var chunk api.StreamChunk
		err = json.Unmarshal(f.data, &chunk)
		e.Text = chunk.Chunk
	case "done":
		err = json.Unmarshal(f.data, &e.Done)
	case "error":
		var failure api.StreamError
		if err = json.Unmarshal(f.data, &failure); err == nil {
			err = &Error{
				Status: http.StatusOK, Code: apierr.Code(failure.Error.Code), Message: failure.Error.Message,
				Details: deref(failure.Error.Details),
			}
			return AnswerStep{}, err
		}
	}
	if err != nil {
		return AnswerStep{}, fmt.Errorf("reading the event %q: %w", f.event, err)
	}
	return e, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
