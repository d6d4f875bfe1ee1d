package client

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Recording is recorded speech.
type Recording struct {
	File
	Language string // such as "en"; empty: the model detects it
}

// Transcribe returns the words of a recording, which is not kept. It needs a running agent with a model for transcription, and
// is bounded by ctx alone.
func (c *Client) Transcribe(ctx context.Context, agentID uuid.UUID, r Recording) (string, error) {
	form := newForm("file", r.File, map[string]string{"language": r.Language})
	data, err := transfer[api.Transcript](ctx, "transcribing a recording", func(ctx context.Context) (*http.Response, error) {
		return c.api.TranscribeWithBody(withoutRepeat(ctx), agentID, form.kind, form)
	})
	return data.Text, err
}

// Speech is a text to be read aloud.
type Speech struct {
	Text   string
	Voice  string  // of the model's; empty: its default
	Format string  // such as "mp3"; empty: the model's default
	Speed  float64 // 1 is usual; 0: 1
}

func (s Speech) request() api.SpeechRequest {
	r := api.SpeechRequest{Text: text(s.Text), Voice: text(s.Voice), Format: text(s.Format)}
	if s.Speed > 0 {
		r.Speed = &s.Speed
	}
	return r
}

// Speak returns a text read aloud, streamed while it is made. It needs a running agent with a model for speech, and is bounded
// by ctx alone.
func (c *Client) Speak(ctx context.Context, agentID uuid.UUID, s Speech) (*Download, error) {
	return download(ctx, "reading a text aloud", func(ctx context.Context) (*http.Response, error) {
		return c.api.GenerateSpeech(withoutRepeat(ctx), agentID, s.request(), acceptAny)
	})
}

// SpeakMessage returns a message of one of an agent's channels read aloud, and the format of the sound. s.Text is ignored.
func (c *Client) SpeakMessage(ctx context.Context, agentID, messageID uuid.UUID, s Speech) (sound []byte, format string, err error) {
	request := s.request()
	request.Text, request.MessageID = nil, new(messageID.String())
	data, err := transfer[api.Sound](ctx, "reading a message aloud", func(ctx context.Context) (*http.Response, error) {
		return c.api.SynthesizeAudioMessage(withoutRepeat(ctx), agentID, request)
	})
	if err != nil {
		return nil, "", err
	}
	if sound, err = base64.StdEncoding.DecodeString(data.Audio); err != nil {
		return nil, "", fmt.Errorf("reading a message aloud: reading the answer: %w", err)
	}
	return sound, data.Format, nil
}

// Conversation says where to talk to an agent; the zero value is the client's direct channel with it.
type Conversation struct {
	Channel  uuid.UUID
	UserName string // of the client; empty: none
	Voice    string // of the answer; empty: the model's default
}

// Converse posts a text to an agent and returns its answer read aloud. It waits for the agent as long as ctx.
func (c *Client) Converse(ctx context.Context, agentID uuid.UUID, said string, in Conversation) (*Download, error) {
	request := api.SpokenRequest{Text: &said, EntityID: new(c.entity.String()), UserName: text(in.UserName), Voice: text(in.Voice)}
	if in.Channel != uuid.Nil {
		request.RoomID = new(in.Channel.String())
	}
	return download(ctx, "talking to an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.ConverseAloud(ctx, agentID, request, acceptAny)
	})
}

// Spoken is an agent's answer, as text and sound.
type Spoken struct {
	Heard     string    // what the agent understood
	Text      string    // its answer
	Sound     []byte    // the same, read aloud
	Format    string    // of the sound, such as "mpeg"
	MessageID uuid.UUID // of the answer
	Channel   uuid.UUID // in which both were posted
}

// ConverseRecorded is Converse with a recording.
func (c *Client) ConverseRecorded(ctx context.Context, agentID uuid.UUID, r Recording, in Conversation) (Spoken, error) {
	values := map[string]string{"language": r.Language, "entityId": c.entity.String(), "userName": in.UserName}
	if in.Channel != uuid.Nil {
		values["roomId"] = in.Channel.String()
	}
	form := newForm("file", r.File, values)
	data, err := transfer[api.SpokenAnswer](ctx, "talking to an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.ProcessSpeechWithBody(withoutRepeat(ctx), agentID, form.kind, form)
	})
	if err != nil {
		return Spoken{}, err
	}
	sound, err := base64.StdEncoding.DecodeString(data.Audio)
	if err != nil {
		return Spoken{}, fmt.Errorf("talking to an agent: reading the answer: %w", err)
	}
	return Spoken{
		Heard: data.Metadata.Transcription, Text: data.Text, Sound: sound, Format: data.Format,
		MessageID: data.Metadata.MessageID, Channel: data.Metadata.RoomID,
	}, nil
}

func acceptAny(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "*/*")
	return nil
}
