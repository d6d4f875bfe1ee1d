package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model"
)

// maxAttempts is how often a turn is claimed. One that never ends, perhaps because it brings the server down,
// must not be tried for ever.
const maxAttempts = 5

// Codes in the reason of a turn, beside the rules of decide.go and the codes "model_<kind>".
const (
	reasonAbandoned  = "abandoned"
	reasonStopped    = "agent_stopped"
	reasonGone       = "message_deleted"
	reasonTimeout    = "run_timeout"
	reasonUnusable   = "model_output_unusable"
	reasonTemplate   = "template_failed"
	reasonInternal   = "internal"
	reasonRefused    = "reply_refused"
	reasonIgnore     = "agent_ignored"
	reasonNone       = "agent_none"
	reasonTokenLimit = "model_token_limit"
	reasonFiltered   = "model_content_filter"
	reasonActed      = "acted"
	reasonActionFail = "action_failed"
	reasonParameters = "bad_parameters"
	reasonBudget     = "budget_exhausted"
)

// reasonModel begins the reasons of failures that are the model's; the kind of its error follows.
const reasonModel = "model_"

// errRunTimeout is the cause of a run's end by its deadline.
var errRunTimeout = errors.New("the run took too long")

// take takes one turn to its end and stores the outcome, exactly one. Of a turn that the database broke off it stores none and
// returns why: it is to be claimed again, because its failure would report a transient fault.
func (s *Service) take(ctx context.Context, r *run) (brokenOff error) {
	deadline, cancel := context.WithTimeoutCause(ctx, s.cfg.RunTimeout, errRunTimeout)
	defer cancel()
	outcome, err := s.outcome(deadline, r)
	if err != nil {
		cause := context.Cause(deadline)
		if errors.Is(cause, errStopping) || errors.Is(cause, errEnded) {
			return nil
		}
		if cause == nil && passing(err) {
			return err
		}
		outcome = s.failure(ctx, r, err, cause)
	}
	s.finish(ctx, r, outcome)
	if r.agent != nil && outcome.Status != messaging.TurnCancelled {
		s.evaluating.add(r, outcome.Status == messaging.TurnReplied)
	}
	return nil
}

// passing reports whether an error is not about the turn, but about a database that could not be used at the moment.
func passing(err error) bool {
	return apierr.IsCode(err, apierr.Unavailable) || apierr.IsCode(err, apierr.Timeout)
}

// release releases a turn, as soon as the database can be used again.
func (s *Service) release(ctx context.Context, r *run, why error) {
	r.log().WarnContext(ctx, "run released after a fault, to be claimed again", "error", why)
	s.retry(func() bool {
		err := s.cfg.Messages.ReleaseTurn(context.WithoutCancel(ctx), s.cfg.Owner, r.turn)
		if err != nil {
			r.log().WarnContext(ctx, "turn not released", "error", err)
		}
		return err == nil
	})
}

// outcome runs a turn. A panic is an error like any other.
func (s *Service) outcome(ctx context.Context, r *run) (_ messaging.Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r.context, err = s.cfg.Messages.TurnContext(ctx, r.turn, s.cfg.ConversationLength)
	if err == nil && r.turn.CancelRequested { // of a worker that did not live to do it
		return cancelled(), nil
	}
	if err == nil && !r.context.Running {
		return messaging.Outcome{Status: messaging.TurnCancelled, Reason: reasonStopped, Detail: "The agent was stopped"}, nil
	}
	if err == nil {
		r.agent, err = s.versionOf(ctx, r.turn.AgentID, r.context.Version)
	}
	if apierr.IsCode(err, apierr.NotFound) { // or the agent or the channel was, and the turn with it
		return messaging.Outcome{Status: messaging.TurnCancelled, Reason: reasonGone, Detail: "The message was deleted"}, nil
	} else if err != nil {
		return messaging.Outcome{}, err
	}
	if r.turn.Attempts > maxAttempts {
		r.answering = true
		return messaging.Outcome{
			Status: messaging.TurnFailed, Reason: reasonAbandoned,
			Detail: fmt.Sprintf("The answer was begun %d times and never finished", maxAttempts),
		}, nil
	}
	return r.do(ctx)
}

