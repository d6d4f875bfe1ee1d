package runtime

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model"
)

// acting collects the model calls that an action makes. It travels in the action's context, so that calls find it from any
// goroutine.
type acting struct {
	name string
	id   uuid.UUID

	mu    sync.Mutex
	calls []map[string]any
}

type actingKey struct{}

func newActing(ctx context.Context, action agent.Action, id uuid.UUID) (context.Context, *acting) {
	a := &acting{name: action.Name, id: id}
	return context.WithValue(ctx, actingKey{}, a), a
}

// actingIn returns the action that ctx belongs to, or nil.
func actingIn(ctx context.Context) *acting {
	a, _ := ctx.Value(actingKey{}).(*acting)
	return a
}

// called notes a model call; prompt is empty unless texts are kept.
func (a *acting) called(kind model.Kind, at time.Time, prompt string) {
	call := map[string]any{"modelType": kind, "timestamp": at.UnixMilli()}
	if prompt != "" {
		call["prompt"] = prompt
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, call)
}

// describe adds the calls to the note of the action's end.
func (a *acting) describe(note map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	note["promptCount"] = len(a.calls)
	if len(a.calls) > 0 {
		note["prompts"] = append([]map[string]any(nil), a.calls...)
	}
}
