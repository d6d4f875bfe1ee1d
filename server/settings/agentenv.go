package settings

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// AgentEnvironment is what agents may read of the settings of a server: a part of the process environment and, below it, the
// settings that the server stores for its owner. The zero value is empty. It prints as a word, never as its content.
type AgentEnvironment struct {
	values     map[string]string
	stored     map[string]string
	characters map[string]map[string]string // CHARACTER.<ID or NAME>.<KEY>, by what the first of them folds to
	prefixed   map[string]map[string]string // <NAME>_<KEY>, by what stands before a name of AgentSettings
	unused     []string
	names      map[string]string // of the operator's agents by their ids, folded; each name once
}

// characterPrefix begins the variables that are one character's.
const characterPrefix = "CHARACTER."

// ReadAgentEnvironment picks from environ, in the form of os.Environ, the names of [AgentSettings] and the variables of the
// forms CHARACTER.<NAME>.<KEY> and <NAME>_<KEY>. Later changes of the environment have no effect. Empty values count as not
// set.
func ReadAgentEnvironment(environ []string) AgentEnvironment {
	e := AgentEnvironment{
		values: map[string]string{}, characters: map[string]map[string]string{}, prefixed: map[string]map[string]string{},
	}
	known := agentNames()
	servers := ServerNames()
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		switch scoped, isScoped := strings.CutPrefix(name, characterPrefix); {
		case value == "" || servers[name]:
		case known[name]:
			e.values[name] = value
		case isScoped:
			if who, key, ok := strings.Cut(scoped, "."); ok && key != "" {
				put(e.characters, fold(who), key, value)
			}
		default:
			ofAgent := false
			for i, r := range name {
				if key := name[i:]; i > 1 && r != '_' && name[i-1] == '_' && known[key] {
					who := name[:i-1]
					put(e.prefixed, who, key, value)
					ofAgent = ofAgent || !slices.Contains(kindsOfModels, who)
				}
			}
			if !ofAgent && meantForModels(name) {
				e.unused = append(e.unused, name)
			}
		}
	}
	slices.Sort(e.unused)
	return e
}

func put(all map[string]map[string]string, who, key, value string) {
	if all[who] == nil {
		all[who] = map[string]string{}
	}
	all[who][key] = value
}

// agentNames returns every name of every agent setting.
func agentNames() map[string]bool {
	out := map[string]bool{}
	for _, s := range AgentSettings() {
		for _, name := range s.Names() {
			out[name] = true
		}
	}
	return out
}

// WithStored returns the environment with settings that the server stores, of any names, for those that it lacks. What is
// the same in both counts as stored: a stored file that is also read into the environment is not the operator's for that.
func (e AgentEnvironment) WithStored(values map[string]string) AgentEnvironment {
	e.stored = maps.Clone(values)
	e.values = maps.Clone(e.values)
	maps.DeleteFunc(e.values, func(name, value string) bool { return values[name] == value })
	return e
}

// WithAgents returns the environment that knows the agents that the operator configured, by their names: names by id. Of two
// whose names are written alike in variables it knows neither.
func (e AgentEnvironment) WithAgents(names map[string]string) AgentEnvironment {
	count := map[string]int{}
	for _, name := range names {
		count[fold(name)]++
	}
	e.names = map[string]string{}
	for id, name := range names {
		if name = fold(name); count[name] == 1 {
			e.names[fold(id)] = name
		}
	}
	return e
}

// Lookup returns the value of a setting, whether it is set, and whether it is only stored. Of the process environment
// nothing is ever seen but the names of [AgentSettings].
func (e AgentEnvironment) Lookup(name string) (value string, stored, ok bool) {
	if value, ok = e.values[name]; ok {
		return value, false, true
	}
	value, ok = e.stored[name]
	return value, ok, ok
}

