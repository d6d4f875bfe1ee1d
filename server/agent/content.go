package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Message is a message as an agent sees it.
type Message struct {
	ID        uuid.UUID
	AuthorID  uuid.UUID
	Author    string // display name
	FromAgent bool   // written by an agent, this one included
	FromSelf  bool   // written by the agent of the run
	InReplyTo uuid.UUID
	CreatedAt time.Time
	Content   Content
}

// Content is what a message, an example or an action says. Keys that are not listed are kept in Extra.
type Content struct {
	Text        string                     `json:"text,omitempty"`
	Thought     string                     `json:"thought,omitempty"`
	Actions     []string                   `json:"actions,omitempty"`
	Providers   []string                   `json:"providers,omitempty"`
	Source      string                     `json:"source,omitempty"`
	ChannelType string                     `json:"channelType,omitempty"`
	Attachments []Attachment               `json:"attachments,omitempty"`
	Mention     *Mention                   `json:"mentionContext,omitempty"`
	Extra       map[string]json.RawMessage `json:"-"`
}

// Mention says how a platform marked a message as meant for the agent.
type Mention struct {
	IsMention   bool   `json:"isMention"`
	IsReply     bool   `json:"isReply"`
	IsThread    bool   `json:"isThread"`
	MentionType string `json:"mentionType,omitempty"`
}

// Attachment is a file or link that came with a message.
type Attachment struct {
	ID          string `json:"id,omitempty"`
	URL         string `json:"url,omitempty"`
	Title       string `json:"title,omitempty"`
	Source      string `json:"source,omitempty"`
	Description string `json:"description,omitempty"`
	Text        string `json:"text,omitempty"`        // extracted text
	ContentType string `json:"contentType,omitempty"` // image, video, audio, document or link
}

// contentFields is Content without its methods, for the plain part of the work.
type contentFields Content

// MarshalJSON returns the listed fields and, beside them, Extra.
func (c Content) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(contentFields(c))
	if err != nil || len(c.Extra) == 0 {
		return data, err
	}
	all := make(map[string]json.RawMessage, len(c.Extra)+1)
	for key, value := range c.Extra {
		all[key] = value
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("joining content: %w", err)
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads a content object. A listed field of an unexpected type is kept in Extra, for contents come from many
// makers and none is worth losing a message.
func (c *Content) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	var out Content
	fields := map[string]any{
		"text": &out.Text, "thought": &out.Thought, "actions": &out.Actions, "providers": &out.Providers, "source": &out.Source,
		"channelType": &out.ChannelType, "attachments": &out.Attachments, "mentionContext": &out.Mention,
	}
	for key, field := range fields {
		value, ok := all[key]
		if ok && !bytes.Equal(value, []byte("null")) && json.Unmarshal(value, field) == nil {
			delete(all, key)
		}
	}
	if len(all) > 0 {
		out.Extra = all
	}
	*c = out
	return nil
}
