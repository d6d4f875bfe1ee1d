package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/internal/runtime/template"
	"github.com/elizad/elizad/server/internal/similar"
	"github.com/elizad/elizad/server/model"
)

const (
	reflectionName = "REFLECTION"
	// reflectionShare is the part of a conversation's length after which an agent looks back: 8 messages of 32.
	reflectionShare = 4
	// sameFact is the least similarity of claims about an entity that say the same.
	sameFact = 0.92
	// maxKnown is how many facts the model is told that are known already.
	maxKnown = 30
)

// reflects reports whether the agent looks back at conversations: it has a language model, and nobody turned it off. The built-in
// responder has nothing to find that it didn't notice at once.
func (r *run) reflects() bool {
	if r.agent == nil || r.agent.model.Provider == nil || r.agent.model.Provider.Name() == builtinProvider || r.context.Program {
		return false
	}
	value, set := r.agent.settings.Setting(reflectionName)
	return !set || !slices.Contains([]string{"off", "false", "0", "no"}, strings.ToLower(strings.TrimSpace(value)))
}

// builtinProvider is the name of the model of agents without one.
const builtinProvider = "builtin"

// reflect looks back at what was said in the channel since it was last done, if that is enough, and keeps what it finds (agent runtime
// §12.1). Ran reports whether there was enough. How far the agent has looked is stored, so that nothing is lost when the server
// stops: what is due is done after the next turn.
func (r *run) reflect(ctx context.Context) (ran bool, err error) {
	messages := r.service.cfg.Messages
	seen, err := messages.ReflectedUpTo(ctx, r.turn)
	if err != nil {
		return false, err
	}
	every := int64((r.service.cfg.ConversationLength + reflectionShare - 1) / reflectionShare)
	if r.turn.Seq-seen <= every {
		return false, nil
	}
	facts, err := r.lookBack(ctx, seen)
	if ctx.Err() != nil {
		return true, context.Cause(ctx) // the server stops, and did not try
	}
	return true, errors.Join(err, messages.Reflected(ctx, r.turn, messaging.Reflection{
		RoomID:  agent.UUIDFor(r.turn.AgentID, r.context.Channel.ID.String()),
		WorldID: agent.UUIDFor(r.turn.AgentID, r.context.Channel.MessageServerID.String()),
		Facts:   facts, Failed: err != nil,
	}))
}

// lookBack asks the model which facts the messages after a number tell.
func (r *run) lookBack(ctx context.Context, seen int64) ([]messaging.Fact, error) {
	fresh := map[uuid.UUID]bool{}
	for _, m := range r.context.Recent {
		fresh[m.ID] = m.Seq > seen
	}
	view := r.forComponents()
	view.Recent = slices.DeleteFunc(slices.Clone(view.Recent), func(m agent.Message) bool { return !fresh[m.ID] })
	if len(view.Recent) == 0 {
		return nil, nil
	}
	var known []string
	for _, f := range view.Facts {
		// What somebody told in private is not shown where it might be taken for said here.
		if len(known) == maxKnown || f.Own && r.context.Channel.Type != messaging.TypeDM {
			continue
		}
		known = append(known, "- "+cmp.Or(neutral(f.Name), "Somebody")+": "+neutral(f.Claim))
	}
	prompt, err := reflectionTemplate(map[string]any{
		"agentName": r.agent.character.Name, "known": strings.Join(known, "\n"), "conversation": (&transcript{run: view}).conversation(),
	})
	if err != nil {
		return nil, err
	}
	answer, err := r.collect(ctx, model.Request{Kind: model.TextSmall, Purpose: model.Raw, Prompt: r.standIns(prompt)})
	if err != nil {
		return nil, err
	}
	read, ok := frame.Parse(answer.Text, "facts")
	if _, found := read.Fields["facts"]; !ok || !found {
		return nil, errors.New("the model's answer has no facts, and doesn't say that there are none")
	}
	return r.factsIn(read.Fields["facts"], view), nil
}

// reflectionTemplate renders the prompt.
func reflectionTemplate(values map[string]any) (string, error) {
	source, err := defaultPrompt("reflection")
	if err != nil {
		return "", err
	}
	t, err := template.Parse(source)
	if err != nil {
		return "", fmt.Errorf("reading the prompt of reflections: %w", err)
	}
	return t.Execute(values)
}

// factsIn reads the lines "person | kind | claim" of an answer. What is about nobody in the conversation is about the agent, as what
// it knows of the room.
func (r *run) factsIn(lines string, view *agent.Run) []messaging.Fact {
	var out []messaging.Fact
	for line := range strings.Lines(lines) {
		parts := strings.SplitN(strings.TrimLeft(strings.TrimSpace(line), "-* "), "|", 3)
		if len(parts) < 3 || len(out) == maxLearned {
			continue
		}
		claim := firstRunes(strings.Join(strings.Fields(dbtype.Text(parts[2])), " "), maxClaim)
		if messaging.NormalClaim(claim) == "" {
			continue
		}
		f := messaging.Fact{EntityID: r.turn.AgentID, EntityName: r.agent.character.Name, Claim: claim, Kind: messaging.KindFact, Confidence: reflected}
		if kind := messaging.FactKind(strings.ToLower(strings.TrimSpace(parts[1]))); kind == messaging.KindOpinion || kind == messaging.KindStatus {
			f.Kind = kind
		}
		person := strings.TrimSpace(parts[0])
		for _, m := range view.Recent {
			if !m.FromAgent && person != "" && (strings.EqualFold(m.Author, person) || strings.EqualFold(m.AuthorID.String(), person)) {
				f.EntityID, f.EntityName = m.AuthorID, m.Author
			}
		}
		f.Sources = messagesAbout(f.EntityID, view.Recent)
		if known, ok := alreadyKnown(f, view.Facts); ok {
			f.Claim, f.Topic = known.Claim, known.Topic
		}
		out = append(out, f)
	}
	return out
}

// reflected is the confidence in what a model found, where what it was told to keep has 1.
const reflected = 0.8

// messagesAbout returns the messages that told something about an entity: its own, or else those of everybody but agents.
func messagesAbout(entity uuid.UUID, messages []agent.Message) []uuid.UUID {
	var own, all []uuid.UUID
	for _, m := range messages {
		if m.FromAgent {
			continue
		}
		all = append(all, m.ID)
		if m.AuthorID == entity {
			own = append(own, m.ID)
		}
	}
	if own != nil {
		return own
	}
	return all
}

// alreadyKnown returns the fact that says the same of the same entity.
func alreadyKnown(f messaging.Fact, known []agent.Fact) (agent.Fact, bool) {
	vector := similar.Embed(f.Claim)
	for _, k := range known {
		if k.About == f.EntityID && similar.Cosine(vector, similar.Embed(k.Claim)) >= sameFact {
			return k, true
		}
	}
	return agent.Fact{}, false
}
