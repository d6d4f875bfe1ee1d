package messaging

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

// SessionMessage is what the user of a session says.
type SessionMessage struct {
	Content  string
	Extras   Extras
	Metadata json.RawMessage // an object, or nil
	// For the others see Draft.
	AuthorName string
	InReplyTo  *uuid.UUID
	ClientID   string
}

// SessionDraft returns a message for Post or Ask that its session's user says, and the session as it is before. Posting
// it renews the session, or fails when the session is over by then; Posted.Session tells.
func (s *Service) SessionDraft(ctx context.Context, who auth.Identity, id uuid.UUID, m SessionMessage) (Draft, Session, error) {
	session, err := s.Session(ctx, who, id)
	if err != nil {
		return Draft{}, Session{}, err
	}
	if m.Content == "" {
		return Draft{}, Session{}, apierr.New(apierr.ValidationFailed, "content is required")
	}
	metadata, err := smallObject(m.Metadata, "metadata", maxSessionMetadata)
	if err != nil {
		return Draft{}, Session{}, err
	}
	payload, about := map[string]any{"content": m.Content}, map[string]any{
		"sessionId": session.ID, "agentId": session.AgentID, "userId": session.UserID,
	}
	if m.Extras.Attachments != nil {
		payload[attachmentsKey] = m.Extras.Attachments
	}
	if metadata, err = mergeObjects(session.Metadata, metadata, encode(about)); err != nil {
		return Draft{}, Session{}, err
	}
	return Draft{
		ChannelID: session.ChannelID, AuthorID: session.UserID, Content: m.Content, RawMessage: encode(payload), Metadata: metadata,
		Extras: m.Extras, AuthorName: m.AuthorName, InReplyTo: m.InReplyTo, SourceType: SourceSession, ClientID: m.ClientID, also: s.inSession(id),
	}, session, nil
}

// inSession is what happens to a session with each new message.
func (s *Service) inSession(id uuid.UUID) postStep {
	return func(ctx context.Context, p *post) error {
		row, renewed, err := s.noteActivity(ctx, p.q, id)
		if errors.Is(err, sql.ErrNoRows) {
			return s.whyOver(ctx, p.q, id)
		} else if err != nil {
			return err
		}
		p.out.Session = &SessionUpdate{Session: sessionOf(row, s.millis()), Renewed: renewed}
		return nil
	}
}

// SessionHistory returns a page of a live session's messages, newest first.
func (s *Service) SessionHistory(ctx context.Context, who auth.Identity, id uuid.UUID, query HistoryQuery) (Session, History, error) {
	session, err := s.Session(ctx, who, id)
	if err != nil {
		return Session{}, History{}, err
	}
	page, err := s.History(ctx, who, session.ChannelID, query)
	return session, page, err
}
