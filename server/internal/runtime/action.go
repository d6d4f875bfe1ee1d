package runtime

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// The actions that the plan itself carries out.
const (
	replyAction  = "REPLY"
	ignoreAction = "IGNORE"
	noneAction   = "NONE"
)

// builtinActions returns the actions that every agent has (agent runtime §8.1).
func builtinActions() []agent.Action {
	nothing := func(context.Context, *agent.Run) (agent.Result, error) { return agent.Result{}, nil }
	return []agent.Action{
		{
			Name: replyAction, Similes: []string{"GREET", "REPLY_TO_MESSAGE", "SEND_REPLY", "RESPOND", "RESPONSE"},
			Description: "Say something to the person. First in the list, it tells them that you are on it; last, how it went.",
			Handle:      nothing,
		},
		{
			Name: ignoreAction, Similes: []string{"STOP_TALKING", "STOP_CHATTING", "STOP_CONVERSATION"},
			Description: "Say nothing: the exchange is over, the message is not for you, or an answer would do harm. Only alone.",
			Handle:      nothing,
		},
		{
			Name: noneAction, Similes: []string{"NO_ACTION", "NO_RESPONSE", "NO_REACTION"},
			Description: "Do nothing beyond what else is listed.",
			Handle:      nothing,
		},
		roomAction("FOLLOW_ROOM", "Take part in this room even without being addressed. Only when somebody asks for it.",
			[]string{"FOLLOW_CHAT", "FOLLOW_CHANNEL", "FOLLOW_CONVERSATION", "FOLLOW_THREAD"}, agent.RoomFollowed, "The room is followed now.",
			func(run *agent.Run) bool {
				return run.Room.State == "" && asksToFollow.MatchString(run.Message.Content.Text)
			}),
		roomAction("UNFOLLOW_ROOM", "Stop taking part in this room unless addressed. Only when somebody asks for it.",
			[]string{"UNFOLLOW_CHAT", "UNFOLLOW_CHANNEL", "UNFOLLOW_CONVERSATION", "UNFOLLOW_THREAD"}, "", "The room is no longer followed.",
			func(run *agent.Run) bool { return run.Room.State == agent.RoomFollowed }),
		roomAction("MUTE_ROOM", "Be silent in this room until called by name. Only when somebody asks for it.",
			[]string{"MUTE_CHAT", "MUTE_CONVERSATION", "MUTE_THREAD", "MUTE_CHANNEL"}, agent.RoomMuted, "The room is muted now.",
			func(run *agent.Run) bool { return run.Room.State != agent.RoomMuted }),
		roomAction("UNMUTE_ROOM", "Speak in this room again. Only when somebody asks for it.",
			[]string{"UNMUTE_CHAT", "UNMUTE_CONVERSATION", "UNMUTE_THREAD"}, "", "The room is no longer muted.",
			func(run *agent.Run) bool { return run.Room.State == agent.RoomMuted }),
		rememberingAction(), forgettingAction(),
	}
}

// asksToFollow recognises the request that the agent takes part.
var asksToFollow = regexp.MustCompile(`(?i)\b(follow|participate|join|take part|engage|listen in|stay|hang around|keep (talking|listening|an eye))\b`)

// roomAction changes the agent's standing in the room.
func roomAction(name, description string, similes []string, state, done string, makesSense func(*agent.Run) bool) agent.Action {
	return agent.Action{
		Name: name, Similes: similes, Description: description,
		Validate: func(_ context.Context, run *agent.Run) bool { return makesSense(run) },
		Handle: func(ctx context.Context, run *agent.Run) (agent.Result, error) {
			if err := run.Services.SetRoomState(ctx, state); err != nil {
				return agent.Result{}, err
			}
			return agent.Result{Text: done}, nil
		},
	}
}

// offer finds out, once in a run, which actions there are, and which make sense now. A tool whose name is taken is left out.
func (r *run) offer(ctx context.Context) {
	if r.offered != nil {
		return
	}
	r.actions = slices.Clone(r.agent.components.Actions)
	for _, tool := range r.agent.tools.Actions(ctx) {
		if !slices.ContainsFunc(r.actions, func(a agent.Action) bool { return a.Name == tool.Name }) {
			r.actions = append(r.actions, tool)
		}
	}
	view := r.forComponents()
	for _, a := range r.actions {
		if a.Validate == nil || r.validates(ctx, a, view) {
			r.offered = append(r.offered, a)
		}
	}
}

// isOffered reports whether an action makes sense now. Names are resolved among all actions first, or UNMUTE_ROOM would mean
// MUTE_ROOM while there is nothing to unmute.
func (r *run) isOffered(action agent.Action) bool {
	return slices.ContainsFunc(r.offered, func(a agent.Action) bool { return a.Name == action.Name })
}

// validates asks an action whether it makes sense. One that panics doesn't.
func (r *run) validates(ctx context.Context, a agent.Action, view *agent.Run) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			r.agent.log.ErrorContext(ctx, "action left out: its check panicked", "action", a.Name, "panic", v)
			ok = false
		}
	}()
	return a.Validate(ctx, view)
}

// minContained is the length from which a part of a name may stand for the name.
const minContained = 4

// resolve finds the action that a model means by a name: the same name, one that contains the other if there is only one,
// the same simile, a simile that contains it (agent runtime §8.2).
func resolve(actions []agent.Action, name string) (agent.Action, bool) {
	wanted := frame.Fold(name)
	if wanted == "" {
		return agent.Action{}, false
	}
	names := func(a agent.Action) []string { return []string{a.Name} }
	similes := func(a agent.Action) []string { return a.Similes }
	same := func(have string) bool { return have == wanted }
	part := func(have string) bool {
		return min(len(have), len(wanted)) >= minContained && (strings.Contains(have, wanted) || strings.Contains(wanted, have))
	}
	for _, rule := range []struct {
		names func(agent.Action) []string
		fits  func(string) bool
	}{{names, same}, {names, part}, {similes, same}, {similes, part}} {
		var found []agent.Action
		for _, a := range actions {
			if slices.ContainsFunc(rule.names(a), func(n string) bool { return rule.fits(frame.Fold(n)) }) {
				found = append(found, a)
			}
		}
		if len(found) == 1 {
			return found[0], true
		}
	}
	return agent.Action{}, false
}
