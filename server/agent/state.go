package agent

import "maps"

// State is what providers have said about a run's situation so far.
type State struct {
	Values    map[string]any            // flat, for templates
	Providers map[string]ProviderResult // by the provider's name
	Text      string                    // the providers' texts, in their order
}

// Clone returns a copy whose maps may be changed.
func (s State) Clone() State {
	s.Values, s.Providers = maps.Clone(s.Values), maps.Clone(s.Providers)
	return s
}
