package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

// What the agent is told of the newest turns before this one.
const (
	earlierTurns   = 3
	earlierActions = 20
	maxEarlier     = 1_000 // characters of each result
)

// errUnfinished is the failure of an action that was begun before an interruption. It is not done again.
var errUnfinished = &runError{reason: reasonActionFail, detail: "It was begun before an interruption, and it is not known whether it was done; it is not done again"}

// isBuiltin reports whether an action is one that every agent has: those can be carried out twice without harm.
func isBuiltin(name string) bool {
	return slices.ContainsFunc(builtinActions(), func(a agent.Action) bool { return a.Name == name })
}

// resume reads what an earlier attempt at the turn has done.
func (r *run) resume(ctx context.Context) error {
	if r.turn.Attempts <= 1 {
		return nil
	}
	did, err := r.service.cfg.Messages.TurnActions(ctx, r.turn)
	if err != nil {
		return err
	}
	r.earlier = did
	for _, a := range did {
		r.position = max(r.position, a.Position+1)
		r.resumed = append(r.resumed, step{told(a), true})
	}
	return nil
}

// resultOf returns what an action of an earlier attempt brought.
func resultOf(a messaging.TurnAction) (agent.Result, error) {
	if !a.Ended {
		return agent.Result{}, errUnfinished
	}
	var kept keptResult
	if err := json.Unmarshal([]byte(a.Result), &kept); err != nil {
		return agent.Result{}, errors.New("what it brought can't be read")
	}
	return agent.Result{Text: kept.Text, Say: kept.Say, Values: kept.Values}, nil
}

// told is what the model is told of such an action.
func told(a messaging.TurnAction) agent.Result {
	result, err := resultOf(a)
	result.Action, result.Failed = a.Name, a.Failed || err != nil
	if err != nil {
		result.Text = publicText(err) + "."
	}
	return result
}

// keptResult is the part of a result that is stored.
type keptResult struct {
	Text   string         `json:"text,omitempty"`
	Say    string         `json:"say,omitempty"`
	Values map[string]any `json:"values,omitempty"`
}

// done returns what an earlier attempt at the turn has brought by the same action with the same parameters, once for each time.
func (r *run) done(action string, parameters json.RawMessage) (messaging.TurnAction, bool) {
	at := slices.IndexFunc(r.earlier, func(a messaging.TurnAction) bool { return a.Name == action && a.Parameters == string(parameters) })
	if at < 0 {
		return messaging.TurnAction{}, false
	}
	found := r.earlier[at]
	r.earlier = slices.Delete(slices.Clone(r.earlier), at, at+1)
	return found, true
}

// once carries an action out, unless an earlier attempt at the turn did: that is stored before it begins and when it has ended.
// Failure is the action's; err ends the run.
func (r *run) once(ctx context.Context, action agent.Action, given string, number int) (result agent.Result, failure, err error) {
	parameters, failure := r.parametersOf(action, given)
	if failure != nil {
		return agent.Result{}, failure, nil
	}
	if isBuiltin(action.Name) {
		result, failure = r.handleAction(ctx, action, parameters)
		return result, failure, nil
	}
	if did, ok := r.done(action.Name, parameters); ok {
		result, failure = resultOf(did)
		if failure == nil && did.Failed {
			failure = &runError{reason: reasonActionFail, detail: "It failed before"}
		}
		return result, failure, nil
	}
	note := messaging.TurnAction{Position: number, Name: action.Name, Parameters: string(parameters)}
	if err := r.service.cfg.Messages.BeginAction(ctx, r.service.cfg.Owner, r.turn, r.service.cfg.Lease, note); err != nil {
		return agent.Result{}, nil, err
	}
	result, failure = r.handleAction(ctx, action, parameters)
	note.Ended, note.Failed = true, failure != nil
	kept := keptResult{Text: shorten(result.Text, maxResult), Say: result.Say, Values: result.Values}
	if failure != nil {
		kept.Text = joined(" ", kept.Text, actionFailure(failure))
	}
	text, err := json.Marshal(kept)
	if err != nil || len(text) > maxKept {
		text, _ = json.Marshal(keptResult{Text: kept.Text}) // a text always encodes
	}
	note.Result = string(text)
	if err := r.service.cfg.Messages.EndAction(context.WithoutCancel(ctx), r.turn, note); err != nil {
		r.log().ErrorContext(ctx, "result of an action not stored", "action", action.Name, "error", err)
	}
	return result, failure, nil
}

// maxKept is how many bytes of a result are stored.
const maxKept = 256 << 10

// recall reads what the agent did in its newest turns here, if it can do more than every agent.
func (r *run) recall(ctx context.Context) error {
	if len(r.actions) == len(builtinActions()) {
		return nil
	}
	did, err := r.service.cfg.Messages.RecentActions(ctx, r.turn, earlierActions)
	if err != nil {
		return err
	}
	var turns []uuid.UUID
	for _, a := range did { // the newest turn first
		if !slices.Contains(turns, a.TurnID) {
			turns = append(turns, a.TurnID)
		}
		if len(turns) > earlierTurns {
			break
		}
		result := told(a)
		result.Text = shorten(result.Text, maxEarlier)
		r.view.Earlier = append(r.view.Earlier, agent.Result{Action: result.Action, Failed: result.Failed, Text: result.Text})
	}
	slices.Reverse(r.view.Earlier)
	return nil
}
