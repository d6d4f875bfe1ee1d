package messaging

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// The translations between rows and the domain.

func serverOf(r db.MessageServer) MessageServer {
	return MessageServer{
		ID: r.ID, Name: r.Name, SourceType: r.SourceType, SourceID: r.SourceID, Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
}

func channelOf(r db.Channel) Channel {
	return Channel{
		ID: r.ID, MessageServerID: r.MessageServerID, Name: r.Name, Type: ChannelType(r.Type),
		SourceType: r.SourceType, SourceID: r.SourceID, Topic: r.Topic, Metadata: json.RawMessage(r.Metadata),
		Policy: Policy(r.TurnPolicy), CreatedBy: r.CreatedBy, LastSeq: r.LastSeq,
		CreatedAt: r.CreatedAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
}

func messageOf(r *db.Message, serverID uuid.UUID) Message {
	m := Message{
		ID: r.ID, ChannelID: r.ChannelID, MessageServerID: serverID, Seq: r.Seq, AuthorID: r.AuthorID, AuthorName: r.AuthorName,
		Content: r.Content, RawMessage: json.RawMessage(r.RawMessage), InReplyTo: r.InReplyTo, SourceType: r.SourceType,
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.Time(), UpdatedAt: r.UpdatedAt.Time(),
	}
	if r.SourceID != nil {
		m.SourceID = *r.SourceID
	}
	if r.Unhandled != nil {
		m.Unhandled = *r.Unhandled
	}
	return m
}

func messagesOf(rows []db.Message, serverID uuid.UUID) []Message {
	out := make([]Message, len(rows))
	for i := range rows {
		out[i] = messageOf(&rows[i], serverID)
	}
	return out
}

func turnOf(r db.Turn) Turn {
	return Turn{
		ID: r.ID, AgentID: r.AgentID, ChannelID: r.ChannelID, MessageID: r.MessageID, SenderID: r.SenderID, Seq: r.Seq,
		ResponseID: r.ResponseID, Status: TurnStatus(r.Status), Reason: r.Reason, Detail: r.Detail, ReplyID: r.ReplyID,
		CharacterVersion: r.CharacterVersion, Attempts: int(r.Attempts), CancelRequested: r.CancelRequested,
		QueuedAt: r.QueuedAt.Time(), StartedAt: dbtype.TimeOf(r.StartedAt), EndedAt: dbtype.TimeOf(r.EndedAt),
	}
}

func turnsOf(rows []db.Turn) []Turn {
	out := make([]Turn, len(rows))
	for i, r := range rows {
		out[i] = turnOf(r)
	}
	return out
}

// nullable returns nil for an empty text.
func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
