package server

import (
	"strings"

	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
	"github.com/elizad/elizad/server/model/vendors"
)

// What is said where no model for speech is set up.
const (
	noTranscription = "No model that turns speech into text is set up; set OPENAI_API_KEY, GROQ_API_KEY or MISTRAL_API_KEY, or OPENAI_BASE_URL with OPENAI_TRANSCRIPTION_MODEL"
	noSpeech        = "No model that reads aloud is set up; set OPENAI_API_KEY, or OPENAI_BASE_URL with OPENAI_TTS_MODEL"
)

func (m *models) transcription(lookup model.Lookup) runtime.Transcription {
	client, key, missing := m.speechClient(lookup, model.Transcription, noTranscription)
	if client == nil {
		return runtime.Transcription{Missing: missing}
	}
	return runtime.Transcription{Transcriber: client, Key: key}
}

func (m *models) speech(lookup model.Lookup) runtime.Speech {
	client, key, missing := m.speechClient(lookup, model.TextToSpeech, noSpeech)
	if client == nil {
		return runtime.Speech{Missing: missing}
	}
	return runtime.Speech{Speaker: client, Key: key}
}

// speechClient chooses the model for one kind of speech by the rule for texts, among the vendors that have such models: the vendor of
// an agent's texts doesn't decide who speaks them. Where there is none it says what to set.
func (m *models) speechClient(lookup model.Lookup, kind model.Kind, none string) (client *openai.Client, key, missing string) {
	candidates := vendors.Vendors()
	if wish, ok := wanted(lookup); ok && !strings.EqualFold(wish.Value, builtinName) {
		if v, known := vendors.VendorNamed(wish.Value); known {
			candidates = append([]vendors.Vendor{v}, candidates...)
		}
	}
	for _, v := range candidates {
		if !usable(v, lookup) {
			continue
		}
		e, way, err := m.endpoint(v, lookup)
		if err != nil {
			continue
		}
		if client, err := e.Chat(way, &m.forms); err == nil && client.Model(kind) != "" {
			return client, keyOf(e), ""
		}
	}
	return nil, "", none
}
