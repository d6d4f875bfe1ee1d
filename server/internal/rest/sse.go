package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

const (
	keepAlive    = 15 * time.Second // between comments on a silent stream: proxies cut what they take for dead
	writeTimeout = 30 * time.Second // for one write to a reader that has stopped reading
)

// eventStream answers a post with server-sent events: user_message, any number of chunk, and one done or error. A reader
// that leaves ends the stream and nothing else: the agent's turn continues, and its reply is in the channel. The id of each
// event is the position after it, with which the same request resumes the stream: what the reader has seen is left out.
type eventStream struct {
	ctx     context.Context // the request's: the method that writes a response gets none
	docs    present.Documents
	posted  messaging.Message
	turn    messaging.Turn
	at      messaging.Position
	resumed bool
	extra   jsontext.Object // members that user_message and done also have
	events  func(ctx context.Context) iter.Seq2[messaging.TurnEvent, error]
	close   func()
}

func newEventStream(ctx context.Context, docs present.Documents, c *messaging.Exchange) *eventStream {
	s := &eventStream{ctx: ctx, docs: docs, posted: c.Message, turn: c.Turn, at: messaging.Position{MessageID: c.Message.ID}, events: c.Events, close: c.Close}
	if c.From != nil {
		s.at, s.resumed = *c.From, true
	}
	return s
}

// VisitPostMessageResponse writes the stream as the answer to a message.
func (s *eventStream) VisitPostMessageResponse(w http.ResponseWriter) error { return s.serve(w) }

// VisitPostSessionMessageResponse writes the stream as the answer to a message in a session.
func (s *eventStream) VisitPostSessionMessageResponse(w http.ResponseWriter) error { return s.serve(w) }

func (s *eventStream) serve(w http.ResponseWriter) error {
	return follow(s.ctx, w, s.events, s.close, s)
}

// teller tells the reader of a stream what happens in a turn. Its methods report whether more may follow.
type teller interface {
	begin(out *eventWriter) bool
	// write tells a step of the turn, or why there will be no more.
	write(out *eventWriter, e messaging.TurnEvent, err error) bool
}

