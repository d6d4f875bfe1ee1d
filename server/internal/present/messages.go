package present

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// The actions of an agent without others: IGNORE if it did not reply.
const (
	ignoreAction = "IGNORE"
	replyAction  = "REPLY"
)

// Message shows a message.
func (d Documents) Message(m messaging.Message) api.Message {
	return api.Message{
		ID: m.ID, ChannelID: m.ChannelID, MessageServerID: m.MessageServerID, Seq: m.Seq, AuthorID: m.AuthorID,
		AuthorDisplayName: Optional(m.DisplayName()), Content: m.Content, RawMessage: d.files.Shown(m.RawMessage, m.ChannelID),
		SourceType: Optional(m.SourceType), SourceID: Optional(m.SourceID), Metadata: d.shownMetadata(&m),
		InReplyToRootMessageID: nullableID(m.InReplyTo), Unhandled: Optional(m.Unhandled),
		CreatedAt: wire.At(m.CreatedAt), UpdatedAt: wire.At(m.UpdatedAt),
		CreatedAtMillis: m.CreatedAt.UnixMilli(), UpdatedAtMillis: m.UpdatedAt.UnixMilli(),
	}
}

// shownMetadata returns the metadata of a message as its readers get it.
func (d Documents) shownMetadata(m *messaging.Message) json.RawMessage {
	return d.files.Shown(m.ShownMetadata(), m.ChannelID)
}

// MessageCursors returns the bounds of a page in time.
func MessageCursors(page messaging.History) api.MessageCursors {
	n := len(page.Messages)
	if n == 0 {
		return api.MessageCursors{}
	}
	return api.MessageCursors{Before: new(page.Messages[n-1].CreatedAt.UnixMilli()), After: new(page.Messages[0].CreatedAt.UnixMilli())}
}

// UserMessage shows a message in both spellings: the one that the route always had, and the one that its client reads.
func (d Documents) UserMessage(m messaging.Message) api.UserMessage {
	name, raw := Optional(m.DisplayName()), d.files.Shown(m.RawMessage, m.ChannelID)
	return api.UserMessage{
		ID: m.ID, Seq: m.Seq, Content: m.Content, Metadata: d.shownMetadata(&m), SourceID: Optional(m.SourceID),
		ChannelID: m.ChannelID, SnakeChannelID: m.ChannelID,
		MessageServerID: m.MessageServerID, SnakeMessageServerID: m.MessageServerID,
		AuthorID: m.AuthorID, SnakeAuthorID: m.AuthorID,
		AuthorDisplayName: name, SnakeAuthorDisplayName: name,
		RawMessage: raw, SnakeRawMessage: raw,
		SourceType: m.SourceType, SnakeSourceType: m.SourceType,
		CreatedAt: wire.At(m.CreatedAt), CreatedAtMillis: m.CreatedAt.UnixMilli(),
		InReplyToMessageID: m.InReplyTo, InReplyToRootMessageID: m.InReplyTo,
	}
}

// MessagePosted shows a posted message, with the answer that was waited for, if any. Some clients see the envelope and
// others only its data, so that both hold everything.
func (d Documents) MessagePosted(p messaging.Posted, answer *api.AgentResponse) api.MessagePostedEnvelope {
	user, m := d.UserMessage(p.Message), d.Message(p.Message)
	w := api.MessagePostedEnvelope{Success: true, UserMessage: user, AgentResponse: answer, Data: api.MessagePosted{
		ID: m.ID, ChannelID: m.ChannelID, MessageServerID: m.MessageServerID, Seq: m.Seq, AuthorID: m.AuthorID,
		AuthorDisplayName: m.AuthorDisplayName, Content: m.Content, RawMessage: m.RawMessage, SourceType: m.SourceType,
		SourceID: m.SourceID, Metadata: m.Metadata, InReplyToRootMessageID: m.InReplyToRootMessageID, Unhandled: m.Unhandled,
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, CreatedAtMillis: m.CreatedAtMillis, UpdatedAtMillis: m.UpdatedAtMillis,
		Success: true, UserMessage: user, AgentResponse: answer, Runs: Each(p.Turns, RunRef),
	}}
	for i, run := range w.Data.Runs {
		if answer != nil && run.RunID == answer.RunID {
			w.Data.Runs[i].Outcome = answer.Outcome
		}
	}
	return w
}

// AgentResponse shows how turn t ended. A turn that failed is an error, which says why.
func (d Documents) AgentResponse(t messaging.Turn, end messaging.TurnResult) (api.AgentResponse, error) {
	if err := failure(end.Turn); err != nil {
		return api.AgentResponse{}, err
	}
	w := api.AgentResponse{
		RunID: t.ID, AgentID: t.AgentID, ResponseID: t.ResponseID, InReplyTo: t.MessageID, Outcome: api.RunOutcome(end.Turn.Status),
		Reason: Optional(end.Turn.Reason), Detail: Optional(end.Turn.Detail), Actions: []string{ignoreAction}, Providers: []string{},
		Superseded: Optional(end.Turn.Status == messaging.TurnSuperseded),
	}
	if len(end.Actions) > 0 {
		w.Actions = end.Actions
	}
	if end.Reply == nil {
		return w, nil
	}
	raw := jsontext.ObjectOf(end.Reply.RawMessage)
	w.Text, w.Thought, w.Seq = end.Reply.Content, raw.Text("thought"), &end.Reply.Seq
	w.Actions, w.Attachments = []string{replyAction}, d.files.Shown(raw.Value("attachments"), end.Reply.ChannelID)
	raw.Read("actions", &w.Actions)
	raw.Read("providers", &w.Providers)
	w.Simple = slices.Equal(w.Actions, []string{replyAction})
	return w, nil
}

// modelReason begins the reasons of turns that failed because of the model.
const modelReason = "model_"

// failure returns the error that a turn ended with, or nil. Its details are the turn's reason.
func failure(t messaging.Turn) error {
	code, message := apierr.Internal, "The agent failed to answer"
	switch {
	case t.Status == messaging.TurnTimedOut:
		code, message = apierr.Timeout, "The agent did not answer in time"
	case t.Status != messaging.TurnFailed:
		return nil
	case strings.HasPrefix(t.Reason, modelReason):
		code = apierr.ModelFailed
	}
	if t.Detail != "" {
		message = t.Detail
	}
	return apierr.New(code, "%s", message).WithDetails(t.Reason)
}
