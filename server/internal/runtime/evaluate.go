package runtime

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

// maxEvaluations is how many rooms are looked back at, at the same time.
const maxEvaluations = 4

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

// lookback is a run to look back at.
type lookback struct {
	run      *run
	answered bool
}

func newEvaluations(s *Service) *evaluations {
	return &evaluations{service: s, slots: make(chan struct{}, maxEvaluations), waiting: map[place]*lookback{}}
}

// add looks back at a run as soon as there is room for it.
func (e *evaluations) add(r *run, answered bool) {
	if len(r.mind.components.Evaluators) == 0 || r.state.Providers == nil {
		return
	}
	at := place{r.turn.AgentID, r.turn.ChannelID}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, busy := e.waiting[at]
	e.waiting[at] = &lookback{r, answered}
	if !busy {
		e.service.strays.Go(func() { e.work(at) })
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
			e.evaluate(next)
			<-e.slots
		case <-e.service.life.Done():
		}
	}
}

func (e *evaluations) evaluate(l *lookback) {
	ctx, cancel := context.WithTimeout(e.service.life, e.service.cfg.RunTimeout)
	defer cancel()
	for _, evaluator := range l.run.mind.components.Evaluators {
		if ctx.Err() != nil || !l.answered && !evaluator.AlwaysRun {
			continue
		}
		if err := evaluate(ctx, evaluator, l.run.forComponents()); err != nil {
			l.run.mind.log.WarnContext(ctx, "evaluator failed", "evaluator", evaluator.Name, "turnId", l.run.turn.ID, "error", err)
		}
	}
}

// evaluate runs one evaluator. A panic is its error.
func evaluate(ctx context.Context, evaluator agent.Evaluator, view *agent.Run) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if evaluator.Validate != nil && !evaluator.Validate(ctx, view) {
		return nil
	}
	return evaluator.Handle(ctx, view)
}
