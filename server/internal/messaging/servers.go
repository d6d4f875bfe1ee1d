package messaging

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

// NewServer is what CreateServer needs to know.
type NewServer struct {
	Name       string
	SourceType string
	SourceID   *string
	Metadata   json.RawMessage // an object, or nil
}

// ListServers returns all message servers, oldest first.
func (s *Service) ListServers(ctx context.Context, who auth.Identity) ([]MessageServer, error) {
	var out []MessageServer
	err := store.View(ctx, s.store, who.Scope(), "listing message servers", func(q db.Scoped) error {
		rows, err := q.ListMessageServers(ctx)
		if err != nil {
			return err
		}
		out = make([]MessageServer, len(rows))
		for i, r := range rows {
			out[i] = serverOf(r)
		}
		return nil
	})
	return out, err
}

// CreateServer makes a message server. A second one for the same source is a conflict.
func (s *Service) CreateServer(ctx context.Context, who auth.Identity, n NewServer) (MessageServer, error) {
	if n.Name = names.Clean(n.Name); n.Name == "" || n.SourceType == "" {
		return MessageServer{}, apierr.New(apierr.ValidationFailed, "Missing required fields: name, sourceType")
	}
	metadata, err := jsontext.CheckObject(n.Metadata, "metadata", maxPlaceJSON)
	if err != nil {
		return MessageServer{}, err
	}
	if n.SourceID != nil {
		n.SourceID = new(dbtype.Text(*n.SourceID))
	}
	now := s.millis()
	var out MessageServer
	err = store.Update(ctx, s.store, who.Scope(), "creating a message server", func(q db.Scoped) error {
		if err := s.mayAddServer(ctx, q); err != nil {
			return err
		}
		row, err := q.InsertMessageServer(ctx, db.InsertMessageServerParams{
			ID: uuid.New(), Name: n.Name, SourceType: dbtype.Text(n.SourceType), SourceID: n.SourceID,
			Metadata: dbtype.JSON(metadata), CreatedAt: now, UpdatedAt: now,
		})
		out = serverOf(row)
		return err
	})
	if apierr.IsCode(err, apierr.Conflict) {
		return MessageServer{}, apierr.Wrap(err, apierr.Conflict, "A message server for this source exists already")
	}
	return out, err
}

// ServerAgents returns the agents that serve a message server.
func (s *Service) ServerAgents(ctx context.Context, who auth.Identity, serverID uuid.UUID) ([]uuid.UUID, error) {
	serverID = s.named(serverID)
	var out []uuid.UUID
	err := store.View(ctx, s.store, who.Scope(), "listing a message server's agents", func(q db.Scoped) error {
		if err := mustServer(ctx, q, serverID); err != nil {
			return err
		}
		var err error
		out, err = q.ListServerAgents(ctx, serverID)
		return err
	})
	return out, err
}

// AgentServers returns the message servers that an agent serves; none for an unknown agent.
func (s *Service) AgentServers(ctx context.Context, who auth.Identity, agentID uuid.UUID) ([]uuid.UUID, error) {
	var out []uuid.UUID
	err := store.View(ctx, s.store, who.Scope(), "listing an agent's message servers", func(q db.Scoped) error {
		var err error
		out, err = q.ListAgentServers(ctx, agentID)
		return err
	})
	return out, err
}

// AddServerAgent lets an agent serve a message server. Doing it twice is no error.
func (s *Service) AddServerAgent(ctx context.Context, who auth.Identity, serverID, agentID uuid.UUID) error {
	serverID = s.named(serverID)
	return store.Update(ctx, s.store, who.Scope(), "adding an agent to a message server", func(q db.Scoped) error {
		if err := mustServer(ctx, q, serverID); err != nil {
			return err
		}
		if err := mustAgent(ctx, q, agentID); err != nil {
			return err
		}
		_, err := q.AddServerAgent(ctx, db.AddServerAgentParams{MessageServerID: serverID, AgentID: agentID})
		return err
	})
}

// RemoveServerAgent ends an agent's service on a message server: it gets no more messages from its channels. An agent that
// doesn't serve there is no error.
func (s *Service) RemoveServerAgent(ctx context.Context, who auth.Identity, serverID, agentID uuid.UUID) error {
	serverID = s.named(serverID)
	return store.Update(ctx, s.store, who.Scope(), "removing an agent from a message server", func(q db.Scoped) error {
		if err := mustServer(ctx, q, serverID); err != nil {
			return err
		}
		_, err := q.RemoveServerAgent(ctx, db.RemoveServerAgentParams{MessageServerID: serverID, AgentID: agentID})
		return err
	})
}

// DeleteServer removes a message server with its channels and everything in them. Turns under way are cancelled. The current
// server can't be removed.
func (s *Service) DeleteServer(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	if s.named(id) == s.home {
		return apierr.New(apierr.Conflict, "The current message server cannot be deleted")
	}
	var gone []Ended
	err := store.Update(ctx, s.store, who.Scope(), "deleting a message server", func(q db.Scoped) error {
		gone = nil
		if err := mustServer(ctx, q, id); err != nil {
			return err
		}
		channels, err := q.ListServerChannelIDs(ctx, id)
		if err != nil {
			return err
		}
		for _, channelID := range channels {
			removed, err := s.RemoveChannel(ctx, q, channelID)
			if err != nil {
				return err
			}
			gone = append(gone, removed)
		}
		_, err = q.DeleteMessageServer(ctx, id)
		return err
	})
	if err != nil {
		return err
	}
	s.Announce(ctx, gone...)
	return nil
}

func mustServer(ctx context.Context, q db.Scoped, id uuid.UUID) error {
	_, err := findServer(ctx, q, id)
	return err
}

func findServer(ctx context.Context, q db.Scoped, id uuid.UUID) (db.MessageServer, error) {
	row, err := q.GetMessageServer(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return row, apierr.Wrap(err, apierr.ServerNotFound, "Server %s does not exist", id)
	}
	return row, err
}

func mustAgent(ctx context.Context, q db.Scoped, id uuid.UUID) error {
	_, err := q.GetAgentHead(ctx, id)
	return store.NotFound(err, "Agent not found")
}
