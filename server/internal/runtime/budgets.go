package runtime

import (
	"math"
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

// budgetSettings limit what models may use in a day.
var budgetSettings = []usage.Budget{
	{Setting: "BUDGET_SERVER_TOKENS_PER_DAY", Of: usage.Server}, {Setting: "BUDGET_SERVER_USD_PER_DAY", Of: usage.Server, Money: true},
	{Setting: "BUDGET_AGENT_TOKENS_PER_DAY", Of: usage.Agent}, {Setting: "BUDGET_AGENT_USD_PER_DAY", Of: usage.Agent, Money: true},
	{Setting: "BUDGET_PERSON_TOKENS_PER_DAY", Of: usage.Person}, {Setting: "BUDGET_PERSON_USD_PER_DAY", Of: usage.Person, Money: true},
	{Setting: "BUDGET_ROOM_TOKENS_PER_DAY", Of: usage.Room}, {Setting: "BUDGET_ROOM_USD_PER_DAY", Of: usage.Room, Money: true},
}

// budgets returns the budgets that are set. What a character sets holds beside what the operator does, who alone limits the whole
// server.
func (s *settings) budgets() []usage.Budget {
	var out []usage.Budget
	for _, b := range budgetSettings {
		for _, lookup := range []model.Lookup{s.byOperator, s.byCharacter} {
			if set, ok := lookup(b.Setting); ok && strings.TrimSpace(set.Value) != "" && (b.Of != usage.Server || set.Origin != model.FromCharacter) {
				out = append(out, limited(b, set))
			}
		}
	}
	return out
}

// limited returns a budget with the limit that a setting sets.
func limited(b usage.Budget, set model.Setting) usage.Budget {
	b.Origin = set.Origin
	n, err := strconv.ParseFloat(strings.TrimSpace(set.Value), 64)
	switch {
	case err != nil || math.IsNaN(n) || n < 0:
		b.Broken = true
	case b.Money:
		b.Limit = int64(price.OfDollars(n))
	default:
		b.Limit = int64(min(n, math.MaxInt64/2))
	}
	return b
}
