package runtime

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/messaging"
)

// maxEvaluations is how many rooms are evaluated at the same time.
const maxEvaluations = 4

// maxRooms is how many rooms may wait for it. Each holds a run with its conversation.
const maxRooms = 1024

// evaluations run the evaluators of ended runs in the background, one run at a time in a room of an agent. While one is at
// work a newer run takes the place of one that waits.
type evaluations struct {
	service *Service
	slots   chan struct{}

	mu      sync.Mutex
	waiting map[place]*lookback // nil while its room is at work and nothing waits
}

// place is a room of an agent.
type place struct{ agent, channel uuid.UUID }

// lookback is a run to evaluate.
type lookback struct {
	run      *run
	answered bool
}

func newEvaluations(s *Service) *evaluations {
	return &evaluations{service: s, slots: make(chan struct{}, maxEvaluations), waiting: map[place]*lookback{}}
}

// add looks back at a run as soon as there is room for it.
func (e *evaluations) add(r *run, answered bool) {
	if len(r.agent.components.Evaluators) == 0 || r.state.Providers == nil {
		return
	}
	at := place{r.turn.AgentID, r.turn.ChannelID}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, busy := e.waiting[at]
	if !busy && len(e.waiting) >= maxRooms {
		r.agent.log.Warn("turn not evaluated: too many rooms are waiting", "turnId", r.turn.ID)
		return
	}
	e.waiting[at] = &lookback{r, answered}
	if !busy {
		e.service.background.Go(func() {
			lifecycle.Persist(e.service.life, e.service.cfg.Logger, "evaluators", func() { e.work(at) })
		})
	}
}

// work looks back at the runs of a room until none waits.
func (e *evaluations) work(at place) {
	for {
		e.mu.Lock()
		next := e.waiting[at]
		if next == nil {
			delete(e.waiting, at)
			e.mu.Unlock()
			return
		}
		e.waiting[at] = nil
		e.mu.Unlock()
		select {
		case e.slots <- struct{}{}:
			func() {
				defer func() { <-e.slots }()
				e.evaluate(next)
			}()
		case <-e.service.life.Done():
		}
	}
}

func (e *evaluations) evaluate(l *lookback) {
	ctx, cancel := context.WithTimeout(e.service.life, e.service.cfg.RunTimeout)
	defer cancel()
	for _, evaluator := range l.run.agent.components.Evaluators {
		if ctx.Err() != nil || !l.answered && !evaluator.AlwaysRun {
			continue
		}
		ran, err := evaluate(ctx, evaluator, l.run.forComponents())
		if !ran {
			continue
		}
		l.run.record.add(messaging.LogEvaluated, map[string]any{
			"evaluatorName": evaluator.Name, "messageId": l.run.turn.MessageID, "success": err == nil,
		})
		if err != nil {
			l.run.agent.log.WarnContext(ctx, "evaluator failed", "evaluator", evaluator.Name, "turnId", l.run.turn.ID, "error", err)
		}
	}
	if err := e.service.cfg.Messages.AddTurnLog(context.WithoutCancel(ctx), l.run.turn, l.run.record.later()); err != nil {
		l.run.agent.log.WarnContext(ctx, "evaluations not recorded", "turnId", l.run.turn.ID, "error", err)
	}
}

// evaluate runs one evaluator, unless it doesn't want to. A panic is its error.
func evaluate(ctx context.Context, evaluator agent.Evaluator, view *agent.Run) (ran bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			ran, err = true, fmt.Errorf("panic: %v", v)
		}
	}()
	if evaluator.Validate != nil && !evaluator.Validate(ctx, view) {
		return false, nil
	}
	return true, evaluator.Handle(ctx, view)
}
