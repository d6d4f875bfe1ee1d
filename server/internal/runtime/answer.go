package runtime

import (
	"context"
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
	if err := r.compose(ctx, r.defaultProviders()); err != nil {
		return frame.Decision{}, false, err
	}
	prompt, err := r.render(handlePrompt)
	if err != nil {
		return frame.Decision{}, false, err
	}
	return r.converse(ctx, model.Handle, prompt, true)
}

// answer asks the model for the words of a REPLY action, and shows them.
func (r *run) answer(ctx context.Context, providers []string) error {
	r.forget("ACTION_STATE")
	if err := r.compose(ctx, append(r.defaultProviders(), providers...)); err != nil {
		return err
	}
	prompt, err := r.render(replyPrompt)
	if err != nil {
		return err
	}
	d, shown, err := r.converse(ctx, model.Reply, prompt, false)
	if err == nil && !shown {
		r.reply.write(d.Text)
	}
	return err
}

// converse asks until an answer can be used, and shows the text of it while it is written, if that is all the model wants to
// do. Gated prompts ask for actions; the text of the others is always shown.
func (r *run) converse(ctx context.Context, purpose model.Purpose, prompt string, gated bool) (frame.Decision, bool, error) {
	correction := ""
	for try := 1; try <= maxTries; try++ {
		r.reply.part()
		x := frame.NewExtractor(gated)
		answer, err := r.generate(ctx, model.Request{
			Kind: model.TextLarge, Purpose: purpose, Prompt: prompt + correction, State: r.modelState(),
		}, try, func(piece string) { r.reply.write(x.Write(piece)) })
		r.answered = answer.Done.Model
		d, ok := frame.Decide(answer.Text)
		shown := x.Shown() != ""
		cut := d.Cut || shown && !ok || answer.Done.FinishReason == model.FinishLength
		switch {
		case err != nil && (!shown || ctx.Err() != nil):
			return frame.Decision{}, false, err
		case shown:
			rest, final := x.Finish(d.Text)
			r.reply.write(rest)
			d.Text, d.Actions, d.Providers = final, []string{replyAction}, nil
			if cut && !r.goOn(ctx, purpose, prompt) && err != nil {
				return frame.Decision{}, false, err
			}
			return d, true, nil
		case ok && cut && d.OnlyReply():
			r.reply.write(d.Text)
			r.goOn(ctx, purpose, prompt)
			return d, true, nil
		case ok && !d.Cut:
			return d, false, nil
		}
		correction = "\n\n# Your last answer\n" + complaint(answer)
	}
	return frame.Decision{}, false, &runError{reason: reasonUnusable, detail: "The model's answer could not be used; a larger model may help"}
}

// complaint says what was wrong with an answer, for the model.
func complaint(answer model.Answer) string {
	switch {
	case strings.TrimSpace(answer.Text) == "":
		return "It was empty. Answer in the form described above."
	case answer.Done.FinishReason == model.FinishLength:
		return "It was too long and got cut off. Write less, in the form described above."
	default:
		return "It did not have the form described above, and could not be read. Answer with one <response> element and nothing else."
	}
}

// goOn asks the model once for the rest of a reply that was cut off, and reports whether there was one. Otherwise the reply
// stays as it is, marked.
func (r *run) goOn(ctx context.Context, purpose model.Purpose, prompt string) bool {
	soFar := r.reply.String()
	continued := prompt + "\n\n# What you have written so far\n" + soFar +
		"\n\n# What to do now\nThe text above was cut off, and people have read it. Go on exactly where it stops, without repeating anything: " +
		"begin <text> with the very next character, a space if the next word is a new one. Answer in the form described above."
	x := frame.NewExtractor(false)
	lead := &spaceKeeper{}
	answer, err := r.generate(ctx, model.Request{
		Kind: model.TextLarge, Purpose: purpose, Prompt: continued, State: r.modelState(),
	}, 1, func(piece string) {
		lead.read(piece)
		if text := x.Write(piece); text != "" {
			r.reply.write(lead.space() + text)
		}
	})
	d, ok := frame.Decide(answer.Text)
	if rest, _ := x.Finish(d.Text); ok && !d.Unframed && rest != "" {
		r.reply.write(lead.space() + rest)
	}
	r.truncated = err != nil || !ok || d.Cut || answer.Done.FinishReason == model.FinishLength
	return err == nil && ok
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
