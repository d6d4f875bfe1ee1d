package session

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// Message is what the user of a session says.
type Message struct {
	Content  string
	Extras   messaging.Extras
	Metadata json.RawMessage // an object, or nil
	// For the others see messaging.Draft.
	AuthorName string
	InReplyTo  *uuid.UUID
	ClientID   string
}

// Draft is a message that a session's user says.
type Draft struct {
	messaging.Draft         // for Post or Ask of messaging
	Session         Session // as it was before

	after *Update // set by the post
}

// Update describes what the post of the draft did to the session; a message that was there already did nothing.
func (d Draft) Update(p messaging.Posted) Update {
	if p.Duplicate {
		return Update{Session: d.Session}
	}
	return *d.after
}

// Draft returns a message for Post or Ask that its session's user says. Posting it renews the session, or fails when the session is
// over by then.
func (s *Service) Draft(ctx context.Context, who auth.Identity, id uuid.UUID, m Message) (Draft, error) {
	session, err := s.Get(ctx, who, id)
	if err != nil {
		return Draft{}, err
	}
	if m.Content == "" {
		return Draft{}, apierr.New(apierr.ValidationFailed, "content is required")
	}
	metadata, err := jsontext.CheckSmallObject(m.Metadata, "metadata", maxMetadata)
	if err != nil {
		return Draft{}, err
	}
	payload, about := map[string]any{"content": m.Content}, map[string]any{
		"sessionId": session.ID, "agentId": session.AgentID, "userId": session.UserID,
	}
	if m.Extras.Attachments != nil {
		payload["attachments"] = m.Extras.Attachments
	}
	if metadata, err = jsontext.Overlay(session.Metadata, metadata, jsontext.Encode(about)); err != nil {
		return Draft{}, err
	}
	out := Draft{Session: session, after: new(Update{Session: session})}
	out.Draft = messaging.Draft{
		ChannelID: session.ChannelID, AuthorID: session.UserID, Content: m.Content, RawMessage: jsontext.Encode(payload), Metadata: metadata,
		Extras: m.Extras, AuthorName: m.AuthorName, InReplyTo: m.InReplyTo, SourceType: SourceUser, ClientID: m.ClientID,
		Also: func(ctx context.Context, q db.Scoped, _ uuid.UUID) error {
			row, renewed, err := s.noteActivity(ctx, q, id)
			if errors.Is(err, sql.ErrNoRows) {
				return s.whyOver(ctx, q, id)
			} else if err != nil {
				return err
			}
			*out.after = Update{Session: sessionOf(row, s.millis()), Renewed: renewed}
			return nil
		},
	}
	return out, nil
}

// History returns a page of a live session's messages, newest first.
func (s *Service) History(ctx context.Context, who auth.Identity, id uuid.UUID, query messaging.HistoryQuery) (Session, messaging.History, error) {
	session, err := s.Get(ctx, who, id)
	if err != nil {
		return Session{}, messaging.History{}, err
	}
	page, err := s.messaging.History(ctx, who, session.ChannelID, query)
	return session, page, err
}
