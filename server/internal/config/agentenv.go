package config

import (
	"maps"
	"strings"
)

// AgentEnvironment is the part of the process environment that agents may read. The zero value is empty. It prints as a
// word, never as its content.
type AgentEnvironment struct {
	values     map[string]string
	characters map[string]map[string]string
}

// ReadAgentEnvironment picks from environ, in the form of os.Environ, the names of [AgentSettings] and the variables of the
// form CHARACTER.<NAME>.<KEY>. Later changes of the environment have no effect. Empty values count as not set.
func ReadAgentEnvironment(environ []string) AgentEnvironment {
	e := AgentEnvironment{values: map[string]string{}, characters: map[string]map[string]string{}}
	allowed := map[string]bool{}
	for _, s := range AgentSettings() {
		allowed[s.Name] = true
	}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" {
			continue
		}
		if allowed[name] {
			e.values[name] = value
			continue
		}
		who, key, ok := strings.Cut(strings.TrimPrefix(name, "CHARACTER."), ".")
		if !ok || key == "" || !strings.HasPrefix(name, "CHARACTER.") {
			continue
		}
		who = fold(who)
		if e.characters[who] == nil {
			e.characters[who] = map[string]string{}
		}
		e.characters[who][key] = value
	}
	return e
}

// WithDefaults returns the environment with values for the settings that it lacks. Names that agents may not read are left
// out.
func (e AgentEnvironment) WithDefaults(values map[string]string) AgentEnvironment {
	all := map[string]string{}
	for _, s := range AgentSettings() {
		if value := values[s.Name]; value != "" {
			all[s.Name] = value
		}
	}
	maps.Copy(all, e.values)
	return AgentEnvironment{values: all, characters: e.characters}
}

// Lookup returns the value of a setting, and whether it is set. A name that is not in [AgentSettings] is never set.
func (e AgentEnvironment) Lookup(name string) (string, bool) {
	value, ok := e.values[name]
	return value, ok
}

// Character returns the settings that the environment holds for one character, found by its name or its id; the id's win.
// They count as the character's secrets and are not stored.
func (e AgentEnvironment) Character(name, id string) map[string]string {
	out := map[string]string{}
	for _, who := range []string{name, id} {
		maps.Copy(out, e.characters[fold(who)])
	}
	return out
}

// String hides the values, which hold secrets, from logs and messages.
func (AgentEnvironment) String() string { return "agent environment" }

// GoString is String for the %#v verb.
func (AgentEnvironment) GoString() string { return "config.AgentEnvironment{…}" }

// fold brings a character's name to the form it has inside a variable: upper case, anything but letters and digits as _.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9'):
			return r
		default:
			return '_'
		}
	}, name)
}
