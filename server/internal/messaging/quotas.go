package messaging

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/quota"
)

// Quotas bound what callers may make, of each kind for the whole server. Of channels, DMs, sessions and jobs one caller may
// have no more than a share. 0 is no limit.
type Quotas struct {
	Channels     int // but for DMs, and the channels of sessions and jobs
	DMs          int // of two entities, which there are once
	Sessions     int // that are open
	Jobs         int // that are under way
	Servers      int // message servers
	Participants int // of one channel
}

func (q Quotas) channels() quota.Quota {
	return quota.Quota{Most: q.Channels, What: "channels", Setting: "ELIZAD_MAX_CHANNELS (--max-channels)"}
}

func (q Quotas) dms() quota.Quota {
	return quota.Quota{Most: q.DMs, What: "DM channels", Setting: "ELIZAD_MAX_DMS (--max-dms)"}
}

func (q Quotas) sessions() quota.Quota {
	return quota.Quota{Most: q.Sessions, What: "open sessions", Setting: "ELIZAD_MAX_SESSIONS (--max-sessions)"}
}

// jobs pass by themselves, so that a refusal is no reason to delete anything.
func (q Quotas) jobs() quota.Quota {
	return quota.Quota{Most: q.Jobs, What: "jobs under way", Setting: "ELIZAD_MAX_JOBS (--max-jobs)", Code: apierr.QueueFull}
}

func (q Quotas) servers() quota.Quota {
	return quota.Quota{Most: q.Servers, What: "message servers", Setting: "ELIZAD_MAX_MESSAGE_SERVERS (--max-message-servers)"}
}

func (q Quotas) participants() quota.Quota {
	return quota.Quota{Most: q.Participants, What: "participants of a channel", Setting: "ELIZAD_MAX_PARTICIPANTS (--max-participants)"}
}

// MaxJobs returns how many jobs may be under way; 0 for any number.
func (s *Service) MaxJobs() int { return s.quotas.jobs().Most }

// mayAddChannels refuses more channels than there may be, beside those that are stored, for somebody or, as nil, anybody.
func (s *Service) mayAddChannels(ctx context.Context, q db.Querier, creator *uuid.UUID, more int) error {
	limit := s.quotas.channels()
	err := limit.Admit(more, func(atMost int64) (int64, error) { return q.CountMadeChannels(ctx, atMost) })
	if err != nil || creator == nil {
		return err
	}
	return limit.AdmitCaller(more, func(atMost int64) (int64, error) {
		return q.CountCallerChannels(ctx, db.CountCallerChannelsParams{Caller: creator, AtMost: atMost})
	})
}

// mayAddDM refuses one more DM than there may be.
func (s *Service) mayAddDM(ctx context.Context, q db.Querier, creator *uuid.UUID) error {
	limit := s.quotas.dms()
	err := limit.Admit(1, func(atMost int64) (int64, error) { return q.CountDMs(ctx, atMost) })
	if err != nil || creator == nil {
		return err
	}
	return limit.AdmitCaller(1, func(atMost int64) (int64, error) {
		return q.CountCallerDMs(ctx, db.CountCallerDMsParams{Caller: creator, AtMost: atMost})
	})
}

// mayAddSession refuses one more session than may be open, in all or for one user.
func (s *Service) mayAddSession(ctx context.Context, q db.Querier, userID uuid.UUID) error {
	limit := s.quotas.sessions()
	err := limit.Admit(1, func(atMost int64) (int64, error) { return q.CountOpenSessions(ctx, atMost) })
	if err != nil {
		return err
	}
	return limit.AdmitCaller(1, func(atMost int64) (int64, error) {
		return q.CountCallerSessions(ctx, db.CountCallerSessionsParams{UserID: userID, AtMost: atMost})
	})
}

// mayAddJob refuses one more job than may be under way, in all or for one user.
func (s *Service) mayAddJob(ctx context.Context, q db.Querier, userID uuid.UUID) error {
	limit := s.quotas.jobs()
	err := limit.Admit(1, func(atMost int64) (int64, error) { return q.CountActiveJobs(ctx, atMost) })
	if err != nil {
		return err
	}
	return limit.AdmitCaller(1, func(atMost int64) (int64, error) {
		return q.CountCallerJobs(ctx, db.CountCallerJobsParams{UserID: userID, AtMost: atMost})
	})
}

// mayAddServer refuses one more message server than there may be.
func (s *Service) mayAddServer(ctx context.Context, q db.Querier) error {
	return s.quotas.servers().Admit(1, func(int64) (int64, error) { return q.CountMessageServers(ctx) })
}

// checkParticipants refuses a channel with more participants than one may have. They are in already.
func (s *Service) checkParticipants(ctx context.Context, q db.Querier, channelID uuid.UUID) error {
	return s.quotas.participants().Admit(0, func(atMost int64) (int64, error) {
		return q.CountParticipants(ctx, db.CountParticipantsParams{ChannelID: channelID, AtMost: atMost})
	})
}
