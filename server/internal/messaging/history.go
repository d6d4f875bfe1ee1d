package messaging

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	defaultHistory = 50
	maxHistory     = 200
)

// History returns a page of a channel's messages, newest first; an empty one for an unknown channel.
func (s *Service) History(ctx context.Context, who auth.Identity, channelID uuid.UUID, query HistoryQuery) (History, error) {
	limit := query.Limit
	if limit <= 0 {
		limit = defaultHistory
	}
	limit = min(limit, maxHistory)
	var out History
	err := store.View(ctx, s.store, who.Scope(), "reading a channel's messages", func(q db.Scoped) error {
		channel, err := q.GetChannel(ctx, channelID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		found, forward, err := query.rows(ctx, q, channelID, int64(limit)+1)
		if err != nil {
			return err
		}
		if out.HasMore = len(found) > limit; out.HasMore {
			found = found[:limit]
		}
		if forward {
			slices.Reverse(found)
		}
		out.Messages = messagesOf(found, channel.MessageServerID)
		return nil
	})
	return out, err
}

// rows returns up to limit rows: newest first, or oldest first when forward is true.
func (h HistoryQuery) rows(ctx context.Context, q db.Scoped, channelID uuid.UUID, limit int64) (found []db.Message, forward bool, err error) {
	switch {
	case h.BeforeSeq != nil:
		found, err = q.ListMessagesBeforeSeq(ctx, db.ListMessagesBeforeSeqParams{ChannelID: channelID, BeforeSeq: *h.BeforeSeq, LimitRows: limit})
		return found, false, err
	case h.AfterSeq != nil:
		found, err = q.ListMessagesFromSeq(ctx, db.ListMessagesFromSeqParams{ChannelID: channelID, AfterSeq: *h.AfterSeq, LimitRows: limit})
		return found, true, err
	}
	before, after, offset := dbtype.Millis(math.MaxInt64), dbtype.Millis(-1), int64(max(h.Offset, 0))
	if h.After != nil {
		after = dbtype.MillisOf(*h.After)
	}
	if h.After != nil && h.Before == nil {
		found, err = q.ListMessagesAfter(ctx, db.ListMessagesAfterParams{ChannelID: channelID, After: after, LimitRows: limit, OffsetRows: offset})
		return found, true, err
	}
	if h.Before != nil {
		before = dbtype.MillisOf(*h.Before)
	}
	found, err = q.ListMessagesBefore(ctx, db.ListMessagesBeforeParams{ChannelID: channelID, Before: before, After: after, LimitRows: limit, OffsetRows: offset})
	return found, false, err
}

// MessagesSince returns up to limit messages of a channel after number seq, oldest first: what a reader at seq has missed.
func (s *Service) MessagesSince(ctx context.Context, who auth.Identity, channelID uuid.UUID, seq int64, limit int) ([]Message, error) {
	var out []Message
	err := store.View(ctx, s.store, who.Scope(), "reading missed messages", func(q db.Scoped) error {
		channel, err := q.GetChannel(ctx, channelID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		rows, err := q.ListMessagesFromSeq(ctx, db.ListMessagesFromSeqParams{ChannelID: channelID, AfterSeq: seq, LimitRows: int64(limit)})
		out = messagesOf(rows, channel.MessageServerID)
		return err
	})
	return out, err
}

// DeleteMessage removes a message. Turns that deal with it are cancelled. One that isn't in the channel is no error.
func (s *Service) DeleteMessage(ctx context.Context, who auth.Identity, channelID, messageID uuid.UUID) error {
	var deleted bool
	var ended []Turn
	var channel Channel
	err := store.Update(ctx, s.store, who.Scope(), "deleting a message", func(q db.Scoped) error {
		row, err := q.GetChannel(ctx, channelID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		channel = channelOf(row)
		if mayEmpty(who, channel) != nil {
			m, err := q.GetMessage(ctx, messageID)
			if errors.Is(err, sql.ErrNoRows) || err == nil && m.ChannelID != channelID {
				return nil
			} else if err != nil {
				return err
			}
			if m.AuthorID != who.Entity() {
				return apierr.New(apierr.Forbidden, "Only its author, or who made the channel, may delete a message")
			}
		}
		n, err := q.DeleteMessage(ctx, db.DeleteMessageParams{ID: messageID, ChannelID: channelID})
		if deleted = n > 0; err != nil || !deleted {
			return err
		}
		ended, err = s.cancelTurns(ctx, q, channel, messageID, "message_deleted", "The message was deleted")
		return err
	})
	if err != nil || !deleted {
		return err
	}
	s.announceEnded(ctx, channel, ended)
	s.Emit(ctx, Event{Type: EventMessageDeleted, ChannelID: channelID, ServerID: channel.MessageServerID, MessageID: messageID})
	return nil
}

// ClearChannel removes all messages of a channel and cancels the turns that deal with them. Its numbering continues. An
// unknown channel is no error.
func (s *Service) ClearChannel(ctx context.Context, who auth.Identity, channelID uuid.UUID) error {
	var ended []Turn
	channel, hidden := Channel{ID: channelID, MessageServerID: s.CurrentServer()}, false
	err := store.Update(ctx, s.store, who.Scope(), "clearing a channel", func(q db.Scoped) error {
		row, err := q.GetChannel(ctx, channelID)
		if errors.Is(err, sql.ErrNoRows) {
			hidden = !who.SeesEveryone()
			return nil
		} else if err != nil {
			return err
		}
		channel = channelOf(row)
		if err := mayEmpty(who, channel); err != nil {
			return err
		}
		if _, err := q.DeleteChannelMessages(ctx, channelID); err != nil {
			return err
		}
		ended, err = s.cancelTurns(ctx, q, channel, uuid.Nil, "channel_cleared", "The channel was cleared")
		return err
	})
	if err != nil || hidden {
		return err
	}
	s.announceEnded(ctx, channel, ended)
	s.Emit(ctx, Event{Type: EventChannelCleared, ChannelID: channelID, ServerID: channel.MessageServerID})
	return nil
}
