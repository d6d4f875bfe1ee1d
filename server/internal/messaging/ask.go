package messaging

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/store"
)

// checkInterval is how often a caller that waits for a turn looks into the database, in case an event was lost.
const checkInterval = 2 * time.Second

// followBuffer is how many events a caller that waits for one turn may lag behind: what is missed comes with the turn's end.
const followBuffer = 64

// Exchange is a message that was posted and the turn of the agent that is to answer it.
type Exchange struct {
	Posted
	Turn Turn
	From *Position // where the events begin, when an earlier exchange is resumed; nil: at the beginning

	service *Service
	who     auth.Identity
	sub     *bus.Subscription
}

// TurnEvent is a step of a turn: a piece of text, or the end.
type TurnEvent struct {
	Index int    // of Text, from 0
	Text  string // the next piece of the reply
	End   *TurnResult
}

// TurnResult is how a turn ended.
type TurnResult struct {
	Turn    Turn
	Reply   *Message // nil when nothing was said
	Actions []string // what the agent did without saying anything
}

// Ask posts a message and follows the turn of the agent that answers it: target's, or with the zero id that of the
// first agent in the channel. When there is no such agent nothing is stored and the error is NO_AGENT. The exchange
// must be closed; closing it doesn't end the turn.
//
// With d.Resume and the text of the message that it names, nothing is posted: the exchange about that message continues
// from there. A message that is gone, or isn't the author's in this channel, is NOT_FOUND.
func (s *Service) Ask(ctx context.Context, who auth.Identity, d Draft, target uuid.UUID) (*Exchange, error) {
	sub, err := s.subscribe(d.ChannelID, followBuffer) // before the post, so that nothing is missed
	if err != nil {
		return nil, err
	}
	d.Target = &target
	c := &Exchange{service: s, who: who, sub: sub}
	if c.Posted, c.From, err = s.postOrResume(ctx, who, d); err != nil {
		sub.Close()
		return nil, err
	}
	for _, t := range c.Turns {
		if target == uuid.Nil || t.AgentID == target {
			c.Turn = t
			return c, nil
		}
	}
	sub.Close()
	return nil, noAgent(UnhandledNoAgent) // a duplicate of a message that no agent was given
}

// postOrResume finds the message that a draft resumes, and posts any other.
func (s *Service) postOrResume(ctx context.Context, who auth.Identity, d Draft) (Posted, *Position, error) {
	if d.Resume == nil {
		posted, err := s.Post(ctx, who, d)
		return posted, nil, err
	}
	d.AuthorID = authorOf(d, who)
	var found Posted
	err := store.View(ctx, s.store, who.Scope(), "looking for an earlier message", func(q db.Scoped) error {
		row, err := q.GetMessage(ctx, d.Resume.MessageID)
		if err == nil && (row.ChannelID != d.ChannelID || row.AuthorID != d.AuthorID) {
			err = sql.ErrNoRows
		}
		if err != nil {
			return store.NotFound(err, "The message of this stream is gone")
		}
		channel, err := q.GetChannel(ctx, row.ChannelID)
		if err != nil {
			return store.NotFound(err, "Channel not found")
		}
		turns, err := q.ListMessageTurns(ctx, row.ID)
		found = Posted{Message: messageOf(&row, channel.MessageServerID), Channel: channelOf(channel), Turns: turnsOf(turns), Duplicate: true}
		return err
	})
	if err == nil && found.Message.Content != dbtype.Text(d.Content) {
		posted, err := s.Post(ctx, who, d) // another question: the caller kept an old position
		return posted, nil, err
	}
	return found, d.Resume, err
}

// Close ends the following.
func (c *Exchange) Close() { c.sub.Close() }

// Events yields the pieces of the reply as they are written, and at last the end. The pieces concatenated are the reply's
// text, unless the turn ends without one. Ranging ends early with ctx's error.
func (c *Exchange) Events(ctx context.Context) iter.Seq2[TurnEvent, error] {
	return func(yield func(TurnEvent, error) bool) {
		f := follower{c: c, yield: yield}
		if c.From != nil {
			f.next, f.seen = c.From.Chunks, c.From.Bytes
		}
		if err := f.run(ctx); err != nil {
			yield(TurnEvent{}, err)
		}
	}
}

