package openai

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/form"
)

// chatRequest is the body of POST /chat/completions.
type chatRequest struct {
	Model               string         `json:"model"`
	Messages            []chatMessage  `json:"messages"`
	Stream              bool           `json:"stream"`
	StreamOptions       *streamOptions `json:"stream_options,omitempty"`
	MaxTokens           int            `json:"max_tokens,omitempty"`
	MaxCompletionTokens int            `json:"max_completion_tokens,omitempty"`
	Temperature         *float64       `json:"temperature,omitempty"`
	TopP                *float64       `json:"top_p,omitempty"`
	FrequencyPenalty    *float64       `json:"frequency_penalty,omitempty"`
	PresencePenalty     *float64       `json:"presence_penalty,omitempty"`
	Stop                []string       `json:"stop,omitempty"`
	Tools               []chatTool     `json:"tools,omitempty"`
}

type chatMessage struct {
	Role     string
	Content  string
	pictures []model.Picture // shown after Content
}

// MarshalJSON returns the message in the common form: its content is a text unless it has pictures.
func (m chatMessage) MarshalJSON() ([]byte, error) {
	if len(m.pictures) == 0 {
		return json.Marshal(struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		}{m.Role, m.Content})
	}
	parts := []chatPart{{Type: "text", Text: m.Content}}
	for _, p := range m.pictures {
		parts = append(parts, chatPart{Type: "image_url", ImageURL: &imageURL{"data:" + p.MediaType + ";base64," + base64.StdEncoding.EncodeToString(p.Data)}})
	}
	return json.Marshal(struct {
		Role    string     `json:"role"`
		Content []chatPart `json:"content"`
	}{m.Role, parts})
}

// chatPart is a part of a message.
type chatPart struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type chatTool struct {
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

// newChatRequest translates req into the form that the model takes.
func newChatRequest(name string, req model.Request, f form.Form) *chatRequest {
	body := &chatRequest{Model: name, Stream: !f.Whole}
	if body.Stream && !f.Lacks(form.Usage) {
		body.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if tokens := f.Limited(req.Params.MaxTokens); f.Completion {
		body.MaxCompletionTokens = tokens
	} else {
		body.MaxTokens = tokens
	}
	for _, p := range []struct {
		part form.Part
		into **float64
		from *float64
	}{
		{form.Temperature, &body.Temperature, req.Params.Temperature}, {form.TopP, &body.TopP, req.Params.TopP},
		{form.Frequency, &body.FrequencyPenalty, req.Params.FrequencyPenalty}, {form.Presence, &body.PresencePenalty, req.Params.PresencePenalty},
	} {
		if !f.Lacks(p.part) {
			*p.into = p.from
		}
	}
	if !f.Lacks(form.Stop) {
		body.Stop = req.Params.Stop
	}
	if req.System != "" {
		body.Messages = append(body.Messages, chatMessage{Role: "system", Content: req.System})
	}
	for _, m := range req.Messages {
		body.Messages = append(body.Messages, chatMessage{Role: string(m.Role), Content: m.Text})
	}
	if prompt, pictures := f.Prompt(req); prompt != "" {
		body.Messages = append(body.Messages, chatMessage{"user", prompt, pictures})
	}
	if f.Lacks(form.System) {
		body.Messages = alternating(body.Messages)
	}
	if !f.Lacks(form.Tools) {
		for _, t := range req.Tools {
			body.Tools = append(body.Tools, chatTool{"function", chatFunction(t)})
		}
	}
	return body
}

// alternating returns messages for a model that knows users and assistants only, in turns: the system text opens the
// first message of the user, and what one of them says twice in a row is one message.
func alternating(messages []chatMessage) []chatMessage {
	var out []chatMessage
	for _, m := range messages {
		if m.Role == "system" {
			m.Role = "user"
		}
		if last := len(out) - 1; last >= 0 && out[last].Role == m.Role {
			out[last].Content += "\n\n" + m.Content
			out[last].pictures = append(out[last].pictures, m.pictures...)
			continue
		}
		out = append(out, m)
	}
	return out
}

// Has implements [form.Request].
func (r *chatRequest) Has(p form.Part) bool {
	switch p {
	case form.Pictures:
		return slices.ContainsFunc(r.Messages, func(m chatMessage) bool { return len(m.pictures) > 0 })
	case form.Usage:
		return r.StreamOptions != nil
	case form.Stream:
		return r.Stream
	case form.Tools:
		return len(r.Tools) > 0
	case form.System:
		return !r.alternates()
	case form.Limit:
		return r.TokenLimit() > 0
	case form.TopP:
		return r.TopP != nil
	case form.Temperature:
		return r.Temperature != nil
	case form.Frequency:
		return r.FrequencyPenalty != nil
	case form.Presence:
		return r.PresencePenalty != nil
	case form.Stop:
		return len(r.Stop) > 0
	default:
		return false
	}
}

// TokenLimit implements [form.Request].
func (r *chatRequest) TokenLimit() int { return max(r.MaxTokens, r.MaxCompletionTokens) }

// alternates reports whether the messages are of users and assistants only, in turns.
func (r *chatRequest) alternates() bool {
	for i, m := range r.Messages {
		if m.Role == "system" || i > 0 && r.Messages[i-1].Role == m.Role {
			return false
		}
	}
	return true
}

// chatAnswer is a whole completion or one chunk of a streamed one: they differ in the name of the message field only.
type chatAnswer struct {
	Model   string          `json:"model"`
	Choices []chatChoice    `json:"choices"`
	Usage   *chatUsage      `json:"usage"`
	Error   json.RawMessage `json:"error"`
	Object  string          `json:"object"` // "error" when the object itself is one
	Type    string          `json:"type"`   // the same of some gateways, and what events without choices are
}

type chatChoice struct {
	Delta        chatDelta `json:"delta"`
	Message      chatDelta `json:"message"`
	Text         wireText  `json:"text"` // of endpoints that complete texts
	FinishReason string    `json:"finish_reason"`
}

// chatDelta is what a choice says. Reasoning fields are left unread: they are not part of the answer.
type chatDelta struct {
	Content   wireText       `json:"content"`
	Refusal   wireText       `json:"refusal"`
	ToolCalls []chatToolCall `json:"tool_calls"`
}

type chatToolCall struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"` // text with JSON in it, or the bare object
	} `json:"function"`
}