// follow writes what happens in a turn to its end, and closes what it comes from. An error on the way is written into the stream or,
// when the reader has left, dropped: the answer has begun. ctx is the request's.
func follow(ctx context.Context, w http.ResponseWriter, events func(context.Context) iter.Seq2[messaging.TurnEvent, error], closeEvents func(), told teller) error {
	defer closeEvents()
	request := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	out := newEventWriter(w)
	defer out.close()
	if !told.begin(out) {
		return nil
	}
	type step struct {
		event messaging.TurnEvent
		err   error
	}
	steps := make(chan step)
	var fault any // the reader's panic, to be continued in the request's goroutine
	var reader sync.WaitGroup
	defer func() {
		cancel()
		if reader.Wait(); fault != nil {
			panic(fault)
		}
	}()
	reader.Go(func() {
		defer close(steps)
		defer func() {
			if v := recover(); v != nil {
				fault = fmt.Errorf("reading events: %v\n%s", v, debug.Stack())
			}
		}()
		for event, err := range events(ctx) {
			select {
			case steps <- step{event, err}:
			case <-ctx.Done():
				return
			}
		}
	})
	idle := time.NewTicker(keepAlive)
	defer idle.Stop()
	ended := make(chan struct{}) // what the reader has proven
	defer auth.Watch(request, func() { close(ended) })()
	for {
		select {
		case next, ok := <-steps:
			if !ok || ctx.Err() != nil || !told.write(out, next.event, next.err) {
				return nil
			}
			idle.Reset(keepAlive)
		case <-idle.C:
			if !out.comment("keep-alive") {
				return nil
			}
		case <-ended:
			why := "The credentials were revoked"
			if until := auth.FromContext(request).Until(); !until.IsZero() && !time.Now().Before(until) {
				why = "The token has expired"
			}
			told.write(out, messaging.TurnEvent{}, apierr.New(apierr.Unauthorized, "%s", why).
				WithDetails("Send the request again with other credentials and the id of this event as Last-Event-ID, to have the rest"))
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *eventStream) begin(out *eventWriter) bool {
	return s.resumed || s.event(out, "user_message", s.marked(s.docs.UserMessage(s.posted)))
}

// write sends one step of the turn and reports whether more may follow.
func (s *eventStream) write(out *eventWriter, e messaging.TurnEvent, err error) (more bool) {
	switch {
	case err != nil:
		s.event(out, "error", streamError(err))
		return false
	case e.End == nil:
		s.at.Chunks, s.at.Bytes = e.Index+1, s.at.Bytes+len(e.Text)
		return s.event(out, "chunk", api.StreamChunk{MessageID: s.turn.ResponseID, Chunk: e.Text, Index: e.Index})
	}
	answer, err := s.docs.AgentResponse(s.turn, *e.End)
	if err != nil {
		s.event(out, "error", streamError(err))
		return false
	}
	s.event(out, "done", s.marked(answer))
	return false
}

func (s *eventStream) event(out *eventWriter, name string, data any) bool {
	return out.event(positionText(s.at), name, data)
}

// marked returns what an event shows, with the stream's own members.
func (s *eventStream) marked(data any) any {
	if len(s.extra) == 0 {
		return data
	}
	return jsontext.Merge(jsontext.Encode(data), s.extra)
}

// positionText writes a position as the id of an event.
func positionText(p messaging.Position) string {
	return fmt.Sprintf("%s:%d:%d", p.MessageID, p.Chunks, p.Bytes)
}

// readPosition reads the id of an event; nil for any other text.
func readPosition(text string) *messaging.Position {
	id, rest, _ := strings.Cut(text, ":")
	chunks, bytes, _ := strings.Cut(rest, ":")
	message, err := auth.ParseID(id)
	if err != nil {
		return nil
	}
	p := &messaging.Position{MessageID: message}
	for _, n := range []struct {
		text string
		into *int
	}{{chunks, &p.Chunks}, {bytes, &p.Bytes}} {
		v, err := strconv.ParseUint(n.text, 10, 31)
		if err != nil {
			return nil
		}
		*n.into = int(v)
	}
	return p
}

// streamError shows an error in the one shape of errors, with its sentence and code again for readers of plain fields.
func streamError(err error) api.StreamError {
	e := apierr.From(err)
	return api.StreamError{
		Success: false,
		Error:   api.ErrorDetail{Code: api.ErrorCode(e.Code), Message: e.Message, Details: present.Optional(e.Details)},
		Message: e.Message,
		Code:    api.ErrorCode(e.Code),
	}
}

// eventWriter writes events and flushes each of them. Its methods report false once the reader is gone.
type eventWriter struct {
	w   io.Writer
	ctl *http.ResponseController
	buf bytes.Buffer
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	w.WriteHeader(http.StatusOK)
	return &eventWriter{w: w, ctl: http.NewResponseController(w)}
}

func (e *eventWriter) event(id, name string, data any) bool {
	body, err := json.Marshal(data)
	if err != nil {
		panic("rest: encoding an event: " + err.Error()) // all events are types of the contract
	}
	fmt.Fprintf(&e.buf, "id: %s\nevent: %s\ndata: %s\n\n", id, name, body)
	return e.flush()
}

// data writes an event that has no name.
func (e *eventWriter) data(data any) bool {
	body, err := json.Marshal(data)
	if err != nil {
		panic("rest: encoding an event: " + err.Error()) // all events are types of the contract
	}
	fmt.Fprintf(&e.buf, "data: %s\n\n", body)
	return e.flush()
}

// last writes the word by which clients of OpenAI's interface know the end.
func (e *eventWriter) last() bool {
	e.buf.WriteString("data: [DONE]\n\n")
	return e.flush()
}

func (e *eventWriter) comment(text string) bool {
	fmt.Fprintf(&e.buf, ": %s\n\n", text)
	return e.flush()
}

func (e *eventWriter) flush() bool {
	defer e.buf.Reset()
	_ = e.ctl.SetWriteDeadline(time.Now().Add(writeTimeout)) // test recorders have none
	if _, err := e.w.Write(e.buf.Bytes()); err != nil {
		return false
	}
	err := e.ctl.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported) // then the server sends it at the end
}

// close takes the deadline back, which would outlive the response on a connection that is used again.
func (e *eventWriter) close() { _ = e.ctl.SetWriteDeadline(time.Time{}) }
