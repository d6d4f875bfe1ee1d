package model

import (
	"encoding/json"
	"math"
	"time"
)

// Kind is the class of model a request asks for. The values are the names characters and clients use.
type Kind string

// The text models of an agent: a small one for decisions, a large one for what people read.
const (
	TextSmall Kind = "TEXT_SMALL"
	TextLarge Kind = "TEXT_LARGE"
)

// Purpose says what an answer will be used for. Remote providers ignore it; the built-in responder chooses its rules by
// it, and run records carry it.
type Purpose string

// The purposes of a call, with the fields of the expected frame.
const (
	Handle        Purpose = "handle"         // first answer to a message: thought, actions, providers, text
	Reply         Purpose = "reply"          // the text of a REPLY action: thought, text
	ShouldRespond Purpose = "should_respond" // whether to answer at all: name, reasoning, action
	Decide        Purpose = "decide"         // next step of a multi-step run: thought, action, parameters, providers, isFinish
	Summarize     Purpose = "summarize"      // closing words of a multi-step run: thought, text
	Choose        Purpose = "choose"         // yes or no, or the name of one of State.Options; plain text
	Post          Purpose = "post"           // a post of the agent's own: thought, post
	Title         Purpose = "title"          // three to six words for a conversation; plain text
	Raw           Purpose = "raw"            // whatever the prompt asks for; plain text
)

// Request is one call of a model.
type Request struct {
	Kind     Kind
	Purpose  Purpose
	System   string    // the system text; empty for none
	Messages []Message // earlier messages, oldest first, sent between System and Prompt; usually none
	Prompt   string    // the rendered prompt, sent as the user's last message; empty when Messages end with one already
	Pictures []Picture // shown with Prompt, to models that see
	State    *State    // the same situation in structured form, for the built-in responder; nil for raw prompts
	Tools    []Tool    // functions the model may ask to be called; usually none
	Params   Params

	// Report is called for every attempt at the call that failed and is followed by another, perhaps of another provider; it may be nil.
	Report func(Attempt)
}

// Attempt is an attempt at a call that failed and is followed by another.
type Attempt struct {
	Err      error         // why it failed
	Took     time.Duration // until it failed
	Wait     time.Duration // before the next
	Provider string        // that failed, where it may be another than the one that was asked
	Model    string        // of that provider
}

// Attempted calls r.Report, if there is one.
func (r Request) Attempted(a Attempt) {
	if r.Report != nil {
		r.Report(a)
	}
}

// Role is the speaker of a [Message].
type Role string

// The speakers of a conversation.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one message of a conversation that is sent to a model message by message.
type Message struct {
	Role Role
	Text string
}

// Picture is a picture that is shown to a model.
type Picture struct {
	MediaType string // image/png, image/jpeg, image/webp or image/gif
	Data      []byte
}

// Params tune a call. A zero MaxTokens and nil pointers leave the choice to the provider.
type Params struct {
	MaxTokens        int // most tokens the answer may have
	Temperature      *float64
	TopP             *float64
	FrequencyPenalty *float64
	PresencePenalty  *float64
	Stop             []string // the answer ends before any of these
}

// Tool is a function offered to the model.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON schema of the arguments; nil for none
}

// ToolCall is the model's request to have a [Tool] called.
type ToolCall struct {
	ID        string // never empty; made up when the provider sent none
	Name      string
	Arguments string // JSON text as the model wrote it; check before use
}

// Validate reports the first thing that makes r unusable with any provider, as a [*Error] of kind BadRequest.
func (r Request) Validate() error {
	switch {
	case r.Kind != TextSmall && r.Kind != TextLarge:
		return badRequest("the model kind " + string(r.Kind) + " is not one of TEXT_SMALL and TEXT_LARGE")
	case r.Prompt == "" && len(r.Messages) == 0 && r.State == nil:
		return badRequest("the request has neither a prompt nor messages")
	case r.Params.MaxTokens < 0:
		return badRequest("the token limit is negative")
	case !within(r.Params.Temperature, 0, 2):
		return badRequest("the temperature is outside 0 to 2")
	case !within(r.Params.TopP, 0, 1):
		return badRequest("top_p is outside 0 to 1")
	case !within(r.Params.FrequencyPenalty, -2, 2), !within(r.Params.PresencePenalty, -2, 2):
		return badRequest("a penalty is outside -2 to 2")
	}
	for _, m := range r.Messages {
		if m.Role != RoleUser && m.Role != RoleAssistant {
			return badRequest("the role " + string(m.Role) + " is not one of user and assistant")
		}
	}
	for _, t := range r.Tools {
		if t.Name == "" {
			return badRequest("a tool has no name")
		}
		if t.Parameters != nil && !json.Valid(t.Parameters) {
			return badRequest("the parameters of tool " + t.Name + " are not valid JSON")
		}
	}
	return nil
}

func badRequest(message string) *Error {
	return &Error{Kind: BadRequest, Message: message}
}

// within reports whether v is absent or in [low, high]; NaN is in no range.
func within(v *float64, low, high float64) bool {
	return v == nil || !math.IsNaN(*v) && *v >= low && *v <= high
}
