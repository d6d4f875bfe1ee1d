package runtime

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/model"
)

// What goes in and out of a voice, so that its users needn't know models.
type (
	Recording = model.Recording
	Utterance = model.Utterance
	Sound     = model.Sound
)

// Voice transcribes and speaks for an agent. Its errors are UNAVAILABLE, naming the setting, where no model is set up for it,
// and MODEL_ERROR or TIMEOUT where the model fails.
type Voice struct {
	transcription Transcription
	speech        Speech
	use           func(secret string)
}

// Voice returns the voice of a running agent; any other is NOT_FOUND.
func (a *Agents) Voice(ctx context.Context, who auth.Identity, id uuid.UUID) (Voice, error) {
	m, err := a.running(ctx, who, id)
	if err != nil {
		return Voice{}, err
	}
	return Voice{transcription: m.model.Transcription, speech: m.model.Speech, use: m.settings.use}, nil
}

// running returns the version of an agent that runs.
func (a *Agents) running(ctx context.Context, who auth.Identity, id uuid.UUID) (*agentVersion, error) {
	row, err := a.row(ctx, who, id)
	if err != nil {
		return nil, err
	}
	if !row.Running {
		return nil, apierr.New(apierr.NotFound, "Agent not found").WithDetails("The agent is not running")
	}
	return a.versions.of(ctx, row)
}

// CanTranscribe returns the error of Transcribe that can be known before.
func (v Voice) CanTranscribe() error {
	return available(v.transcription.Transcriber != nil, v.transcription.Missing)
}

// CanSpeak returns the error of Speak that can be known before.
func (v Voice) CanSpeak() error { return available(v.speech.Speaker != nil, v.speech.Missing) }

func available(there bool, missing string) error {
	switch {
	case there:
		return nil
	case missing == "":
		missing = "The agent has no model for speech"
	}
	return apierr.New(apierr.Unavailable, "%s", missing)
}

// Transcribe returns the words of a recording.
func (v Voice) Transcribe(ctx context.Context, r Recording) (string, error) {
	if err := v.CanTranscribe(); err != nil {
		return "", err
	}
	v.use(v.transcription.Key)
	text, err := v.transcription.Transcribe(ctx, r)
	return text, speechError(err)
}

// Speak reads a text aloud. The caller must close the sound.
func (v Voice) Speak(ctx context.Context, u Utterance) (Sound, error) {
	if err := v.CanSpeak(); err != nil {
		return Sound{}, err
	}
	v.use(v.speech.Key)
	sound, err := v.speech.Speak(ctx, u)
	return sound, speechError(err)
}

// speechError says in the server's terms why a model failed.
func speechError(err error) error {
	e, ok := errors.AsType[*model.Error](err)
	switch {
	case !ok:
		return err
	case e.Kind == model.Timeout:
		return apierr.Wrap(err, apierr.Timeout, "%s", e.Message)
	default:
		return apierr.Wrap(err, apierr.ModelFailed, "%s", e.Message)
	}
}
