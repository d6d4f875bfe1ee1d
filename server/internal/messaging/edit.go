package messaging

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/store"
)

// Message returns one message.
func (s *Service) Message(ctx context.Context, who auth.Identity, id uuid.UUID) (Message, error) {
	var out Message
	err := store.View(ctx, s.store, who.Scope(), "reading a message", func(q db.Scoped) (err error) {
		out, err = findMessage(ctx, q, q.GetMessage, id)
		return err
	})
	return out, err
}

// findMessage returns the message that get finds by its id.
func findMessage(ctx context.Context, q db.Scoped, get func(context.Context, uuid.UUID) (db.Message, error), id uuid.UUID) (Message, error) {
	row, err := get(ctx, id)
	if err != nil {
		return Message{}, store.NotFound(err, "Message not found")
	}
	channel, err := q.GetChannel(ctx, row.ChannelID)
	if err != nil {
		return Message{}, err
	}
	return messageOf(&row, channel.MessageServerID), nil
}

// EditMessage replaces the text of a message and marks it as edited. A caller with an identity must be the author. check,
// unless nil, is asked about the message as it is; its error refuses the edit.
func (s *Service) EditMessage(ctx context.Context, who auth.Identity, id uuid.UUID, content string, check func(Message) error) (Message, error) {
	return s.changeMessage(ctx, who, "editing a message", id, func(q db.Scoped, m *Message) error {
		if who.Entity() != uuid.Nil && who.Entity() != m.AuthorID && !who.IsService() {
			return apierr.New(apierr.Forbidden, "Only its author may change a message")
		}
		if err := s.mayWriteAs(ctx, q, who, m.AuthorID); err != nil {
			return err
		}
		if check != nil {
			if err := check(*m); err != nil {
				return err
			}
		}
		m.Content = content
		var err error
		m.Metadata, err = jsontext.Overlay(m.Metadata, json.RawMessage(`{"edited":true}`))
		return err
	})
}

// ActionUpdate changes the fields of an action message that are set.
type ActionUpdate struct {
	Content    *string
	RawMessage json.RawMessage // replaces the old one
	Metadata   json.RawMessage // an object that is merged into the old one
	Extras     Extras
	SourceType *string
	InReplyTo  *uuid.UUID
}

// UpdateAction changes a message by which an agent reports what it is doing. Other messages are refused.
func (s *Service) UpdateAction(ctx context.Context, who auth.Identity, id uuid.UUID, u ActionUpdate) (Message, error) {
	return s.changeMessage(ctx, who, "updating an action", id, func(q db.Scoped, m *Message) error {
		if m.SourceType != SourceAgentAction {
			return apierr.New(apierr.Forbidden, "Only action messages can be updated").
				WithDetails("This one has the source type " + m.SourceType)
		}
		if err := s.mayWriteAs(ctx, q, who, m.AuthorID); err != nil {
			return err
		}
		if u.Content != nil {
			m.Content = *u.Content
		}
		if u.RawMessage != nil {
			m.RawMessage = u.RawMessage
		}
		if u.SourceType != nil {
			m.SourceType = *u.SourceType
		}
		if u.InReplyTo != nil {
			parent, err := findMessage(ctx, q, q.GetMessage, *u.InReplyTo)
			if apierr.IsCode(err, apierr.NotFound) || err == nil && parent.ChannelID != m.ChannelID {
				return apierr.New(apierr.BadRequest, "The message replied to is not in this channel")
			} else if err != nil {
				return err
			}
			m.InReplyTo = u.InReplyTo
		}
		metadata, err := jsontext.CheckObject(u.Metadata, "metadata", maxMessageJSON)
		if err != nil {
			return err
		}
		if metadata, err = u.Extras.into(metadata); err != nil {
			return err
		}
		m.Metadata, err = jsontext.Overlay(m.Metadata, metadata)
		return err
	})
}

// changeMessage stores what change makes of a message, and announces it.
func (s *Service) changeMessage(ctx context.Context, who auth.Identity, doing string, id uuid.UUID, change func(q db.Scoped, m *Message) error) (Message, error) {
	var out Message
	err := store.Update(ctx, s.store, who.Scope(), doing, func(q db.Scoped) error {
		m, err := findMessage(ctx, q, q.GetMessageForUpdate, id)
		if err != nil {
			return err
		}
		before := m.Content
		if err := change(q, &m); err != nil {
			return err
		}
		// What may be posted may be stored: the same limits, and the same cleaning.
		d := Draft{
			ChannelID: m.ChannelID, AuthorID: m.AuthorID, Content: m.Content, RawMessage: m.RawMessage, Metadata: m.Metadata,
			SourceType: m.SourceType,
		}
		if err := d.validate(); err != nil {
			return err
		}
		if d.Content != before { // stored text is not refused, whatever its author and the limit were
			if err := s.checkLength(d.Content); err != nil {
				return err
			}
		}
		d.RawMessage, d.Metadata = s.withPublicAttachments(who, d.RawMessage), s.withPublicAttachments(who, d.Metadata)
		row, err := q.UpdateMessage(ctx, db.UpdateMessageParams{
			ID: id, Content: d.Content, RawMessage: dbtype.JSON(d.RawMessage), InReplyTo: m.InReplyTo, SourceType: d.SourceType,
			Metadata: dbtype.JSON(d.Metadata), UpdatedAt: s.millis(),
		})
		out = messageOf(&row, m.MessageServerID)
		return err
	})
	if err != nil {
		return Message{}, err
	}
	s.Emit(ctx, Event{Type: EventMessageUpdated, ChannelID: out.ChannelID, ServerID: out.MessageServerID, Seq: out.Seq, Message: &out})
	return out, nil
}