// Character returns the settings that the environment holds for one agent: by its id, which wins, and by its name if it is
// one of the operator's. They count as the agent's secrets and are not stored.
func (e AgentEnvironment) Character(id string) map[string]string {
	out := map[string]string{}
	id = fold(id)
	if name := e.names[id]; name != "" {
		for key, value := range e.prefixed[name] {
			if !e.meansAnother(name, name+"_"+key) {
				out[key] = value
			}
		}
		maps.Copy(out, e.characters[name])
	}
	maps.Copy(out, e.characters[id])
	return out
}

// meansAnother reports whether a variable begins with the longer name of another agent.
func (e AgentEnvironment) meansAnother(name, variable string) bool {
	for _, other := range e.names {
		if len(other) > len(name) && strings.HasPrefix(variable, other+"_") {
			return true
		}
	}
	return false
}

// Unused returns the names in the environment that were written for models or connectors of an ElizaOS server and do nothing
// here, sorted.
func (e AgentEnvironment) Unused() []string { return slices.Clone(e.unused) }

// kindsOfModels are what names of ElizaOS's settings begin with, rather than with the name of an agent.
var kindsOfModels = []string{"SMALL", "MEDIUM", "LARGE", "EMBEDDING", "IMAGE", "LOCAL"}

// sizedModel is how ElizaOS calls the settings of models: SMALL_TOGETHER_MODEL, OPENAI_EMBEDDING_MODEL.
var sizedModel = regexp.MustCompile(`^(SMALL|MEDIUM|LARGE|EMBEDDING|IMAGE)_[A-Z0-9_]+_(MODEL|SERVER_URL)$|^[A-Z0-9_]+_(SMALL|MEDIUM|LARGE|EMBEDDING|IMAGE|IMAGE_DESCRIPTION)_MODEL$|^[A-Z0-9_]+_MODEL_(SMALL|MEDIUM|LARGE)$|^USE_[A-Z0-9_]+_EMBEDDING$`)

// meantForModels reports whether a variable is one that ElizaOS servers read and this one doesn't.
func meantForModels(name string) bool {
	if sizedModel.MatchString(name) {
		return true
	}
	for _, maker := range []string{
		"AI_GATEWAY", "AKASH_CHAT", "ALI_BAILIAN", "ATOMASDK", "COHERE", "ELIZAOS_CLOUD", "ETERNALAI", "GAIANET", "GALADRIEL", "HEURIST", "HYPERBOLIC",
		"INFERA", "LETZAI", "LIVEPEER", "LLAMACLOUD", "LLAMALOCAL", "LOCALAI", "NANOGPT", "NINETEEN_AI", "NVIDIA_NIM", "REDPILL", "SECRET_AI",
		"TOGETHER", "VENICE", "VOLENGINE", "ZAI",
	} {
		rest, found := strings.CutPrefix(name, maker+"_")
		if found && slices.Contains([]string{"API_KEY", "API", "MODEL", "URL", "API_URL", "BASE_URL", "GATEWAY_URL", "PATH", "SERVER_URL"}, rest) {
			return true
		}
	}
	return slices.Contains([]string{
		"DISCORD_API_TOKEN", "DISCORD_APPLICATION_ID", "TELEGRAM_BOT_TOKEN", "TWITTER_USERNAME", "TWITTER_PASSWORD", "TWITTER_EMAIL",
		"TWITTER_API_KEY", "FARCASTER_FID", "OPENAI_EMBEDDING_URL", "OPENAI_EMBEDDING_API_KEY", "USE_MULTI_STEP", "LOCAL_SMALL_MODEL", "LOCAL_LARGE_MODEL",
		"ELEVENLABS_XI_API_KEY", "ELEVENLABS_API_KEY",
	}, name)
}

// String hides the values, which hold secrets, from logs and messages.
func (AgentEnvironment) String() string { return "agent environment" }

// GoString is String for the %#v verb.
func (AgentEnvironment) GoString() string { return "settings.AgentEnvironment{…}" }

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
