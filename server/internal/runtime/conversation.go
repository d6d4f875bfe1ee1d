package runtime

import (
	"bytes"
	"encoding/json"
	"mime"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// readConversation turns what messaging knows into what components see.
func (r *run) readConversation() {
	agents := map[uuid.UUID]string{r.turn.AgentID: r.agent.character.Name}
	for _, p := range r.context.Agents {
		agents[p.ID] = p.Name
	}
	names := map[uuid.UUID]string{}
	recent := make([]agent.Message, 0, len(r.context.Recent))
	for _, m := range r.context.Recent {
		if m.SaysNothing() {
			continue
		}
		said := r.message(m, agents)
		if m.Failure() != nil {
			said.Content.Text += " … (the answer broke off here)"
		}
		if said.Author != "" {
			names[m.AuthorID] = said.Author
		}
		recent = append(recent, said)
	}
	r.view.Recent = recent
	r.view.Message = recent[len(recent)-1] // the trigger is always the last
	if r.context.Program && r.context.Trigger.SourceType == messaging.SourceCompletion {
		r.view.Wanted = member[string](r.context.Trigger.Metadata, messaging.InstructionsKey)
	}
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
}

// readExtra reads the documents that come with a message. Any client may have written them: what can't be read is ignored.
func readExtra(m messaging.Message) extraContent {
	var out extraContent
	beside := m.Beside()
	out.Thought, out.Attachments = beside.Thought, readAttachments(beside.Attachments)
	_ = json.Unmarshal(beside.Actions, &out.Actions)
	for _, doc := range []json.RawMessage{m.Metadata, m.RawMessage} {
		if out.Mention == nil {
			out.Mention = member[*agent.Mention](doc, "mentionContext")
		}
	}
	return out
}

// member reads a member of a document; the zero value, where it is missing or has another form.
func member[T any](doc json.RawMessage, name string) (value T) {
	if !bytes.Contains(doc, []byte(name)) { // most have none of it
		return value
	}
	for key, raw := range jsontext.Members(doc) {
		if string(key) == name {
			_ = json.Unmarshal(raw, &value)
		}
	}
	return value
}

// readAttachments reads a list of attachments, or one, and leaves out what isn't one.
func readAttachments(list json.RawMessage) []agent.Attachment {
	if len(list) == 0 {
		return nil
	}
	items := []json.RawMessage{list}
	if list[0] == '[' && json.Unmarshal(list, &items) != nil {
		return nil
	}
	var out []agent.Attachment
	for _, item := range items {
		if a, ok := readAttachment(item); ok {
			out = append(out, a)
		}
	}
	return out
}

// readAttachment reads an attachment in the names that clients give its members, or the address of one.
func readAttachment(item json.RawMessage) (agent.Attachment, bool) {
	var a agent.Attachment
	if json.Unmarshal(item, &a.URL) == nil && a.URL != "" {
		a.ContentType = contentType(mime.TypeByExtension(path.Ext(a.URL)))
		return a, true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(item, &members) != nil || members == nil {
		return a, false
	}
	text := func(names ...string) string {
		for _, name := range names {
			var s string
			if json.Unmarshal(members[name], &s) == nil && s != "" {
				return s
			}
		}
		return ""
	}
	a = agent.Attachment{
		ID: text("id"), URL: text("url"), Title: text("title", "name"), Source: text("source"), Description: text("description"),
		Text: text("text"), ContentType: contentType(text("contentType", "type")),
	}
	if a.ID == "" { // some count them
		a.ID = strings.Trim(string(members["id"]), `"`)
	}
	return a, true
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
