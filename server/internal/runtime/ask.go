package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

// ask asks an agent's model on somebody's account, unless a budget is used up, and counts what it took. After a failure the answer
// holds what was written until then. Its provider and model are known in any case.
func (s *Service) ask(ctx context.Context, m *agentVersion, account usage.For, req model.Request, sink func(piece string)) (model.Answer, error) {
	provider := m.model.Provider
	if len(m.model.Sources) > 0 {
		if err := s.cfg.Usage.Check(ctx, account, m.budgets); err != nil {
			return model.Answer{Done: model.Done{Provider: provider.Name(), Model: provider.Model(req.Kind)}}, err
		}
	}
	m.settings.use(m.model.Sources[provider.Name()].Key)
	answer, err := read(ctx, provider, req, sink)
	done := &answer.Done
	if e, ok := errors.AsType[*model.Error](err); ok && done.Provider == "" {
		done.Provider = e.Provider
	}
	done.Provider, done.Model = cmp.Or(done.Provider, provider.Name()), cmp.Or(done.Model, provider.Model(req.Kind))
	source, paid := m.model.Sources[done.Provider]
	if !paid {
		return answer, err
	}
	if done.Provider != provider.Name() {
		m.settings.use(source.Key)
	}
	if done.Usage == (model.Usage{}) && answer.Text != "" { // it broke off, and is paid for all the same
		done.Usage = estimated(req, answer.Text)
	}
	if done.Usage != (model.Usage{}) {
		cost, known := m.model.cost(req.Kind, *done)
		s.cfg.Usage.Add(ctx, usage.Call{For: account, Provider: done.Provider, Model: done.Model, Usage: done.Usage, Cost: cost, Priced: known})
	}
	return answer, err
}

// estimated guesses what a request and a part of its answer took.
func estimated(req model.Request, text string) model.Usage {
	u := model.Usage{
		InputTokens: model.EstimateTokens(req.System) + model.EstimateTokens(req.Prompt), OutputTokens: model.EstimateTokens(text), Estimated: true,
	}
	for _, message := range req.Messages {
		u.InputTokens += model.EstimateTokens(message.Text)
	}
	return u
}

// cost returns what an answer cost, and whether that is known: by the name that its model gave itself, or else by the one that was
// asked for.
func (c ModelChoice) cost(kind model.Kind, d model.Done) (price.Amount, bool) {
	source, paid := c.Sources[d.Provider]
	if !paid {
		return 0, true
	}
	cost, known := source.Cost(d.Model, d.Usage)
	if !known && d.Provider == c.Provider.Name() {
		cost, known = source.Cost(c.Provider.Model(kind), d.Usage)
	}
	return cost, known
}

// account says on whose account the calls of a run are.
func (r *run) account() usage.For {
	return usage.For{Agent: r.turn.AgentID, Person: r.context.Trigger.AuthorID, Room: r.turn.ChannelID}
}

// unpriced says to the owner which budgets in money don't count the agent's model, because nobody knows what it costs.
func (m *agentVersion) unpriced() string {
	for _, b := range m.budgets {
		if !b.Money {
			continue
		}
		for _, kind := range []model.Kind{model.TextSmall, model.TextLarge} {
			d := model.Done{Provider: m.model.Provider.Name(), Model: m.model.Provider.Model(kind)}
			if _, known := m.model.cost(kind, d); !known && d.Model != "" {
				return fmt.Sprintf("%s doesn't count what %s costs, whose price is not known: MODEL_PRICES names a file of prices.", b.Setting, d.Model)
			}
		}
	}
	return ""
}

// AgentUsage is what an agent's models took, and what limits them.
type AgentUsage struct {
	Days    []usage.Day // the newest first
	More    bool        // older ones were left out
	Budgets []usage.State
}

// usageShown is how far back usage is shown unless the caller says otherwise.
const usageShown = 30 * 24 * time.Hour

// Usage returns what an agent's models took from one day to another; by default in the last 30 days. Of budgets of persons and
// rooms nothing is known to be used.
func (a *Agents) Usage(ctx context.Context, who auth.Identity, id uuid.UUID, from, to *time.Time) (AgentUsage, error) {
	row, err := a.row(ctx, who, id)
	if err != nil {
		return AgentUsage{}, err
	}
	m, err := a.versions.of(ctx, row)
	if err != nil {
		return AgentUsage{}, err
	}
	now := time.Now()
	until := now
	if to != nil {
		until = *to
	}
	since := until.Add(-usageShown)
	if from != nil {
		since = *from
	}
	var out AgentUsage
	if out.Days, out.More, err = a.usage.Days(ctx, who, id, since, until); err != nil {
		return AgentUsage{}, err
	}
	out.Budgets, err = a.usage.States(ctx, usage.For{Agent: id}, m.budgets)
	return out, err
}
