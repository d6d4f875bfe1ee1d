package messaging

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

// Ingest posts messages that were written on another platform, in the given order, and returns them. One that came before,
// by its SourceType and SourceID, is not posted again, so that a request that failed midway can be repeated. An agent
// can't be the author: what comes from outside is a question, never an answer. Nothing is posted unless every author is
// allowed, and no text too long.
func (s *Service) Ingest(ctx context.Context, who auth.Identity, drafts []Draft) ([]Posted, error) {
	if err := s.checkExternal(ctx, who, drafts); err != nil {
		return nil, err
	}
	return s.postAll(ctx, who, drafts)
}

// Consult posts messages of another platform and returns the exchange about the last, as [Service.Ask] does. Where
// no agent can answer, the messages are posted all the same, and the exchange is nil.
func (s *Service) Consult(ctx context.Context, who auth.Identity, drafts []Draft) ([]Posted, *Exchange, error) {
	if err := s.checkExternal(ctx, who, drafts); err != nil || len(drafts) == 0 {
		return nil, nil, err
	}
	before, last := drafts[:len(drafts)-1], drafts[len(drafts)-1]
	posted, err := s.postAll(ctx, who, before)
	if err != nil {
		return posted, nil, err
	}
	exchange, err := s.Ask(ctx, who, last, Addressee(last.Metadata))
	switch {
	case err == nil:
		return append(posted, exchange.Posted), exchange, nil
	case !apierr.IsCode(err, apierr.NoAgent):
		return posted, nil, err
	}
	alone, err := s.Post(ctx, who, last)
	return append(posted, alone), nil, err
}

func (s *Service) postAll(ctx context.Context, who auth.Identity, drafts []Draft) ([]Posted, error) {
	out := make([]Posted, len(drafts))
	for i, d := range drafts {
		var err error
		if out[i], err = s.Post(ctx, who, d); err != nil {
			return out[:i], err
		}
	}
	return out, nil
}

// checkExternal refuses messages that are too long, or an agent's.
func (s *Service) checkExternal(ctx context.Context, who auth.Identity, drafts []Draft) error {
	for _, d := range drafts {
		if err := s.checkLength(d.Content); err != nil {
			return err
		}
	}
	return store.View(ctx, s.store, who.Scope(), "checking authors", func(q db.Scoped) error {
		for _, d := range drafts {
			if err := mustNotBeAgent(ctx, q, d.AuthorID); err != nil {
				return err
			}
		}
		return nil
	})
}

// PlatformChannel returns the channel that mirrors one of another platform.
func (s *Service) PlatformChannel(ctx context.Context, who auth.Identity, platform, id string) (Channel, error) {
	var out Channel
	err := store.View(ctx, s.store, who.Scope(), "looking for a platform's channel", func(q db.Scoped) error {
		row, err := q.FindSourceChannel(ctx, db.FindSourceChannelParams{SourceType: &platform, SourceID: &id})
		if errors.Is(err, sql.ErrNoRows) {
			return apierr.Wrap(err, apierr.NotFound, "Channel not found").WithDetails("No channel mirrors this one of " + platform)
		}
		out = channelOf(row)
		return err
	})
	return out, err
}

// SourceChannel is a channel as its platform has it.
type SourceChannel struct {
	SourceID string
	Name     string
	Type     ChannelType
}

// SyncChannels makes a message server mirror the channels of its platform: each is made, or brought up to date. Channels that
// are not listed stay as they are.
func (s *Service) SyncChannels(ctx context.Context, who auth.Identity, serverID uuid.UUID, list []SourceChannel) ([]Channel, error) {
	serverID = s.named(serverID)
	list = slices.Clone(list)
	for i := range list {
		c := &list[i]
		c.Name = names.Clean(c.Name)
		switch {
		case c.SourceID == "" || len(c.SourceID) > maxClientID:
			return nil, apierr.New(apierr.ValidationFailed, "sourceId must have 1 to %d bytes", maxClientID)
		case c.Name == "" || tooLong(c.Name, maxName):
			return nil, apierr.New(apierr.ValidationFailed, "name must have 1 to %d characters", maxName)
		}
	}
	// Programs that mirror the same channels at once take them in the same order, or each would wait for the other.
	list = slices.SortedStableFunc(slices.Values(list), func(a, b SourceChannel) int { return strings.Compare(a.SourceID, b.SourceID) })
	var out []Channel
	err := store.Update(ctx, s.store, who.Scope(), "synchronising channels", func(q db.Scoped) error {
		out = make([]Channel, 0, len(list))
		made := 0
		var creator *uuid.UUID
		server, err := findServer(ctx, q, serverID)
		if err != nil {
			return err
		}
		for _, c := range list {
			n, err := s.newChannelRow(who.Entity(), uuid.New(), NewChannel{ServerID: &serverID, Name: c.Name, Type: c.Type})
			if err != nil {
				return err
			}
			row, err := q.UpsertSourceChannel(ctx, db.UpsertSourceChannelParams{
				ID: n.ID, MessageServerID: serverID, Name: n.Name, Type: n.Type, SourceType: &server.SourceType, SourceID: new(dbtype.Text(c.SourceID)),
				Metadata: n.Metadata, TurnPolicy: n.TurnPolicy, CreatedBy: n.CreatedBy, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
			})
			if err != nil {
				return err
			}
			channel, err := withParticipants(ctx, q, channelOf(row))
			if err != nil {
				return err
			}
			out = append(out, channel)
			if creator = n.CreatedBy; row.ID == n.ID {
				made++
			}
		}
		if made == 0 {
			return nil
		}
		return s.mayAddChannels(ctx, q, creator, made, made)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range out {
		s.emitChannel(ctx, EventChannelUpdated, c)
	}
	return out, nil
}
