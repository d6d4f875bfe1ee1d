package runtime

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/model"
)

// toolName are the names that all vendors allow for a tool.
var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// maxTools is how many tools a request offers; vendors refuse more.
const maxTools = 128

// tools returns the offered actions that have parameters as tools, in the vendor's own form. The prompt names them too, because
// not every model calls tools; a template of the character's own says by itself what it wants.
func (r *run) tools(prompt string) []model.Tool {
	if strings.TrimSpace(r.agent.character.Templates[prompt]) != "" {
		return nil
	}
	var out []model.Tool
	for _, a := range r.offered {
		if a.Name == rememberAction || a.Name == forgetAction {
			continue // not for these alone a request that some models refuse
		}
		if len(a.Parameters) > 0 && toolName.MatchString(a.Name) && len(out) < maxTools {
			out = append(out, model.Tool{Name: a.Name, Description: a.Description, Parameters: a.Parameters})
		}
	}
	return out
}

// called returns the plan of an answer that calls tools, and the words that come with it: what the calls bring is to be told,
// so that the plan ends with a REPLY that knows it. An action that the answer names as well is carried out once.
func called(d frame.Decision, calls []model.ToolCall) (plan frame.Decision, words string) {
	plan = frame.Decision{Thought: d.Thought, Providers: d.Providers, Parameters: map[int]string{}}
	add := func(name, parameters string) {
		if parameters != "" {
			plan.Parameters[len(plan.Actions)] = parameters
		}
		plan.Actions = append(plan.Actions, name)
	}
	for i, name := range d.Actions {
		folded := frame.Fold(name)
		again := slices.ContainsFunc(calls, func(c model.ToolCall) bool { return frame.Fold(c.Name) == folded })
		switch {
		case folded == "reply" && i == 0:
			words = d.Text
		case !again && !slices.Contains([]string{"reply", "ignore", "none"}, folded):
			add(name, d.Parameters[i])
		}
	}
	for _, c := range calls {
		add(c.Name, c.Arguments)
	}
	add(replyAction, "")
	return plan, words
}

// misfits says, for the model, which actions of a plan have parameters that don't fit; nothing if they all do.
func (r *run) misfits(d frame.Decision) string {
	var problems []string
	for i, name := range d.Actions {
		action, known := resolve(r.actions, name)
		if !known || !r.isOffered(action) {
			continue // which the plan says itself
		}
		if _, err := r.parametersOf(action, d.Parameters[i]); err != nil {
			problems = append(problems, fmt.Sprintf("%s was not carried out. %s. Its parameters have the JSON schema %s.", action.Name, actionFailure(err), schemaText(action)))
		}
	}
	if problems == nil {
		return ""
	}
	return neutral(strings.Join(problems, "\n")) + "\nAnswer again, with parameters that fit."
}
