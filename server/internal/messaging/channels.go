package messaging

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

// dmPrefix starts the names of the channels that FindOrCreateDM makes; no other channel may use it.
const dmPrefix = "DM-"

// Channel returns a channel with its participants.
func (s *Service) Channel(ctx context.Context, who auth.Identity, id uuid.UUID) (Channel, error) {
	var out Channel
	err := store.View(ctx, s.store, who.Scope(), "reading a channel", func(q db.Scoped) error {
		row, err := q.GetChannel(ctx, id)
		if err != nil {
			return store.NotFound(err, "Channel not found")
		}
		out, err = withParticipants(ctx, q, channelOf(row))
		return err
	})
	return out, err
}

func withParticipants(ctx context.Context, q db.Scoped, c Channel) (Channel, error) {
	var err error
	c.Participants, err = q.ListParticipants(ctx, c.ID)
	return c, err
}

// ServerChannels returns the channels of a message server, the liveliest first; none for an unknown server.
func (s *Service) ServerChannels(ctx context.Context, who auth.Identity, serverID uuid.UUID, query ChannelQuery) (ChannelPage, error) {
	serverID = s.named(serverID)
	const everything = 1 << 30
	limit, offset := everything, max(query.Offset, 0)
	if query.Limit > 0 {
		limit = min(query.Limit, everything)
	}
	var out ChannelPage
	err := store.View(ctx, s.store, who.Scope(), "listing channels", func(q db.Scoped) error {
		list := q.ListServerChannels
		if !who.SeesEveryone() {
			list = func(ctx context.Context, p db.ListServerChannelsParams) ([]db.Channel, error) {
				return q.ListOwnServerChannels(ctx, db.ListOwnServerChannelsParams(p))
			}
		}
		rows, err := list(ctx, db.ListServerChannelsParams{
			MessageServerID: serverID, IncludeInternal: query.IncludeInternal, LimitRows: int64(limit) + 1, OffsetRows: int64(offset),
		})
		if err != nil {
			return err
		}
		out.HasMore = len(rows) > limit
		rows = rows[:min(len(rows), limit)]
		out.Channels = make([]Channel, len(rows))
		for i, r := range rows {
			out.Channels[i] = channelOf(r)
		}
		if out.Total = offset + len(rows); !out.HasMore && (len(rows) > 0 || offset == 0) {
			return nil // it is the last page
		}
		count, err := countServerChannels(ctx, q, who, serverID, query.IncludeInternal)
		out.Total = int(count)
		return err
	})
	return out, err
}

func countServerChannels(ctx context.Context, q db.Scoped, who auth.Identity, serverID uuid.UUID, internal bool) (int64, error) {
	if !who.SeesEveryone() {
		return q.CountOwnServerChannels(ctx, db.CountOwnServerChannelsParams{MessageServerID: serverID, IncludeInternal: internal, MaxRows: countLimit})
	}
	if internal {
		return q.CountAllServerChannels(ctx, db.CountAllServerChannelsParams{MessageServerID: serverID, MaxRows: countLimit})
	}
	return q.CountServerChannels(ctx, db.CountServerChannelsParams{MessageServerID: serverID, MaxRows: countLimit})
}

// CreateChannel makes a channel with the given participants.
func (s *Service) CreateChannel(ctx context.Context, who auth.Identity, n NewChannel) (Channel, error) {
	n.Name = names.Clean(n.Name)
	switch {
	case n.Name == "":
		return Channel{}, apierr.New(apierr.ValidationFailed, "name is required")
	case tooLong(n.Name, maxName):
		return Channel{}, apierr.New(apierr.ValidationFailed, "name exceeds %d characters", maxName)
	case strings.HasPrefix(n.Name, dmPrefix):
		return Channel{}, apierr.New(apierr.ValidationFailed, "Names that begin with %q are the server's own", dmPrefix)
	}
	row, err := s.newChannelRow(who.Entity(), uuid.New(), n)
	if err != nil {
		return Channel{}, err
	}
	participants, err := founders(who, n.Participants)
	if err != nil {
		return Channel{}, err
	}
	var out Channel
	err = store.Update(ctx, s.store, who.Scope(), "creating a channel", func(q db.Scoped) error {
		if err := mustServer(ctx, q, row.MessageServerID); err != nil {
			return err
		}
		if err := s.mayAddChannels(ctx, q, row.CreatedBy, 1, 0); err != nil {
			return err
		}
		created, err := s.insertChannel(ctx, q, row, participants)
		if err != nil {
			return err
		}
		out, err = withParticipants(ctx, q, channelOf(created))
		return err
	})
	return out, err
}

