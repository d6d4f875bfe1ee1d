package runtime

import (
	"slices"
	"strings"

	"github.com/elizad/elizad/server/agent"
)

// What becomes of a name in a character's plugins.
const (
	PluginBuiltin     = "builtin"     // the server has it
	PluginIgnored     = "ignored"     // the server does it in another way; nothing is missing
	PluginUnavailable = "unavailable" // it is not there
)

// PluginStatus says what became of a plugin that a character names. Code is never loaded because of a name.
type PluginStatus struct {
	Name       string // as in the character
	Available  bool   // whether what it stands for works
	Status     string // PluginBuiltin, PluginIgnored or PluginUnavailable
	Reason     string // one sentence
	Suggestion string // what to do instead; empty for nothing
}

// knownPlugin describes a name that no compiled-in plugin has (agent runtime §20).
func knownPlugin(name string) PluginStatus {
	short := agent.PluginName(name)
	among := func(names ...string) bool { return slices.Contains(names, short) }
	switch {
	case among("bootstrap"):
		return PluginStatus{Name: name, Available: true, Status: PluginBuiltin, Reason: "The standard behaviour is part of the server"}
	case among("sql", "pglite", "postgres", "sqlite"):
		return PluginStatus{Name: name, Available: true, Status: PluginIgnored, Reason: "Storage is part of the server"}
	case among("openai", "anthropic", "openrouter", "google", "google-genai", "gemini", "groq", "ollama", "mistral", "deepseek", "xai", "grok", "lmstudio", "vllm"):
		return PluginStatus{Name: name, Available: true, Status: PluginBuiltin, Reason: "Used for the agent's texts when its settings are there"}
	case among("knowledge", "rag"):
		return PluginStatus{Name: name, Available: true, Status: PluginBuiltin, Reason: "Knowledge and documents are part of the server"}
	case among("local-ai", "local-embedding", "llama"):
		return unavailable(name, "Models are not run inside the server", "Run Ollama or another server that speaks OpenAI's protocol, and set OLLAMA_API_ENDPOINT or OPENAI_BASE_URL")
	case strings.ContainsAny(name, `/\`) && !strings.HasPrefix(name, "@") || strings.Contains(name, "://"):
		return unavailable(name, "Code is not loaded from characters", "Compile the plugin into the server")
	case among("mcp"):
		return PluginStatus{Name: name, Available: true, Status: PluginBuiltin, Reason: "Tools of the servers in settings.mcp.servers are actions of the agent"}
	case among("web-search", "browser", "firecrawl", "tavily", "scheduler", "cron", "todo", "goals",
		"tee", "tee-phala", "elevenlabs", "speech", "edge-tts", "whisper"):
		return unavailable(name, "This server doesn't have it yet", "")
	default:
		return unavailable(name, "This server has no plugin of that name", "Compile a Go module into the server, or connect the service through its webhook")
	}
}

func unavailable(name, reason, suggestion string) PluginStatus {
	return PluginStatus{Name: name, Status: PluginUnavailable, Reason: reason, Suggestion: suggestion}
}