// failure turns an error of a run into its outcome. What people read of it is only what is meant for them.
func (s *Service) failure(ctx context.Context, r *run, err, cause error) messaging.Outcome {
	failed := func(reason, detail string) messaging.Outcome {
		return messaging.Outcome{Status: messaging.TurnFailed, Reason: reason, Detail: detail}
	}
	log := r.log()
	if errors.Is(cause, errCancelled) {
		return cancelled()
	}
	if errors.Is(cause, errRunTimeout) {
		return messaging.Outcome{
			Status: messaging.TurnTimedOut, Reason: reasonTimeout, Detail: fmt.Sprintf("The agent did not finish within %v", s.cfg.RunTimeout),
		}
	}
	if e, ok := errors.AsType[*usage.Exhausted](err); ok {
		log.WarnContext(ctx, "budget exhausted", "setting", e.Setting, "used", e.Used)
		return failed(reasonBudget, e.Error())
	}
	if e, ok := errors.AsType[*model.Error](err); ok {
		log.WarnContext(ctx, "model failed", "error", err)
		return failed(reasonModel+string(e.Kind), e.Message)
	}
	if e, ok := errors.AsType[*runError](err); ok {
		log.WarnContext(ctx, "run failed", "error", err)
		return failed(e.reason, e.detail)
	}
	log.ErrorContext(ctx, "run failed", "error", err)
	return failed(reasonInternal, "An internal error occurred")
}

// cancelled is the outcome of a turn that is cancelled on request.
func cancelled() messaging.Outcome {
	return messaging.Outcome{Status: messaging.TurnCancelled, Reason: messaging.CancelReason, Detail: messaging.CancelDetail}
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

// retry calls attempt until it succeeds, with pauses, or until the server stops.
func (s *Service) retry(attempt func() (done bool)) {
	pause := firstPause
	for !attempt() {
		select {
		case <-s.life.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}

// complete adds to an outcome what is kept of the run. A panic over it ends the turn as failed: it would come again.
func (r *run) complete(o messaging.Outcome) (done messaging.Outcome) {
	defer func() {
		if v := recover(); v != nil {
			r.log().Error("panic at the end of a run", "panic", v, "stack", string(debug.Stack()))
			done = messaging.Outcome{Status: messaging.TurnFailed, Reason: reasonInternal, Detail: "An internal error occurred"}
		}
	}()
	o = r.kept(o)
	o.Log, o.Recollection = r.record.ended(o), r.recollection(o)
	if r.agent != nil {
		o.CharacterVersion = r.agent.version
	}
	return o
}

// finish stores an outcome. A database that fails is asked again until the server stops, because our lease is renewed and
// no other worker would end the turn.
func (s *Service) finish(ctx context.Context, r *run, o messaging.Outcome) {
	s.retry(func() bool {
		done := r.complete(o)
		_, err := s.cfg.Messages.FinishTurn(context.WithoutCancel(ctx), s.cfg.Owner, r.turn, done)
		switch {
		case err == nil:
			r.noteIntroduction(done.Reply)
			r.logOutcome(ctx, o)
			return true
		case apierr.IsCode(err, apierr.Conflict) || apierr.IsCode(err, apierr.NotFound):
			return true // no longer ours
		case apierr.IsCode(err, apierr.ValidationFailed) && done.Reply != nil:
			r.log().WarnContext(ctx, "reply refused", "error", err)
			r.reply = stream{}           // what can't be stored isn't tried again,
			r.answering = o.Reply != nil // nor is a second word on it
			o = messaging.Outcome{Status: messaging.TurnFailed, Reason: reasonRefused, Detail: "The agent's answer could not be stored"}
		default:
			r.log().ErrorContext(ctx, "outcome not stored", "error", err)
		}
		return false
	})
}
