package openai_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

func withSpeech(c *openai.Config) {
	c.TranscriptionModel, c.SpeechModel, c.Voice = "ears", "mouth", "nova"
	c.Settings.TranscriptionModel, c.Settings.SpeechModel = "TEST_EARS", "TEST_MOUTH"
}

// speechServer is a scripted model that is never asked for texts.
func speechServer(t *testing.T) *modeltest.Server {
	t.Helper()
	return modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(500, "not asked for") })
}

func recording(content string) model.Recording {
	return model.Recording{Name: "recording.wav", ContentType: "audio/wav", Content: strings.NewReader(content), Size: int64(len(content)), Language: "en"}
}

func TestTranscribe(t *testing.T) {
	t.Parallel()
	server := speechServer(t)
	var request modeltest.Heard
	server.Hear(func(h modeltest.Heard) modeltest.Script { request = h; return modeltest.Say("Hello there") })
	content := strings.Repeat("RIFF", 50_000)
	text, err := newClient(t, server.URL, withSpeech).Transcribe(t.Context(), recording(content))
	if err != nil || text != "Hello there" {
		t.Fatalf("%q, %v", text, err)
	}
	if request.Fields["model"] != "ears" || request.Fields["response_format"] != "json" || request.Fields["language"] != "en" ||
		request.Filename != "recording.wav" || request.ContentType != "audio/wav" || string(request.Audio) != content {
		t.Errorf("the request: %v, file %q of type %q with %d bytes", request.Fields, request.Filename, request.ContentType, len(request.Audio))
	}
	if request.Length < int64(len(content)) {
		t.Errorf("announced length %d", request.Length)
	}
	if got := request.Header.Get("Authorization"); got != "Bearer "+testKey {
		t.Errorf("authorization %q", got)
	}
}

func TestTranscribeFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url  func(t *testing.T) string
		kind model.ErrorKind
		says string
	}{
		"the key is wrong": {func(t *testing.T) string {
			s := speechServer(t)
			s.Hear(func(modeltest.Heard) modeltest.Script { return modeltest.Fail(401, "wrong "+testKey) })
			return s.URL
		}, model.Auth, "TEST_KEY"},
		"the model is unknown": {func(t *testing.T) string {
			s := speechServer(t)
			s.Hear(func(modeltest.Heard) modeltest.Script { return modeltest.Fail(404, "no such model") })
			return s.URL
		}, model.Config, "TEST_EARS"},
		"the recording is refused": {func(t *testing.T) string {
			s := speechServer(t)
			s.Hear(func(modeltest.Heard) modeltest.Script { return modeltest.Fail(400, "Invalid file format.") })
			return s.URL
		}, model.BadRequest, "Invalid file format."},
		"there is no such endpoint": {func(t *testing.T) string { return speechServer(t).URL }, model.Config, "TEST_URL"},
		"the answer is no JSON":     {func(t *testing.T) string { return serve(t, 200, "text/plain", "Hello") }, model.Protocol, "TEST_URL"},
		"the answer has no text":    {func(t *testing.T) string { return serve(t, 200, "application/json", `{"x":1}`) }, model.Protocol, "TEST_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, test.url(t), withSpeech).Transcribe(t.Context(), recording("RIFF"))
			if e := asError(t, err, test.kind); !strings.Contains(e.Message, test.says) || strings.Contains(err.Error(), testKey) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTranscribeStopsWithItsCaller(t *testing.T) {
	t.Parallel()
	server := speechServer(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the caller left")
	server.Hear(func(modeltest.Heard) modeltest.Script { cancel(left); return modeltest.Script{Ending: modeltest.Hang} })
	if _, err := newClient(t, server.URL, withSpeech).Transcribe(ctx, recording("RIFF")); !errors.Is(err, left) {
		t.Errorf("%v", err)
	}
}

func TestSpeak(t *testing.T) {
	t.Parallel()
	server := speechServer(t)
	var spoken modeltest.Spoken
	server.Speak(func(s modeltest.Spoken) modeltest.Sound {
		spoken = s
		return modeltest.Sound{Pieces: [][]byte{[]byte("ID3"), []byte("sound")}}
	})
	client := newClient(t, server.URL, withSpeech)
	sound, err := client.Speak(t.Context(), model.Utterance{Text: "Hello", Speed: 1.5, Format: "mp3"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(sound)
	if err != nil || !bytes.Equal(got, []byte("ID3sound")) || sound.ContentType != "audio/mpeg" {
		t.Errorf("%q of type %q, %v", got, sound.ContentType, err)
	}
	if err := sound.Close(); err != nil {
		t.Error(err)
	}
	spoken.Header = nil
	if spoken.Model != "mouth" || spoken.Input != "Hello" || spoken.Voice != "nova" || spoken.Speed != 1.5 || spoken.Format != "mp3" {
		t.Errorf("the request: %+v", spoken)
	}
}

func TestSpeakFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sound modeltest.Sound
		kind  model.ErrorKind
		says  string
	}{
		"busy":                 {modeltest.Sound{Status: 429, Body: `{"error":{"message":"Slow down"}}`}, model.RateLimit, "Slow down"},
		"the voice is unknown": {modeltest.Sound{Status: 400, Body: `{"error":{"message":"no such voice","param":"voice"}}`}, model.BadRequest, "no such voice"},
		"the model is unknown": {modeltest.Sound{Status: 404, Body: `{"error":{"message":"gone"}}`}, model.Config, "TEST_MOUTH"},
		"it breaks off":        {modeltest.Sound{Pieces: [][]byte{[]byte("ID3")}, Ending: modeltest.Cut}, model.Unavailable, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := speechServer(t)
			server.Speak(func(modeltest.Spoken) modeltest.Sound { return test.sound })
			sound, err := newClient(t, server.URL, withSpeech).Speak(t.Context(), model.Utterance{Text: "Hello"})
			if err == nil {
				_, err = io.ReadAll(sound)
				_ = sound.Close()
			}
			if e := asError(t, err, test.kind); !strings.Contains(e.Message, test.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
