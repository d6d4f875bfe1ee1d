package messaging

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/store"
)

// Post stores a message and gives it to the agents that take part in its channel. It is the one way in: when it returns, the
// message, its number and the turns it causes are durable, and the event is out.
//
// A client that sends the same text again under the same client id gets the message that is there, with Duplicate set.
// Errors: VALIDATION_ERROR for a draft that can't be stored, NOT_FOUND for the channel or server, BAD_REQUEST for a server
// that isn't the channel's, QUEUE_FULL when an agent can't take more, NO_AGENT when Target asks for one and there is none,
// CONFLICT for an id that belongs to another message, FORBIDDEN for an author that the caller can't be.
func (s *Service) Post(ctx context.Context, who auth.Identity, d Draft) (Posted, error) {
	d.AuthorID = authorOf(d, who)
	if err := d.validate(); err != nil {
		return Posted{}, err
	}
	if err := s.checkLength(d.Content); err != nil {
		return Posted{}, err
	}
	if err := MayBe(who, d.AuthorID); err != nil { // before it is known whether the channel is there
		return Posted{}, err
	}
	var p post
	err := store.Update(ctx, s.store, who.Scope(), "posting a message", func(q db.Scoped) error {
		p = post{Service: s, q: q, who: who, draft: d}
		return p.run(ctx)
	})
	if errors.Is(err, errDuplicate) {
		return p.out, nil
	} else if err != nil {
		return Posted{}, err
	}
	s.logPosted(ctx, &p.out)
	s.announceEnded(ctx, p.out.Channel, p.replaced)
	s.emitMessage(ctx, p.out.Message)
	if p.out.Message.Unhandled != "" {
		s.emitTurnEnd(ctx, p.out.Message.MessageServerID, p.out.Message.Seq, Turn{
			ChannelID: d.ChannelID, MessageID: p.out.Message.ID, Status: StatusUnhandled, Reason: p.out.Message.Unhandled,
			Detail: unhandledText(p.out.Message.Unhandled),
		})
	}
	if len(p.out.Turns) > 0 {
		s.hintWork(ctx)
	}
	return p.out, nil
}

// logPosted notes that a message came, without its text, and whether an agent is to answer it.
func (s *Service) logPosted(ctx context.Context, p *Posted) {
	m := &p.Message
	attrs := [...]slog.Attr{
		slog.Any("channelId", m.ChannelID), slog.Any("messageId", m.ID), slog.String("author", cmp.Or(m.AuthorName, m.AuthorID.String())),
		slog.Int("length", utf8.RuneCountInString(m.Content)), slog.Int("agents", len(p.Turns)), slog.String("unhandled", m.Unhandled),
	}
	used := len(attrs)
	if m.Unhandled == "" {
		used--
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "message received", attrs[:used]...)
}

// authorOf returns whose message a draft of the caller's is.
func authorOf(d Draft, who auth.Identity) uuid.UUID {
	switch {
	case d.AuthorID != uuid.Nil:
		return d.AuthorID
	case who.Entity() != uuid.Nil:
		return who.Entity()
	default:
		return AnonymousID
	}
}

func unhandledText(reason string) string {
	switch reason {
	case UnhandledAgentStopped:
		return "Every agent in this channel is stopped"
	case UnhandledNotAttached:
		return "The agents in this channel do not serve its message server"
	default:
		return "No agent takes part in this channel"
	}
}

// post is one run of Post inside its transaction.
type post struct {
	*Service
	q     db.Scoped
	who   auth.Identity
	draft Draft

	out      Posted
	replaced []Turn // turns that this message puts an end to
}

