package runtime

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/mention"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime/frame"
	"github.com/elizad/elizad/server/model"
)

// verdict is the answer to the question whether to answer, with the rule that gave it.
type verdict struct {
	respond bool
	rule    string // a short code, stored as the reason of the turn
	detail  string // the same for people
}

func yes(rule, detail string) verdict { return verdict{true, rule, detail} }
func no(rule, detail string) verdict  { return verdict{false, rule, detail} }

// directTypes are the channel types in which everything is said to the agent.
var directTypes = []string{
	string(messaging.TypeDM), string(messaging.TypeVoiceDM), string(messaging.TypeSelf), string(messaging.TypeAPI),
}

// clientSource is part of the source of messages that are typed in the web client.
const clientSource = "client_chat"

// decide says whether the agent answers (agent runtime §9.3, steps 4 to 6). The model is asked only where no rule fits.
func (r *run) decide(ctx context.Context) (verdict, error) {
	if v, ok := r.standing(); ok {
		return v, nil
	}
	if v, ok := r.rules(); ok {
		return v, nil
	}
	return r.askWhether(ctx)
}

// standing applies the agent's standing in the room.
func (r *run) standing() (verdict, bool) {
	switch r.view.Room.State {
	case "":
		if r.agent.settings.flag("BOOTSTRAP_DEFLLMOFF") {
			return no("off", "BOOTSTRAP_DEFLLMOFF is on, and the agent was not asked to follow this room"), true
		}
	case agent.RoomMuted:
		if !r.isNamed() && r.addressee() != r.turn.AgentID {
			return no("muted", "The agent was asked to be quiet here, until it is called by name"), true
		}
	}
	return verdict{}, false
}

// rules applies the rules of step 5.
func (r *run) rules() (verdict, bool) {
	var (
		kind    = strings.ToLower(r.view.Room.Type)
		source  = strings.ToLower(r.view.Message.Content.Source)
		mention = r.view.Message.Content.Mention
	)
	switch {
	case slices.Contains(directTypes, r.view.Room.Type):
		return yes("direct", "The message was sent to the agent directly"), true
	case slices.Contains(r.agent.settings.list("ALWAYS_RESPOND_CHANNELS", "SHOULD_RESPOND_BYPASS_TYPES"), kind):
		return yes("always_respond_channel", "The agent always answers in channels of this type"), true
	case containsAny(source, r.agent.settings.list("ALWAYS_RESPOND_SOURCES", "SHOULD_RESPOND_BYPASS_SOURCES")):
		return yes("always_respond_source", "The agent always answers messages from this source"), true
	case mention != nil && (mention.IsMention || mention.IsReply):
		return yes("platform_mention", "The platform says that the message is for the agent"), true
	case r.addressee() == r.turn.AgentID:
		return yes("addressed", "The message is addressed to the agent"), true
	case r.isNamed():
		return yes("mention", "The message names the agent"), true
	case r.isReplyToSelf():
		return yes("reply", "The message answers one of the agent's"), true
	case r.isForAnother():
		return no("addressed_other", "The message is addressed to another agent"), true
	}
	if name := r.namedPeer(); name != "" {
		return no("addressed_other", "The message names another agent: "+name), true
	}
	switch {
	case strings.Contains(source, clientSource):
		return r.clientRule()
	case r.isAlone():
		return yes("alone", "Nobody else is there to answer"), true
	}
	return verdict{}, false
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s, part) })
}

// clientRule is the one of the web client: what is typed in the web client is answered. With several agents in the room one of them does, the
// one that spoke last there; the others ask the model, unless the room says that all answer.
func (r *run) clientRule() (verdict, bool) {
	const rule = "client_chat"
	if len(r.runningPeers()) == 0 {
		return yes(rule, "The message comes from the web client"), true
	}
	if mode, _ := r.agent.settings.Setting("REPLY_MODE"); strings.EqualFold(strings.TrimSpace(mode), "all") {
		return yes(rule, "Every agent answers in the web client, because REPLY_MODE is all"), true
	}
	if r.defaultResponder() == r.turn.AgentID {
		return yes(rule, "The message comes from the web client, and the agent is the one to answer there"), true
	}
	return verdict{}, false
}

// isAlone reports whether the agent is alone with the message's author, as far as it can see: no other agent of the room is
// running, and no other person takes part or has written lately. Who is in a channel of another platform, only that knows.
func (r *run) isAlone() bool {
	if r.context.Channel.SourceID != nil || len(r.runningPeers()) > 0 {
		return false
	}
	author := r.context.Trigger.AuthorID
	isOther := func(id uuid.UUID) bool {
		return id != author && !slices.ContainsFunc(r.context.Agents, func(p messaging.ChannelAgent) bool { return p.ID == id })
	}
	return !slices.ContainsFunc(r.context.Channel.Participants, isOther) &&
		!slices.ContainsFunc(r.context.Recent, func(m messaging.Message) bool { return isOther(m.AuthorID) })
}

