package server_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// A recording in which nobody speaks has an empty transcript, which nobody can be asked to answer.
func TestSilentRecordings(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("What?") })
	m.Hear(func(modeltest.Heard) modeltest.Script { return modeltest.Say("") })
	m.Speak(says(mp3Bytes))
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_TTS_MODEL=mouth", "OPENAI_TRANSCRIPTION_MODEL=ears")
	base, file := "/api/audio/"+n.agentID().String(), formPart{"file", "a.wav", "audio/wav", wavBytes}
	if got := data[struct{ Text string }](n.upload(base+"/transcriptions", file).want(200)); got.Text != "" {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"/speech/conversation", "/speech"} {
		a := n.upload(base+path, file)
		clearError(t, path, a, 400, "INVALID_REQUEST")
		if !strings.Contains(string(a.body), "recording") {
			t.Errorf("%s doesn't say what is wrong: %s", path, a.body)
		}
	}
}

func TestTranscriptions(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, says(mp3Bytes))
	base := "/api/audio/" + n.agentID().String()
	file := formPart{"file", "", "audio/webm", wavBytes} // as a browser sends a nameless blob
	if got := data[struct{ Text string }](n.upload(base+"/transcriptions", file, formPart{"language", "", "", "en"}).want(200)); got.Text != "Hello" {
		t.Errorf("%+v", got)
	}
	if got := data[struct{ Transcription, Message string }](n.upload(base+"/audio-messages", file).want(200)); got.Transcription != "Hello" || got.Message == "" {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"/transcriptions", "/audio-messages", "/speech/conversation", "/speech"} {
		clearError(t, path+" of a picture", n.upload(base+path, formPart{"file", "a.wav", "audio/wav", pngBytes}), 400, "INVALID_FILE_TYPE")
		clearError(t, path+" of text", n.upload(base+path, formPart{"file", "", "", "not base64"}), 400, "INVALID_REQUEST")
		clearError(t, path+" of nobody", n.upload("/api/audio/"+uuid.NewString()+path, file), 404, "NOT_FOUND")
	}
}

func TestSpeech(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ sound, contentType string }{
		"MP3":   {mp3Bytes, "audio/mpeg"},
		"WAV":   {wavBytes, "audio/wav"},
		"bytes": {"neither", "audio/mpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := withSpeech(t, says(tt.sound[:2], tt.sound[2:]))
			for _, path := range []string{"/speech/generate", "/audio-messages/synthesize"} {
				a := n.do("POST", "/api/audio/"+n.agentID().String()+path, map[string]any{"text": "Hello", "pitch": 2, "language": "en"}, "Accept", "application/json").want(200)
				if string(a.body) != tt.sound || a.header.Get("Content-Type") != tt.contentType {
					t.Errorf("%s: %q of type %q", path, a.body, a.header.Get("Content-Type"))
				}
			}
		})
	}
}

func TestSpeechRefused(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, func(s modeltest.Spoken) modeltest.Sound {
		if s.Voice == "nobody" {
			return modeltest.Sound{Status: 400, Body: `{"error":{"message":"no such voice","param":"voice"}}`}
		}
		return modeltest.Sound{}
	})
	base := "/api/audio/" + n.agentID().String()
	clearError(t, "no text", n.do("POST", base+"/speech/generate", map[string]any{}), 400, "INVALID_REQUEST")
	clearError(t, "no text to synthesize", n.do("POST", base+"/audio-messages/synthesize", map[string]any{}), 400, "INVALID_REQUEST")
	clearError(t, "no text in a conversation", n.do("POST", base+"/speech/conversation", map[string]any{"text": ""}), 400, "INVALID_REQUEST")
	clearError(t, "a number", n.do("POST", base+"/speech/generate", map[string]any{"text": 7}), 400, "INVALID_REQUEST")
	clearError(t, "a voice that isn't there", n.do("POST", base+"/speech/generate", map[string]any{"text": "x", "voice": "nobody"}), 502, "MODEL_ERROR")
	clearError(t, "silence", n.do("POST", base+"/speech/generate", map[string]any{"text": "x"}), 502, "MODEL_ERROR")
	clearError(t, "a message that isn't there", n.do("POST", base+"/audio-messages/synthesize", map[string]any{"messageId": uuid.New()}), 404, "NOT_FOUND")
	clearError(t, "a message that has no id", n.do("POST", base+"/audio-messages/synthesize", map[string]any{"messageId": "x"}), 400, "INVALID_ID")
}

