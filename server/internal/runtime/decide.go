package runtime

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
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

// decide says whether the agent answers (agent runtime §9.3, steps 4 and 7). The model is asked only where no rule fits.
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
		if r.mind.settings.flag("BOOTSTRAP_DEFLLMOFF") {
			return no("off", "BOOTSTRAP_DEFLLMOFF is on, and the agent was not asked to follow this room"), true
		}
	case agent.RoomMuted:
		if !r.isNamed() && r.addressee() != r.turn.AgentID {
			return no("muted", "The agent was asked to be quiet here, until it is called by name"), true
		}
	}
	return verdict{}, false
}

// rules applies rules 7b to 7d.
func (r *run) rules() (verdict, bool) {
	var (
		kind    = strings.ToLower(r.view.Room.Type)
		source  = strings.ToLower(r.view.Message.Content.Source)
		mention = r.view.Message.Content.Mention
	)
	switch {
	case slices.Contains(directTypes, r.view.Room.Type):
		return yes("direct", "The message was sent to the agent directly"), true
	case slices.Contains(r.mind.settings.list("ALWAYS_RESPOND_CHANNELS", "SHOULD_RESPOND_BYPASS_TYPES"), kind):
		return yes("always_respond_channel", "The agent always answers in channels of this type"), true
	case containsAny(source, r.mind.settings.list("ALWAYS_RESPOND_SOURCES", "SHOULD_RESPOND_BYPASS_SOURCES")):
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
	case strings.Contains(source, clientSource):
		return r.clientRule()
	}
	return verdict{}, false
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s, part) })
}

// clientRule is rule 7c: what is typed in the web client is answered. With several agents in the room one of them does, the
// one that spoke last there; the others ask the model, unless the room says that all answer or the message names one of
// them.
func (r *run) clientRule() (verdict, bool) {
	const rule = "client_chat"
	others := r.runningPeers()
	if len(others) == 0 {
		return yes(rule, "The message comes from the web client"), true
	}
	if i := slices.IndexFunc(others, func(p peer) bool { return mentions(r.view.Message.Content.Text, p.name) }); i >= 0 {
		return no("addressed_other", "The message names another agent: "+others[i].name), true
	}
	if mode, _ := r.mind.settings.Setting("REPLY_MODE"); strings.EqualFold(strings.TrimSpace(mode), "all") {
		return yes(rule, "Every agent answers in the web client, because REPLY_MODE is all"), true
	}
	if r.spokesman() == r.turn.AgentID {
		return yes(rule, "The message comes from the web client, and the agent is the one to answer there"), true
	}
	return verdict{}, false
}

// runningPeers returns the other agents of the room that take turns.
func (r *run) runningPeers() []peer {
	return slices.DeleteFunc(slices.Clone(r.peers), func(p peer) bool { return !p.running || p.id == r.turn.AgentID })
}

// spokesman returns the agent that spoke last in the room, or the first that joined it. All agents of a room agree on it, as
// long as they see the same messages: those before the one to answer.
func (r *run) spokesman() uuid.UUID {
	running := func(id uuid.UUID) bool {
		return slices.ContainsFunc(r.peers, func(p peer) bool { return p.id == id && p.running })
	}
	for _, m := range slices.Backward(r.context.Recent) {
		if m.Seq < r.turn.Seq && running(m.AuthorID) {
			return m.AuthorID
		}
	}
	for _, p := range r.peers {
		if p.running {
			return p.id
		}
	}
	return r.turn.AgentID
}

// isForAnother reports whether the message is addressed to another agent of the room, by its id.
func (r *run) isForAnother() bool {
	target := r.addressee()
	return slices.ContainsFunc(r.runningPeers(), func(p peer) bool { return p.id == target })
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
	return mentions(r.view.Message.Content.Text, r.mind.character.Addresses()...)
}

// mentions reports whether one of the names stands in a text as a word of its own, in any case.
func mentions(text string, names ...string) bool {
	text = strings.ToLower(text)
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		for pos := 0; ; {
			i := strings.Index(text[pos:], name)
			if i < 0 {
				break
			}
			start, end := pos+i, pos+i+len(name)
			before, _ := utf8.DecodeLastRuneInString(text[:start])
			after, _ := utf8.DecodeRuneInString(text[end:])
			if !isWordRune(before) && !isWordRune(after) {
				return true
			}
			_, width := utf8.DecodeRuneInString(text[start:])
			pos = start + width
		}
	}
	return false
}

func isWordRune(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

// askWhether lets the model decide (rule 7e). To be asked for silence counts as no, and the agent stays silent.
func (r *run) askWhether(ctx context.Context) (verdict, error) {
	r.offer(ctx)
	if err := r.compose(ctx, []string{"ANXIETY", "ENTITIES", "CHARACTER", "RECENT_MESSAGES", "ACTIONS"}); err != nil {
		return verdict{}, err
	}
	prompt, err := r.render(shouldRespondPrompt)
	if err != nil {
		return verdict{}, err
	}
	answer, err := r.generate(ctx, model.Request{
		Kind: model.TextSmall, Purpose: model.ShouldRespond, Prompt: prompt, State: r.modelState(),
	}, 1, nil)
	if err != nil {
		return verdict{}, err
	}
	fields, ok := frame.Parse(answer.Text, "name", "reasoning", "action")
	if !ok {
		return no("no_decision", "The model did not say whether to answer"), nil
	}
	reasoning := shorten(fields.Fields["reasoning"], 200)
	switch action := frame.Fold(fields.Fields["action"]); action {
	case "stop":
		if err := (services{r}).SetRoomState(ctx, agent.RoomMuted); err != nil {
			return verdict{}, err
		}
		return no("model_stop", "The agent was asked to be quiet, and will be until it is called by name"), nil
	case "", "ignore", "none":
		return no("model_ignore", because("The model chose not to answer", reasoning)), nil
	default:
		return yes("model_respond", because("The model chose to answer", reasoning)), nil
	}
}

func because(what, why string) string {
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
