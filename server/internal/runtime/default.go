package runtime

import (
	_ "embed"
	"fmt"

	"github.com/elizad/elizad/server/agent"
)

//go:embed eliza.json
var defaultCharacter []byte

// DefaultCharacter returns the agent of a server that has no other.
func DefaultCharacter() (agent.Character, error) {
	c, err := agent.ParseCharacter(defaultCharacter)
	if err != nil {
		return agent.Character{}, fmt.Errorf("reading the default character: %w", err)
	}
	return c, nil
}