// runningPeers returns the other agents of the room that take turns.
func (r *run) runningPeers() []messaging.ChannelAgent {
	return slices.DeleteFunc(slices.Clone(r.context.Agents), func(p messaging.ChannelAgent) bool { return !p.Running || p.ID == r.turn.AgentID })
}

// defaultResponder returns the agent that spoke last in the room, or the first that joined it. All agents of a room agree on it, as
// long as they see the same messages: those before the one to answer.
func (r *run) defaultResponder() uuid.UUID {
	running := func(id uuid.UUID) bool {
		return slices.ContainsFunc(r.context.Agents, func(p messaging.ChannelAgent) bool { return p.ID == id && p.Running })
	}
	for _, m := range slices.Backward(r.context.Recent) {
		if m.Seq < r.turn.Seq && running(m.AuthorID) {
			return m.AuthorID
		}
	}
	for _, p := range r.context.Agents {
		if p.Running {
			return p.ID
		}
	}
	return r.turn.AgentID
}

// isForAnother reports whether the message is addressed to another agent of the room, by its id.
func (r *run) isForAnother() bool {
	target := r.addressee()
	return slices.ContainsFunc(r.runningPeers(), func(p messaging.ChannelAgent) bool { return p.ID == target })
}

// namedPeer returns the name of another agent that takes turns in the room and is named in the message; empty for none.
func (r *run) namedPeer() string {
	for _, p := range r.runningPeers() {
		if mention.In(r.view.Message.Content.Text, p.Name) {
			return p.Name
		}
	}
	return ""
}

func (r *run) isReplyToSelf() bool {
	return slices.ContainsFunc(r.view.Recent, func(m agent.Message) bool {
		return m.FromSelf && m.ID == r.view.Message.InReplyTo
	})
}

// addressee returns the agent that the message is addressed to by its id; the zero id, when to none.
func (r *run) addressee() uuid.UUID { return messaging.Addressee(r.context.Trigger.Metadata) }

// isNamed reports whether the message names the agent.
func (r *run) isNamed() bool {
	return mention.In(r.view.Message.Content.Text, r.agent.character.Addresses()...)
}

// askWhether lets the model decide. To be asked for silence counts as no, and the agent stays silent.
func (r *run) askWhether(ctx context.Context) (verdict, error) {
	r.offer(ctx)
	if err := r.compose(ctx, []string{"ANXIETY", "ENTITIES", "CHARACTER", "RECENT_MESSAGES", "ACTIONS"}); err != nil {
		return verdict{}, err
	}
	prompt, err := r.render(shouldRespondPrompt)
	if err != nil {
		return verdict{}, err
	}
	answer, err := r.collect(ctx, model.Request{Kind: model.TextSmall, Purpose: model.ShouldRespond, Prompt: prompt, State: r.modelState()})
	if err != nil {
		return verdict{}, err
	}
	fields, ok := frame.Parse(answer.Text, "name", "reasoning", "action")
	action := frame.Fold(fields.Fields["action"])
	if !ok {
		action = frame.Fold(frame.Choose(answer.Text, "RESPOND", "REPLY", "IGNORE", "NONE", "STOP"))
		ok = action != ""
	}
	switch {
	case !ok && answer.Done.FinishReason == model.FinishLength:
		return no("no_decision", "The model used up its token limit before it said whether to answer; "+r.agent.settings.moreTokens(model.TextSmall)), nil
	case !ok:
		return no("no_decision", "The model did not say whether to answer"), nil
	}
	reasoning := shorten(fields.Fields["reasoning"], 200)
	switch action {
	case "stop":
		if err := (services{r}).SetRoomState(ctx, agent.RoomMuted); err != nil {
			return verdict{}, err
		}
		return no("model_stop", "The agent was asked to be quiet, and will be until it is called by name"), nil
	case "", "ignore", "none":
		return no("model_ignore", withReason("The model chose not to answer", reasoning)), nil
	default:
		return yes("model_respond", withReason("The model chose to answer", reasoning)), nil
	}
}

func withReason(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// shorten cuts a text to about n characters.
func shorten(text string, n int) string {
	if short := firstRunes(text, n); len(short) < len(text) {
		return short + "…"
	}
	return text
}
