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

// MaxSessionContent is how long a message in a session may be, in UTF-16 units.
const MaxSessionContent = 4000

// SessionMessage is what the user of a session says.
type SessionMessage struct {
	Content     string
	Attachments []json.RawMessage // objects with type, url and name
	Metadata    json.RawMessage   // an object, or nil
	ClientID    string            // see Draft
}

// SessionDraft returns a message for Post or Converse that its session's user says, and the session as it is before. Posting
// it renews the session, or fails when the session is over by then; Posted.Session tells.
func (s *Service) SessionDraft(ctx context.Context, who auth.Identity, id uuid.UUID, m SessionMessage) (Draft, Session, error) {
	session, err := s.Session(ctx, who, id)
	if err != nil {
		return Draft{}, Session{}, err
	}
	if n := utf16Length(m.Content); n == 0 || n > MaxSessionContent {
		return Draft{}, Session{}, apierr.New(apierr.ValidationFailed, "Invalid content: Content must have 1 to %d characters", MaxSessionContent)
	}
	metadata, err := smallObject(m.Metadata, "metadata", maxSessionMetadata)
	if err != nil {
		return Draft{}, Session{}, err
	}
	payload, about := map[string]any{"content": m.Content}, map[string]any{
		"sessionId": session.ID, "agentId": session.AgentID, "userId": session.UserID,
	}
	if len(m.Attachments) > 0 {
		payload["attachments"], about["attachments"] = m.Attachments, m.Attachments // agents look into the metadata
	}
	if metadata, err = mergeObjects(session.Metadata, metadata, encode(about)); err != nil {
		return Draft{}, Session{}, err
	}
	return Draft{
		ChannelID: session.ChannelID, AuthorID: session.UserID, Content: m.Content, RawMessage: encode(payload), Metadata: metadata,
		SourceType: SourceSession, ClientID: m.ClientID, also: s.inSession(id),
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

// utf16Length counts as JavaScript does.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
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
