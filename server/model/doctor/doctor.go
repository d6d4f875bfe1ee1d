package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/server/model"
)

// Options adjust a [Provider]. The zero value is the default.
type Options struct {
	HideNotice bool          // leave the line out that the first reply in a room ends with
	WordDelay  time.Duration // wait between words, to look like a model; default none
}

// Provider is the built-in responder as a model provider.
type Provider struct {
	script  *script
	options Options
}

var _ model.Provider = (*Provider)(nil)

// New returns a responder. It fails only if the embedded script is broken.
func New(options Options) (*Provider, error) {
	script, err := load()
	if err != nil {
		return nil, err
	}
	return &Provider{script: script, options: options}, nil
}

// Name returns "builtin".
func (p *Provider) Name() string { return "builtin" }

// Model returns "doctor-1" for every kind.
func (p *Provider) Model(model.Kind) string { return "doctor-1" }

// Generate answers req sentence by sentence, or with a delay word by word; see [model.Provider]. It reads State and, in its absence, the last user turn. The
// purposes that agents use get the frame their prompts ask for; Choose, Title and Raw get plain text, and so does a raw
// prompt unless it asks for a <response> frame. Params are of no consequence.
func (p *Provider) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		if err := req.Validate(); err != nil {
			yield(model.Chunk{}, err)
			return
		}
		out := p.respond(req)
		for piece := range p.pieces(out) {
			if !p.wait(ctx) {
				yield(model.Chunk{}, context.Cause(ctx))
				return
			}
			if !yield(model.Chunk{Text: piece}, nil) {
				return
			}
		}
		yield(model.Chunk{Done: &model.Done{
			FinishReason: model.FinishStop,
			Model:        p.Model(req.Kind),
			Usage: model.Usage{
				InputTokens:  model.EstimateTokens(req.System) + model.EstimateTokens(req.Prompt),
				OutputTokens: model.EstimateTokens(out),
				Estimated:    true,
			},
		}}, nil)
	}
}

// pieces yields an answer in the pieces in which it is shown. Without a delay the words come at once, and each piece is work
// for every listener.
func (p *Provider) pieces(out string) iter.Seq[string] {
	return func(yield func(string) bool) {
		from, at := 0, 0
		for word := range strings.SplitAfterSeq(out, " ") {
			at += len(word)
			whole := p.options.WordDelay > 0 || at == len(out) || strings.HasSuffix(word, ". ") || strings.HasSuffix(word, "? ") || strings.HasSuffix(word, "! ")
			if whole && from < at {
				if !yield(out[from:at]) {
					return
				}
				from = at
			}
		}
	}
}

// wait lets the configured time pass and reports whether ctx outlived it.
func (p *Provider) wait(ctx context.Context) bool {
	if p.options.WordDelay <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(p.options.WordDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// respond returns the whole answer.
func (p *Provider) respond(req model.Request) string {
	state := req.State
	if state == nil {
		state = stateOf(req)
	}
	t := newTalk(p.script, state)
	switch req.Purpose {
	case model.ShouldRespond:
		return t.shouldRespond()
	case model.Decide:
		return t.decide()
	case model.Summarize:
		return frame(field{"thought", "Telling what was done."}, field{"text", t.summary()})
	case model.Choose:
		return t.choice()
	case model.Post:
		return frame(field{"thought", "Writing about what I care about."}, field{"post", t.post()})
	case model.Title:
		return t.title()
	}

	if req.Purpose == model.Reply && t.brought() {
		return frame(field{"thought", "Telling what was done."}, field{"text", t.summary()})
	}
	r := t.answer()
	if req.State == nil && !strings.Contains(req.Prompt, "<response>") {
		return r.text
	}
	if !p.options.HideNotice && !state.Program && !state.Introduced && !r.grave && !r.acts && noticeDue(state) {
		r.text += "\n\n" + Notice
	}
	thought := field{"thought", fmt.Sprintf("Rule “%s” of the built-in responder applies.", r.rule)}
	if req.Purpose == model.Reply {
		return frame(thought, field{"text", r.text})
	}
	params := t.keeping(r)
	actions := slices.Sorted(maps.Keys(params)) // before the reply, which says that it is done
	if !r.acts {
		actions = append(actions, "REPLY")
	}
	if len(r.params) > 0 {
		params[r.actions[0]] = r.params
	}
	fields := []field{thought, {"actions", strings.Join(append(actions, r.actions...), ",")}}
	if len(params) > 0 {
		text, _ := json.Marshal(params) // texts always encode
		fields = append(fields, field{"params", string(text)})
	}
	return frame(append(fields, field{"providers", ""}, field{"text", r.text})...)
}

// stateOf makes a situation of a request that brings none: the user's last message is the one to answer, those before it are
// the history.
func stateOf(req model.Request) *model.State {
	state := &model.State{Sender: "user"}
	messages := req.Messages
	if req.Prompt != "" {
		messages = append(messages[:len(messages):len(messages)], model.Message{Role: model.RoleUser, Text: lastTurn(req.Prompt)})
	}
	for i, m := range messages {
		self := m.Role == model.RoleAssistant
		if i == len(messages)-1 && !self {
			state.Text = m.Text
			break
		}
		author := "user"
		if self {
			author = ""
		}
		state.History = append(state.History, model.Line{Author: author, FromAgent: self, FromSelf: self, Text: m.Text})
	}
	return state
}

// lastTurn returns what the user said last in a prompt that may be a transcript.
func lastTurn(prompt string) string {
	lower, at := strings.ToLower(prompt), -1
	for _, speaker := range []string{"\nuser:", "\nhuman:"} {
		if i := strings.LastIndex("\n"+lower, speaker); i >= 0 {
			at = max(at, i+len(speaker)-1)
		}
	}
	if at < 0 || at > len(prompt) || len(lower) != len(prompt) {
		return prompt
	}
	said, _, _ := strings.Cut(prompt[at:], "\nassistant:")
	said, _, _ = strings.Cut(said, "\nAssistant:")
	return strings.TrimSpace(said)
}

// noticeDue reports whether no reply here of the last 24 hours carried the notice. A history that is cut and younger than that has
// lost the reply which did.
func noticeDue(state *model.State) bool {
	day := state.StartedAt.Add(-24 * time.Hour)
	recent := 0
	for _, line := range state.History {
		if line.At.Before(day) {
			continue
		}
		recent++
		if line.FromSelf && strings.Contains(line.Text, Notice) {
			return false
		}
	}
	isCut := state.HistoryCut || len(state.History) >= model.HistoryLimit
	return !isCut || recent < len(state.History)
}

// field is one element of a frame.
type field struct{ name, value string }

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// frame writes fields in the frame that prompts ask models for (agent runtime §6).
func frame(fields ...field) string {
	var b strings.Builder
	b.WriteString("<response>\n")
	for _, f := range fields {
		b.WriteString("<" + f.name + ">" + escape.Replace(f.value) + "</" + f.name + ">\n")
	}
	b.WriteString("</response>")
	return b.String()
}
