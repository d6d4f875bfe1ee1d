package runtime

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/model"
)

// maxTries is how often the model is asked for an answer that can be used.
const maxTries = 3

// handle asks the model what to do about the message (agent runtime §9.4). Shown reports that the text has been shown to
// people already, and is therefore all that is going to happen.
func (r *run) handle(ctx context.Context) (d frame.Decision, shown bool, err error) {
	r.offer(ctx)
	if err := r.recall(ctx); err != nil {
		return frame.Decision{}, false, err
	}
	if err := r.compose(ctx, r.usualProviders()); err != nil {
		return frame.Decision{}, false, err
	}
	prompt, err := r.render(handlePrompt)
	if err != nil {
		return frame.Decision{}, false, err
	}
	return r.askModel(ctx, question{purpose: model.Handle, prompt: prompt, plans: true, tools: r.tools(handlePrompt)})
}

// answer asks the model for the words of a REPLY action, and shows them.
func (r *run) answer(ctx context.Context, providers []string) error {
	r.forget("ACTION_STATE")
	if err := r.compose(ctx, append(r.usualProviders(), providers...)); err != nil {
		return err
	}
	prompt, err := r.render(replyPrompt)
	if err != nil {
		return err
	}
	d, shown, err := r.askModel(ctx, question{purpose: model.Reply, prompt: prompt})
	if err == nil && !shown {
		r.reply.write(d.Text)
	}
	return err
}

// question is what the model is asked for words, or for a plan.
type question struct {
	purpose model.Purpose
	prompt  string
	plans   bool         // it asks for actions: words are shown only if nothing else is to be done
	tools   []model.Tool // that the model may call in place of naming actions
	tries   int          // how often it is asked at most; 0: as usual
}

// askModel asks until an answer can be used, and shows the text of it while it is written, if that is all the model wants to
// do. An answer that broke off before people saw any of it is asked for again, and so is a plan with parameters that don't fit;
// one that ended for a reason that another call won't change is not.
func (r *run) askModel(ctx context.Context, q question) (frame.Decision, bool, error) {
	correction, attempts := "", 0
	tries := cmp.Or(q.tries, maxTries)
	for try := 1; try <= tries; try++ {
		r.reply.part()
		x := frame.NewExtractor(q.plans, *r.agent.card.manner.Load())
		answer, err := r.generate(ctx, model.Request{
			Kind: model.TextLarge, Purpose: q.purpose, Prompt: q.prompt + correction, Pictures: r.pictures, State: r.modelState(), Tools: q.tools,
		}, &attempts, func(piece string) { r.reply.write(x.Write(piece)) })
		r.answered = answer.Done
		read, readable := frame.Read(answer.Text)
		d, ok := read.Decide()
		shown, finish := x.Shown() != "", answer.Done.FinishReason
		if err == nil && finish == model.FinishStop && readable && !answer.Done.Fallback {
			r.agent.card.learn(read)
		}
		cut := d.Cut || shown && !ok || finish == model.FinishLength
		if err == nil && q.plans && len(answer.Done.ToolCalls) > 0 {
			plan, words := called(d, answer.Done.ToolCalls)
			if problem := r.misfits(plan); problem != "" && !shown && try < tries {
				correction = correctionOf(problem)
				continue
			}
			rest, _ := x.Finish(words)
			r.reply.write(rest)
			return plan, false, nil
		}
		switch {
		case err != nil && !shown && try < tries && worthRepeating(ctx, answer, err):
			continue
		case err != nil && (!shown || ctx.Err() != nil):
			return frame.Decision{}, false, err
		case shown:
			rest, final := x.Finish(d.Text)
			r.reply.write(rest)
			d.Text, d.Actions, d.Parameters, d.Providers = final, []string{replyAction}, nil, nil
			if cut || finish == model.FinishFilter {
				if continued := r.continueReply(ctx, q, finish, d.Unframed); !continued && ctx.Err() != nil {
					return frame.Decision{}, false, context.Cause(ctx)
				} else if !continued && err != nil {
					return frame.Decision{}, false, err
				}
			}
			return d, true, nil
		case ok && (cut || finish == model.FinishFilter) && d.OnlyReply():
			r.reply.write(d.Text)
			if !r.continueReply(ctx, q, finish, d.Unframed) && ctx.Err() != nil {
				return frame.Decision{}, false, context.Cause(ctx)
			}
			return d, true, nil
		case ok && !d.Cut:
			if problem := r.misfits(d); problem != "" && try < tries {
				correction = correctionOf(problem)
				continue
			}
			return d, false, nil
		case finish == model.FinishFilter, finish == model.FinishLength:
			return frame.Decision{}, false, r.endedEarly(model.TextLarge, finish)
		}
		correction = correctionOf(mistakeIn(answer))
	}
	return frame.Decision{}, false, &runError{reason: reasonUnusable, detail: "The model's answer could not be used; a larger model may help"}
}

