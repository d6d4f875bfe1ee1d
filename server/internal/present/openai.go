package present

import (
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// Chat is an answer to a client of OpenAI's interface.
type Chat struct {
	Turn  messaging.Turn
	Model string    // as the request named it
	At    time.Time // when it began
}

func (c Chat) id() string { return "chatcmpl-" + strings.ReplaceAll(c.Turn.ID.String(), "-", "") }

// Completion shows the whole answer. A turn that ended without one is an error.
func (c Chat) Completion(end messaging.TurnResult, usage api.OpenAIUsage) (api.OpenAIChatCompletion, error) {
	if err := NoCompletion(end); err != nil {
		return api.OpenAIChatCompletion{}, err
	}
	text := ""
	if end.Reply != nil {
		text = end.Reply.Content
	}
	return api.OpenAIChatCompletion{
		ID: c.id(), Object: api.OpenAIChatCompletionObjectChatCompletion, Created: c.At.Unix(), Model: c.Model, Usage: usage,
		Choices: []api.OpenAIChatChoice{{
			Message: api.OpenAIChatAnswer{
				Role: api.OpenAIChatAnswerRoleAssistant, Content: text, Refusal: nullable.NewNullNullable[string](),
			},
			Logprobs: nullable.NewNullNullable[map[string]any](), FinishReason: finishReason(end),
		}},
	}, nil
}

// Piece shows a piece of the answer.
func (c Chat) Piece(delta api.OpenAIChatDelta) api.OpenAIChatChunk {
	return c.chunk(api.OpenAIChatPiece{Delta: delta, Logprobs: nullable.NewNullNullable[map[string]any](), FinishReason: nullable.NewNullNullable[string]()})
}

// End shows how the answer ends, behind its last piece.
func (c Chat) End(end messaging.TurnResult) api.OpenAIChatChunk {
	return c.chunk(api.OpenAIChatPiece{Logprobs: nullable.NewNullNullable[map[string]any](), FinishReason: nullable.NewNullableWithValue(string(finishReason(end)))})
}

// Usage shows what the answer took.
func (c Chat) Usage(usage api.OpenAIUsage) api.OpenAIChatChunk {
	out := c.chunk()
	out.Usage = &usage
	return out
}

func (c Chat) chunk(pieces ...api.OpenAIChatPiece) api.OpenAIChatChunk {
	return api.OpenAIChatChunk{
		ID: c.id(), Object: api.OpenAIChatChunkObjectChatCompletionChunk, Created: c.At.Unix(), Model: c.Model, Choices: List(pieces),
	}
}

// NoCompletion returns why a turn ended without an answer, or nil. What was said before it was cancelled is one.
func NoCompletion(end messaging.TurnResult) error {
	if t := end.Turn; end.Reply == nil && (t.Status == messaging.TurnCancelled || t.Status == messaging.TurnSuperseded) {
		message := t.Detail
		if message == "" {
			message = "The agent was stopped"
		}
		return apierr.New(apierr.Unavailable, "%s", message)
	}
	return failure(end.Turn)
}

// finishReason returns why an answer ends where it does.
func finishReason(end messaging.TurnResult) api.OpenAIFinishReason {
	if end.Reply == nil {
		return api.OpenAIFinishReasonStop
	}
	switch jsontext.ObjectOf(end.Reply.Metadata).Text("truncatedBy") {
	case "":
		return api.OpenAIFinishReasonStop
	case "content_filter":
		return api.OpenAIFinishReasonContentFilter
	default:
		return api.OpenAIFinishReasonLength
	}
}
