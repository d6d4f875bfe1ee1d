package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/model"
)

// maxAttempts is how often a turn is taken up. One that never comes to an end, perhaps because it brings the server down,
// must not be tried for ever.
const maxAttempts = 5

// Codes in the reason of a turn, beside the rules of decide.go and the codes "model_<kind>".
const (
	reasonAbandoned  = "abandoned"
	reasonAgentGone  = "agent_deleted"
	reasonStopped    = "agent_stopped"
	reasonGone       = "message_deleted"
	reasonTimeout    = "run_timeout"
	reasonUnusable   = "model_output_unusable"
	reasonTemplate   = "template_failed"
	reasonInternal   = "internal"
	reasonRefused    = "reply_refused"
	reasonIgnore     = "agent_ignored"
	reasonActed      = "acted"
	reasonActionFail = "action_failed"
)

// errRunTimeout is the cause of a run's end by its deadline.
var errRunTimeout = errors.New("the run took too long")

// take takes one turn to its end and stores the outcome, exactly one.
func (s *Service) take(ctx context.Context, t messaging.Turn) {
	deadline, cancel := context.WithTimeoutCause(ctx, s.cfg.RunTimeout, errRunTimeout)
	defer cancel()
	r := &run{service: s, turn: t, record: newRecord(t), startedAt: time.Now()}
	outcome, err := s.outcome(deadline, r)
	if err != nil {
		cause := context.Cause(deadline)
		if errors.Is(cause, errStopping) || errors.Is(cause, errEnded) {
			return
		}
		outcome = s.failure(ctx, r, err, cause)
	}
	s.finish(ctx, r, outcome)
	if r.mind != nil && outcome.Status != messaging.TurnCancelled {
		s.evaluating.add(r, outcome.Status == messaging.TurnReplied)
	}
}

// outcome runs a turn. A panic is an error like any other.
func (s *Service) outcome(ctx context.Context, r *run) (_ messaging.Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	if r.turn.Attempts > maxAttempts {
		return messaging.Outcome{
			Status: messaging.TurnFailed, Reason: reasonAbandoned,
			Detail: fmt.Sprintf("The answer was begun %d times and never finished", maxAttempts),
		}, nil
	}
	m, running, err := s.mind(ctx, r.turn.AgentID)
	switch {
	case apierr.IsCode(err, apierr.NotFound):
		return messaging.Outcome{Status: messaging.TurnCancelled, Reason: reasonAgentGone, Detail: "The agent was deleted"}, nil
	case err != nil:
		return messaging.Outcome{}, err
	case !running:
		return messaging.Outcome{Status: messaging.TurnCancelled, Reason: reasonStopped, Detail: "The agent was stopped"}, nil
	}
	r.mind = m
	if r.context, err = s.cfg.Messages.TurnContext(ctx, r.turn, s.cfg.ConversationLength); apierr.IsCode(err, apierr.NotFound) {
		return messaging.Outcome{Status: messaging.TurnCancelled, Reason: reasonGone, Detail: "The message was deleted"}, nil
	} else if err != nil {
		return messaging.Outcome{}, err
	}
	return r.do(ctx)
}

// failure turns an error of a run into its outcome. What people read of it is only what is meant for them.
func (s *Service) failure(ctx context.Context, r *run, err, cause error) messaging.Outcome {
	failed := func(reason, detail string) messaging.Outcome {
		return messaging.Outcome{Status: messaging.TurnFailed, Reason: reason, Detail: detail}
	}
	log := r.log()
	if errors.Is(cause, errRunTimeout) {
		return messaging.Outcome{
			Status: messaging.TurnTimedOut, Reason: reasonTimeout, Detail: fmt.Sprintf("The agent did not finish within %v", s.cfg.RunTimeout),
		}
	}
	if e, ok := errors.AsType[*model.Error](err); ok {
		log.WarnContext(ctx, "model failed", "error", err)
		return failed("model_"+string(e.Kind), e.Message)
	}
	if e, ok := errors.AsType[*runError](err); ok {
		log.WarnContext(ctx, "run failed", "error", err)
		return failed(e.reason, e.detail)
	}
	log.ErrorContext(ctx, "run failed", "error", err)
	return failed(reasonInternal, "An internal error occurred")
}

// runError is a failure that people may know about.
type runError struct {
	reason string
	detail string
	err    error // may be nil
}

func (e *runError) Error() string {
	if e.err == nil {
		return e.detail
	}
	return e.detail + ": " + e.err.Error()
}

func (e *runError) Unwrap() error { return e.err }

// Waits between attempts at storing an outcome.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// finish stores an outcome. A database that fails is asked again until the server stops, because our lease is renewed and
// nobody else would end the turn.
func (s *Service) finish(ctx context.Context, r *run, o messaging.Outcome) {
	pause := firstPause
	for {
		o.Log, o.Recollection = r.record.ended(o), r.recollection(o)
		if r.mind != nil {
			o.CharacterVersion = r.mind.version
		}
		_, err := s.cfg.Messages.FinishTurn(context.WithoutCancel(ctx), s.cfg.Owner, r.turn, o)
		switch {
		case err == nil:
			r.log().DebugContext(ctx, "turn ended", "status", o.Status, "reason", o.Reason, "took", time.Since(r.startedAt))
			return
		case apierr.IsCode(err, apierr.Conflict) || apierr.IsCode(err, apierr.NotFound):
			return // no longer ours
		case apierr.IsCode(err, apierr.ValidationFailed) && o.Reply != nil:
			r.log().WarnContext(ctx, "reply refused", "error", err)
			o = messaging.Outcome{Status: messaging.TurnFailed, Reason: reasonRefused, Detail: "The agent's answer could not be stored"}
			continue
		}
		r.log().ErrorContext(ctx, "outcome not stored", "error", err)
		select {
		case <-s.life.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}
