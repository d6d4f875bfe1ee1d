package messaging

import (
	"context"
	"encoding/json"
	"math"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

const (
	defaultRuns = 20
	maxRuns     = 100
)

// Runs returns an agent's turns as runs, newest first, and how many fit the query in all. An unknown agent is NOT_FOUND.
func (s *Service) Runs(ctx context.Context, who auth.Identity, agentID uuid.UUID, query RunQuery) ([]Run, int, error) {
	limit := query.Limit
	if limit <= 0 {
		limit = defaultRuns
	}
	list := db.ListAgentTurnsParams{
		AgentID: agentID, StatusGroup: query.Status, AnyChannel: query.ChannelID == nil,
		FromTime: 0, ToTime: dbtype.Millis(math.MaxInt64), UntilTime: dbtype.Millis(math.MaxInt64), LimitRows: int64(min(limit, maxRuns)),
		OffsetRows: int64(max(query.Offset, 0)),
	}
	if query.From != nil {
		list.FromTime = dbtype.MillisOf(*query.From)
	}
	if query.To != nil {
		list.ToTime = dbtype.MillisOf(*query.To)
	}
	if query.Until != nil {
		list.UntilTime = dbtype.MillisOf(*query.Until)
	}
	var runs []Run
	var total int64
	err := store.View(ctx, s.store, who.Scope(), "listing runs", func(q db.Scoped) error {
		if err := mustAgent(ctx, q, agentID); err != nil {
			return err
		}
		channelID, err := channelOfRoom(ctx, q, agentID, query.ChannelID)
		if err != nil {
			return err
		}
		if channelID != nil {
			list.ChannelID = *channelID
		}
		rows, err := q.ListAgentTurns(ctx, list)
		if err != nil {
			return err
		}
		if total, err = q.CountAgentTurns(ctx, db.CountAgentTurnsParams{
			AgentID: list.AgentID, StatusGroup: list.StatusGroup, AnyChannel: list.AnyChannel, ChannelID: list.ChannelID,
			FromTime: list.FromTime, ToTime: list.ToTime, UntilTime: list.UntilTime,
		}); err != nil {
			return err
		}
		runs = make([]Run, len(rows))
		for i, r := range rows {
			log, err := q.ListTurnEvents(ctx, r.ID)
			if err != nil {
				return err
			}
			runs[i] = runOf(r, log)
		}
		return nil
	})
	return runs, int(total), err
}

// Run returns one run of an agent with its record. One of another agent is NOT_FOUND.
func (s *Service) Run(ctx context.Context, who auth.Identity, agentID, turnID uuid.UUID) (Run, []TurnLogEntry, error) {
	var run Run
	var log []TurnLogEntry
	err := store.View(ctx, s.store, who.Scope(), "reading a run", func(q db.Scoped) error {
		row, err := q.GetTurn(ctx, turnID)
		if err != nil {
			return store.NotFound(err, "Run not found")
		}
		if row.AgentID != agentID {
			return apierr.New(apierr.NotFound, "Run not found")
		}
		events, err := q.ListTurnEvents(ctx, turnID)
		if err != nil {
			return err
		}
		run = runOf(row, events)
		log = make([]TurnLogEntry, len(events))
		for i, e := range events {
			log[i] = logEntryOf(e)
		}
		return nil
	})
	return run, log, err
}

func runOf(row db.Turn, log []db.TurnEvent) Run {
	run := Run{Turn: turnOf(row), Counts: countsOf(log)}
	for _, e := range log {
		if e.Type == LogModelUsed {
			run.Usage = run.Usage.Plus(usageOf(e.Data))
		}
	}
	return run
}

// usageOf returns what a call took by its entry. A call without tokens failed before its answer, or was of no language model.
func usageOf(data dbtype.JSON) usage.Sum {
	var call struct {
		InputTokens, OutputTokens, CachedTokens int
		Cost                                    *float64
		Prices                                  *string // of what costs something
	}
	if json.Unmarshal(data, &call) != nil || call.InputTokens+call.OutputTokens == 0 || call.Cost != nil && call.Prices == nil {
		return usage.Sum{}
	}
	c := usage.Call{Usage: model.Usage{InputTokens: call.InputTokens, OutputTokens: call.OutputTokens, CachedTokens: call.CachedTokens}}
	if call.Cost != nil {
		c.Cost, c.Priced = price.OfDollars(*call.Cost), true
	}
	return usage.Of(c)
}

func countsOf(log []db.TurnEvent) Counts {
	var c Counts
	for _, e := range log {
		if e.Type == LogRunEnded && c.Errors > 0 {
			continue // the run ended because of an error that is counted
		}
		switch e.Type {
		case LogActionStarted:
			c.Actions++
		case LogModelUsed:
			c.ModelCalls++
		case LogEvaluated:
			c.Evaluators++
		}
		var data struct {
			Error   string `json:"error"`
			Success *bool  `json:"success"`
		}
		if json.Unmarshal(e.Data, &data) == nil && (data.Error != "" || data.Success != nil && !*data.Success) {
			c.Errors++
		}
	}
	return c
}
