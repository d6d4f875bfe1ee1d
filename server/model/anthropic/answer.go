package anthropic

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/exchange"
	"github.com/elizad/elizad/server/model/internal/pieces"
	"github.com/elizad/elizad/server/model/internal/sse"
)

// maxToolCalls is how many calls of one answer are read. A model that wants more has lost its way.
const maxToolCalls = 128

// answer reads a message: the events of a stream, or, from gateways that don't stream, all of it at once.
type answer struct {
	*exchange.Answer

	model string
	stop  string // stop_reason; empty until the model finished
	calls []*toolCall
	usage usage
}

// toolCall is a block in which the model wants a tool called.
type toolCall struct {
	index     int
	id, name  string
	input     json.RawMessage // of a block that comes in one piece
	arguments strings.Builder // of one that comes in pieces
	cut       pieces.Joiner
}

// Add implements [exchange.Reader]. Events of other types are passed over: the vendor pings, and adds new ones.
func (a *answer) Add(name string, data []byte) error {
	var part event
	if err := json.Unmarshal(data, &part); err != nil {
		return a.Unreadable(err)
	}
	kind := cmp.Or(part.Type, name)
	if kind == "error" || len(part.Error) > 0 && string(part.Error) != "null" {
		return a.Fail(data)
	}
	switch kind {
	case "message":
		a.Begun, a.Complete = true, true
		return a.take(part.wholeMessage)
	case "message_start":
		a.Begun, a.Streamed = true, true
		return a.take(part.Message)
	case "content_block_start":
		a.Begun, a.Streamed = true, true
		return a.start(part.Index, part.ContentBlock)
	case "content_block_delta":
		a.Begun, a.Streamed = true, true
		return a.extend(part.Index, part.Delta)
	case "message_delta":
		a.Begun = true
		a.stopped(part.Delta.StopReason)
		a.usage.atLeast(part.Usage)
	case "message_stop":
		a.Complete = true
	default:
		a.Foreign = a.Foreign || !sse.IsHeartbeat(kind)
	}
	return nil
}

// take takes in a message: all of it, or its empty beginning.
func (a *answer) take(m wholeMessage) error {
	a.model = m.Model
	a.usage.atLeast(m.Usage)
	for i, block := range m.Content {
		if err := a.start(i, block); err != nil {
			return err
		}
	}
	a.stopped(m.StopReason)
	return nil
}

// stopped notes why the model stopped, if it did.
func (a *answer) stopped(reason string) {
	if reason != "" {
		a.stop, a.Finished = reason, true
	}
}

// start takes in a block, or its beginning. What the model thinks is none of the answer.
func (a *answer) start(index int, block contentBlock) error {
	switch block.Type {
	case "text":
		return a.Say(block.Text)
	case "tool_use":
		if len(a.calls) < maxToolCalls {
			a.calls = append(a.calls, &toolCall{index: index, id: block.ID, name: block.Name, input: block.Input})
		}
	}
	return nil
}

// extend takes in a piece of a block.
func (a *answer) extend(index int, d delta) error {
	switch d.Type {
	case "text_delta":
		return a.Say(d.Text)
	case "input_json_delta":
		if last := len(a.calls) - 1; last >= 0 && a.calls[last].index == index { // blocks come one after the other
			c := a.calls[last]
			c.arguments.WriteString(c.cut.Next(d.PartialJSON))
		}
	}
	return nil
}

// Done implements [exchange.Reader]. A call that the token limit cut is none.
func (a *answer) Done() (model.Done, error) {
	done := model.Done{FinishReason: finishReason(a.stop), Model: a.model, Usage: a.usage.counts()}
	for i, c := range a.calls {
		if arguments := c.done(); done.FinishReason != model.FinishLength || json.Valid([]byte(arguments)) {
			done.ToolCalls = append(done.ToolCalls, model.ToolCall{ID: cmp.Or(c.id, fmt.Sprintf("call_%d", i)), Name: c.name, Arguments: arguments})
		}
	}
	return done, nil
}

// done returns the arguments.
func (c *toolCall) done() string {
	c.arguments.WriteString(c.cut.Rest())
	return cmp.Or(c.arguments.String(), string(c.input), "{}")
}
