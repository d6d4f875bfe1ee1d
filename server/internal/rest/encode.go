package rest

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// The translations from the domain to the wire: message servers, channels and runs. Agents and messages have files of
// their own.

func messageServer(s messaging.MessageServer) api.MessageServer {
	return api.MessageServer{
		ID: s.ID, Name: s.Name, SourceType: s.SourceType, SourceID: s.SourceID, Metadata: s.Metadata,
		CreatedAt: wire.At(s.CreatedAt), UpdatedAt: wire.At(s.UpdatedAt),
	}
}

// messageServerCreated holds the server twice, since one client reads it from data and another from data.server.
func messageServerCreated(s messaging.MessageServer) api.MessageServerCreated {
	w := messageServer(s)
	return api.MessageServerCreated{
		ID: w.ID, Name: w.Name, SourceType: w.SourceType, SourceID: w.SourceID, Metadata: w.Metadata,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Server: w,
	}
}

func messageServerAgentAnswer(serverID, agentID uuid.UUID, done string) apiserver.MessageServerAgentAnswerJSONResponse {
	return apiserver.MessageServerAgentAnswerJSONResponse{
		Success: true, Data: api.MessageServerAgentAgain{
			Success: true, MessageServerID: serverID, AgentID: agentID, Message: done,
			Data: api.MessageServerAgent{MessageServerID: serverID, AgentID: agentID, Message: done},
		},
	}
}

func channel(c messaging.Channel) api.Channel {
	w := api.Channel{
		ID: c.ID, MessageServerID: c.MessageServerID, Name: c.Name, Type: api.ChannelType(c.Type), SourceType: c.SourceType,
		SourceID: c.SourceID, Topic: c.Topic, Metadata: c.Metadata, TurnPolicy: api.TurnPolicy(c.Policy), LastSeq: c.LastSeq,
		CreatedAt: wire.At(c.CreatedAt), UpdatedAt: wire.At(c.UpdatedAt),
	}
	if c.Participants != nil {
		w.Metadata = jsontext.Merge(w.Metadata, jsontext.Object{participantsKey: jsontext.Encode(c.Participants)})
	}
	return w
}

// channelRecord is channel for [ifMatch].
func channelRecord(c messaging.Channel) (api.Channel, error) { return channel(c), nil }

func channelAnswer(c messaging.Channel) apiserver.ChannelAnswerJSONResponse {
	w := channel(c)
	return apiserver.ChannelAnswerJSONResponse{
		Headers: apiserver.ChannelAnswerResponseHeaders{ETag: etag(w)}, Body: api.ChannelEnvelope{Success: true, Data: w},
	}
}

// channelCreated holds the channel twice, since one client reads it from data and another from data.channel.
func channelCreated(c messaging.Channel) apiserver.ChannelCreatedAnswerJSONResponse {
	w := channel(c)
	return apiserver.ChannelCreatedAnswerJSONResponse{
		Headers: apiserver.ChannelCreatedAnswerResponseHeaders{ETag: etag(w)},
		Body: api.ChannelCreatedEnvelope{Success: true, Data: api.ChannelCreated{
			ID: w.ID, MessageServerID: w.MessageServerID, Name: w.Name, Type: w.Type, SourceType: w.SourceType, SourceID: w.SourceID, Topic: w.Topic,
			Metadata: w.Metadata, TurnPolicy: w.TurnPolicy, LastSeq: w.LastSeq, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Channel: w,
		}},
	}
}

func channelUpdated(c messaging.Channel) apiserver.ChannelUpdatedAnswerJSONResponse {
	w := channel(c)
	return apiserver.ChannelUpdatedAnswerJSONResponse{
		Headers: apiserver.ChannelUpdatedAnswerResponseHeaders{ETag: etag(w)},
		Body: api.ChannelUpdatedEnvelope{Success: true, Data: api.ChannelUpdated{
			ID: w.ID, MessageServerID: w.MessageServerID, Name: w.Name, Type: w.Type, SourceType: w.SourceType, SourceID: w.SourceID, Topic: w.Topic,
			Metadata: w.Metadata, TurnPolicy: w.TurnPolicy, LastSeq: w.LastSeq, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Success: true, Data: w,
		}},
	}
}

func channelAgentAnswer(channelID, agentID uuid.UUID, done string) apiserver.ChannelAgentAnswerJSONResponse {
	return apiserver.ChannelAgentAnswerJSONResponse{
		Success: true, Data: api.ChannelAgent{Success: true, ChannelID: channelID, AgentID: agentID, Message: done},
	}
}

func runSummary(r messaging.Run) api.RunSummary {
	w := api.RunSummary{
		RunID: r.ID, AgentID: r.AgentID, Status: runStatus(r.Status), Outcome: api.RunOutcome(r.Status), Reason: r.Reason,
		Detail: r.Detail, QueuedAt: r.QueuedAt.UnixMilli(), StartedAt: millis(r.StartedAt), EndedAt: millis(r.EndedAt),
		DurationMs: nullable.NewNullNullable[int64](), MessageID: r.MessageID, ReplyID: r.ReplyID, RoomID: roomOf(r.AgentID, r.ChannelID),
		ChannelID: r.ChannelID, EntityID: r.SenderID, Metadata: json.RawMessage(`{}`), Attempts: r.Attempts,
		Counts: api.RunCounts{
			Actions: r.Counts.Actions, ModelCalls: r.Counts.ModelCalls, Errors: r.Counts.Errors, Evaluators: r.Counts.Evaluators,
		},
	}
	if r.StartedAt != nil && r.EndedAt != nil {
		w.DurationMs.Set(r.EndedAt.Sub(*r.StartedAt).Milliseconds())
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

func runRef(t messaging.Turn) api.RunRef {
	return api.RunRef{RunID: t.ID, AgentID: t.AgentID, Outcome: api.RunOutcome(t.Status)}
}

func runEvent(e messaging.TurnLogEntry) api.RunEvent {
	return api.RunEvent{Type: e.Type, Timestamp: e.At.UnixMilli(), Data: e.Data}
}

func millis(t *time.Time) nullable.Nullable[int64] {
	if t == nil {
		return nullable.NewNullNullable[int64]()
	}
	return nullable.NewNullableWithValue(t.UnixMilli())
}
