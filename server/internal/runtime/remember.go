package runtime

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

// recollection is what the agent keeps of a turn: the message and the reply (agent runtime §1, §4). Of a run that ended
// before it knew its message it keeps nothing.
func (r *run) recollection(o messaging.Outcome) *messaging.Recollection {
	if r.view.Message.ID == uuid.Nil {
		return nil
	}
	channel, asked := r.context.Channel, r.view.Message
	heard := asked.Content
	if asked.InReplyTo != uuid.Nil {
		heard.Extra = withID("inReplyTo", r.memoryOf(asked.InReplyTo))
	}
	out := &messaging.Recollection{
		RoomID:  agent.UUIDFor(r.turn.AgentID, channel.ID.String()),
		WorldID: agent.UUIDFor(r.turn.AgentID, channel.MessageServerID.String()),
		Memories: []messaging.Memory{{
			ID: r.memoryOf(asked.ID), MessageID: asked.ID, EntityID: asked.AuthorID, CreatedAt: asked.CreatedAt,
			Content: encoded(heard), Metadata: aboutMemory(asked.ID, heard.Source, asked.Author),
		}},
	}
	out.Facts, out.Forgotten = r.learned.all()
	if o.Reply == nil || r.noWords {
		return out
	}
	var said agent.Content
	_ = json.Unmarshal(o.Reply.RawMessage, &said) // our own
	said.Text, said.Source, said.ChannelType = o.Reply.Content, messaging.SourceAgentResponse, r.view.Room.Type
	said.Extra = withID("inReplyTo", r.memoryOf(asked.ID))
	out.Memories = append(out.Memories, messaging.Memory{
		ID: r.turn.ResponseID, MessageID: r.turn.ResponseID, EntityID: r.turn.AgentID,
		Content: encoded(said), Metadata: aboutMemory(r.turn.ResponseID, said.Source, o.Reply.AuthorName),
	})
	return out
}

// memoryOf is the id under which the agent keeps a message: its own messages keep their id, all others get a new one.
func (r *run) memoryOf(messageID uuid.UUID) uuid.UUID {
	for _, m := range r.view.Recent {
		if m.ID == messageID && m.FromSelf {
			return messageID
		}
	}
	return agent.UUIDOf(messageID.String() + "-" + r.turn.AgentID.String())
}

func withID(key string, id uuid.UUID) map[string]json.RawMessage {
	return map[string]json.RawMessage{key: encoded(id)}
}

// aboutMemory is the metadata of the memory of a message.
func aboutMemory(messageID uuid.UUID, source, author string) json.RawMessage {
	about := map[string]any{"type": "message", "source": source, "sourceId": messageID}
	if author != "" {
		about["entityName"] = author
	}
	return encoded(about)
}

// encoded returns the JSON of what always has one, or an empty object.
func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil { // free parts of a content that are no JSON after all
		return json.RawMessage(`{}`)
	}
	return text
}
