package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

// peer is an agent of the channel.
type peer struct {
	id      uuid.UUID
	name    string
	running bool
}

// peers returns the agents that take part in a channel, in the order of joining.
func (s *Service) peers(ctx context.Context, channelID uuid.UUID) ([]peer, error) {
	var out []peer
	err := s.cfg.Store.View(ctx, auth.Service().Scope(), func(q db.Querier) error {
		rows, err := q.ListChannelAgents(ctx, channelID)
		if err != nil {
			return err
		}
		out = make([]peer, len(rows))
		for i, r := range rows {
			out[i] = peer{id: r.ID, name: r.Name, running: r.Running && r.Attached}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the agents of a channel: %w", err)
	}
	return out, nil
}

// readConversation turns what messaging knows into what components see.
func (r *run) readConversation() {
	agents := map[uuid.UUID]string{r.turn.AgentID: r.mind.character.Name}
	for _, p := range r.peers {
		agents[p.id] = p.name
	}
	names := map[uuid.UUID]string{}
	recent := make([]agent.Message, len(r.context.Recent))
	for i, m := range r.context.Recent {
		recent[i] = r.message(m, agents)
		if recent[i].Author != "" {
			names[m.AuthorID] = recent[i].Author
		}
	}
	r.view.Recent = recent
	r.view.Message = recent[len(recent)-1] // the trigger is always the last
	for _, id := range r.context.Channel.Participants {
		name, isAgent := agents[id]
		if !isAgent {
			name = names[id]
		}
		r.view.Room.Participants = append(r.view.Room.Participants, agent.Participant{ID: id, Name: name, Agent: isAgent})
	}
}

// message turns a stored message into what components see.
func (r *run) message(m messaging.Message, agents map[uuid.UUID]string) agent.Message {
	name, isAgent := agents[m.AuthorID]
	isAgent = isAgent || m.SourceType == messaging.SourceAgentResponse
	if m.AuthorName != "" {
		name = m.AuthorName
	}
	extra := readExtra(m)
	out := agent.Message{
		ID: m.ID, AuthorID: m.AuthorID, Author: name, FromAgent: isAgent, FromSelf: m.AuthorID == r.turn.AgentID, CreatedAt: m.CreatedAt,
		Content: agent.Content{Text: m.Content, Source: m.SourceType, Attachments: extra.Attachments, Mention: extra.Mention},
	}
	if isAgent {
		out.Content.Thought, out.Content.Actions = extra.Thought, extra.Actions
	}
	if m.InReplyTo != nil {
		out.InReplyTo = *m.InReplyTo
	}
	return out
}

// extraContent is what a message carries beside its text.
type extraContent struct {
	Thought     string
	Actions     []string
	Attachments []agent.Attachment
	Mention     *agent.Mention
	IsDM        bool
}

// readExtra reads the documents that come with a message. They are anybody's, so what can't be read means nothing.
func readExtra(m messaging.Message) extraContent {
	var out extraContent
	var metadata map[string]json.RawMessage
	if json.Unmarshal(m.Metadata, &metadata) == nil {
		_ = json.Unmarshal(metadata["isDm"], &out.IsDM)
	}
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(m.RawMessage, &raw)
	_ = json.Unmarshal(raw["thought"], &out.Thought)
	_ = json.Unmarshal(raw["actions"], &out.Actions)
	for _, doc := range []map[string]json.RawMessage{metadata, raw} {
		if out.Attachments == nil {
			out.Attachments = readAttachments(doc["attachments"])
		}
		if out.Mention == nil {
			_ = json.Unmarshal(doc["mentionContext"], &out.Mention)
		}
	}
	return out
}

// readAttachments reads a list of attachments and leaves out what isn't one.
func readAttachments(list json.RawMessage) []agent.Attachment {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return nil
	}
	var out []agent.Attachment
	for _, item := range items {
		var a struct {
			agent.Attachment
			Name string `json:"name"` // as some clients call the title
			Type string `json:"type"` // and the content type
		}
		if json.Unmarshal(item, &a) != nil {
			continue
		}
		if a.Title == "" {
			a.Title = a.Name
		}
		if a.ContentType == "" {
			a.ContentType = contentType(a.Type)
		}
		out = append(out, a.Attachment)
	}
	return out
}

// contentType returns the kind of attachment that a media type stands for.
func contentType(mediaType string) string {
	switch kind, _, _ := strings.Cut(mediaType, "/"); kind {
	case "image", "video", "audio", "link":
		return kind
	default:
		return "document"
	}
}