func (s *Service) newChannelRow(creator, id uuid.UUID, n NewChannel) (db.InsertChannelParams, error) {
	metadata, err := jsontext.CheckObject(n.Metadata, "metadata", maxPlaceJSON)
	if err != nil {
		return db.InsertChannelParams{}, err
	}
	if n.Policy == "" {
		n.Policy = PolicyQueue
	}
	if n.Topic != nil {
		n.Topic = new(dbtype.Text(*n.Topic))
	}
	now := s.millis()
	row := db.InsertChannelParams{
		ID: id, MessageServerID: s.CurrentServer(), Name: n.Name, Type: string(n.Type), Topic: n.Topic,
		Metadata: dbtype.JSON(metadata), TurnPolicy: string(n.Policy), CreatedAt: now, UpdatedAt: now,
	}
	if n.ServerID != nil {
		row.MessageServerID = s.named(*n.ServerID)
	}
	if creator != uuid.Nil {
		row.CreatedBy = &creator
	}
	return row, nil
}

// insertChannel stores a channel and its participants. Where a channel with that id or for that pair exists already, it
// adds nothing and returns the one there is.
func (s *Service) insertChannel(ctx context.Context, q db.Scoped, row db.InsertChannelParams, participants []uuid.UUID) (db.Channel, error) {
	n, err := q.InsertChannel(ctx, row)
	if err != nil {
		return db.Channel{}, err
	}
	if n == 0 && row.PairKey != nil {
		return q.GetPairChannel(ctx, db.GetPairChannelParams{MessageServerID: row.MessageServerID, PairKey: row.PairKey})
	}
	if n > 0 {
		if err := s.addParticipants(ctx, q, row.ID, participants, row.CreatedAt); err != nil {
			return db.Channel{}, err
		}
	}
	return q.GetChannel(ctx, row.ID)
}

// addParticipants lets entities join a channel, if there is room for them.
func (s *Service) addParticipants(ctx context.Context, q db.Scoped, channelID uuid.UUID, entities []uuid.UUID, at dbtype.Millis) error {
	if err := join(ctx, q, channelID, entities, at); err != nil {
		return err
	}
	return s.checkParticipants(ctx, q, channelID)
}

// join lets entities join a channel in the given order: each a millisecond after the other, so that the order is kept.
func join(ctx context.Context, q db.Scoped, channelID uuid.UUID, entities []uuid.UUID, at dbtype.Millis) error {
	for i, id := range entities {
		if _, err := q.AddParticipant(ctx, db.AddParticipantParams{ChannelID: channelID, EntityID: id, JoinedAt: at + dbtype.Millis(i)}); err != nil {
			return err
		}
	}
	return nil
}

// FindOrCreateDM returns the one channel of two entities on a message server, and makes it when there is none.
func (s *Service) FindOrCreateDM(ctx context.Context, who auth.Identity, r DMRequest) (Channel, error) {
	if r.A == r.B {
		return Channel{}, apierr.New(apierr.ValidationFailed, "Cannot create DM channel with oneself")
	}
	if !who.MayBe(r.A) {
		if err := MayBe(who, r.B); err != nil {
			return Channel{}, err
		}
	}
	pair := PairOf(r.A, r.B)
	key := pair.Key()
	serverID := s.named(r.ServerID)
	var out Channel
	find := func(q db.Scoped) error {
		if err := mustServer(ctx, q, serverID); apierr.IsCode(err, apierr.ServerNotFound) {
			serverID = s.CurrentServer()
		} else if err != nil {
			return err
		}
		row, err := q.GetPairChannel(ctx, db.GetPairChannelParams{MessageServerID: serverID, PairKey: &key})
		if err != nil {
			return err
		}
		out, err = withParticipants(ctx, q, channelOf(row))
		return err
	}
	err := store.View(ctx, s.store, who.Scope(), "looking for a DM channel", find)
	if !apierr.IsCode(err, apierr.NotFound) {
		return out, err
	}
	row, err := s.newChannelRow(who.Entity(), uuid.New(), NewChannel{
		ServerID: &serverID, Name: pair.Name(), Type: TypeDM,
		Metadata: jsontext.Encode(map[string]any{"user1": pair.lo, "user2": pair.hi, "isDm": true}),
	})
	if err != nil {
		return Channel{}, err
	}
	row.PairKey = &key
	err = store.Update(ctx, s.store, who.Scope(), "creating a DM channel", func(q db.Scoped) error {
		if err := s.mayAddDM(ctx, q, row.CreatedBy); err != nil {
			return err
		}
		created, err := s.insertChannel(ctx, q, row, []uuid.UUID{r.B, r.A})
		if err != nil {
			return err
		}
		out, err = withParticipants(ctx, q, channelOf(created))
		return err
	})
	return out, err
}

