package present

import (
	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/session"
)

// Session shows a session.
func Session(s session.Session) api.Session {
	return api.Session{
		SessionID: s.ID, ChannelID: s.ChannelID, AgentID: s.AgentID, UserID: s.UserID, Metadata: s.Metadata, RenewalCount: s.RenewalCount,
		CreatedAt: wire.At(s.CreatedAt), LastActivity: wire.At(s.ActiveAt), ExpiresAt: wire.At(s.ExpiresAt),
		TimeoutConfig: api.TimeoutConfig{
			TimeoutMinutes: s.Timeouts.Timeout.Minutes(), MaxDurationMinutes: s.Timeouts.MaxDuration.Minutes(),
			WarningThresholdMinutes: s.Timeouts.Warning.Minutes(), AutoRenew: s.Timeouts.AutoRenew,
		},
		TimeRemaining: s.Remaining.Milliseconds(), IsNearExpiration: s.NearEnd,
	}
}

// SessionStatus shows what a post did to its session.
func SessionStatus(now session.Update) api.SessionStatus {
	return api.SessionStatus{
		ExpiresAt: wire.At(now.ExpiresAt), RenewalCount: now.RenewalCount, WasRenewed: now.Renewed, IsNearExpiration: now.NearEnd,
	}
}

// SessionMessagePosted shows a message posted in a session. Like [MessagePosted] it says everything twice.
func SessionMessagePosted(p messaging.Posted, answer *api.AgentResponse, status api.SessionStatus) api.SessionMessagePostedEnvelope {
	w := MessagePosted(p, answer)
	d := w.Data
	return api.SessionMessagePostedEnvelope{
		Success: true, UserMessage: w.UserMessage, AgentResponse: answer, SessionStatus: status,
		Data: api.SessionMessagePosted{
			ID: d.ID, ChannelID: d.ChannelID, MessageServerID: d.MessageServerID, Seq: d.Seq, AuthorID: d.AuthorID,
			AuthorDisplayName: d.AuthorDisplayName, Content: d.Content, RawMessage: d.RawMessage, SourceType: d.SourceType,
			SourceID: d.SourceID, Metadata: d.Metadata, InReplyToRootMessageID: d.InReplyToRootMessageID, Unhandled: d.Unhandled,
			CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, CreatedAtMillis: d.CreatedAtMillis, UpdatedAtMillis: d.UpdatedAtMillis,
			Success: true, UserMessage: d.UserMessage, AgentResponse: answer, Runs: d.Runs, SessionStatus: status,
		},
	}
}

// SessionMessages shows a page of a session's messages.
func SessionMessages(s session.Session, page messaging.History) api.SessionMessageList {
	messages := Each(page.Messages, func(m messaging.Message) api.SessionMessage {
		return api.SessionMessage{
			ID: m.ID, Content: m.Content, AuthorID: m.AuthorID, IsAgent: m.AuthorID == s.AgentID, CreatedAt: wire.At(m.CreatedAt), Metadata: m.ShownMetadata(),
		}
	})
	return api.SessionMessageList{HasMore: page.HasMore, Cursors: MessageCursors(page), Messages: messages}
}
