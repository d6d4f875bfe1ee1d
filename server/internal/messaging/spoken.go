package messaging

import (
	"context"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

// Spoken is what a person says aloud to an agent.
type Spoken struct {
	AgentID    uuid.UUID
	ChannelID  uuid.UUID // where it is said, and made there if it is none yet; zero for the speaker's DM with the agent
	SpeakerID  uuid.UUID
	AuthorName string // of the speaker; empty where it isn't given
	Text       string // what was understood of it
}

// sourceSpoken marks messages that were spoken.
const sourceSpoken = "direct"

// AskAloud posts what a person said to an agent, and follows the agent's turn as [Service.Ask] does.
func (s *Service) AskAloud(ctx context.Context, who auth.Identity, said Spoken) (*Exchange, error) {
	if said.Text == "" {
		return nil, apierr.New(apierr.InvalidRequest, "Text is required for conversation")
	}
	if said.ChannelID == uuid.Nil {
		dm, err := s.FindOrCreateDM(ctx, who, DMRequest{A: said.AgentID, B: said.SpeakerID, ServerID: s.CurrentServer()})
		if err != nil {
			return nil, err
		}
		said.ChannelID = dm.ID
	}
	return s.Ask(ctx, who, Draft{
		ChannelID: said.ChannelID, AuthorID: said.SpeakerID, AuthorName: said.AuthorName, Content: said.Text, SourceType: sourceSpoken,
		Create: &AutoCreate{CreatedBy: sourceSpoken, DM: true, Others: []uuid.UUID{said.AgentID}},
	}, said.AgentID)
}
