package runtime

import (
	"context"
	"encoding/json"

	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// reasonUnavailable is the reason of a turn that asked for an action which the agent doesn't have, or can't do now.
const reasonUnavailable = "action_unavailable"

// requested returns the plan of a message that asks for one action by name, in place of words: no model is asked what it
// means. The metadata of such a message holds requestedAction {name, parameters}.
func (r *run) requested(ctx context.Context) (d frame.Decision, ok bool, err error) {
	var metadata struct {
		RequestedAction struct {
			Name       string          `json:"name"`
			Parameters json.RawMessage `json:"parameters"`
		} `json:"requestedAction"`
	}
	if json.Unmarshal(r.context.Trigger.Metadata, &metadata) != nil || metadata.RequestedAction.Name == "" {
		return frame.Decision{}, false, nil
	}
	want := metadata.RequestedAction
	r.offer(ctx)
	action, known := resolve(r.actions, want.Name)
	if !known || !r.isOffered(action) {
		return frame.Decision{}, true, &runError{reason: reasonUnavailable, detail: "The agent can't do " + shorten(want.Name, maxLine) + " now"}
	}
	if _, err := r.parametersOf(action, string(want.Parameters)); err != nil {
		return frame.Decision{}, true, err
	}
	return frame.Decision{Actions: []string{action.Name}, Parameters: map[int]string{0: string(want.Parameters)}}, true, nil
}
