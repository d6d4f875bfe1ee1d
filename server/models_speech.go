package server

import (
	"strings"

	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

// What is said where no model for speech is set up.
const (
	noEar   = "No model that turns speech into text is set up; set OPENAI_API_KEY, GROQ_API_KEY or MISTRAL_API_KEY, or OPENAI_BASE_URL with OPENAI_TRANSCRIPTION_MODEL"
	noMouth = "No model that reads aloud is set up; set OPENAI_API_KEY, or OPENAI_BASE_URL with OPENAI_TTS_MODEL"
)

func (m *models) ear(lookup model.Lookup) runtime.Ear {
	client, missing := m.speech(lookup, model.Transcription, noEar)
	if client == nil {
		return runtime.Ear{Missing: missing}
	}
	return runtime.Ear{Transcriber: client}
}

func (m *models) mouth(lookup model.Lookup) runtime.Mouth {
	client, missing := m.speech(lookup, model.TextToSpeech, noMouth)
	if client == nil {
		return runtime.Mouth{Missing: missing}
	}
	return runtime.Mouth{Speaker: client}
}

// speech chooses the model for one kind of speech by the rule for texts, among the vendors that have such models: who writes
// an agent's texts doesn't decide who speaks them. Where there is none it says what to set.
func (m *models) speech(lookup model.Lookup, kind model.Kind, none string) (client *openai.Client, missing string) {
	vendors := openai.Vendors()
	if wish, ok := wanted(lookup); ok && !strings.EqualFold(wish.Value, builtinName) {
		if v, known := openai.VendorNamed(wish.Value); known {
			vendors = append([]openai.Vendor{v}, vendors...)
		}
	}
	for _, v := range vendors {
		if !usable(v, lookup) {
			continue
		}
		if client, _, err := m.client(v, lookup); err == nil && client.Model(kind) != "" {
			return client, ""
		}
	}
	return nil, none
}