// worthRepeating reports whether an answer that broke off in its middle, before any of it was shown, is asked for again.
// What broke before its first word was repeated already, by the model's provider.
func worthRepeating(ctx context.Context, answer model.Answer, err error) bool {
	e, ok := errors.AsType[*model.Error](err)
	return ok && e.Retryable() && answer.Text != "" && ctx.Err() == nil
}

// asUnusable reports whether a run failed because no answer could be used.
func asUnusable(err error) (*runError, bool) {
	e, ok := errors.AsType[*runError](err)
	return e, ok && e.reason == reasonUnusable
}

// endedEarly is the failure of an answer that ended, for a reason of the provider's, before its first word.
func (r *run) endedEarly(kind model.Kind, finish model.FinishReason) error {
	if finish == model.FinishFilter {
		return &runError{reason: reasonFiltered, detail: "The provider's content filter withheld the answer"}
	}
	return &runError{reason: reasonTokenLimit, detail: "The model used up its token limit before the first word of its answer; " + r.agent.settings.moreTokens(kind)}
}

// correctionOf is what is added to a prompt after an answer that could not be used.
func correctionOf(mistake string) string { return "\n\n# Your last answer\n" + mistake }

// mistakeIn says what was wrong with the form of an answer, for the model.
func mistakeIn(answer model.Answer) string {
	if strings.TrimSpace(answer.Text) == "" {
		return "It was empty. Answer in the form described above."
	}
	return "It did not have the form described above, and could not be read. Answer with one <response> element and nothing else."
}

// continueReply asks the model once for the rest of a reply that was cut off, and reports whether there was one. Otherwise the reply
// stays as it is, marked. Nothing more is asked for when a filter cut it off. Plain is a model that speaks without a frame.
func (r *run) continueReply(ctx context.Context, q question, finish model.FinishReason, plain bool) bool {
	if finish == model.FinishFilter {
		r.truncated = cutByFilter
		return false
	}
	soFar := r.reply.String()
	continued := q.prompt + "\n\n# What you have written so far\n" + soFar +
		"\n\n# What to do now\nThe text above was cut off, and people have read it. Go on exactly where it stops, without repeating anything: " +
		"begin <text> with the very next character, a space if the next word is a new one. Answer in the form described above."
	manner := *r.agent.card.manner.Load()
	manner.Plain = false // of plain words the space in front counts, which showing drops
	x := frame.NewExtractor(false, manner)
	lead, anew := &spaceKeeper{}, &restart{said: soFar}
	answer, err := r.generate(ctx, model.Request{
		Kind: model.TextLarge, Purpose: q.purpose, Prompt: continued, Pictures: r.pictures, State: r.modelState(),
	}, nil, func(piece string) {
		lead.read(piece)
		if text := anew.next(x.Write(piece)); text != "" {
			r.reply.write(lead.space() + text)
		}
	})
	d, ok := frame.Decide(answer.Text)
	ok = ok && (!d.Unframed || plain)
	if rest, _ := x.Finish(d.Text); ok && rest != "" {
		if d.Unframed && strings.HasPrefix(answer.Text, " ") {
			rest = " " + rest
		}
		if rest = anew.next(rest); rest != "" {
			r.reply.write(lead.space() + rest)
		}
	}
	r.reply.write(anew.rest())
	switch {
	case answer.Done.FinishReason == model.FinishFilter:
		r.truncated = cutByFilter
	case answer.Done.FinishReason == model.FinishLength:
		r.truncated = cutByLimit
	case err != nil || !ok || d.Cut:
		r.truncated = cutShort
	}
	return err == nil && ok
}

// restart passes a continuation on, without its beginning where that says once more what people have read: models like to
// begin again.
type restart struct {
	said   string
	same   int  // how much of said the continuation has repeated
	passed bool // it continues with something else
}

// minRestart is how long a repetition must be that is cut off: a shorter one may be chance.
const minRestart = 8

// next takes the next piece and returns what is to be shown.
func (a *restart) next(text string) string {
	if a.passed || text == "" {
		return text
	}
	n := min(len(text), len(a.said)-a.same)
	if text[:n] != a.said[a.same:a.same+n] {
		a.passed = true
		return a.said[:a.same] + text
	}
	if a.same += n; a.same < len(a.said) {
		return ""
	}
	a.passed = true
	return text[n:]
}

// rest returns what was held back at the end of the continuation, if it was no repetition.
func (a *restart) rest() string {
	if a.passed || a.same >= minRestart {
		return ""
	}
	a.passed = true
	return a.said[:a.same]
}

// spaceKeeper remembers the space at the beginning of a continuation's text, which reading the text drops.
type spaceKeeper struct {
	seen string // up to a little after <text>
	used bool
}

func (k *spaceKeeper) read(piece string) {
	if !strings.Contains(k.seen, "<text> ") {
		k.seen += piece
	}
}

// space returns the space the first time it is asked.
func (k *spaceKeeper) space() string {
	if k.used || !strings.Contains(k.seen, "<text> ") {
		k.used = true
		return ""
	}
	k.used = true
	return " "
}
