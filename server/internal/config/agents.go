package config

// AgentSetting describes a setting that an agent reads: from its character first, from the environment otherwise.
type AgentSetting struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Help   string `json:"help"`
	Secret bool   `json:"secret,omitempty"` // never shown, never logged
}

// AgentSettings lists every setting that an agent may take from the environment, grouped for people.
func AgentSettings() []AgentSetting {
	var out []AgentSetting
	add := func(group string, rows ...AgentSetting) {
		for _, row := range rows {
			row.Group = group
			out = append(out, row)
		}
	}
	add("Choosing a model",
		AgentSetting{Name: "MODEL_PROVIDER", Help: "Provider for text: openai, anthropic, openrouter, google, groq, mistral, deepseek, xai, ollama or builtin"},
		AgentSetting{Name: "TEXT_SMALL_PROVIDER", Help: "The same for small text models only"},
		AgentSetting{Name: "TEXT_LARGE_PROVIDER", Help: "The same for large text models only"},
		AgentSetting{Name: "MODEL_FALLBACK", Help: "Providers to try, in order, when the chosen one fails; separated by commas"},
		AgentSetting{Name: "MODEL_AUTODETECT", Help: "Look for a local model when none is set: off, ollama or all"},
		AgentSetting{Name: "MODEL_AUTODETECT_SWITCH", Help: "true: use a local model as soon as one is found"},
		AgentSetting{Name: "MODEL_EGRESS", Help: "any, or local-only to refuse every model outside this machine"},
		AgentSetting{Name: "SMALL_MODEL", Help: "Model name for small text, for any provider"},
		AgentSetting{Name: "LARGE_MODEL", Help: "Model name for large text, for any provider"},
		AgentSetting{Name: "IMAGE_MODEL", Help: "Model name for images, for any provider"},
		AgentSetting{Name: "EMBEDDING_MODEL", Help: "Model name for embeddings, for any provider"},
		AgentSetting{Name: "EMBEDDING_DIMENSION", Help: "Length of an embedding"},
		AgentSetting{Name: "MESSAGES_MODE", Help: "chat: send the recent messages as turns instead of one prompt"},
	)
	add("OpenAI and servers that speak its protocol",
		secret("OPENAI_API_KEY", "API key"),
		AgentSetting{Name: "OPENAI_BASE_URL", Help: "Address of the API; enough on its own for servers without a key"},
		AgentSetting{Name: "OPENAI_SMALL_MODEL", Help: "Model for short answers and decisions"},
		AgentSetting{Name: "OPENAI_LARGE_MODEL", Help: "Model for replies"},
		AgentSetting{Name: "OPENAI_EMBEDDING_MODEL", Help: "Model for embeddings"},
		AgentSetting{Name: "OPENAI_EMBEDDING_URL", Help: "Address for embeddings where it differs"},
		AgentSetting{Name: "OPENAI_EMBEDDING_DIMENSIONS", Help: "Length of an embedding"},
		AgentSetting{Name: "OPENAI_IMAGE_DESCRIPTION_MODEL", Help: "Model that describes images"},
		AgentSetting{Name: "OPENAI_TTS_MODEL", Help: "Model that speaks"},
		AgentSetting{Name: "OPENAI_TRANSCRIPTION_MODEL", Help: "Model that listens"},
		AgentSetting{Name: "OPENAI_IMAGE_MODEL", Help: "Model that draws"},
	)
	for _, p := range []struct{ prefix, title string }{
		{"ANTHROPIC", "Anthropic"}, {"OPENROUTER", "OpenRouter"}, {"GROQ", "Groq"}, {"MISTRAL", "Mistral"},
		{"DEEPSEEK", "DeepSeek"}, {"XAI", "xAI"},
	} {
		add(p.title,
			secret(p.prefix+"_API_KEY", "API key"),
			AgentSetting{Name: p.prefix + "_BASE_URL", Help: "Address of the API"},
			AgentSetting{Name: p.prefix + "_SMALL_MODEL", Help: "Model for short answers and decisions"},
			AgentSetting{Name: p.prefix + "_LARGE_MODEL", Help: "Model for replies"},
		)
	}
	add("OpenRouter",
		AgentSetting{Name: "OPENROUTER_IMAGE_MODEL", Help: "Model that describes images"},
		AgentSetting{Name: "OPENROUTER_EMBEDDING_MODEL", Help: "Model for embeddings"},
	)
	add("Groq",
		AgentSetting{Name: "SMALL_GROQ_MODEL", Help: "Older name of GROQ_SMALL_MODEL"},
		AgentSetting{Name: "LARGE_GROQ_MODEL", Help: "Older name of GROQ_LARGE_MODEL"},
	)
	add("Google",
		secret("GOOGLE_GENERATIVE_AI_API_KEY", "API key"),
		secret("GOOGLE_API_KEY", "API key, other name"),
		secret("GEMINI_API_KEY", "API key, other name"),
		AgentSetting{Name: "GOOGLE_BASE_URL", Help: "Address of the API"},
		AgentSetting{Name: "GOOGLE_SMALL_MODEL", Help: "Model for short answers and decisions"},
		AgentSetting{Name: "GOOGLE_LARGE_MODEL", Help: "Model for replies"},
		AgentSetting{Name: "GOOGLE_IMAGE_MODEL", Help: "Model that describes images"},
		AgentSetting{Name: "GOOGLE_EMBEDDING_MODEL", Help: "Model for embeddings"},
	)
	add("Ollama",
		AgentSetting{Name: "OLLAMA_API_ENDPOINT", Help: "Address of the server, with or without /api"},
		AgentSetting{Name: "OLLAMA_BASE_URL", Help: "Address of the server, other name"},
		AgentSetting{Name: "OLLAMA_HOST", Help: "Address of the server, other name"},
		AgentSetting{Name: "OLLAMA_SMALL_MODEL", Help: "Model for short answers and decisions"},
		AgentSetting{Name: "OLLAMA_MEDIUM_MODEL", Help: "Model between the two"},
		AgentSetting{Name: "OLLAMA_LARGE_MODEL", Help: "Model for replies"},
		AgentSetting{Name: "OLLAMA_EMBEDDING_MODEL", Help: "Model for embeddings"},
	)
	add("Model parameters", parameters()...)
	add("When and how an agent answers",
		AgentSetting{Name: "ALWAYS_RESPOND_CHANNELS", Help: "Channel types in which the agent always answers; separated by commas"},
		AgentSetting{Name: "ALWAYS_RESPOND_SOURCES", Help: "Sources whose messages it always answers"},
		AgentSetting{Name: "SHOULD_RESPOND_BYPASS_TYPES", Help: "Older name of ALWAYS_RESPOND_CHANNELS"},
		AgentSetting{Name: "SHOULD_RESPOND_BYPASS_SOURCES", Help: "Older name of ALWAYS_RESPOND_SOURCES"},
		AgentSetting{Name: "REPLY_MODE", Help: "Which messages in a group are answered; addressed: those meant for the agent"},
		AgentSetting{Name: "AGENT_TURN_LIMIT", Help: "Answers in a row that agents give one another before they stop"},
		AgentSetting{Name: "BOOTSTRAP_DEFLLMOFF", Help: "true: answer only when mentioned, until told otherwise"},
		AgentSetting{Name: "BOOTSTRAP_KEEP_RESP", Help: "true: send a reply also when a newer message has come"},
		AgentSetting{Name: "IGNORE_BOOTSTRAP", Help: "true: leave out the standard behaviour"},
		AgentSetting{Name: "USE_MULTI_STEP", Help: "true: plan and act in several steps"},
		AgentSetting{Name: "MAX_MULTISTEP_ITERATIONS", Help: "Most steps of one plan"},
		AgentSetting{Name: "MULTISTEP_PARSE_RETRIES", Help: "Tries at reading a step from the model"},
		AgentSetting{Name: "MULTISTEP_SUMMARY_PARSE_RETRIES", Help: "Tries at reading the summary"},
		AgentSetting{Name: "PROVIDERS_TOTAL_TIMEOUT_MS", Help: "Longest time for all providers of one step"},
		AgentSetting{Name: "PROVIDER_TIMEOUT_MS", Help: "Longest time for one provider"},
		AgentSetting{Name: "ACTION_TIMEOUT_MS", Help: "Longest time for one action"},
		AgentSetting{Name: "CONTEXT_BUDGET_TOKENS", Help: "Most tokens of a prompt"},
		AgentSetting{Name: "KNOWLEDGE_BUDGET_TOKENS", Help: "Most tokens of knowledge in a prompt"},
	)
	add("Sessions",
		AgentSetting{Name: "SESSION_TIMEOUT_MINUTES", Help: "Idle time after which a session ends"},
		AgentSetting{Name: "SESSION_MAX_DURATION_MINUTES", Help: "Longest life of a session"},
		AgentSetting{Name: "SESSION_WARNING_THRESHOLD_MINUTES", Help: "How long before its end a session is said to be near it"},
		AgentSetting{Name: "SESSION_AUTO_RENEW", Help: "true: each message renews the session"},
	)
	add("Knowledge and import",
		AgentSetting{Name: "LOAD_DOCS_ON_STARTUP", Help: "true: read the knowledge folder at start"},
		AgentSetting{Name: "KNOWLEDGE_PATH", Help: "The knowledge folder"},
		AgentSetting{Name: "CTX_KNOWLEDGE_ENABLED", Help: "true: add context to pieces of knowledge"},
		secret("SECRET_SALT", "Salt of secrets imported from an older server"),
	)
	return out
}

func secret(name, help string) AgentSetting {
	return AgentSetting{Name: name, Help: help, Secret: true}
}

// parameters lists the parameters of a model call: for small text, for large text, for both, and by their older names.
func parameters() []AgentSetting {
	var out []AgentSetting
	for _, kind := range []struct{ prefix, help string }{
		{"TEXT_SMALL_", " for small text models"}, {"TEXT_LARGE_", " for large text models"}, {"DEFAULT_", " for all models"},
	} {
		for _, p := range []struct{ name, help string }{
			{"MAX_TOKENS", "Most tokens of an answer"}, {"TEMPERATURE", "Temperature"}, {"TOP_P", "Top-p"}, {"TOP_K", "Top-k"},
			{"MIN_P", "Min-p"}, {"SEED", "Seed"}, {"REPETITION_PENALTY", "Repetition penalty"},
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
