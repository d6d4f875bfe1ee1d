package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// maxToolCalls is how many calls of one answer are read. A model that wants more has lost its way.
const maxToolCalls = 128

// toolCalls puts tool calls together from deltas.
type toolCalls struct {
	calls []*toolCall
}

type toolCall struct {
	index     int // as sent; -1 when the endpoint sends none
	id        string
	name      string
	arguments strings.Builder
}

// add takes in the calls of one delta.
func (t *toolCalls) add(deltas []chatToolCall) {
	for _, d := range deltas {
		call := t.find(d)
		if call == nil {
			if len(t.calls) == maxToolCalls {
				continue
			}
			call = &toolCall{index: -1}
			if d.Index != nil {
				call.index = *d.Index
			}
			t.calls = append(t.calls, call)
		}
		if call.id == "" {
			call.id = d.ID
		}
		if call.name == "" {
			call.name = d.Function.Name
		}
		var piece string
		if err := json.Unmarshal(d.Function.Arguments, &piece); err != nil {
			piece = string(d.Function.Arguments)
		}
		call.arguments.WriteString(piece)
	}
}

// find returns the call that d continues, or nil when d begins one. A delta with its own id or name begins a call
// even when its index is taken, because endpoints that send whole calls number them all 0.
func (t *toolCalls) find(d chatToolCall) *toolCall {
	if len(t.calls) == 0 {
		return nil
	}
	for _, call := range t.calls {
		if d.ID != "" && call.id == d.ID {
			return call
		}
	}
	if d.ID != "" || d.Function.Name != "" {
		return nil
	}
	if d.Index != nil {
		for _, call := range t.calls {
			if call.index == *d.Index {
				return call
			}
		}
	}
	return t.calls[len(t.calls)-1]
}

// done returns the finished calls.
func (t *toolCalls) done() []model.ToolCall {
	var calls []model.ToolCall
	for i, call := range t.calls {
		id, arguments := call.id, call.arguments.String()
		if id == "" {
			id = fmt.Sprintf("call_%d", i)
		}
		if arguments == "" {
			arguments = "{}"
		}
		calls = append(calls, model.ToolCall{ID: id, Name: call.name, Arguments: arguments})
	}
	return calls
}
