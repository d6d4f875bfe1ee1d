package openai

import (
	"strings"
	"testing"
)

func TestTooManyToolCallsAreLeftOut(t *testing.T) {
	t.Parallel()
	var calls toolCalls
	for range 10 * maxToolCalls {
		calls.add([]chatToolCall{{ID: strings.Repeat("x", len(calls.calls)+1)}})
	}
	if n := len(calls.done()); n != maxToolCalls {
		t.Errorf("%d calls are kept", n)
	}
}
