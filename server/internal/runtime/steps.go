package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/model"
)

// Bounds of a run in steps, unless settings say otherwise, and the most that they may say.
const (
	usualSteps, mostSteps           = 6, 50
	usualStepCalls, mostStepCalls   = 40, 500
	usualStepTokens, mostStepTokens = 200_000, 10_000_000
	usualStepTries, mostStepTries   = 5, 10
)

// summaryAction stands in a reply that sums steps up, as clients of ElizaOS know it.
const summaryAction = "MULTI_STEP_SUMMARY"

// inSteps deals with the message step by step: the model chooses what to ask or to do, sees what came of it, and chooses again,
// until there is nothing more to do or a limit is reached (agent runtime §10). Then it says what came of it all.
func (r *run) inSteps(ctx context.Context) (frame.Decision, error) {
	r.offer(ctx)
	if err := r.recall(ctx); err != nil {
		return frame.Decision{}, err
	}
	r.steps = slices.Clone(r.resumed)
	last := ""
	for number := 1; ; number++ {
		if why := r.exhausted(ctx, number); why != "" {
			r.record.stepsEnded(why)
			break
		}
		next, ok, err := r.chooseStep(ctx)
		if err != nil {
			return frame.Decision{}, err
		}
		if !ok {
			r.record.stepsEnded("no step could be read from the model's answers")
			break
		}
		before := len(r.steps)
		more, err := r.takeStep(ctx, next, number)
		if err != nil {
			return frame.Decision{}, err
		}
		if r.ignored || !more || next.Finish {
			break
		}
		did := stepText(next, r.steps[before:])
		if did == last {
			r.record.stepsEnded("the same step brought the same result twice")
			break
		}
		last = did
	}
	return r.concludeSteps(ctx)
}

// limit returns a bound as the agent's settings have it.
func (r *run) limit(name string, usual, most int) int {
	if n, ok := r.agent.settings.number(name); ok && n >= 1 {
		return int(min(n, float64(most)))
	}
	return usual
}

