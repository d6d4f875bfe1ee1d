package openai

import (
	"bytes"
	"encoding/json"

	"github.com/elizad/elizad/server/model"
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

	kind model.Kind
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
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

// newChatRequest translates req for the endpoint's dialect.
func (c *Client) newChatRequest(name string, req model.Request) *chatRequest {
	body := &chatRequest{
		Model:            name,
		Stream:           !c.cfg.NoStream,
		Temperature:      req.Params.Temperature,
		TopP:             req.Params.TopP,
		FrequencyPenalty: req.Params.FrequencyPenalty,
		PresencePenalty:  req.Params.PresencePenalty,
		Stop:             req.Params.Stop,
		kind:             req.Kind,
	}
	if body.Stream && !c.cfg.NoStreamUsage {
		body.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if c.cfg.CompletionTokens {
		body.MaxCompletionTokens = req.Params.MaxTokens
	} else {
		body.MaxTokens = req.Params.MaxTokens
	}
	if req.System != "" {
		body.Messages = append(body.Messages, chatMessage{"system", req.System})
	}
	for _, t := range req.Turns {
		body.Messages = append(body.Messages, chatMessage{string(t.Role), t.Text})
	}
	if req.Prompt != "" {
		body.Messages = append(body.Messages, chatMessage{"user", req.Prompt})
	}
	for _, t := range req.Tools {
		body.Tools = append(body.Tools, chatTool{"function", chatFunction(t)})
	}
	return body
}

// relax removes the optional parameter that the endpoint refused, or sends the token limit under its other name. It
// reports whether the request changed.
func (r *chatRequest) relax(param string) bool {
	before := *r
	switch param {
	case "stream_options", "include_usage":
		r.StreamOptions = nil
	case "max_tokens":
		r.MaxTokens, r.MaxCompletionTokens = 0, r.MaxTokens
	case "max_completion_tokens":
		r.MaxTokens, r.MaxCompletionTokens = r.MaxCompletionTokens, 0
	case "temperature":
		r.Temperature = nil
	case "top_p":
		r.TopP = nil
	case "frequency_penalty":
		r.FrequencyPenalty = nil
	case "presence_penalty":
		r.PresencePenalty = nil
	case "stop":
		r.Stop = nil
	}
	return r.StreamOptions != before.StreamOptions || r.MaxTokens != before.MaxTokens || r.Temperature != before.Temperature ||
		r.TopP != before.TopP || r.FrequencyPenalty != before.FrequencyPenalty || r.PresencePenalty != before.PresencePenalty ||
		len(r.Stop) != len(before.Stop)
}

// chatAnswer is a whole completion or one chunk of a streamed one: they differ in the name of the message field only.
type chatAnswer struct {
	Model   string          `json:"model"`
	Choices []chatChoice    `json:"choices"`
	Usage   *chatUsage      `json:"usage"`
	Error   json.RawMessage `json:"error"`
	Object  string          `json:"object"` // "error" when the object itself is one
}

type chatChoice struct {
	Delta        chatDelta `json:"delta"`
	Message      chatDelta `json:"message"`
	FinishReason string    `json:"finish_reason"`
}

// chatDelta is what a choice says. Reasoning fields are left unread: they are not part of the answer.
type chatDelta struct {
	Content   chatContent    `json:"content"`
	Refusal   string         `json:"refusal"`
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

// chatContent is a text, null, or a list of parts of which the text ones count.
type chatContent string

func (c *chatContent) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*string)(c))
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		if p.Type == "text" {
			*c += chatContent(p.Text)
		}
	}
	return nil
}

// finishReason translates a reason as the wire spells it; unknown ones count as a regular end.
func finishReason(wire string) model.FinishReason {
	switch wire {
	case "length", "max_tokens", "model_length":
		return model.FinishLength
	case "tool_calls", "function_call":
		return model.FinishTools
	case "content_filter", "safety":
		return model.FinishFilter
	default:
		return model.FinishStop
	}
}
