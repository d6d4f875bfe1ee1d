package settings

import "fmt"

// AgentSetting describes a setting that an agent reads: from its character first, from the environment otherwise.
type AgentSetting struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Help   string `json:"help"`
	Secret bool   `json:"secret,omitempty"` // never shown, never logged

	Aliases []string `json:"aliases,omitempty"` // names that mean the same, such as those of older servers; Name comes first
}

// Names returns the name and the aliases.
func (s AgentSetting) Names() []string { return append([]string{s.Name}, s.Aliases...) }

// AgentSettings lists every setting that an agent may take from the environment, grouped for people. A name that is not
// here is invisible to agents; one that is here and never read fails a test.
func AgentSettings() []AgentSetting {
	var out []AgentSetting
	add := func(group string, rows ...AgentSetting) {
		for _, row := range rows {
			row.Group = group
			out = append(out, row)
		}
	}
	add("Choosing a model",
		AgentSetting{Name: "MODEL_PROVIDER", Help: "Whose model to use: anthropic, openrouter, openai, google, groq, mistral, deepseek, xai, ollama, lmstudio, vllm or builtin; by default the first of these whose key or address is set"},
		AgentSetting{Name: "MODEL_FALLBACKS", Aliases: []string{"MODEL_FALLBACK"}, Help: "Models to ask when that one fails, in this order, as vendor or vendor:model; separated by commas, such as anthropic,ollama:llama3.2"},
		AgentSetting{Name: "TEXT_SMALL_PROVIDER", Help: "Whose model to use for short answers and decisions, as vendor or vendor:model; by default the same as for replies"},
		AgentSetting{Name: "TEXT_LARGE_PROVIDER", Help: "Whose model to use for replies, as vendor or vendor:model"},
		AgentSetting{Name: "SMALL_MODEL", Help: "Model for short answers and decisions, whoever provides it"},
		AgentSetting{Name: "LARGE_MODEL", Help: "Model for replies, whoever provides it"},
	)
	for _, v := range vendors {
		add(v.group,
			AgentSetting{Name: v.prefix + "_API_KEY", Aliases: v.keys, Help: "API key", Secret: true},
			AgentSetting{Name: v.prefix + "_BASE_URL", Aliases: v.addresses, Help: "Address of the API"},
			AgentSetting{Name: v.prefix + "_SMALL_MODEL", Aliases: v.models("SMALL"), Help: "Model for short answers and decisions"},
			AgentSetting{Name: v.prefix + "_LARGE_MODEL", Aliases: append(v.models("LARGE"), v.models("MEDIUM", v.prefix)...), Help: "Model for replies"},
			AgentSetting{Name: v.prefix + "_MODEL", Aliases: v.each("%s_MODEL"), Help: "Model for both, where the two above are not set"},
		)
	}
	add("Speech",
		AgentSetting{Name: "OPENAI_TRANSCRIPTION_MODEL", Help: "Model that turns speech into text, at OpenAI or a server that speaks its protocol"},
		AgentSetting{Name: "OPENAI_TTS_MODEL", Help: "Model that reads aloud, at the same place"},
		AgentSetting{Name: "OPENAI_TTS_VOICE", Help: "Its voice"},
		AgentSetting{Name: "GROQ_TRANSCRIPTION_MODEL", Help: "Model that turns speech into text, at Groq"},
		AgentSetting{Name: "GROQ_TTS_MODEL", Help: "Model that reads aloud, at Groq"},
		AgentSetting{Name: "GROQ_TTS_VOICE", Help: "Its voice"},
		AgentSetting{Name: "MISTRAL_TRANSCRIPTION_MODEL", Help: "Model that turns speech into text, at Mistral"},
	)
	add("Model parameters", parameters()...)
	for _, of := range []struct{ name, help string }{
		{"AGENT", "the agent"}, {"PERSON", "one person, of all agents together"}, {"ROOM", "one room, by all agents together"}, {"SERVER", "all agents together; not read from characters"},
	} {
		add("Budgets",
			AgentSetting{Name: "BUDGET_" + of.name + "_TOKENS_PER_DAY", Help: "Tokens of models that may be used in a day (UTC) by " + of.help},
			AgentSetting{Name: "BUDGET_" + of.name + "_USD_PER_DAY", Help: "US dollars that models may cost in a day (UTC) for " + of.help},
		)
	}
	add("When and how an agent answers",
		AgentSetting{Name: "ALWAYS_RESPOND_CHANNELS", Help: "Channel types in which the agent always answers; separated by commas"},
		AgentSetting{Name: "ALWAYS_RESPOND_SOURCES", Help: "Sources whose messages it always answers; separated by commas"},
		AgentSetting{Name: "SHOULD_RESPOND_BYPASS_TYPES", Help: "Older name of ALWAYS_RESPOND_CHANNELS"},
		AgentSetting{Name: "SHOULD_RESPOND_BYPASS_SOURCES", Help: "Older name of ALWAYS_RESPOND_SOURCES"},
		AgentSetting{Name: "REPLY_MODE", Help: "Which messages of a group to consider: addressed, those meant for the agent, or all"},
		AgentSetting{Name: "BOOTSTRAP_DEFLLMOFF", Help: "true: in groups answer only when mentioned"},
		AgentSetting{Name: "USE_MULTI_STEP", Help: "true: deal with a message step by step, each after what the one before has brought"},
		AgentSetting{Name: "MAX_MULTISTEP_ITERATIONS", Help: "Most steps for one message; 6 by default, 50 at most"},
		AgentSetting{Name: "MULTISTEP_PARSE_RETRIES", Help: "How often the model is asked for a step that can be read; 5 by default, 10 at most"},
		AgentSetting{Name: "MULTISTEP_SUMMARY_PARSE_RETRIES", Help: "The same for the words at the end"},
		AgentSetting{Name: "MULTISTEP_MAX_CALLS", Help: "Most calls of models for one message in steps; 40 by default"},
		AgentSetting{Name: "MULTISTEP_MAX_TOKENS", Help: "Most tokens for one message in steps; 200,000 by default"},
		AgentSetting{Name: "PROVIDERS_TOTAL_TIMEOUT_MS", Help: "Longest time that a source of context may take which a step asks"},
		AgentSetting{Name: "REFLECTION", Help: "off: the agent's model doesn't look back at conversations for what to remember"},
		AgentSetting{Name: "PROVIDER_TIMEOUT_MS", Help: "Longest time that one source of context may take"},
		AgentSetting{Name: "CONTEXT_BUDGET_TOKENS", Help: "Most tokens of conversation in a prompt"},
	)
	return out
}

