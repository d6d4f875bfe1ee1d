// Package vendors knows the services and servers that have models: by which settings an agent comes to one, where it is, which
// models it usually has, and which protocol it speaks.
//
// [Detect] finds the vendor that a set of settings asks for, and [Vendor.Config] the endpoint, with the key that may be sent
// there. A vendor that speaks one of the protocols is a row in [Vendors].
package vendors

import (
	"fmt"
	"slices"
	"strings"
)

// Vendor is a known service or server. Of each list of setting names the first that is set wins.
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

	messages         bool // speaks Anthropic's Messages; without it, OpenAI's chat completions
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
			KeyFrom:    []string{"ANTHROPIC_API_KEY", "CLAUDE_API_KEY"},
			URLFrom:    []string{"ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"},
			SmallFrom:  smallNames("ANTHROPIC"),
			LargeFrom:  largeNames("ANTHROPIC"),
			SmallModel: "claude-haiku-4-5",
			LargeModel: "claude-sonnet-4-6",

			messages: true,
		},
		{
			Name:       "openrouter",
			BaseURL:    "https://openrouter.ai/api/v1",
			KeyFrom:    []string{"OPENROUTER_API_KEY"},
			URLFrom:    []string{"OPENROUTER_BASE_URL", "OPENROUTER_API_URL"},
			SmallFrom:  smallNames("OPENROUTER"),
			LargeFrom:  largeNames("OPENROUTER"),
			SmallModel: "google/gemini-2.5-flash-lite",
			LargeModel: "google/gemini-2.5-flash",
		},
		{
			Name:        "openai",
			BaseURL:     "https://api.openai.com/v1",
			KeyFrom:     []string{"OPENAI_API_KEY"},
			URLFrom:     []string{"OPENAI_BASE_URL", "OPENAI_API_URL", "OPENAI_API_BASE", "OPENAI_API_BASE_URL"},
			SmallFrom:   smallNames("OPENAI"),
			LargeFrom:   largeNames("OPENAI"),
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
			URLFrom:    []string{"GOOGLE_BASE_URL", "GOOGLE_API_URL", "GEMINI_BASE_URL"},
			SmallFrom:  smallNames("GOOGLE", "GEMINI"),
			LargeFrom:  largeNames("GOOGLE", "GEMINI"),
			SmallModel: "gemini-flash-lite-latest",
			LargeModel: "gemini-flash-latest",
		},
		{
			Name:       "groq",
			BaseURL:    "https://api.groq.com/openai/v1",
			KeyFrom:    []string{"GROQ_API_KEY"},
			URLFrom:    []string{"GROQ_BASE_URL", "GROQ_API_URL"},
			SmallFrom:  smallNames("GROQ"),
			LargeFrom:  largeNames("GROQ"),
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
			URLFrom:    []string{"MISTRAL_BASE_URL", "MISTRAL_API_URL"},
			SmallFrom:  smallNames("MISTRAL"),
			LargeFrom:  largeNames("MISTRAL"),
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
			URLFrom:    []string{"DEEPSEEK_BASE_URL", "DEEPSEEK_API_URL"},
			SmallFrom:  smallNames("DEEPSEEK"),
			LargeFrom:  largeNames("DEEPSEEK"),
			SmallModel: "deepseek-chat",
			LargeModel: "deepseek-chat",
		},
		{
			Name:       "xai",
			Aliases:    []string{"grok"},
			BaseURL:    "https://api.x.ai/v1",
			KeyFrom:    []string{"XAI_API_KEY", "GROK_API_KEY"},
			URLFrom:    []string{"XAI_BASE_URL", "XAI_API_URL", "GROK_BASE_URL", "GROK_API_URL"},
			SmallFrom:  smallNames("XAI", "GROK"),
			LargeFrom:  largeNames("XAI", "GROK"),
			SmallModel: "grok-4-fast-non-reasoning",
			LargeModel: "grok-4",
		},
		{
			Name:        "ollama",
			BaseURL:     "http://127.0.0.1:11434/v1",
			KeyFrom:     []string{"OLLAMA_API_KEY"},
			URLFrom:     []string{"OLLAMA_API_ENDPOINT", "OLLAMA_BASE_URL", "OLLAMA_HOST", "OLLAMA_SERVER_URL", "OLLAMA_API_URL"},
			SmallFrom:   smallNames("OLLAMA"),
			LargeFrom:   largeNames("OLLAMA"),
			KeyOptional: true,
			Local:       true,
		},
		{
			Name:        "lmstudio",
			Aliases:     []string{"studiolm", "lm-studio"},
			BaseURL:     "http://127.0.0.1:1234/v1",
			KeyFrom:     []string{"LMSTUDIO_API_KEY"},
			URLFrom:     []string{"LMSTUDIO_BASE_URL", "LMSTUDIO_SERVER_URL", "LMSTUDIO_API_URL"},
			SmallFrom:   smallNames("LMSTUDIO"),
			LargeFrom:   largeNames("LMSTUDIO"),
			KeyOptional: true,
			Local:       true,
		},
		{
			Name:        "vllm",
			BaseURL:     "http://127.0.0.1:8000/v1",
			KeyFrom:     []string{"VLLM_API_KEY"},
			URLFrom:     []string{"VLLM_BASE_URL", "VLLM_API_URL", "VLLM_SERVER_URL"},
			SmallFrom:   smallNames("VLLM"),
			LargeFrom:   largeNames("VLLM"),
			KeyOptional: true,
			Local:       true,
		},
	}
}

// smallNames returns the settings for the small model of a vendor whose names begin with one of the prefixes: as they are
// called, and as older servers call them.
func smallNames(prefixes ...string) []string {
	return modelNames(prefixes, "%s_SMALL_MODEL", "SMALL_%s_MODEL", "%s_MODEL")
}

// largeNames is smallNames for the large model. Where there are three sizes, the middle one stands in for it.
func largeNames(prefixes ...string) []string {
	return modelNames(prefixes, "%s_LARGE_MODEL", "LARGE_%s_MODEL", "%s_MEDIUM_MODEL", "MEDIUM_%s_MODEL", "%s_MODEL")
}

func modelNames(prefixes []string, forms ...string) []string {
	var out []string
	for _, form := range forms {
		for _, prefix := range prefixes {
			out = append(out, fmt.Sprintf(form, prefix))
		}
	}
	return out
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
