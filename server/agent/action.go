package agent

import (
	"context"
	"encoding/json"
)

// Action is something an agent may decide to do.
type Action struct {
	Name        string      // upper snake case; unique among the agent's actions
	Similes     []string    // other names the model may use
	Description string      // tells the model when to choose it
	Examples    [][]Example // conversations in which it is chosen
	// Parameters is the JSON schema, of type object, of what the action gets; nil for an action that gets nothing. The model is
	// shown it, and what the model writes is checked against it before Handle is called.
	Parameters json.RawMessage

	// ContinueOnError lets the rest of a plan go on after a failure. Without it only a REPLY still follows.
	ContinueOnError bool

	// Validate reports whether the action makes sense now; only then is it offered. Nil means always.
	Validate func(ctx context.Context, run *Run) bool
	// Handle does it. It must return when ctx ends. An error counts as a failure with the error's public text.
	Handle func(ctx context.Context, run *Run) (Result, error)
}

// Result is the outcome of an action.
type Result struct {
	Action string         // set by the runtime
	Failed bool           // set by the runtime when Handle returned an error
	Text   string         // what happened, for the model and the run's log
	Say    string         // what the agent tells the room about it; becomes part of the reply
	Values map[string]any // merged into the state's values for what follows in the run
	Data   map[string]any // for other actions
}
