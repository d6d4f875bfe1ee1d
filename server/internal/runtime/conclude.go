package runtime

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
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
	case slices.ContainsFunc(d.Actions, r.isNone):
		return messaging.Outcome{Status: messaging.TurnIgnored, Reason: reasonNone, Detail: "The agent chose to do nothing"}, nil
	default:
		return messaging.Outcome{Status: messaging.TurnIgnored, Reason: reasonIgnore, Detail: "The agent chose to say nothing"}, nil
	}
}

// isNone reports whether a name in a plan means the action of doing nothing.
func (r *run) isNone(name string) bool {
	action, known := resolve(r.actions, name)
	return known && action.Name == noneAction
}

// Why a reply ends before its writer wanted, as its metadata has it under truncatedBy.
const (
	cutByFilter = "content_filter" // the provider withheld the rest
	cutByLimit  = "length"         // the model's token limit, or the greatest length of a message
	cutShort    = "interrupted"    // the answer broke off
	cutOnDemand = "cancelled"      // somebody had read enough
)

// replyContent is the reply as it is stored and sent (agent runtime §9.5).
func (r *run) replyContent(text string, d frame.Decision) (*messaging.Reply, error) {
	metadata := r.replyMetadata()
	switch {
	case r.reply.full:
		metadata["truncated"], metadata["truncatedBy"] = true, cutByLimit
	case r.truncated != "":
		metadata["truncated"], metadata["truncatedBy"] = true, r.truncated
	}
	return r.newReply(text, map[string]any{"text": text, "thought": d.Thought, "actions": d.Actions}, metadata)
}

// kept adds to the outcome of an answer that failed, or was cancelled, what people find of it in the conversation: the part that they
// read, or else a word on why there is none. Of what was cancelled everybody knows why.
func (r *run) kept(o messaging.Outcome) messaging.Outcome {
	failed := o.Status == messaging.TurnFailed || o.Status == messaging.TurnTimedOut
	if !r.answering || o.Reply != nil || !failed && o.Status != messaging.TurnCancelled {
		return o
	}
	text := r.reply.String()
	switch blank := strings.TrimSpace(text) == ""; {
	case blank && failed:
		o.Reply = r.noAnswer(o)
		return o
	case blank:
		return o
	}
	metadata := r.replyMetadata()
	metadata["truncated"], metadata["truncatedBy"] = true, cutOnDemand
	if failed {
		metadata["truncatedBy"] = cutShort
		metadata[messaging.FailureKey] = messaging.Failure{Reason: o.Reason, Message: o.Detail, Partial: true}
	}
	reply, err := r.newReply(text, map[string]any{"text": text, "actions": []string{replyAction}}, metadata)
	if err != nil {
		r.log().Error("part of an answer not kept", "error", err)
	}
	o.Reply = reply
	return o
}

// noAnswer takes the place of an answer in the conversation. It is not the agent's words, and the agent won't read it.
func (r *run) noAnswer(o messaging.Outcome) *messaging.Reply {
	r.noWords = true
	metadata := r.replyMetadata()
	metadata[messaging.FailureKey] = messaging.Failure{Reason: o.Reason, Message: o.Detail}
	text := "No answer: " + o.Detail
	reply, err := r.newReply(text, map[string]any{"text": text, "actions": []string{}}, metadata)
	if err != nil {
		r.log().Error("failure not kept", "error", err)
	}
	return reply
}

// replyMetadata is what the metadata of all that an agent says hold.
func (r *run) replyMetadata() map[string]any {
	kind := string(r.context.Channel.Type)
	provider := cmp.Or(r.answered.Provider, r.agent.model.Provider.Name())
	isDM := member[bool](r.context.Trigger.Metadata, "isDm")
	metadata := map[string]any{
		"agent_id": r.turn.AgentID, "agentName": r.agent.character.Name, "attachments": []agent.Attachment{},
		"channelType": kind, "isDm": isDM || kind == string(messaging.TypeDM),
		"provider": provider, "model": r.answered.Model,
	}
	if notice := r.agent.model.ReplyNotices[provider]; notice != "" {
		metadata["notice"] = notice
	}
	if found := r.passages(); len(found) > 0 {
		metadata["sources"] = sourcesOf(found)
	}
	if r.answered.Fallback {
		metadata["fallback"] = true
	}
	return metadata
}

func (r *run) newReply(text string, raw, metadata map[string]any) (*messaging.Reply, error) {
	rawJSON, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("encoding a reply: %w", err)
	}
	data, err := json.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("encoding a reply's metadata: %w", err)
	}
	return &messaging.Reply{Content: text, AuthorName: r.agent.character.Name, RawMessage: rawJSON, Metadata: data}, nil
}
