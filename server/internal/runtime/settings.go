package runtime

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model"
)

// Environment is what agents may see of the server's own settings.
type Environment interface {
	// Lookup returns a setting, and whether it is set.
	Lookup(name string) (model.Setting, bool)
	// Character returns the settings that the operator holds for one agent. They count as its secrets.
	Character(id uuid.UUID) map[string]string
}

// noEnvironment is the environment of a server that shows nothing.
type noEnvironment struct{}

func (noEnvironment) Lookup(string) (model.Setting, bool)   { return model.Setting{}, false }
func (noEnvironment) Character(uuid.UUID) map[string]string { return nil }

// settings are the settings of one version of an agent (agent runtime §3). They implement [agent.Host].
//
// The first layer that has a name wins, even with an empty value, false or 0: secrets of the server for this character,
// secrets of the character, its settings, settings of the server.
type settings struct {
	forCharacter map[string]string
	secrets      map[string]string
	own          map[string]any
	server       func(name string) (model.Setting, bool)
	used         func(secret string) // is told which secrets are asked for
	log          *slog.Logger
}

var _ agent.Host = (*settings)(nil)

// Setting implements [agent.Host].
func (s *settings) Setting(name string) (string, bool) {
	found, ok := s.Lookup(name)
	return found.Value, ok
}

// Lookup implements [agent.Host].
func (s *settings) Lookup(name string) (model.Setting, bool) {
	s.use(name)
	return s.look(name)
}

// use notes that the secret of a name is used, if there is one and no setting of the server comes first.
func (s *settings) use(name string) {
	_, overridden := s.forCharacter[name]
	if _, secret := s.secrets[name]; secret && !overridden {
		s.used(name)
	}
}

// look is Lookup by who only wants to know what is set.
func (s *settings) look(name string) (model.Setting, bool) {
	if v, ok := s.forCharacter[name]; ok {
		return model.Setting{Name: name, Value: v, Origin: model.FromOperator}, true
	}
	if v, ok := s.secrets[name]; ok {
		return model.Setting{Name: name, Value: v, Origin: model.FromCharacter}, true
	}
	if v, ok := scalar(s.own[name]); ok {
		return model.Setting{Name: name, Value: v, Origin: model.FromCharacter}, true
	}
	return s.server(name)
}

// byOperator is look at what the operator set, for this character or for all.
func (s *settings) byOperator(name string) (model.Setting, bool) {
	if v, ok := s.forCharacter[name]; ok {
		return model.Setting{Name: name, Value: v, Origin: model.FromOperator}, true
	}
	return s.server(name)
}

// byCharacter is look at what the character sets.
func (s *settings) byCharacter(name string) (model.Setting, bool) {
	v, ok := s.secrets[name]
	if !ok {
		v, ok = scalar(s.own[name])
	}
	return model.Setting{Name: name, Value: v, Origin: model.FromCharacter}, ok
}

// Logger implements [agent.Host].
func (s *settings) Logger() *slog.Logger { return s.log }

// scalar returns a text, boolean or number as text. Other values are no settings.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	default:
		return "", false
	}
}

// flag reports whether a setting is switched on.
func (s *settings) flag(name string) bool {
	v, _ := s.Setting(name)
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "true", "1", "yes", "on":
		return true
	default:
		return false
	}
}

// list returns the items of all the named settings, lower-cased: separated by commas, with or without brackets around.
func (s *settings) list(names ...string) []string {
	var out []string
	for _, name := range names {
		v, _ := s.Setting(name)
		for item := range strings.SplitSeq(strings.Trim(strings.TrimSpace(v), "[]"), ",") {
			if item = strings.ToLower(strings.Trim(strings.TrimSpace(item), `"'`)); item != "" {
				out = append(out, item)
			}
		}
	}
	return out
}

// millis returns a setting in milliseconds as a duration. One that is missing or not a positive number gives the default.
func (s *settings) millis(name string, otherwise time.Duration) time.Duration {
	if n, ok := s.number(name); ok && n > 0 && n < float64(24*time.Hour/time.Millisecond) {
		return time.Duration(n * float64(time.Millisecond))
	}
	return otherwise
}

// number returns a setting as a number. One that is not a number is as good as missing.
func (s *settings) number(name string) (float64, bool) {
	v, ok := s.Setting(name)
	if !ok || strings.TrimSpace(v) == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil {
		s.log.Warn("setting ignored: not a number", "setting", name)
		return 0, false
	}
	return n, true
}