// vendor is whose models there are, and how its settings are called.
type vendor struct {
	group, prefix   string
	others          []string // prefixes that mean the same
	keys, addresses []string // aliases
}

var vendors = []vendor{
	{group: "Anthropic", prefix: "ANTHROPIC", keys: []string{"CLAUDE_API_KEY"}, addresses: []string{"ANTHROPIC_API_URL"}},
	{group: "OpenRouter", prefix: "OPENROUTER", addresses: []string{"OPENROUTER_API_URL"}},
	{group: "OpenAI, and servers that speak its protocol", prefix: "OPENAI", addresses: []string{"OPENAI_API_URL", "OPENAI_API_BASE", "OPENAI_API_BASE_URL"}},
	{
		group: "Google", prefix: "GOOGLE", others: []string{"GEMINI"},
		keys: []string{"GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"}, addresses: []string{"GOOGLE_API_URL", "GEMINI_BASE_URL"},
	},
	{group: "Groq", prefix: "GROQ", addresses: []string{"GROQ_API_URL"}},
	{group: "Mistral", prefix: "MISTRAL", addresses: []string{"MISTRAL_API_URL"}},
	{group: "DeepSeek", prefix: "DEEPSEEK", addresses: []string{"DEEPSEEK_API_URL"}},
	{
		group: "xAI", prefix: "XAI", others: []string{"GROK"},
		keys: []string{"GROK_API_KEY"}, addresses: []string{"XAI_API_URL", "GROK_BASE_URL", "GROK_API_URL"},
	},
	{group: "Ollama", prefix: "OLLAMA", addresses: []string{"OLLAMA_API_ENDPOINT", "OLLAMA_HOST", "OLLAMA_SERVER_URL", "OLLAMA_API_URL"}},
	{group: "LM Studio", prefix: "LMSTUDIO", addresses: []string{"LMSTUDIO_SERVER_URL", "LMSTUDIO_API_URL"}},
	{group: "vLLM", prefix: "VLLM", addresses: []string{"VLLM_API_URL", "VLLM_SERVER_URL"}},
}

// each returns a name in the given form for each of the vendor's other prefixes, and for those that are given.
func (v vendor) each(form string, prefixes ...string) []string {
	var out []string
	for _, prefix := range append(prefixes, v.others...) {
		out = append(out, fmt.Sprintf(form, prefix))
	}
	return out
}

// models returns the aliases of the setting for a size of model; first is how the names of the current form begin.
func (v vendor) models(size string, first ...string) []string {
	return append(v.each("%s_"+size+"_MODEL", first...), v.each(size+"_%s_MODEL", v.prefix)...)
}

// parameters lists the parameters of a model call: for small text, for large text, for both, and by their older names.
func parameters() []AgentSetting {
	var out []AgentSetting
	for _, kind := range []struct{ prefix, help string }{
		{"TEXT_SMALL_", " for short answers and decisions"}, {"TEXT_LARGE_", " for replies"}, {"DEFAULT_", " for both"},
	} {
		for _, p := range []struct{ name, help string }{
			{"MAX_TOKENS", "Most tokens to write,"}, {"TEMPERATURE", "Temperature"}, {"TOP_P", "Top-p"},
			{"FREQUENCY_PENALTY", "Frequency penalty"}, {"PRESENCE_PENALTY", "Presence penalty"},
		} {
			out = append(out, AgentSetting{Name: kind.prefix + p.name, Help: p.help + kind.help})
		}
	}
	return append(out,
		AgentSetting{Name: "MODEL_MAX_TOKEN", Help: "Older name of DEFAULT_MAX_TOKENS"},
		AgentSetting{Name: "MODEL_TEMPERATURE", Help: "Older name of DEFAULT_TEMPERATURE"},
		AgentSetting{Name: "MODEL_FREQ_PENALTY", Help: "Older name of DEFAULT_FREQUENCY_PENALTY"},
		AgentSetting{Name: "MODEL_PRESENCE_PENALTY", Help: "Older name of DEFAULT_PRESENCE_PENALTY"},
	)
}