// A sound that breaks off must not look whole.
func TestSpeechThatBreaksOff(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, func(modeltest.Spoken) modeltest.Sound {
		return modeltest.Sound{Pieces: [][]byte{[]byte(mp3Bytes + strings.Repeat("x", 2000))}, Ending: modeltest.Cut}
	})
	r, err := http.NewRequestWithContext(t.Context(), "POST", n.http.URL+"/api/audio/"+n.agentID().String()+"/speech/generate", strings.NewReader(`{"text":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if data, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%d bytes with status %d look like all", len(data), resp.StatusCode)
	}
}

func TestSpeechWithoutAModel(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	base := "/api/audio/" + n.agentID().String()
	for path, want := range map[string]string{
		"/transcriptions": "OPENAI_TRANSCRIPTION_MODEL", "/audio-messages": "OPENAI_TRANSCRIPTION_MODEL",
		"/speech": "OPENAI_TTS_MODEL", "/speech/conversation": "OPENAI_TTS_MODEL",
	} {
		a := n.upload(base+path, formPart{"file", "a.wav", "audio/wav", wavBytes})
		clearError(t, path, a, 503, "UNAVAILABLE")
		if !strings.Contains(string(a.body), want) {
			t.Errorf("%s says nothing of %s: %s", path, want, a.body)
		}
	}
	for _, path := range []string{"/speech/generate", "/audio-messages/synthesize", "/speech/conversation"} {
		clearError(t, path, n.do("POST", base+path, map[string]any{"text": "Hello"}), 503, "UNAVAILABLE")
	}
	channels := data[struct{ Channels []struct{ ID string } }](n.do("GET", "/api/messaging/message-servers/"+uuid.Nil.String()+"/channels", nil).want(200))
	if len(channels.Channels) > 0 {
		t.Errorf("a conversation that could not be had left %d channels", len(channels.Channels))
	}
	n.stopAgent(n.agentID())
	clearError(t, "an agent that is stopped", n.do("POST", base+"/speech/generate", map[string]any{"text": "Hello"}), 404, "NOT_FOUND")
}

func TestSpokenConversation(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, says(mp3Bytes))
	agent, user := n.agentID(), uuid.New()
	base := "/api/audio/" + agent.String()

	a := n.do("POST", base+"/speech/conversation", map[string]any{"text": "What is the weather like?", "entityId": user, "userName": "Ada"}).want(200)
	if string(a.body) != mp3Bytes {
		t.Errorf("heard %q", a.body)
	}
	dm := n.dmBetween(agent, user)
	history := n.history(dm)
	if len(history) != 2 || history[1].Content != "What is the weather like?" || history[1].AuthorID != user || deref(history[1].SourceType) != "direct" ||
		history[0].Content != "It is raining." || history[0].AuthorID != agent {
		t.Fatalf("the channel holds %+v", history)
	}

	read := data[struct{ Audio, Format string }](n.do("POST", base+"/audio-messages/synthesize", map[string]any{"messageId": history[0].ID}).want(200))
	if sound, err := base64.StdEncoding.DecodeString(read.Audio); err != nil || string(sound) != mp3Bytes || read.Format != "mpeg" {
		t.Errorf("the message read aloud: %+v", read)
	}

	for _, path := range []string{"/speech/conversation", "/speech"} {
		metadata := jsonOf(map[string]any{"roomId": "kitchen" + path, "entityId": user})
		got := data[struct {
			Text, Audio, Format string
			Metadata            struct {
				Transcription, MessageID string
				RoomID                   uuid.UUID
			}
		}](n.upload(base+path, formPart{"file", "", "audio/wav", wavBytes}, formPart{"metadata", "", "", string(metadata)}).want(200))
		if got.Text != "It is raining." || got.Metadata.Transcription != "Hello" || got.Format != "mpeg" || got.Metadata.RoomID == dm {
			t.Errorf("%s: %+v", path, got)
		}
		if sound, err := base64.StdEncoding.DecodeString(got.Audio); err != nil || string(sound) != mp3Bytes {
			t.Errorf("%s: heard %q, %v", path, sound, err)
		}
		if h := n.history(got.Metadata.RoomID); len(h) != 2 || h[1].ID.String() != got.Metadata.MessageID || h[1].AuthorID != user {
			t.Errorf("%s: the room holds %+v", path, h)
		}
	}
}
