package runtime

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
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
)

//go:embed prompts/*.txt
var promptFiles embed.FS

// defaultPrompt returns our own text of a prompt.
func defaultPrompt(name string) (string, error) {
	text, err := promptFiles.ReadFile("prompts/" + name + ".txt")
	return string(text), err
}

// compileTemplates returns all prompts of a character: its own, and ours where it has none. Templates of other names are
// compiled too, because extensions may use them.
func compileTemplates(c *agent.Character) (map[string]*template.Template, error) {
	sources := map[string]string{}
	for _, name := range []string{handlePrompt, replyPrompt, shouldRespondPrompt} {
		text, err := defaultPrompt(name)
		if err != nil {
			return nil, fmt.Errorf("reading the prompt %s: %w", name, err)
		}
		sources[name] = text
	}
	for name, text := range c.Templates {
		if strings.TrimSpace(text) != "" {
			sources[name] = text
		}
	}
	out := make(map[string]*template.Template, len(sources))
	for name, source := range sources {
		compiled, err := template.Parse(source)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		out[name] = compiled
	}
	return out, nil
}

// checkTemplates refuses a character with a template that doesn't parse, and says where.
func checkTemplates(c *agent.Character, code apierr.Code) error {
	var problems []agent.Problem
	for _, name := range slices.Sorted(maps.Keys(c.Templates)) {
		_, err := template.Parse(c.Templates[name])
		if mistake, ok := errors.AsType[*template.Error](err); ok {
			problems = append(problems, agent.Problem{Path: "/templates/" + name, Reason: mistake.Error()})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	invalid := &agent.ValidationError{Problems: problems}
	return apierr.Wrap(invalid, code, "%s", invalid.Error()).WithDetails(invalid.Error())
}
