package model

import (
	"context"
	"io"
)

// Models for speech. Providers that have them implement [Transcriber] or [Speaker] beside [Provider].
const (
	Transcription Kind = "TRANSCRIPTION"
	TextToSpeech  Kind = "TEXT_TO_SPEECH"
)

// Transcriber turns speech into text.
type Transcriber interface {
	// Transcribe returns what is said in a recording; nothing at all is no error. It fails with a [*Error], or the cause
	// of ctx when the context ended the call.
	Transcribe(ctx context.Context, r Recording) (string, error)
}

// Recording is speech to be turned into text.
type Recording struct {
	Name        string    // file name; some services find the format by its extension
	ContentType string    // media type
	Content     io.Reader // read once
	Size        int64     // bytes of Content
	Language    string    // ISO 639-1; empty when not known
}

// Speaker reads text aloud.
type Speaker interface {
	// Speak returns the sound as it is made; the caller must close it. It fails as Transcribe does, even while the sound
	// is read.
	Speak(ctx context.Context, u Utterance) (Sound, error)
}

// Utterance is text to be read aloud.
type Utterance struct {
	Text   string
	Voice  string  // a voice of the model; empty for the usual one
	Speed  float64 // 1 is normal; 0 leaves the choice to the provider
	Format string  // file format, such as mp3 or wav; empty leaves the choice to the provider
}

// Sound is a sound that is being made.
type Sound struct {
	io.ReadCloser
	ContentType string // as the provider says
}
