package rest

import (
	"github.com/google/uuid"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// agentLogEntry shows an entry of a turn's log in the form that readers of agent logs know: what the run was about stands in
// each entry, and some things have other names than in the timeline of the run.
func agentLogEntry(e messaging.AgentLogEntry) api.AgentLogEntry {
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
