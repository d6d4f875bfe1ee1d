package messaging

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/quota"
)

// Quotas bound what callers may make, of each kind for the whole server. Of channels and DMs one caller may have
// no more than a share. 0 is no limit.
type Quotas struct {
	Channels     int // but for DMs, and those that parts of the server made for themselves
	DMs          int // of two entities, which there are once
	Servers      int // message servers
	Participants int // of one channel
}

func (q Quotas) participants() quota.Quota {
	return quota.Quota{Most: q.Participants, What: "participants of a channel", Setting: "ELIZAD_MAX_PARTICIPANTS (--max-participants)"}
}

// tallies admit what quotas bound for the whole server.
type tallies struct {
	channels, dms, servers *quota.Tally
}

func newTallies(q Quotas, now func() time.Time) tallies {
	tally := func(most int, what, setting string) *quota.Tally {
		return quota.NewTally(quota.Quota{Most: most, What: what, Setting: setting}, now)
	}
	return tallies{
		channels: tally(q.Channels, "channels", "ELIZAD_MAX_CHANNELS (--max-channels)"),
		dms:      tally(q.DMs, "DM channels", "ELIZAD_MAX_DMS (--max-dms)"),
		servers:  tally(q.Servers, "message servers", "ELIZAD_MAX_MESSAGE_SERVERS (--max-message-servers)"),
	}
}

// mayAddChannels refuses more channels than one creator or, with nil, all callers may have. Of those that are stored, so many are
// the ones in question.
func (s *Service) mayAddChannels(ctx context.Context, q db.Scoped, creator *uuid.UUID, more, stored int) error {
	all := func(atMost int64) (int64, error) {
		n, err := q.CountMadeChannels(ctx, atMost+int64(stored))
		return n - int64(stored), err
	}
	if creator == nil {
		return s.tallies.channels.Admit(more, all, nil)
	}
	return s.tallies.channels.Admit(more, all, func(atMost int64) (int64, error) {
		n, err := q.CountCallerChannels(ctx, db.CountCallerChannelsParams{Caller: creator, AtMost: atMost + int64(stored)})
		return n - int64(stored), err
	})
}

// mayAddDM refuses one more DM than there may be.
func (s *Service) mayAddDM(ctx context.Context, q db.Scoped, creator *uuid.UUID) error {
	all := func(atMost int64) (int64, error) { return q.CountDMs(ctx, atMost) }
	if creator == nil {
		return s.tallies.dms.Admit(1, all, nil)
	}
	return s.tallies.dms.Admit(1, all, func(atMost int64) (int64, error) {
		return q.CountCallerDMs(ctx, db.CountCallerDMsParams{Caller: creator, AtMost: atMost})
	})
}

// mayAddServer refuses one more message server than there may be.
func (s *Service) mayAddServer(ctx context.Context, q db.Scoped) error {
	return s.tallies.servers.Admit(1, func(int64) (int64, error) { return q.CountMessageServers(ctx) }, nil)
}

// checkParticipants refuses a channel with more participants than one may have. They are in already.
func (s *Service) checkParticipants(ctx context.Context, q db.Scoped, channelID uuid.UUID) error {
	return s.participants.Check(func(atMost int64) (int64, error) {
		return q.CountParticipants(ctx, db.CountParticipantsParams{ChannelID: channelID, AtMost: atMost})
	})
}