func (p *post) run(ctx context.Context) error {
	row, err := p.number(ctx)
	if err != nil {
		return err
	}
	if p.draft.ServerID != nil && p.named(*p.draft.ServerID) != row.MessageServerID {
		return apierr.New(apierr.BadRequest, "message_server_id does not match the channel's message server")
	}
	if err := p.mayWriteAs(ctx, p.q, p.who, p.draft.AuthorID); err != nil {
		return err
	}
	if err := p.judgeSubmission(ctx); err != nil {
		return err
	}
	if err := p.findDuplicate(ctx, p.millis()); err != nil {
		return err
	}
	if p.draft.InReplyTo != nil {
		if parent, err := p.q.GetMessage(ctx, *p.draft.InReplyTo); errors.Is(err, sql.ErrNoRows) || err == nil && parent.ChannelID != row.ID {
			return apierr.New(apierr.BadRequest, "The message replied to is not in this channel")
		} else if err != nil {
			return err
		}
	}
	return p.store(ctx, row)
}

// number takes the channel's next number for the message, and makes the channel where it may.
func (p *post) number(ctx context.Context) (db.Channel, error) {
	p.draft.RawMessage = p.withPublicAttachments(p.who, p.draft.RawMessage)
	p.draft.Metadata = p.withPublicAttachments(p.who, p.draft.Metadata)
	now := p.millis()
	row, err := p.q.NextSeq(ctx, db.NextSeqParams{ID: p.draft.ChannelID, Now: now})
	if errors.Is(err, sql.ErrNoRows) {
		if err := p.createChannel(ctx); err != nil {
			return row, err
		}
		row, err = p.q.NextSeq(ctx, db.NextSeqParams{ID: p.draft.ChannelID, Now: now})
	}
	p.out.Channel = channelOf(row)
	return row, err
}

// judgeSubmission finds out whether a message that may be an agent's is one. All others are questions.
func (p *post) judgeSubmission(ctx context.Context) error {
	d := &p.draft
	if !d.Submitted {
		return nil
	}
	author, err := p.q.GetAgentHead(ctx, d.AuthorID)
	switch {
	case err == nil:
		d.Quiet = true
		d.AuthorName = cmp.Or(d.AuthorName, author.Name)
		d.SourceType = cmp.Or(d.SourceType, SourceAgentResponse)
	case errors.Is(err, sql.ErrNoRows):
		d.Quiet = d.Quiet || isAgentSource(d.SourceType)
		d.SourceType = cmp.Or(d.SourceType, SourceGUI)
	default:
		return err
	}
	return nil
}

// errDuplicate ends the transaction of a post that was made before, so that the number it took is free again.
var errDuplicate = errors.New("messaging: posted before")