// follower turns bus events into TurnEvents.
type follower struct {
	c     *Exchange
	yield func(TurnEvent, error) bool

	next   int // index of the next chunk
	seen   int // bytes of the reply that were shown in the exchange that this one resumes
	shown  strings.Builder
	gap    bool     // a chunk is missing: the rest comes with the end
	closed bool     // the caller no longer listens
	reply  *Message // as its event brought it
}

func (f *follower) run(ctx context.Context) error {
	check := time.NewTicker(checkInterval)
	defer check.Stop()
	if f.c.Duplicate { // its turn may have ended long ago
		if done, err := f.look(ctx); done || err != nil {
			return err
		}
	}
	for !f.closed {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-check.C:
			if done, err := f.look(ctx); done || err != nil {
				return err
			}
		case m, ok := <-f.c.sub.C():
			if !ok {
				return errStopping
			}
			if done, err := f.event(ctx, m); done || err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *follower) event(ctx context.Context, m bus.Message) (done bool, err error) {
	if m.Lost {
		f.gap = true
		return f.look(ctx)
	}
	e, err := DecodeEvent(m)
	if err != nil {
		return false, err
	}
	switch {
	case e.Type == EventChunk && e.Chunk.TurnID == f.c.Turn.ID:
		f.chunk(*e.Chunk)
	case e.Type == EventMessage && e.Message.ID == f.c.Turn.ResponseID:
		f.reply = new(*e.Message)
	case e.Type == EventTurnEnded && e.Turn.TurnID == f.c.Turn.ID:
		return f.look(ctx)
	}
	return false, nil
}

func (f *follower) chunk(c Chunk) {
	if c.Index != f.next {
		f.gap = true
	}
	if f.gap {
		return
	}
	f.next++
	f.shown.WriteString(c.Text)
	f.closed = !f.yield(TurnEvent{Index: c.Index, Text: c.Text}, nil)
}

// look reads the turn, and yields the end if it has come.
func (f *follower) look(ctx context.Context) (done bool, err error) {
	result, err := f.c.turnResult(ctx, f.reply)
	if err != nil || !result.Turn.Status.Ended() {
		return false, err
	}
	if result.Reply != nil && !result.Reply.SaysNothing() {
		text := result.Reply.Content
		if rest, ok := strings.CutPrefix(text[min(f.seen, len(text)):], f.shown.String()); ok && rest != "" {
			if f.closed = !f.yield(TurnEvent{Index: f.next, Text: rest}, nil); f.closed {
				return true, nil
			}
		}
	}
	f.yield(TurnEvent{End: &result}, nil)
	return true, nil
}

// turnResult reads the turn, and its reply, unless that is the one that came with an event. A turn that is gone, with its agent or
// its channel, was cancelled.
func (c *Exchange) turnResult(ctx context.Context, reply *Message) (TurnResult, error) {
	var out TurnResult
	err := store.View(ctx, c.service.store, c.who.Scope(), "reading a turn", func(q db.Scoped) error {
		row, err := q.GetTurn(ctx, c.Turn.ID)
		if errors.Is(err, sql.ErrNoRows) {
			out.Turn = Turn{ID: c.Turn.ID, Status: TurnCancelled, Reason: "channel_deleted", Detail: "The channel or the agent was deleted"}
			return nil
		} else if err != nil {
			return err
		}
		switch out.Turn = turnOf(row); {
		case out.Turn.ReplyID == nil && out.Turn.Status == TurnIgnored:
			events, err := q.ListTurnEvents(ctx, c.Turn.ID)
			out.Actions = actionsIn(events)
			return err
		case out.Turn.ReplyID == nil:
			return nil
		case reply != nil && reply.ID == *out.Turn.ReplyID:
			out.Reply = reply
			return nil
		}
		found, err := q.GetMessage(ctx, *out.Turn.ReplyID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		out.Reply = new(messageOf(&found, c.Channel.MessageServerID))
		return nil
	})
	return out, err
}

// actionsIn returns the names of the actions that a record says were done.
func actionsIn(events []db.TurnEvent) (names []string) {
	for _, e := range events {
		var done struct {
			ActionName string `json:"actionName"`
			Success    bool   `json:"success"`
		}
		if e.Type == LogActionCompleted && json.Unmarshal(e.Data, &done) == nil && done.Success {
			names = append(names, done.ActionName)
		}
	}
	return names
}
