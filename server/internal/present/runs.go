package present

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"
	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/usage"
	"github.com/elizad/elizad/server/model/price"
)

// RunSummary shows a run, which is what the wire calls a turn, in a list.
func RunSummary(r messaging.Run) api.RunSummary {
	w := api.RunSummary{
		RunID: r.ID, AgentID: r.AgentID, Status: runStatus(r.Status), Outcome: api.RunOutcome(r.Status), Reason: r.Reason,
		Detail: r.Detail, QueuedAt: r.QueuedAt.UnixMilli(), StartedAt: millis(r.StartedAt), EndedAt: millis(r.EndedAt),
		DurationMs: nullable.NewNullNullable[int64](), MessageID: r.MessageID, ReplyID: r.ReplyID, RoomID: roomOf(r.AgentID, r.ChannelID),
		ChannelID: r.ChannelID, EntityID: r.SenderID, Metadata: json.RawMessage(`{}`), Attempts: r.Attempts,
		Counts: api.RunCounts{
			Actions: r.Counts.Actions, ModelCalls: r.Counts.ModelCalls, Errors: r.Counts.Errors, Evaluators: r.Counts.Evaluators,
		},
		Usage: ModelUsage(r.Usage),
	}
	if r.StartedAt != nil && r.EndedAt != nil {
		w.DurationMs.Set(r.EndedAt.Sub(*r.StartedAt).Milliseconds())
	}
	return w
}

// ModelUsage shows what calls of language models took. Where nobody knows what any of them cost, it says so, rather than nothing to pay.
func ModelUsage(s usage.Sum) api.ModelUsage {
	w := api.ModelUsage{
		Calls: s.Calls, InputTokens: s.InputTokens, OutputTokens: s.OutputTokens, CachedTokens: s.CachedTokens,
		Cost: nullable.NewNullNullable[float64](), UnpricedCalls: s.UnpricedCalls,
	}
	if s.UnpricedCalls == 0 || s.UnpricedCalls < s.Calls {
		w.Cost.Set(s.Cost.Dollars())
	}
	return w
}

// UsageDay shows what calls of one model took on one day.
func UsageDay(d usage.Day) api.UsageDay {
	return api.UsageDay{Day: openapi_types.Date{Time: d.Day}, Provider: d.Provider, Model: d.Model, Usage: ModelUsage(d.Sum)}
}

// UsageBudget shows a budget.
func UsageBudget(s usage.State) api.UsageBudget {
	scaled := func(n int64) float64 { return float64(n) }
	w := api.UsageBudget{Setting: s.Setting, Of: api.UsageBudgetOf(s.Of), Unit: api.UsageBudgetUnitTokens, ResetsAt: s.Resets.UnixMilli()}
	if s.Money {
		w.Unit, scaled = api.UsageBudgetUnitUsd, func(n int64) float64 { return price.Amount(n).Dollars() }
	}
	w.Limit = scaled(s.Limit)
	if s.Known {
		w.Used = new(scaled(s.Used))
	}
	return w
}

// runStatus folds the state of a turn into the four that run lists know.
func runStatus(s messaging.TurnStatus) api.RunStatus {
	switch s {
	case messaging.TurnQueued, messaging.TurnRunning:
		return api.RunStatusStarted
	case messaging.TurnReplied, messaging.TurnIgnored:
		return api.RunStatusCompleted
	case messaging.TurnTimedOut:
		return api.RunStatusTimeout
	default:
		return api.RunStatusError
	}
}

// RunRef shows a turn beside the message that it is for.
func RunRef(t messaging.Turn) api.RunRef {
	return api.RunRef{RunID: t.ID, AgentID: t.AgentID, Outcome: api.RunOutcome(t.Status)}
}

// RunEvent shows an entry of a turn's log in the timeline of the run.
func RunEvent(e messaging.TurnLogEntry) api.RunEvent {
	return api.RunEvent{Type: e.Type, Timestamp: e.At.UnixMilli(), Data: e.Data}
}

func millis(t *time.Time) nullable.Nullable[int64] {
	if t == nil {
		return nullable.NewNullNullable[int64]()
	}
	return nullable.NewNullableWithValue(t.UnixMilli())
}

// AgentLogEntry shows an entry of a turn's log in the form that readers of agent logs know: what the run was about is in
// each entry, and some things have other names than in the timeline of the run.
func AgentLogEntry(e messaging.AgentLogEntry) api.AgentLogEntry {
	roomID, at, data := roomOf(e.AgentID, e.ChannelID), e.At.UnixMilli(), jsontext.ObjectOf(e.Data)
	w := api.AgentLogEntry{
		ID: e.ID, Type: e.Kind(), CreatedAt: wire.At(e.At), Timestamp: at, EntityID: e.AgentID, AgentID: e.AgentID,
		RoomID: roomID, ChannelID: e.ChannelID,
	}
	more := jsontext.Object{"runId": jsontext.Encode(e.TurnID), "messageId": jsontext.Encode(e.MessageID), "roomId": jsontext.Encode(roomID), "timestamp": jsontext.Encode(at)}
	// again gives a value of the entry a second name.
	again := func(name, as string) {
		if v := data.Value(name); v != nil {
			more[as] = v
		}
	}
	switch e.Type {
	case messaging.LogRunStarted:
		w.EntityID = e.SenderID
		more["entityId"], more["status"], more["startTime"] = jsontext.Encode(e.SenderID), jsontext.Encode("started"), jsontext.Encode(at)
	case messaging.LogRunEnded:
		w.EntityID = e.SenderID
		more["entityId"], more["endTime"] = jsontext.Encode(e.SenderID), jsontext.Encode(at)
		again("durationMs", "duration")
	case messaging.LogActionStarted:
		more["source"] = jsontext.Encode("actionHandler")
	case messaging.LogActionCompleted:
		again("actionName", "action")
	case messaging.LogEvaluated:
		again("evaluatorName", "evaluator")
	}
	w.Body = jsontext.Merge(e.Data, more)
	return w
}

// roomOf names the room as which an agent knows a channel.
func roomOf(agentID, channelID uuid.UUID) uuid.UUID {
	return agent.UUIDFor(agentID, channelID.String())
}
