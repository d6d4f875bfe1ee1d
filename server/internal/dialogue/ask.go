package dialogue

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
)

// Ask posts a question in the dialogue that it continues, or in a new one, and follows the turn of the agent as
// [messaging.Service.Ask] does.
func (s *Service) Ask(ctx context.Context, who auth.Identity, q Question) (*messaging.Exchange, error) {
	if err := messaging.MayBe(who, q.UserID); err != nil {
		return nil, err
	}
	row, found, err := s.find(ctx, who, q)
	if err != nil {
		return nil, err
	}
	if found {
		if exchange, err := s.resume(ctx, who, q, row); !errors.Is(err, errTaken) {
			return exchange, err
		}
	}
	return s.begin(ctx, who, q)
}

// find returns the dialogue that a question continues; found is false if there is none.
func (s *Service) find(ctx context.Context, who auth.Identity, q Question) (row db.Dialogue, found bool, err error) {
	if q.Passing || len(q.Before) == 0 {
		return row, false, nil
	}
	now := s.millis()
	err = store.View(ctx, s.store, who.Scope(), "looking for a dialogue", func(d db.Scoped) (err error) {
		if q.Chat != "" {
			row, err = d.FindNamedDialogue(ctx, db.FindNamedDialogueParams{
				UserID: q.UserID, AgentID: q.AgentID, Name: nameOf(q.Chat), Place: place(questionsIn(q.Before), lastAnswer(q.Before)), Now: now,
			})
		} else {
			row, err = d.FindDialogue(ctx, db.FindDialogueParams{UserID: q.UserID, AgentID: q.AgentID, Said: digestOf(q.Before), Now: now})
		}
		found = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return row, found, err
}

// errTaken undoes a question that came after another one.
var errTaken = errors.New("dialogue: another question came first")

// resume asks a question in a dialogue.
func (s *Service) resume(ctx context.Context, who auth.Identity, q Question, row db.Dialogue) (*messaging.Exchange, error) {
	draft := q.draft(row.ChannelID)
	draft.Also = func(ctx context.Context, d db.Scoped, messageID uuid.UUID) error {
		n, err := d.ContinueDialogue(ctx, db.ContinueDialogueParams{
			ChannelID: row.ChannelID, LastMessageID: row.MessageID, MessageID: messageID, Heard: digestOf(q.Before).then(q.Line), Questions: int64(questionsIn(q.Before) + 1),
			ExpiresAt: s.millis() + dbtype.Millis(idle.Milliseconds()),
		})
		if err == nil && n == 0 {
			return errTaken
		}
		return err
	}
	return s.messaging.Ask(ctx, who, draft, q.AgentID)
}

// begin asks a question in a new dialogue, whose channel has what was said before.
func (s *Service) begin(ctx context.Context, who auth.Identity, q Question) (*messaging.Exchange, error) {
	channelID := messaging.NewID()
	insertChannel, err := s.messaging.OwnChannel(channelSource, channelID, messaging.NewChannel{
		Name: "dialogue-" + channelID.String(), Type: messaging.TypeDM, Participants: []uuid.UUID{q.UserID, q.AgentID},
		Metadata: jsontext.Encode(map[string]any{"agentId": q.AgentID, "userId": q.UserID, "isDialogueChannel": true}),
	})
	if err != nil {
		return nil, err
	}
	var gone []messaging.Ended
	var expires dbtype.Millis
	draft := q.draft(channelID)
	draft.MakeChannel = func(ctx context.Context, d db.Scoped) (err error) {
		if gone, err = s.makeRoom(ctx, d, q.UserID); err != nil {
			return err
		}
		if err := insertChannel(ctx, d); err != nil {
			return err
		}
		return s.messaging.Retell(ctx, d, who, q.told(channelID)...)
	}
	draft.Also = func(ctx context.Context, d db.Scoped, messageID uuid.UUID) error {
		now := s.millis()
		expires = now + dbtype.Millis(idle.Milliseconds())
		if q.Passing {
			expires = now + dbtype.Millis(passing.Milliseconds())
		}
		return d.InsertDialogue(ctx, db.InsertDialogueParams{
			ChannelID: channelID, AgentID: q.AgentID, UserID: q.UserID, MessageID: messageID, Name: nameOf(q.Chat),
			Heard: digestOf(q.Before).then(q.Line), Questions: int64(questionsIn(q.Before) + 1), CreatedAt: now, ExpiresAt: expires,
		})
	}
	exchange, err := s.messaging.Ask(ctx, who, draft, q.AgentID)
	if err != nil {
		return nil, err
	}
	s.alarm.By(expires)
	s.messaging.Announce(ctx, gone...)
	return exchange, nil
}

// draft is the message of a question.
func (q Question) draft(channelID uuid.UUID) messaging.Draft {
	return messaging.Draft{
		ID: messaging.NewID(), NewID: true, ChannelID: channelID, AuthorID: q.UserID, AuthorName: q.AuthorName, Content: q.Text,
		Extras: attached(q.Pictures), Metadata: q.metadata(), SourceType: messaging.SourceCompletion,
	}
}

// told returns the newest of what was said before, as messages.
func (q Question) told(channelID uuid.UUID) (out []messaging.Draft) {
	for _, l := range q.Before[max(0, len(q.Before)-maxHistory):] {
		d := messaging.Draft{ChannelID: channelID, AuthorID: q.UserID, AuthorName: q.AuthorName, SourceType: messaging.SourceCompletion, Extras: attached(l.Pictures)}
		if l.FromAgent {
			d.AuthorID, d.AuthorName, d.SourceType = q.AgentID, "", messaging.SourceAgentResponse
		}
		if d.Content = cut(l.Text, maxLine); d.Content != "" || len(l.Pictures) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// settle notes how turns have ended, in the same transaction: what was said by then, which is how the next question finds the dialogue.
func (s *Service) settle(ctx context.Context, q db.Scoped, reply *messaging.Message, turns []messaging.Turn) error {
	for _, t := range turns {
		row, err := q.FindMessageDialogue(ctx, t.MessageID)
		if errors.Is(err, sql.ErrNoRows) { // it is gone
			continue
		} else if err != nil {
			return err
		}
		answer := Line{FromAgent: true}
		if reply != nil && !reply.SaysNothing() {
			answer.Text = reply.Content
		}
		if _, err := q.AnswerDialogue(ctx, db.AnswerDialogueParams{
			MessageID: t.MessageID, Said: digest(row.Heard).then(answer), Place: place(int(row.Questions), lastAnswer([]Line{answer})),
		}); err != nil {
			return err
		}
	}
	return nil
}
