package rest

import (
	"context"
	"errors"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/internal/messaging"
)

// A silent stream sends keep-alives, and ends when its reader has gone.
func TestEventStreamKeepsAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithTimeout(t.Context(), 40*time.Second)
		defer leave()
		closed := false
		stream := &eventStream{
			ctx: ctx,
			events: func(ctx context.Context) iter.Seq2[messaging.TurnEvent, error] {
				return func(yield func(messaging.TurnEvent, error) bool) {
					<-ctx.Done()
					yield(messaging.TurnEvent{}, context.Cause(ctx))
				}
			},
			close: func() { closed = true },
		}
		w := httptest.NewRecorder()
		if err := stream.VisitPostMessageResponse(w); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(w.Body.String(), ": keep-alive\n\n"); n != 2 {
			t.Errorf("%d comments in 40 s of silence, want 2:\n%s", n, w.Body)
		}
		if !closed || strings.Contains(w.Body.String(), "event: error") {
			t.Errorf("closed: %v; stream:\n%s", closed, w.Body)
		}
	})
}

// An error during a stream is sent to its reader, without its cause.
func TestEventStreamSendsErrors(t *testing.T) {
	t.Parallel()
	stream := &eventStream{
		ctx: t.Context(),
		events: func(context.Context) iter.Seq2[messaging.TurnEvent, error] {
			return func(yield func(messaging.TurnEvent, error) bool) {
				yield(messaging.TurnEvent{}, errors.New("disk I/O error at /secret"))
			}
		},
		close: func() {},
	}
	w := httptest.NewRecorder()
	if err := stream.VisitPostMessageResponse(w); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); !strings.Contains(body, "event: error") || !strings.Contains(body, `"INTERNAL"`) || strings.Contains(body, "secret") {
		t.Errorf("stream:\n%s", body)
	}
}
