package model

import (
	"context"
	"iter"
	"strings"
	"time"
)

// Provider is a source of generated text.
//
// Generate is lazy: nothing happens before the first pull. It yields any number of chunks with text and, as the last
// element of a complete answer, one chunk whose Done is set (its Text may be empty). A failure is yielded once, as the
// last element, beside a zero Chunk: a [*Error], or the cause of ctx when the context ended the call. A caller that
// stops ranging cancels the call; all resources are released when the loop ends. One Provider serves any number of
// concurrent calls.
type Provider interface {
	// Name identifies the provider in records and messages, for example "openai" or "builtin".
	Name() string
	// Model returns the name of the model that serves kind.
	Model(kind Kind) string
	// Generate runs one request.
	Generate(ctx context.Context, req Request) iter.Seq2[Chunk, error]
}

// Chunk is one piece of an answer.
type Chunk struct {
	Text string // may be cut anywhere between two characters, never inside one
	Done *Done  // set on the last chunk of a complete answer only
}

// Done says how an answer ended.
type Done struct {
	FinishReason FinishReason
	Model        string // the model that answered, as reported by the provider
	Provider     string // the provider that answered, where that may be another than the one that was asked
	Fallback     bool   // it is one that was asked because another failed
	Usage        Usage
	ToolCalls    []ToolCall // what the model wants called, when the request offered tools
}

// FinishReason says why the model stopped writing.
type FinishReason string

// The reasons providers report.
const (
	FinishStop   FinishReason = "stop"           // the model was done
	FinishLength FinishReason = "length"         // the token limit cut the text
	FinishTools  FinishReason = "tool_calls"     // the model wants tools called
	FinishFilter FinishReason = "content_filter" // the provider withheld the rest
)

// Usage counts the tokens of one call.
type Usage struct {
	InputTokens  int
	OutputTokens int
	CachedTokens int  // the part of InputTokens that came from the provider's cache
	Estimated    bool // the provider reported nothing; the counts come from [EstimateTokens]
}

// Answer is a complete answer in one piece.
type Answer struct {
	Text       string
	Done       Done
	FirstToken time.Duration // from the call of Collect to the first text; zero when there was none
}

// Collect runs a stream to its end and joins the text. After a failure it returns what had been written until then
// along with the error.
func Collect(seq iter.Seq2[Chunk, error]) (Answer, error) {
	var (
		answer Answer
		text   strings.Builder
		start  = time.Now()
	)
	for chunk, err := range seq {
		if err != nil {
			answer.Text = text.String()
			return answer, err
		}
		if chunk.Text != "" && text.Len() == 0 {
			answer.FirstToken = time.Since(start)
		}
		text.WriteString(chunk.Text)
		if chunk.Done != nil {
			answer.Done = *chunk.Done
		}
	}
	answer.Text = text.String()
	return answer, nil
}
