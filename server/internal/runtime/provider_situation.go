package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

// builtinProviders returns the providers that every agent has (agent runtime §7.2). Those at the same position speak in this
// order; what changes with every message comes late, so that the beginning of prompts stays alike.
func builtinProviders() []agent.Provider {
	return []agent.Provider{
		actionsProvider(), characterProvider(), anxietyProvider(), dynamicProvidersProvider(), timeProvider(),
		factsProvider(), entitiesProvider(), attachmentsProvider(), instructionsProvider(), recentMessagesProvider(), actionStateProvider(),
	}
}

const maxActionExamples = 10

// actionsProvider tells the model what the agent may do now.
func actionsProvider() agent.Provider {
	return agent.Provider{
		Name: "ACTIONS", Description: "What the agent can do", Position: -1,
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			random := run.Rand("ACTIONS")
			var (
				names      []string
				lines      []string
				withParams []string
				schemas    []string
				examples   []string
			)
			for _, a := range sample(random, run.Actions, len(run.Actions)) {
				names = append(names, a.Name)
				lines = append(lines, "- "+a.Name+": "+a.Description)
				withParams = append(withParams, "- "+a.Name+": "+a.Description+parameters(a))
				if schema := schemaText(a); schema != "" {
					schemas = append(schemas, "- "+a.Name+": "+schema)
				}
				for _, e := range a.Examples {
					examples = append(examples, nameStandIns(fillName(exampleText(e), run.Character.Name), random))
				}
			}
			examples = sample(random, examples, maxActionExamples)
			described := strings.Join(lines, "\n")
			return agent.ProviderResult{
				Text: joined("\n\n", titled("Actions", described), titled("Examples of actions", strings.Join(examples, "\n\n"))),
				Values: map[string]any{
					"actionNames": strings.Join(names, ", "), "actionsWithDescriptions": described,
					"actionsWithParams": strings.Join(withParams, "\n"), "actionExamples": strings.Join(examples, "\n\n"),
					"actionParameters": strings.Join(schemas, "\n"),
				},
				Data: map[string]any{"actionsData": run.Actions},
			}, nil
		},
	}
}

func parameters(a agent.Action) string {
	if schema := schemaText(a); schema != "" {
		return "\n  parameters (JSON schema): " + schema
	}
	return ""
}

// schemaText returns the schema of an action's parameters on one line; nothing for an action without any.
func schemaText(a agent.Action) string {
	var b bytes.Buffer
	if len(a.Parameters) == 0 || json.Compact(&b, a.Parameters) != nil {
		return ""
	}
	return neutral(b.String())
}

// anxietyProvider reminds the model of manners.
func anxietyProvider() agent.Provider {
	return agent.Provider{
		Name: "ANXIETY", Description: "How to behave in a room of this kind",
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			reminders := manners(run.Room.Type)
			return agent.ProviderResult{Text: titled("Manners", "- "+strings.Join(reminders, "\n- "))}, nil
		},
	}
}

func manners(roomType string) []string {
	switch messaging.ChannelType(roomType) {
	case messaging.TypeDM, messaging.TypeSelf, messaging.TypeAPI:
		return []string{
			"You talk with one person; answer what they say, and don't fill silence.",
			"As long as it needs to be, and no longer.",
			"When they seem done, let them be done.",
		}
	case messaging.TypeVoiceDM, messaging.TypeVoiceGroup:
		return []string{
			"Your words are spoken aloud: short sentences, no lists, no symbols.",
			"One thought at a time; leave room to be interrupted.",
			"Don't talk over others.",
		}
	case messaging.TypeGroup, messaging.TypeForum, messaging.TypeWorld:
		return []string{
			"Others talk here too; speak when you are meant or have something to add.",
			"Don't step into an exchange between two people.",
			"Keep it short, so that the room stays readable.",
		}
	default:
		return []string{
			"Say it once, and briefly.",
			"Don't interrupt what is going on between others.",
			"Nothing to add is a fine reason to stay silent.",
		}
	}
}

// dynamicProvidersProvider tells the model what else it may ask to know.
func dynamicProvidersProvider() agent.Provider {
	return agent.Provider{
		Name: "PROVIDERS", Description: "What else the agent may ask to know",
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			var dynamic, all []string
			for _, p := range run.Providers {
				if p.Private {
					continue
				}
				line := "- " + p.Name + ": " + p.Description
				all = append(all, line)
				if p.Dynamic {
					dynamic = append(dynamic, line)
				}
			}
			return agent.ProviderResult{
				Text:   titled("Providers you may ask for", strings.Join(dynamic, "\n")),
				Values: map[string]any{"providersWithDescriptions": strings.Join(all, "\n")},
			}, nil
		},
	}
}

// timeProvider tells the model what time it is.
func timeProvider() agent.Provider {
	return agent.Provider{
		Name: "TIME", Description: "The current date and time",
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			now := run.StartedAt.UTC().Format("Monday, 2 January 2006, 15:04")
			return agent.ProviderResult{
				Text:   titled("Time", "It is "+now+" UTC. Use this whenever the date or the time matters."),
				Values: map[string]any{"time": now + " UTC"},
			}, nil
		},
	}
}

// instructionsProvider tells the model what the program asks through which the author of the message writes.
func instructionsProvider() agent.Provider {
	return agent.Provider{
		Name: "INSTRUCTIONS", Description: "What the program asks through which the newest message came", Position: 90,
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			if run.Wanted == "" {
				return agent.ProviderResult{}, nil
			}
			text := "They come with the newest message, from the program of its author. Follow them as far as they fit who you are.\n" + neutral(run.Wanted)
			return agent.ProviderResult{Text: titled("Instructions of the program", text), Values: map[string]any{"instructions": text}}, nil
		},
	}
}

// actionStateProvider tells the model what was done so far in this run.
func actionStateProvider() agent.Provider {
	return agent.Provider{
		Name: "ACTION_STATE", Description: "What was done so far for the newest message", Position: 150,
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			var lines []string
			failed := 0
			for i, result := range run.Results {
				if result.Failed {
					failed++
				}
				lines = append(lines, fmt.Sprintf("%d. ", i+1)+resultLine(result))
			}
			text := strings.Join(lines, "\n")
			return agent.ProviderResult{
				Text: joined("\n\n", titled("Done for earlier messages", earlierResults(run)), titled("Done for the newest message", text)),
				Values: map[string]any{
					"actionResults": text, "hasActionResults": len(lines) > 0, "completedActions": len(lines) - failed, "failedActions": failed,
				},
				Data: map[string]any{"actionResults": run.Results},
			}, nil
		},
	}
}

// resultLine says on one line what an action did.
func resultLine(result agent.Result) string {
	outcome := "done"
	if result.Failed {
		outcome = "failed"
	}
	return joined(" ", fmt.Sprintf("%s %s.", neutral(result.Action), outcome), neutral(result.Text))
}

// earlierResults says what actions did in the turns before.
func earlierResults(run *agent.Run) string {
	var lines []string
	for _, result := range run.Earlier {
		lines = append(lines, "- "+resultLine(result))
	}
	return strings.Join(lines, "\n")
}