// findDuplicate looks for the same message posted before, under the lock that taking a number is.
func (p *post) findDuplicate(ctx context.Context, now dbtype.Millis) error {
	var row db.Message
	var err error
	switch {
	case p.draft.SourceID != "":
		row, err = p.q.GetMessage(ctx, p.draft.ID)
	case p.draft.ClientID != "":
		row, err = p.q.FindClientMessage(ctx, db.FindClientMessageParams{
			ChannelID: p.draft.ChannelID, SourceID: &p.draft.ClientID, AuthorID: p.draft.AuthorID, Content: p.draft.Content,
			Since: now - dbtype.Millis(replayWindow/time.Millisecond),
		})
	case p.draft.ID != uuid.Nil && !p.draft.NewID:
		row, err = p.q.GetMessage(ctx, p.draft.ID)
		if err == nil && (row.ChannelID != p.draft.ChannelID || row.AuthorID != p.draft.AuthorID) {
			return apierr.New(apierr.Conflict, "A message with this id exists already")
		}
	default:
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	turns, err := p.q.ListMessageTurns(ctx, row.ID)
	if err != nil {
		return err
	}
	p.out.Message, p.out.Turns, p.out.Duplicate = messageOf(&row, p.out.Channel.MessageServerID), turnsOf(turns), true
	return errDuplicate
}

func (p *post) createChannel(ctx context.Context) error {
	if p.draft.MakeChannel != nil {
		return p.draft.MakeChannel(ctx, p.q)
	}
	c := p.draft.Create
	if c == nil {
		return apierr.New(apierr.NotFound, "Channel not found")
	}
	serverID := p.CurrentServer()
	if p.draft.ServerID != nil {
		serverID = p.named(*p.draft.ServerID)
	}
	if err := mustServer(ctx, p.q, serverID); err != nil {
		return err
	}
	kind, name := TypeGroup, "Chat "
	if c.DM {
		kind, name = TypeDM, "DM "
	}
	metadata, err := jsontext.Overlay(jsontext.Encode(map[string]any{
		"created_by":       c.CreatedBy,
		"created_for_user": p.draft.AuthorID,
		"created_at":       p.now().UTC().Format(time.RFC3339Nano),
		"channel_type":     kind,
	}), p.draft.Metadata)
	if err != nil {
		return err
	}
	row, err := p.newChannelRow(p.draft.AuthorID, p.draft.ChannelID, NewChannel{
		ServerID: &serverID, Name: name + p.draft.ChannelID.String()[:8], Type: kind, Metadata: metadata,
	})
	if err != nil {
		return err
	}
	if err := p.mayAddChannels(ctx, p.q, row.CreatedBy, 1, 0); err != nil {
		return err
	}
	row.SourceType = new("auto_created")
	if _, err := p.insertChannel(ctx, p.q, row, append([]uuid.UUID{p.draft.AuthorID}, c.Others...)); err != nil {
		return store.NotFound(err, "Channel not found") // it is there, and not the caller's
	}
	p.out.ChannelCreated = true
	return nil
}

// store writes the message under the number that row holds, with the turns that it causes.
func (p *post) store(ctx context.Context, row db.Channel) error {
	recipients, unhandled, err := p.recipients(ctx)
	if err != nil {
		return err
	}
	if p.draft.Target != nil && !has(recipients, *p.draft.Target) {
		return noAgent(unhandled)
	}
	message := db.Message{
		ID: p.draft.ID, ChannelID: row.ID, Seq: row.LastSeq, AuthorID: p.draft.AuthorID, AuthorName: p.draft.AuthorName,
		Content: p.draft.Content, RawMessage: dbtype.JSON(p.draft.RawMessage), InReplyTo: p.draft.InReplyTo,
		SourceType: p.draft.SourceType, SourceID: nullable(cmp.Or(p.draft.SourceID, p.draft.ClientID)), Metadata: dbtype.JSON(p.draft.Metadata),
		Unhandled: nullable(unhandled), CreatedAt: row.UpdatedAt, UpdatedAt: row.UpdatedAt,
	}
	if message.ID == uuid.Nil {
		message.ID = newID()
	}
	if err := p.q.InsertMessage(ctx, db.InsertMessageParams{
		ID: message.ID, ChannelID: message.ChannelID, Seq: message.Seq, AuthorID: message.AuthorID, AuthorName: message.AuthorName,
		Content: message.Content, RawMessage: message.RawMessage, InReplyTo: message.InReplyTo, SourceType: message.SourceType,
		SourceID: message.SourceID, Metadata: message.Metadata, Unhandled: message.Unhandled, CreatedAt: message.CreatedAt, UpdatedAt: message.UpdatedAt,
	}); err != nil {
		return err
	}
	p.out.Message = messageOf(&message, row.MessageServerID)
	for _, recipient := range recipients {
		if err := p.queueTurn(ctx, recipient); err != nil {
			return err
		}
	}
	if p.draft.Also != nil {
		return p.draft.Also(ctx, p.q, message.ID)
	}
	return nil
}

func has(agents []db.ListChannelAgentsRow, target uuid.UUID) bool {
	if target == uuid.Nil {
		return len(agents) > 0
	}
	return slices.ContainsFunc(agents, func(a db.ListChannelAgentsRow) bool { return a.ID == target })
}

func noAgent(reason string) error {
	if reason == UnhandledAgentStopped {
		return apierr.New(apierr.NoAgent, "The agent is not running")
	}
	return apierr.New(apierr.NoAgent, "No agent found in channel participants")
}

// recipients returns the agents that get a turn, or why none does. What an agent says is not given to others: it is an answer.
func (p *post) recipients(ctx context.Context) (agents []db.ListChannelAgentsRow, unhandled string, err error) {
	if p.draft.Quiet {
		return nil, "", nil
	}
	rows, err := p.q.ListChannelAgents(ctx, p.draft.ChannelID)
	if err != nil {
		return nil, "", err
	}
	unhandled = UnhandledNoAgent
	for _, r := range rows {
		switch {
		case r.ID == p.draft.AuthorID:
			return nil, "", nil
		case !r.Running:
			unhandled = UnhandledAgentStopped
		case !r.Attached:
			unhandled = UnhandledNotAttached
		default:
			agents = append(agents, r)
		}
	}
	if len(agents) > 0 {
		unhandled = ""
	}
	return agents, unhandled, nil
}

// queueTurn puts the message into an agent's mailbox, as the channel's policy wants it.
func (p *post) queueTurn(ctx context.Context, agent db.ListChannelAgentsRow) error {
	now := p.millis()
	channel, message := p.out.Channel, p.out.Message
	switch channel.Policy {
	case PolicyLatest, PolicyMerge:
		rows, err := p.q.EndMailboxTurns(ctx, db.EndMailboxTurnsParams{
			AgentID: agent.ID, ChannelID: channel.ID, QueuedOnly: channel.Policy == PolicyMerge,
			NewStatus: string(TurnSuperseded), Reason: string(channel.Policy), Detail: "A newer message took its place", EndedAt: &now,
		})
		if err != nil {
			return err
		}
		p.replaced = append(p.replaced, turnsOf(rows)...)
		if err := p.notifyEnded(ctx, p.q, channel, nil, turnsOf(rows)...); err != nil {
			return err
		}
	default:
		limit := int64(p.mailboxLimit)
		if channel.Policy == PolicyReject {
			limit = 1
		}
		if agent.Unanswered >= limit {
			return apierr.New(apierr.QueueFull, "The agent has %d unanswered messages in this channel; try again when it has answered", agent.Unanswered)
		}
	}
	turn := Turn{
		ID: newID(), AgentID: agent.ID, ChannelID: channel.ID, MessageID: message.ID, SenderID: message.AuthorID, Seq: message.Seq,
		ResponseID: newID(), Status: TurnQueued, QueuedAt: now.Time(),
	}
	p.out.Turns = append(p.out.Turns, turn)
	return p.q.InsertTurn(ctx, db.InsertTurnParams{
		ID: turn.ID, AgentID: turn.AgentID, ChannelID: turn.ChannelID, MessageID: turn.MessageID, SenderID: turn.SenderID, Seq: turn.Seq,
		ResponseID: turn.ResponseID, QueuedAt: now,
	})
}

// NewID returns an id for a message, for callers that have to know it before the post. See [Draft].
func NewID() uuid.UUID { return newID() }

// newID returns an id for a row of which many are made. Such ids grow with time (UUID version 7), so that rows which come one
// after the other lie side by side in each index: a commit writes a few pages instead of one for each row.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// reply stores what an agent says at the end of turn t. It is a post by the agent under an id of the turn's. The transaction has
// found the turn under way: so the message that it answers is there, and the reply is not.
func (s *Service) reply(ctx context.Context, q db.Scoped, t Turn, r Reply) (Posted, error) {
	d := Draft{
		ID: t.ResponseID, ChannelID: t.ChannelID, AuthorID: t.AgentID, AuthorName: r.AuthorName, Content: r.Content,
		RawMessage: r.RawMessage, Metadata: r.Metadata, InReplyTo: &t.MessageID, SourceType: SourceAgentResponse, Quiet: true,
	}
	if err := d.validate(); err != nil {
		return Posted{}, err
	}
	p := post{Service: s, q: q, who: auth.System(), draft: d}
	row, err := p.number(ctx)
	if err != nil {
		return Posted{}, err
	}
	err = p.store(ctx, row)
	return p.out, err
}
