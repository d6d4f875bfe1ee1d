package config

// AgentSetting describes a setting that an agent reads: from its character first, from the environment otherwise.
type AgentSetting struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Help   string `json:"help"`
	Secret bool   `json:"secret,omitempty"` // never shown, never logged
}

// AgentSettings lists every setting that an agent may take from the environment, grouped for people. A name that is not
// here is invisible to agents; one that is here and read by nobody fails a test.
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
		AgentSetting{Name: "SMALL_MODEL", Help: "Model for short answers and decisions, whoever provides it"},
		AgentSetting{Name: "LARGE_MODEL", Help: "Model for replies, whoever provides it"},
	)
	for _, v := range []struct{ group, prefix string }{
		{"Anthropic", "ANTHROPIC"}, {"OpenRouter", "OPENROUTER"}, {"OpenAI, and servers that speak its protocol", "OPENAI"},
		{"Google", "GOOGLE"}, {"Groq", "GROQ"}, {"Mistral", "MISTRAL"}, {"DeepSeek", "DEEPSEEK"}, {"xAI", "XAI"},
		{"Ollama", "OLLAMA"}, {"LM Studio", "LMSTUDIO"}, {"vLLM", "VLLM"},
	} {
		add(v.group,
			AgentSetting{Name: v.prefix + "_API_KEY", Help: "API key", Secret: true},
			AgentSetting{Name: v.prefix + "_BASE_URL", Help: "Address of the API"},
			AgentSetting{Name: v.prefix + "_SMALL_MODEL", Help: "Model for short answers and decisions"},
			AgentSetting{Name: v.prefix + "_LARGE_MODEL", Help: "Model for replies"},
		)
		add(v.group, otherNames(v.prefix)...)
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
	add("When and how an agent answers",
		AgentSetting{Name: "ALWAYS_RESPOND_CHANNELS", Help: "Channel types in which the agent always answers; separated by commas"},
		AgentSetting{Name: "ALWAYS_RESPOND_SOURCES", Help: "Sources whose messages it always answers; separated by commas"},
		AgentSetting{Name: "SHOULD_RESPOND_BYPASS_TYPES", Help: "Older name of ALWAYS_RESPOND_CHANNELS"},
		AgentSetting{Name: "SHOULD_RESPOND_BYPASS_SOURCES", Help: "Older name of ALWAYS_RESPOND_SOURCES"},
		AgentSetting{Name: "REPLY_MODE", Help: "Which messages of a group to consider: addressed, those meant for the agent, or all"},
		AgentSetting{Name: "BOOTSTRAP_DEFLLMOFF", Help: "true: in groups answer only when mentioned"},
		AgentSetting{Name: "PROVIDER_TIMEOUT_MS", Help: "Longest time that one source of context may take"},
		AgentSetting{Name: "CONTEXT_BUDGET_TOKENS", Help: "Most tokens of conversation in a prompt"},
	)
	return out
}

// otherNames lists what some vendors' settings are called as well.
func otherNames(vendor string) []AgentSetting {
	switch vendor {
	case "OPENAI":
		return []AgentSetting{{Name: "OPENAI_API_URL", Help: "Other name of OPENAI_BASE_URL"}}
	case "GOOGLE":
		return []AgentSetting{
			{Name: "GOOGLE_GENERATIVE_AI_API_KEY", Help: "Other name of GOOGLE_API_KEY", Secret: true},
			{Name: "GEMINI_API_KEY", Help: "Other name of GOOGLE_API_KEY", Secret: true},
		}
	case "GROQ":
		return []AgentSetting{
			{Name: "SMALL_GROQ_MODEL", Help: "Older name of GROQ_SMALL_MODEL"},
			{Name: "LARGE_GROQ_MODEL", Help: "Older name of GROQ_LARGE_MODEL"},
		}
	case "OLLAMA":
		return []AgentSetting{
			{Name: "OLLAMA_API_ENDPOINT", Help: "Other name of OLLAMA_BASE_URL"},
			{Name: "OLLAMA_HOST", Help: "Other name of OLLAMA_BASE_URL"},
			{Name: "OLLAMA_MEDIUM_MODEL", Help: "Used for replies where OLLAMA_LARGE_MODEL is not set"},
		}
	default:
		return nil
	}
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
