package runtime

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/model"
)

// run is one agent's dealing with one message.
type run struct {
	service   *Service
	agent     *agentVersion
	turn      messaging.Turn
	context   messaging.TurnContext
	record    *record
	startedAt time.Time

	view       agent.Run // what components get, without the state and the results
	state      agent.State
	pictures   []model.Picture        // attached to the newest messages
	actions    []agent.Action         // what the agent can do, the tools of others included; nil before it was found out
	earlier    []messaging.TurnAction // what an earlier attempt at the turn did, and this one has not done again
	resumed    []step                 // the same, as results
	position   int                    // of the next action in the turn
	offered    []agent.Action         // what of it makes sense now; nil before it was found out
	steps      []step                 // the actions of the plan that were dealt with, in order
	reply      stream
	answered   model.Done // how the last answer ended
	truncated  string     // why the reply ends before its writer wanted; empty when it doesn't
	found      bool       // the last action brought something that nobody was told
	ignored    bool       // an action ended the exchange without words
	answering  bool       // the agent is to answer: people wait for it, and find what became of it in the conversation
	introduced bool       // the author had the introduction within a day
	learned    learned
	noWords    bool // the outcome's reply is not the agent's words but says that there are none
}

// log returns the logger for what happens in the run. It names the agent, once that is known: people read the log by agent.
func (r *run) log() *slog.Logger {
	log := r.service.cfg.Logger.With("agentId", r.turn.AgentID)
	if r.agent != nil {
		log = r.agent.log
	}
	return log.With("turnId", r.turn.ID, "channelId", r.turn.ChannelID)
}

// do runs the steps of agent runtime §9.3 and returns the outcome.
func (r *run) do(ctx context.Context) (messaging.Outcome, error) {
	if err := r.prepare(ctx); err != nil {
		return messaging.Outcome{}, err
	}
	d, ok, err := r.requested(ctx)
	r.answering = ok
	switch {
	case err != nil:
		return messaging.Outcome{}, err
	case ok:
		r.readAttachments(ctx)
		return r.runRequested(ctx, d)
	}
	answer, err := r.decide(ctx)
	if err != nil {
		return messaging.Outcome{}, err
	}
	if !answer.respond {
		return messaging.Outcome{Status: messaging.TurnIgnored, Reason: answer.rule, Detail: answer.detail}, nil
	}
	r.answering = true
	r.readAttachments(ctx)
	if r.agent.settings.flag("USE_MULTI_STEP") {
		decision, err := r.inSteps(ctx)
		if err != nil {
			return messaging.Outcome{}, err
		}
		return r.conclude(answer, decision)
	}
	decision, shown, err := r.handle(ctx)
	if err != nil {
		return messaging.Outcome{}, err
	}
	if err := r.carryOut(ctx, decision, shown); err != nil {
		return messaging.Outcome{}, err
	}
	return r.conclude(answer, decision)
}

// runRequested carries out a plan that was asked for by name.
func (r *run) runRequested(ctx context.Context, d frame.Decision) (messaging.Outcome, error) {
	if err := r.carryOut(ctx, d, false); err != nil {
		return messaging.Outcome{}, err
	}
	return r.conclude(yes("requested", "The message asked for this action"), d)
}

// prepare gathers what is known before the first decision.
func (r *run) prepare(ctx context.Context) error {
	channel := r.context.Channel
	r.view = agent.Run{
		ID: r.turn.ID, AgentID: r.turn.AgentID, ResponseID: r.turn.ResponseID, Character: r.agent.character,
		Room:      agent.Room{ID: channel.ID, ServerID: channel.MessageServerID, Name: channel.Name, Type: string(channel.Type), State: r.context.State},
		Providers: r.agent.components.Providers, StartedAt: r.startedAt, Seed: r.seed(), Host: r.agent.settings, Services: services{r},
	}
	if err := r.resume(ctx); err != nil {
		return err
	}
	var err error
	if r.introduced, err = r.wasIntroduced(ctx); err != nil {
		return err
	}
	r.readConversation()
	r.readFacts()
	r.view.Message.Content.ChannelType = r.view.Room.Type // what the channel is, not what a message says of it
	r.state = agent.State{Values: map[string]any{}, Providers: map[string]agent.ProviderResult{}}
	r.reply.emit = func(index int, text string) {
		r.service.cfg.Messages.StreamChunk(ctx, channel.MessageServerID, r.turn, index, text)
	}
	return nil
}

// wasIntroduced reports whether the author read within a day what the model says of itself, from whichever agent.
func (r *run) wasIntroduced(ctx context.Context) (bool, error) {
	words := r.agent.model.Introduction
	if words == "" || r.context.Program {
		return false, nil
	}
	person := r.context.Trigger.AuthorID
	if introduced, known := r.service.introductions.recall(person, r.startedAt); known {
		return introduced, nil
	}
	introduced, err := r.service.cfg.Messages.HasReplyWith(ctx, person, words, r.startedAt.Add(-introductionAge))
	if err == nil {
		r.service.introductions.note(person, introduced, r.startedAt)
	}
	return introduced, err
}

// noteIntroduction remembers what a stored reply said to its reader about the model.
func (r *run) noteIntroduction(reply *messaging.Reply) {
	if reply == nil || r.agent == nil {
		return
	}
	if words := r.agent.model.Introduction; words != "" && strings.Contains(reply.Content, words) {
		r.service.introductions.note(r.context.Trigger.AuthorID, true, r.startedAt)
	}
}

// seed is the same for all runs of the agent in the room for the life of a sample.
func (r *run) seed() uint64 {
	own := hash(r.turn.AgentID, r.turn.ChannelID)
	ttl := uint64(r.service.cfg.SampleTTL)
	// Rooms change at different moments, so that not all prompts of an agent change at once.
	return hash(r.turn.AgentID, r.turn.ChannelID, (uint64(r.startedAt.UnixNano())+own%ttl)/ttl)
}

// hash mixes identifiers and numbers.
func hash(parts ...any) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		switch p := p.(type) {
		case uuid.UUID:
			_, _ = h.Write(p[:]) // a hash never fails
		case uint64:
			_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, p))
		}
	}
	return h.Sum64()
}

// forComponents returns what a component gets now. The state and the results are the component's own copies.
func (r *run) forComponents() *agent.Run {
	out := r.view
	out.State, out.Actions = r.state.Clone(), r.offered
	for _, o := range r.steps {
		out.Results = append(out.Results, o.Result)
	}
	return &out
}

// services is what a component may do within a run.
type services struct{ *run }

// Remember implements [agent.Services].
func (s services) Remember(facts ...agent.Fact) { s.learned.add(s.run, facts) }

// Forget implements [agent.Services].
func (s services) Forget(ids ...uuid.UUID) { s.learned.drop(ids) }

// SetRoomState implements [agent.Services].
func (s services) SetRoomState(ctx context.Context, state string) error {
	return s.service.cfg.Messages.SetParticipantState(ctx, auth.Agent(s.turn.AgentID), s.turn.ChannelID, s.turn.AgentID, state)
}
