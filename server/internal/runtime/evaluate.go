package runtime

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

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
	if r.state.Providers == nil || len(r.agent.components.Evaluators) == 0 && !(answered && r.reflects()) {
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
		l.look(ctx, evaluator.Name, func() (bool, error) {
			if view := l.run.forComponents(); evaluator.Validate == nil || evaluator.Validate(ctx, view) {
				return true, evaluator.Handle(ctx, view)
			}
			return false, nil
		})
	}
	if l.answered && ctx.Err() == nil && l.run.reflects() {
		l.look(ctx, reflectionName, func() (bool, error) { return l.run.reflect(ctx) })
	}
	if err := e.service.cfg.Messages.AddTurnLog(context.WithoutCancel(ctx), l.run.turn, l.run.record.later()); err != nil {
		l.run.agent.log.WarnContext(ctx, "evaluations not recorded", "turnId", l.run.turn.ID, "error", err)
	}
}

// look runs one evaluator, unless it doesn't want to, and notes that in the record. A panic is its error.
func (l *lookback) look(ctx context.Context, name string, evaluate func() (ran bool, err error)) {
	ran, err := contained(evaluate)
	if !ran {
		if err != nil {
			l.run.agent.log.WarnContext(ctx, "evaluator not asked", "evaluator", name, "turnId", l.run.turn.ID, "error", err)
		}
		return
	}
	l.run.record.add(messaging.LogEvaluated, map[string]any{
		"evaluatorName": name, "messageId": l.run.turn.MessageID, "success": err == nil,
	})
	if err != nil {
		l.run.agent.log.WarnContext(ctx, "evaluator failed", "evaluator", name, "turnId", l.run.turn.ID, "error", err)
	}
}

// contained turns a panic into an error.
func contained(evaluate func() (bool, error)) (ran bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			ran, err = true, fmt.Errorf("panic: %v", v)
		}
	}()
	return evaluate()
}