type chatUsage struct {
	PromptTokens        int `json:"prompt_tokens"`
	CompletionTokens    int `json:"completion_tokens"`
	PromptTokensDetails *struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	PromptCacheHitTokens int `json:"prompt_cache_hit_tokens"` // DeepSeek
}

// The finish reasons in use, in lower case. Unknown ones count as a regular end.
var finishReasons = map[string]model.FinishReason{
	"length": model.FinishLength, "max_tokens": model.FinishLength, "model_length": model.FinishLength, "max_output_tokens": model.FinishLength,
	"model_context_window_exceeded": model.FinishLength, "context_length_exceeded": model.FinishLength,
	"tool_calls": model.FinishTools, "tool_use": model.FinishTools, "function_call": model.FinishTools,
	"content_filter": model.FinishFilter, "content_filtered": model.FinishFilter, "safety": model.FinishFilter, "refusal": model.FinishFilter,
	"recitation": model.FinishFilter, "blocklist": model.FinishFilter, "prohibited_content": model.FinishFilter, "spii": model.FinishFilter,
	"guardrail_intervened": model.FinishFilter, "sensitive": model.FinishFilter,
}

// finishReason translates a reason as the wire spells it. What vendors add behind a colon is of no consequence.
func finishReason(wire string) model.FinishReason {
	word, _, _ := strings.Cut(strings.ToLower(wire), ":")
	if reason, known := finishReasons[word]; known {
		return reason
	}
	return model.FinishStop
}

// brokeOff reports whether a finish reason says that the endpoint could not go on.
func brokeOff(wire string) bool {
	switch strings.ToLower(wire) {
	case "error", "abort", "network_error", "insufficient_system_resource":
		return true
	default:
		return false
	}
}
