package config

import (
	"os"
	"slices"

	"github.com/alecthomas/kong"
)

// The commands see this package only through the alias server.Config, so what they need of it is reachable from there.

// CommandLine returns what kong needs to know to fill a struct that holds Settings. See [Options].
func (*Settings) CommandLine() []kong.Option { return Options() }

// LoadEnvironment adds the .env files in dir to the process environment, before kong reads it. See the function
// [LoadEnvironment].
func (*Settings) LoadEnvironment(dir string) (Sources, error) { return LoadEnvironment(dir) }

// Table lists the settings. See the function [Table].
func (*Settings) Table() []Row { return Table() }

// Table lists what agents read from the environment. See [AgentSettings].
func (*Agents) Table() []AgentSetting { return AgentSettings() }

// FromProcess completes settings that kong has filled with what is not a flag: the part of the process environment that
// agents may read. It returns the warnings that a person at a terminal should see.
func (s *Settings) FromProcess() (warnings []string) {
	environ := os.Environ()
	s.Agents.Environment = ReadAgentEnvironment(environ)
	return slices.Concat(Conflicts(environ), s.Warnings())
}
