package runtime

import (
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/runtime/template"
)

// The prompts of a run by the names under which characters replace them.
const (
	handlePrompt        = "messageHandlerTemplate"
	replyPrompt         = "replyTemplate"
	shouldRespondPrompt = "shouldRespondTemplate"
	stepPrompt          = "multiStepDecisionTemplate"
	summaryPrompt       = "multiStepSummaryTemplate"
)

//go:embed prompts/*.txt
var promptFiles embed.FS

// defaultPrompt returns our own text of a prompt.
func defaultPrompt(name string) (string, error) {
	text, err := promptFiles.ReadFile("prompts/" + name + ".txt")
	return string(text), err
}

// promptNames are the prompts that a run may ask for.
var promptNames = []string{handlePrompt, replyPrompt, shouldRespondPrompt, stepPrompt, summaryPrompt}

// compileTemplates returns all prompts of a character: its own, and ours where it has none. Templates of other names are
// other programs'.
func compileTemplates(c *agent.Character) (map[string]*template.Template, error) {
	out := make(map[string]*template.Template, len(promptNames))
	for _, name := range promptNames {
		source, err := defaultPrompt(name)
		if err != nil {
			return nil, fmt.Errorf("reading the prompt %s: %w", name, err)
		}
		if own := c.Templates[name]; strings.TrimSpace(own) != "" {
			source = own
		}
		if out[name], err = template.Parse(source); err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
	}
	return out, nil
}

// checkTemplates refuses a character with a prompt that doesn't parse, and says where.
func checkTemplates(c *agent.Character, code apierr.Code) error {
	var problems []agent.Problem
	for _, name := range promptNames {
		_, err := template.Parse(c.Templates[name])
		if mistake, ok := errors.AsType[*template.Error](err); ok {
			problems = append(problems, agent.Problem{Path: "/templates/" + name, Reason: mistake.Error()})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return agent.Refuse(code, problems...)
}
