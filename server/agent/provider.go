package agent

import "context"

// Provider tells an agent about its situation.
type Provider struct {
	Name        string // upper snake case; unique among the agent's providers
	Description string
	Position    int  // texts are joined in ascending order, ties in order of registration
	Dynamic     bool // only asked when the model or a caller names it
	Private     bool // like Dynamic, and not shown to the model

	// Get is called concurrently with other providers, under a short deadline. A failing or late provider is left out.
	Get func(ctx context.Context, run *Run) (ProviderResult, error)
}

// ProviderResult is what a provider says.
type ProviderResult struct {
	Text   string         // for the prompt; empty for nothing
	Values map[string]any // for templates
	Data   map[string]any // for other components
}
