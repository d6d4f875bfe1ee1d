package present

import (
	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/session"
)

// Session shows a session.
func (d Documents) Session(s session.Session) api.Session {
	return api.Session{
		SessionID: s.ID, ChannelID: s.ChannelID, AgentID: s.AgentID, UserID: s.UserID, Metadata: d.files.Shown(s.Metadata, s.ChannelID), RenewalCount: s.RenewalCount,
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

// SessionMessagePosted shows a message posted in a session. Like [Documents.MessagePosted] it says everything twice.
func (d Documents) SessionMessagePosted(p messaging.Posted, answer *api.AgentResponse, status api.SessionStatus) api.SessionMessagePostedEnvelope {
	w := d.MessagePosted(p, answer)
	m := w.Data
	return api.SessionMessagePostedEnvelope{
		Success: true, UserMessage: w.UserMessage, AgentResponse: answer, SessionStatus: status,
		Data: api.SessionMessagePosted{
			ID: m.ID, ChannelID: m.ChannelID, MessageServerID: m.MessageServerID, Seq: m.Seq, AuthorID: m.AuthorID,
			AuthorDisplayName: m.AuthorDisplayName, Content: m.Content, RawMessage: m.RawMessage, SourceType: m.SourceType,
			SourceID: m.SourceID, Metadata: m.Metadata, InReplyToRootMessageID: m.InReplyToRootMessageID, Unhandled: m.Unhandled,
			CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, CreatedAtMillis: m.CreatedAtMillis, UpdatedAtMillis: m.UpdatedAtMillis,
			Success: true, UserMessage: m.UserMessage, AgentResponse: answer, Runs: m.Runs, SessionStatus: status,
		},
	}
}

// SessionMessages shows a page of a session's messages.
func (d Documents) SessionMessages(s session.Session, page messaging.History) api.SessionMessageList {
	messages := Each(page.Messages, func(m messaging.Message) api.SessionMessage {
		return api.SessionMessage{
			ID: m.ID, Content: m.Content, AuthorID: m.AuthorID, IsAgent: m.AuthorID == s.AgentID, CreatedAt: wire.At(m.CreatedAt), Metadata: d.shownMetadata(&m),
		}
	})
	return api.SessionMessageList{HasMore: page.HasMore, Cursors: MessageCursors(page), Messages: messages}
}