// exhausted says which limit of the run has been reached before a step; nothing while there is room for it.
func (r *run) exhausted(ctx context.Context, number int) string {
	if number > r.limit("MAX_MULTISTEP_ITERATIONS", usualSteps, mostSteps) {
		return "there were as many steps as there may be"
	}
	calls, tokens := r.record.expenses()
	switch {
	case calls >= r.limit("MULTISTEP_MAX_CALLS", usualStepCalls, mostStepCalls):
		return "there were as many calls of models as there may be"
	case tokens >= r.limit("MULTISTEP_MAX_TOKENS", usualStepTokens, mostStepTokens):
		return "as many tokens were used as may be"
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < r.service.cfg.RunTimeout/4 {
		return "most of the time was used"
	}
	return ""
}

// chooseStep asks the model for the next step, until an answer can be read.
func (r *run) chooseStep(ctx context.Context) (frame.Step, bool, error) {
	for _, name := range []string{"ACTION_STATE", recentName} {
		r.forget(name)
	}
	if err := r.compose(ctx, []string{"ACTIONS", "PROVIDERS"}); err != nil {
		return frame.Step{}, false, err
	}
	usual := slices.DeleteFunc(r.usualProviders(), func(name string) bool { return slices.Contains([]string{"ACTIONS", "PROVIDERS", "ANXIETY"}, name) })
	if err := r.compose(ctx, usual); err != nil {
		return frame.Step{}, false, err
	}
	prompt, err := r.render(stepPrompt)
	if err != nil {
		return frame.Step{}, false, err
	}
	correction, attempts := "", 0
	for range r.limit("MULTISTEP_PARSE_RETRIES", usualStepTries, mostStepTries) {
		answer, err := r.generate(ctx, model.Request{
			Kind: model.TextLarge, Purpose: model.Decide, Prompt: prompt + correction, Pictures: r.pictures, State: r.modelState(), Tools: r.tools(stepPrompt),
		}, &attempts, nil)
		if err != nil && !worthRepeating(ctx, answer, err) {
			return frame.Step{}, false, err
		}
		r.answered = answer.Done
		if err == nil {
			if step, ok := frame.ReadStep(answer.Text); ok || len(answer.Done.ToolCalls) > 0 {
				return calledStep(step, answer.Done.ToolCalls), true, nil
			}
		}
		correction = correctionOf(mistakeIn(answer))
	}
	return frame.Step{}, false, nil
}

// calledStep is the step of an answer that may call a tool. Of several calls the first is made: the next step knows what it brought.
func calledStep(step frame.Step, calls []model.ToolCall) frame.Step {
	if len(calls) > 0 {
		step.Action, step.Parameters, step.Finish = calls[0].Name, calls[0].Arguments, false
	}
	return step
}

// takeStep asks the providers that a step names, and carries its action out. It reports whether there was anything to do.
func (r *run) takeStep(ctx context.Context, next frame.Step, number int) (more bool, err error) {
	for _, name := range next.Providers[:min(len(next.Providers), maxPlan)] {
		if err := r.askInStep(ctx, name); err != nil {
			return false, err
		}
	}
	switch frame.Fold(next.Action) {
	case "", "reply", "none":
		return len(next.Providers) > 0 && next.Action == "", nil
	case "ignore":
		r.ignored = len(r.steps) == 0
		return false, nil
	}
	action, known := resolve(r.actions, next.Action)
	if !known || !r.isOffered(action) {
		r.unknownAction(next.Action, r.position)
		return true, nil
	}
	if action.Name == replyAction {
		return false, nil
	}
	plan := frame.Decision{Thought: next.Thought, Actions: []string{action.Name}, Parameters: map[int]string{0: next.Parameters}}
	return true, r.act(ctx, action, plan, 0, map[string]any{"step": number})
}

// askInStep asks a provider anew and keeps what it says as a result of the run.
func (r *run) askInStep(ctx context.Context, name string) error {
	at := slices.IndexFunc(r.agent.components.Providers, func(p agent.Provider) bool { return !p.Private && frame.Fold(p.Name) == frame.Fold(name) })
	if at < 0 {
		r.steps = append(r.steps, step{agent.Result{Action: shorten(name, maxLine), Failed: true, Text: "There is no such provider."}, true})
		return nil
	}
	p := r.agent.components.Providers[at]
	r.forget(p.Name)
	limited, cancel := context.WithTimeout(ctx, r.agent.settings.millis("PROVIDERS_TOTAL_TIMEOUT_MS", defaultProviderTimeout))
	defer cancel()
	if err := r.ask(limited, []agent.Provider{p}); err != nil && ctx.Err() != nil {
		return err
	}
	said := r.state.Providers[p.Name]
	result := agent.Result{Action: p.Name, Text: shorten(said.Text, maxResult), Data: said.Data}
	if strings.TrimSpace(said.Text) == "" {
		result.Text = "It says nothing."
	}
	r.steps = append(r.steps, step{result, true})
	return nil
}

// stepText says what a step was and what it brought, to recognise one that is taken again in vain.
func stepText(next frame.Step, brought []step) string {
	parts := []string{next.Action, next.Parameters, strings.Join(next.Providers, ",")}
	for _, s := range brought {
		parts = append(parts, s.Action, s.Text, fmt.Sprint(s.Failed))
	}
	text, _ := json.Marshal(parts) // texts always encode
	return string(text)
}

// concludeSteps says what came of the steps. Where none was needed, it is an answer like any other.
func (r *run) concludeSteps(ctx context.Context) (frame.Decision, error) {
	if r.ignored {
		return frame.Decision{Actions: []string{ignoreAction}}, nil
	}
	if len(r.steps) == 0 {
		return frame.Decision{Actions: []string{replyAction}}, r.answer(ctx, nil)
	}
	r.forget("ACTION_STATE")
	if err := r.compose(ctx, r.usualProviders()); err != nil {
		return frame.Decision{}, err
	}
	prompt, err := r.render(summaryPrompt)
	if err != nil {
		return frame.Decision{}, err
	}
	d, shown, err := r.askModel(ctx, question{purpose: model.Summarize, prompt: prompt, tries: r.limit("MULTISTEP_SUMMARY_PARSE_RETRIES", usualStepTries, mostStepTries)})
	switch e, unusable := asUnusable(err); {
	case unusable && !shown:
		r.log().WarnContext(ctx, "steps were not summed up", "error", e)
		r.reply.write(r.listOfSteps())
	case err != nil:
		return frame.Decision{}, err
	case !shown:
		r.reply.write(d.Text)
	}
	return frame.Decision{Thought: d.Thought, Actions: []string{summaryAction}}, nil
}

// listOfSteps takes the place of a summary that the model could not write.
func (r *run) listOfSteps() string {
	var done, failed []string
	for _, s := range r.steps {
		if s.Failed {
			failed = append(failed, s.Action)
		} else {
			done = append(done, s.Action)
		}
	}
	text := "I could not sum up what I did."
	if len(done) > 0 {
		text += " Done: " + strings.Join(done, ", ") + "."
	}
	if len(failed) > 0 {
		text += " Failed: " + strings.Join(failed, ", ") + "."
	}
	return text
}
