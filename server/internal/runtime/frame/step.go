package frame

import (
	"cmp"
	"strings"
)

// Step is what a model wants an agent to do next (agent runtime §10).
type Step struct {
	Thought    string
	Action     string // as written; empty for none
	Parameters string // as the model wrote them; check before use
	Providers  []string
	Finish     bool // nothing more is to be done after it
}

// ReadStep returns the step in an answer. It reports false when there is none.
func ReadStep(answer string) (Step, bool) {
	f, ok := Parse(answer, "thought", "action", "actions", "parameters", "params", "providers", "isfinish")
	if !ok || f.Cut != "" {
		return Step{}, false
	}
	s := Step{Thought: f.Fields["thought"], Providers: List(f.Fields["providers"]), Finish: strings.EqualFold(f.Fields["isfinish"], "true")}
	f.Fields["actions"] = cmp.Or(f.Fields["action"], f.Fields["actions"])
	for _, c := range f.calls() {
		if !c.bare() {
			s.Action, s.Parameters = c.name, c.parameters
			break
		}
		s.Action = c.name
	}
	_, finish := f.Fields["isfinish"]
	return s, finish || s.Action != "" || len(s.Providers) > 0
}
