package runtime

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime/frame"
)

// conclude turns what was done into the outcome of the turn.
func (r *run) conclude(v verdict, d frame.Decision) (messaging.Outcome, error) {
	text := strings.TrimSpace(r.reply.String())
	switch {
	case text != "":
		reply, err := r.replyContent(r.reply.String(), d)
		return messaging.Outcome{Status: messaging.TurnReplied, Reason: v.rule, Detail: v.detail, Reply: reply}, err
	case r.ignored:
		return messaging.Outcome{Status: messaging.TurnIgnored, Reason: reasonIgnore, Detail: "The agent chose to say nothing"}, nil
	}
	var done, failed []string
	for _, s := range r.steps {
		if s.Failed {
			failed = append(failed, s.Action)
			continue
		}
		done = append(done, s.Action)
	}
	switch {
	case len(failed) > 0:
		return messaging.Outcome{Status: messaging.TurnFailed, Reason: reasonActionFail, Detail: "The agent could not do " + strings.Join(failed, ", ")}, nil
	case len(done) > 0:
		return messaging.Outcome{Status: messaging.TurnIgnored, Reason: reasonActed, Detail: "The agent did " + strings.Join(done, ", ") + " and said nothing"}, nil
	default:
		return messaging.Outcome{Status: messaging.TurnIgnored, Reason: reasonIgnore, Detail: "The agent chose to say nothing"}, nil
	}
}

// replyContent is the reply as it is stored and sent (agent runtime §9.5).
func (r *run) replyContent(text string, d frame.Decision) (*messaging.Reply, error) {
	raw, err := json.Marshal(map[string]any{"text": text, "thought": d.Thought, "actions": d.Actions})
	if err != nil {
		return nil, fmt.Errorf("encoding a reply: %w", err)
	}
	kind := r.view.Room.Type
	extra := readExtra(r.context.Trigger)
	metadata := map[string]any{
		"agent_id": r.turn.AgentID, "agentName": r.mind.character.Name, "attachments": []agent.Attachment{},
		"channelType": kind, "isDm": extra.IsDM || kind == string(messaging.TypeDM),
		"provider": r.mind.model.Provider.Name(), "model": r.answered,
	}
	if notice := r.mind.model.ReplyNotice; notice != "" {
		metadata["notice"] = notice
	}
	if r.truncated || r.reply.full {
		metadata["truncated"] = true
	}
	data, err := json.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("encoding a reply's metadata: %w", err)
	}
	return &messaging.Reply{Content: text, AuthorName: r.mind.character.Name, RawMessage: raw, Metadata: data}, nil
}
