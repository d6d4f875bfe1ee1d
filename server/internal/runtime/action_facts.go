package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
)

// The actions by which an agent keeps facts, and drops them.
const (
	rememberAction = "REMEMBER"
	forgetAction   = "FORGET"
)

// rememberSchema describes the parameters of REMEMBER.
const rememberSchema = `{
  "type": "object",
  "properties": {
    "facts": {
      "type": "array", "minItems": 1, "maxItems": 10,
      "items": {
        "type": "object",
        "properties": {
          "claim": {"type": "string", "minLength": 1, "maxLength": 500, "description": "one short sentence that can stand alone, with the person's name in place of I"},
          "topic": {"type": "string", "maxLength": 100, "description": "in a word or two what it is about, if a newer fact of the same kind would replace it: name, home, birthday"},
          "kind": {"type": "string", "enum": ["fact", "opinion", "status"]}
        },
        "required": ["claim"]
      }
    }
  },
  "required": ["facts"]
}`

// rememberingAction keeps what the author of the message tells.
func rememberingAction() agent.Action {
	return agent.Action{
		Name: rememberAction, Similes: []string{"MEMORIZE", "SAVE_FACT"}, Parameters: json.RawMessage(rememberSchema),
		Description: "Keep what the person tells about themself, for later conversations. Whenever they ask you to remember something; together with REPLY.",
		Handle: func(_ context.Context, run *agent.Run) (agent.Result, error) {
			var params struct {
				Facts []struct{ Claim, Topic, Kind string }
			}
			if err := json.Unmarshal(run.Parameters, &params); err != nil || len(params.Facts) == 0 {
				return agent.Result{}, apierr.New(apierr.ValidationFailed, "There is nothing to remember")
			}
			var claims []string
			for _, f := range params.Facts {
				run.Services.Remember(agent.Fact{Claim: f.Claim, Topic: f.Topic, Kind: f.Kind})
				claims = append(claims, f.Claim)
			}
			return agent.Result{Text: "Kept: " + strings.Join(claims, "; ")}, nil
		},
	}
}

// forgetSchema describes the parameters of FORGET.
const forgetSchema = `{
  "type": "object",
  "properties": {
    "claims": {"type": "array", "maxItems": 50, "items": {"type": "string"}, "description": "what to forget, in the words in which you remember it"},
    "everything": {"type": "boolean", "description": "forget all that you remember of the person"}
  }
}`

// forgettingAction drops what the author of the message told about themself.
func forgettingAction() agent.Action {
	return agent.Action{
		Name: forgetAction, Similes: []string{"DELETE_FACT"}, Parameters: json.RawMessage(forgetSchema),
		Description: "Forget what you remember of the person. Only when they ask for it; together with REPLY.",
		Validate:    func(_ context.Context, run *agent.Run) bool { return len(run.Facts) > 0 && run.Facts[0].Own },
		Handle: func(_ context.Context, run *agent.Run) (agent.Result, error) {
			var params struct {
				Claims     []string
				Everything bool
			}
			if err := json.Unmarshal(run.Parameters, &params); err != nil {
				return agent.Result{}, fmt.Errorf("reading parameters: %w", err)
			}
			var ids []uuid.UUID
			var gone []string
			for _, f := range run.Facts {
				if f.Own && (params.Everything || isMeant(f.Claim, params.Claims)) {
					ids, gone = append(ids, f.ID), append(gone, f.Claim)
				}
			}
			if len(ids) == 0 {
				return agent.Result{}, apierr.New(apierr.NotFound, "There is nothing like that to forget")
			}
			run.Services.Forget(ids...)
			return agent.Result{Text: "Forgotten: " + strings.Join(gone, "; ")}, nil
		},
	}
}

// isMeant reports whether a claim is one of some.
func isMeant(claim string, claims []string) bool {
	normal := messaging.NormalClaim(claim)
	for _, c := range claims {
		if messaging.NormalClaim(c) == normal {
			return true
		}
	}
	return false
}