// UpdateChannel changes a channel and announces it.
func (s *Service) UpdateChannel(ctx context.Context, who auth.Identity, id uuid.UUID, p ChannelPatch) (Channel, error) {
	if p.Name != nil {
		name := names.Clean(*p.Name)
		if name == "" || tooLong(name, maxName) {
			return Channel{}, apierr.New(apierr.ValidationFailed, "name must have 1 to %d characters", maxName)
		}
		p.Name = &name
	}
	var out Channel
	var ended []Turn
	err := store.Update(ctx, s.store, who.Scope(), "updating a channel", func(q db.Scoped) error {
		ended = nil
		row, err := q.GetChannelForUpdate(ctx, id)
		if err != nil {
			return store.NotFound(err, "Channel not found")
		}
		if p.Check != nil {
			now, err := withParticipants(ctx, q, channelOf(row))
			if err != nil {
				return err
			}
			if err := p.Check(now); err != nil {
				return err
			}
		}
		next, err := s.patched(row, p)
		if err != nil {
			return err
		}
		if row, err = q.UpdateChannel(ctx, next); err != nil {
			return err
		}
		if p.Participants != nil {
			before, err := q.ListParticipants(ctx, id)
			if err != nil {
				return err
			}
			if err := q.RemoveParticipants(ctx, id); err != nil {
				return err
			}
			if err := s.addParticipants(ctx, q, id, *p.Participants, s.millis()); err != nil {
				return err
			}
			left := slices.DeleteFunc(before, func(entity uuid.UUID) bool { return slices.Contains(*p.Participants, entity) })
			if ended, err = s.dismiss(ctx, q, channelOf(row), left...); err != nil {
				return err
			}
		}
		// The caller may be none of them now, and is told who is.
		members, err := q.ListChannelMembers(ctx, id)
		out = channelOf(row)
		out.Participants = make([]uuid.UUID, len(members))
		for i, m := range members {
			out.Participants[i] = m.EntityID
		}
		return err
	})
	if err != nil {
		return Channel{}, err
	}
	s.emitChannel(ctx, EventChannelUpdated, out)
	s.announceEnded(ctx, out, ended)
	return out, nil
}

func (s *Service) patched(row db.Channel, p ChannelPatch) (db.UpdateChannelParams, error) {
	next := db.UpdateChannelParams{ID: row.ID, Name: row.Name, Topic: row.Topic, Metadata: row.Metadata, TurnPolicy: row.TurnPolicy, UpdatedAt: s.millis()}
	if p.Name != nil {
		next.Name = *p.Name
	}
	if p.Topic != nil {
		next.Topic = nullable(dbtype.Text(*p.Topic))
	}
	if p.Policy != nil {
		next.TurnPolicy = string(*p.Policy)
	}
	if p.Metadata == nil {
		return next, nil
	}
	metadata, err := jsontext.CheckObject(p.Metadata, "metadata", maxPlaceJSON)
	if err == nil && p.MergeMetadata {
		if metadata, err = jsontext.Overlay([]byte(row.Metadata), metadata); err == nil {
			err = jsontext.CheckSize(metadata, "metadata, with what is there already,", maxPlaceJSON)
		}
	}
	next.Metadata = dbtype.JSON(metadata)
	return next, err
}

// DeleteChannel removes a channel with everything in it. Turns under way are cancelled, and what it was made for ends. An unknown
// channel is no error.
func (s *Service) DeleteChannel(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	var gone Ended
	err := store.Update(ctx, s.store, who.Scope(), "deleting a channel", func(q db.Scoped) (err error) {
		if gone, err = s.RemoveChannel(ctx, q, id); err != nil || !gone.found {
			return err
		}
		return mayEmpty(who, gone.channel)
	})
	if err != nil || !gone.found { // it may be there for another, who is to hear nothing of it, and to keep its files
		return err
	}
	s.Announce(ctx, gone)
	return nil
}

func (s *Service) emitChannel(ctx context.Context, t EventType, c Channel) {
	e := Event{Type: t, ChannelID: c.ID, ServerID: c.MessageServerID, Seq: c.LastSeq}
	if t == EventChannelUpdated {
		e.Channel = &c
	}
	s.Emit(ctx, e)
	if t == EventChannelDeleted {
		s.publish(ctx, subjectDeleted, e)
	}
}
