package runtime_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// talk is a conversation of a person and an agent.
func talk(agent uuid.UUID, lines ...string) []messaging.Message {
	out := make([]messaging.Message, len(lines))
	for i, line := range lines {
		out[i] = messaging.Message{AuthorID: uuid.New(), AuthorName: "Ann", Content: line}
		if i%2 == 1 {
			out[i].AuthorID, out[i].AuthorName = agent, "Ada"
		}
	}
	return out
}

func TestTitle(t *testing.T) {
	t.Parallel()
	var prompt string
	answer := "\"Ships on\n the sea\""
	_, models := scripted(t, func(r modeltest.Request) modeltest.Script {
		prompt = r.Prompt()
		return modeltest.Say(answer)
	})
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	conversation := talk(ada, "Hello", "Hi", "Tell me about ships", "They sail")
	got, err := b.Title(t.Context(), b.who, ada, conversation)
	if err != nil || got.Text != "Ships on the sea" || got.Reason != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if !strings.Contains(prompt, "User: Hello\nAgent: Hi\nUser: Tell me about ships\nAgent: They sail") {
		t.Errorf("prompt %q", prompt)
	}
	if got, err := b.Title(t.Context(), b.who, ada, conversation[:3]); err != nil || got.Text != "" || got.Reason == "" {
		t.Errorf("%+v, %v", got, err)
	}
	answer = " "
	if got, err := b.Title(t.Context(), b.who, ada, conversation); err != nil || got.Text != "" || got.Reason == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.Title(t.Context(), b.who, uuid.New(), conversation); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("unknown agent: %v", err)
	}
}

func TestTitleOfAModelThatFails(t *testing.T) {
	t.Parallel()
	_, models := scripted(t, always(modeltest.Fail(401, "bad key")))
	b := running(t, models)
	ada := b.agent(t, "Ada", "")
	if _, err := b.Title(t.Context(), b.who, ada, talk(ada, "1", "2", "3", "4")); !apierr.IsCode(err, apierr.ModelFailed) {
		t.Errorf("%v", err)
	}
}
