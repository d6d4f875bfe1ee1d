package agent

import "context"

// Evaluator looks back at a run after it has ended, in the background: to remember, to learn, to report.
type Evaluator struct {
	Name        string // upper snake case; unique among the agent's evaluators
	Description string
	AlwaysRun   bool // even when the agent did not answer

	// Validate reports whether there is anything to do. Nil means always.
	Validate func(ctx context.Context, run *Run) bool
	// Handle does it. It must return when ctx ends. Run.Results and Run.State are those at the end of the run.
	Handle func(ctx context.Context, run *Run) error
}
