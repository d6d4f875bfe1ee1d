package openai

import (
	"slices"
	"strings"
)

// Vendor is a known service or server that speaks the wire. Of each list of setting names the first that is set wins.
type Vendor struct {
	Name       string
	Aliases    []string // other names that characters and settings use
	BaseURL    string   // default; local servers listen here
	KeyFrom    []string
	URLFrom    []string
	SmallFrom  []string
	LargeFrom  []string
	SmallModel string // defaults; empty: the first text model the endpoint lists
	LargeModel string

	// Models for speech, and the voice: the setting of each, and its default. Without a setting there is none.
	TranscriptionFrom  string
	SpeechFrom         string
	VoiceFrom          string
	TranscriptionModel string
	SpeechModel        string
	Voice              string

	KeyOptional bool // a base URL alone selects the vendor, and the key may be missing
	Local       bool // runs on the user's own machine by default

	completionTokens bool
	noStreamUsage    bool
}

// Vendors returns the known vendors in the order in which a set key selects one (agent runtime §17.3), services first.
func Vendors() []Vendor {
	return []Vendor{
		{
			Name:       "anthropic",
			Aliases:    []string{"claude"},
			BaseURL:    "https://api.anthropic.com/v1",
			KeyFrom:    []string{"ANTHROPIC_API_KEY"},
			URLFrom:    []string{"ANTHROPIC_BASE_URL"},
			SmallFrom:  []string{"ANTHROPIC_SMALL_MODEL"},
			LargeFrom:  []string{"ANTHROPIC_LARGE_MODEL"},
			SmallModel: "claude-haiku-4-5",
			LargeModel: "claude-sonnet-4-6",
		},
		{
			Name:       "openrouter",
			BaseURL:    "https://openrouter.ai/api/v1",
			KeyFrom:    []string{"OPENROUTER_API_KEY"},
			URLFrom:    []string{"OPENROUTER_BASE_URL"},
			SmallFrom:  []string{"OPENROUTER_SMALL_MODEL"},
			LargeFrom:  []string{"OPENROUTER_LARGE_MODEL"},
			SmallModel: "google/gemini-2.5-flash-lite",
			LargeModel: "google/gemini-2.5-flash",
		},
		{
			Name:        "openai",
			BaseURL:     "https://api.openai.com/v1",
			KeyFrom:     []string{"OPENAI_API_KEY"},
			URLFrom:     []string{"OPENAI_BASE_URL", "OPENAI_API_URL"},
			SmallFrom:   []string{"OPENAI_SMALL_MODEL"},
			LargeFrom:   []string{"OPENAI_LARGE_MODEL"},
			SmallModel:  "gpt-5.4-nano",
			LargeModel:  "gpt-5.4-mini",
			KeyOptional: true,

			TranscriptionFrom:  "OPENAI_TRANSCRIPTION_MODEL",
			SpeechFrom:         "OPENAI_TTS_MODEL",
			VoiceFrom:          "OPENAI_TTS_VOICE",
			TranscriptionModel: "gpt-4o-mini-transcribe",
			SpeechModel:        "gpt-4o-mini-tts",
			Voice:              "nova",

			completionTokens: true,
		},
		{
			Name:       "google",
			Aliases:    []string{"google-genai", "gemini"},
			BaseURL:    "https://generativelanguage.googleapis.com/v1beta/openai",
			KeyFrom:    []string{"GOOGLE_GENERATIVE_AI_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"},
			URLFrom:    []string{"GOOGLE_BASE_URL"},
			SmallFrom:  []string{"GOOGLE_SMALL_MODEL"},
			LargeFrom:  []string{"GOOGLE_LARGE_MODEL"},
			SmallModel: "gemini-flash-lite-latest",
			LargeModel: "gemini-flash-latest",
		},
		{
			Name:       "groq",
			BaseURL:    "https://api.groq.com/openai/v1",
			KeyFrom:    []string{"GROQ_API_KEY"},
			URLFrom:    []string{"GROQ_BASE_URL"},
			SmallFrom:  []string{"GROQ_SMALL_MODEL", "SMALL_GROQ_MODEL"},
			LargeFrom:  []string{"GROQ_LARGE_MODEL", "LARGE_GROQ_MODEL"},
			SmallModel: "llama-3.1-8b-instant",
			LargeModel: "llama-3.3-70b-versatile",

			TranscriptionFrom:  "GROQ_TRANSCRIPTION_MODEL",
			SpeechFrom:         "GROQ_TTS_MODEL",
			VoiceFrom:          "GROQ_TTS_VOICE",
			TranscriptionModel: "whisper-large-v3-turbo",
		},
		{
			Name:       "mistral",
			BaseURL:    "https://api.mistral.ai/v1",
			KeyFrom:    []string{"MISTRAL_API_KEY"},
			URLFrom:    []string{"MISTRAL_BASE_URL"},
			SmallFrom:  []string{"MISTRAL_SMALL_MODEL"},
			LargeFrom:  []string{"MISTRAL_LARGE_MODEL"},
			SmallModel: "mistral-small-latest",
			LargeModel: "mistral-large-latest",

			TranscriptionFrom:  "MISTRAL_TRANSCRIPTION_MODEL",
			TranscriptionModel: "voxtral-mini-latest",

			noStreamUsage: true, // refuses unknown fields, and reports usage anyway
		},
		{
			Name:       "deepseek",
			BaseURL:    "https://api.deepseek.com/v1",
			KeyFrom:    []string{"DEEPSEEK_API_KEY"},
			URLFrom:    []string{"DEEPSEEK_BASE_URL"},
			SmallFrom:  []string{"DEEPSEEK_SMALL_MODEL"},
			LargeFrom:  []string{"DEEPSEEK_LARGE_MODEL"},
			SmallModel: "deepseek-chat",
			LargeModel: "deepseek-chat",
		},
		{
			Name:       "xai",
			Aliases:    []string{"grok"},
			BaseURL:    "https://api.x.ai/v1",
			KeyFrom:    []string{"XAI_API_KEY"},
			URLFrom:    []string{"XAI_BASE_URL"},
			SmallFrom:  []string{"XAI_SMALL_MODEL"},
			LargeFrom:  []string{"XAI_LARGE_MODEL"},
			SmallModel: "grok-4-fast-non-reasoning",
			LargeModel: "grok-4",
		},
		{
			Name:        "ollama",
			BaseURL:     "http://127.0.0.1:11434/v1",
			KeyFrom:     []string{"OLLAMA_API_KEY"},
			URLFrom:     []string{"OLLAMA_API_ENDPOINT", "OLLAMA_BASE_URL", "OLLAMA_HOST"},
			SmallFrom:   []string{"OLLAMA_SMALL_MODEL"},
			LargeFrom:   []string{"OLLAMA_LARGE_MODEL", "OLLAMA_MEDIUM_MODEL"},
			KeyOptional: true,
			Local:       true,
		},
		{
			Name:        "lmstudio",
			Aliases:     []string{"studiolm", "lm-studio"},
			BaseURL:     "http://127.0.0.1:1234/v1",
			KeyFrom:     []string{"LMSTUDIO_API_KEY"},
			URLFrom:     []string{"LMSTUDIO_BASE_URL"},
			SmallFrom:   []string{"LMSTUDIO_SMALL_MODEL"},
			LargeFrom:   []string{"LMSTUDIO_LARGE_MODEL"},
			KeyOptional: true,
			Local:       true,
		},
		{
			Name:        "vllm",
			BaseURL:     "http://127.0.0.1:8000/v1",
			KeyFrom:     []string{"VLLM_API_KEY"},
			URLFrom:     []string{"VLLM_BASE_URL"},
			SmallFrom:   []string{"VLLM_SMALL_MODEL"},
			LargeFrom:   []string{"VLLM_LARGE_MODEL"},
			KeyOptional: true,
			Local:       true,
		},
	}
}

// SpeechSettings returns the names of the settings for speech that the vendor has.
func (v Vendor) SpeechSettings() []string {
	return slices.DeleteFunc([]string{v.TranscriptionFrom, v.SpeechFrom, v.VoiceFrom}, func(name string) bool { return name == "" })
}

// VendorNamed returns the vendor that a setting or a character's plugin list names: "openai", "Grok",
// "@elizaos/plugin-google-genai".
func VendorNamed(name string) (Vendor, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimPrefix(name, "plugin-")
	for _, v := range Vendors() {
		if v.Name == name || slices.Contains(v.Aliases, name) {
			return v, true
		}
	}
	return Vendor{}, false
}
