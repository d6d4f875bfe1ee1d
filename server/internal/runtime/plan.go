package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// defaultActionTimeout is how long an action may take unless ACTION_TIMEOUT_MS says otherwise.
const defaultActionTimeout = time.Minute

// maxPlan is how many actions of a plan are carried out; a model that lists more has lost its way.
const maxPlan = 20

// maxResult is how many characters of what an action did the model is told.
const maxResult = 16_000

// carryOut does what the model decided (agent runtime §8.2). A text that was shown already is all there is to do.
func (r *run) carryOut(ctx context.Context, d frame.Decision, shown bool) error {
	if shown {
		return nil
	}
	if d.OnlyReply() {
		r.reply.part()
		r.reply.write(d.Text)
		return nil
	}
	for i, name := range d.Actions[:min(len(d.Actions), maxPlan)] {
		action, known := resolve(r.actions, name)
		if !known || !r.isOffered(action) {
			r.unknownAction(name, r.position)
			continue
		}
		if r.lastFailed() && action.Name != replyAction {
			continue // only a reply still follows, which gets to explain
		}
		if action.Name == ignoreAction {
			r.ignored = r.reply.String() == ""
			break
		}
		if err := r.act(ctx, action, d, i, nil); err != nil {
			return err
		}
	}
	if r.found {
		return r.answer(ctx, d.Providers) // what was asked for is to be told, by words that know it
	}
	if r.reply.String() == "" && !r.ignored && !r.lastFailed() {
		r.reply.write(d.Text) // words without a REPLY are meant to be read too, unless what they describe failed
	}
	return nil
}

// lastFailed reports whether the plan was stopped by a failure.
func (r *run) lastFailed() bool {
	if len(r.steps) == 0 {
		return false
	}
	last := r.steps[len(r.steps)-1]
	return last.Failed && !last.goOn
}

// unknownAction notes that the model named something that doesn't exist or isn't offered now. The plan continues.
func (r *run) unknownAction(name string, number int) {
	r.agent.log.Warn("unknown action in a plan", "action", name, "turnId", r.turn.ID)
	r.steps = append(r.steps, step{agent.Result{Action: name, Failed: true, Text: "There is no such action now."}, true})
	r.record.add(messaging.LogActionCompleted, map[string]any{
		"actionId": r.actionID(number), "actionName": name, "messageId": r.turn.MessageID, "success": false, "error": "There is no such action now",
	})
}

// actionID is the same when the turn is taken again, so that an action may recognise its own traces.
func (r *run) actionID(number int) uuid.UUID {
	return uuid.NewSHA1(r.turn.ID, fmt.Appendf(nil, "action %d", number))
}

// act carries out the action at a place in a plan, of which more may be known, and notes its beginning and its end. An error is the end of the run; the failure of an action
// is not.
func (r *run) act(ctx context.Context, action agent.Action, d frame.Decision, at int, about map[string]any) error {
	number := r.position
	r.position++
	id := r.actionID(number)
	note := map[string]any{"actionId": id, "actionName": action.Name, "messageId": r.turn.MessageID}
	if len(d.Actions) > 1 {
		note["planStep"] = fmt.Sprintf("%d/%d", at+1, len(d.Actions))
	}
	maps.Copy(note, about)
	r.record.add(messaging.LogActionStarted, maps.Clone(note))

	ctx, calls := newActing(ctx, action, id)
	var result agent.Result
	var err, lost error
	if action.Name == replyAction {
		err = r.replyWith(ctx, d, at)
		if err != nil {
			return err // without words there is no outcome but the model's failure
		}
		r.found = false
		note["response"] = map[string]any{"length": len(r.reply.String())}
	} else {
		if result, err, lost = r.once(ctx, action, d.Parameters[at], number); lost != nil {
			return lost
		}
		result.Text = shorten(dbtype.Text(result.Text), maxResult)
		r.found = err == nil && result.Data != nil && result.Say == ""
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	result.Action, note["success"] = action.Name, err == nil
	if err != nil {
		result.Failed = true
		result.Text = joined(" ", result.Text, actionFailure(err))
		note["error"] = actionFailure(err)
		r.agent.log.WarnContext(ctx, "action failed", "action", action.Name, "turnId", r.turn.ID, "error", err)
	}
	calls.describe(note)
	note["result"] = map[string]any{"success": err == nil, "text": shorten(result.Text, maxLine)}
	r.record.add(messaging.LogActionCompleted, note)
	maps.Copy(r.state.Values, result.Values)
	if action.Name != replyAction && action.Name != noneAction {
		r.steps = append(r.steps, step{result, action.ContinueOnError})
	}
	if say := strings.TrimSpace(dbtype.Text(result.Say)); say != "" {
		r.reply.part()
		r.reply.write(say)
	}
	return nil
}

// replyWith says the plan's own words when they were written knowing all that is known now; otherwise the model is asked
// for them.
func (r *run) replyWith(ctx context.Context, d frame.Decision, number int) error {
	news := slices.ContainsFunc(r.steps, func(s step) bool { return s.Failed || s.Say != "" || s.Data != nil || s.Values != nil })
	if d.Text != "" && len(d.Providers) == 0 && (number == 0 || !news) {
		r.reply.part()
		r.reply.write(d.Text)
		return nil
	}
	return r.answer(ctx, d.Providers)
}

// handleAction calls a handler within its time. A panic is its error.
func (r *run) handleAction(ctx context.Context, action agent.Action, parameters json.RawMessage) (result agent.Result, err error) {
	timeout := r.agent.settings.millis("ACTION_TIMEOUT_MS", defaultActionTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			result, err = agent.Result{}, fmt.Errorf("panic: %v", v)
		}
	}()
	view := r.forComponents()
	view.Parameters = parameters
	return action.Handle(ctx, view)
}

// actionFailure is what the model and people may know of an action's error.
func actionFailure(err error) string {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e.Message
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "It took too long"
	}
	return publicText(err)
}

// step is an action that the plan has dealt with.
type step struct {
	agent.Result
	goOn bool // a failure doesn't stop the plan
}
