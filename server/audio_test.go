package server_test

import (
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// speech has an agent say something.
func (n *node) speech(id uuid.UUID, body api.SpeechRequest) answer {
	n.t.Helper()
	return n.read(n.api().GenerateSpeech(n.t.Context(), id, body))
}

// readAloud has an agent say a message, or something else.
func (n *node) readAloud(id uuid.UUID, body api.SpeechRequest) answer {
	n.t.Helper()
	return n.read(n.api().SynthesizeAudioMessage(n.t.Context(), id, body))
}

// converse asks an agent that answers aloud.
func (n *node) converse(id uuid.UUID, body api.SpokenRequest) answer {
	n.t.Helper()
	return n.read(n.api().ConverseAloud(n.t.Context(), id, body))
}

// A recording in which nobody speaks has an empty transcript, which nobody can be asked to answer.
func TestSilentRecordings(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("What?") })
	m.Hear(func(modeltest.Heard) modeltest.Script { return modeltest.Say("") })
	m.Speak(says(mp3Bytes))
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_TTS_MODEL=mouth", "OPENAI_TRANSCRIPTION_MODEL=ears")
	ways, file := n.recordings(n.agentID()), formPart{"file", "a.wav", "audio/wav", wavBytes}
	if got := data[api.Transcript](ways["transcription"](file).want(200)); got.Text != "" {
		t.Errorf("%+v", got)
	}
	for _, way := range []string{"conversation", "speech"} {
		a := ways[way](file)
		clearError(t, way, a, 400, "INVALID_REQUEST")
		if !strings.Contains(string(a.body), "recording") {
			t.Errorf("%s doesn't say what is wrong: %s", way, a.body)
		}
	}
}

func TestTranscriptions(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, says(mp3Bytes))
	ways, unknown := n.recordings(n.agentID()), n.recordings(uuid.New())
	file := formPart{"file", "", "audio/webm", wavBytes} // as a browser sends a nameless blob
	if got := data[api.Transcript](ways["transcription"](file, formPart{"language", "", "", "en"}).want(200)); got.Text != "Hello" {
		t.Errorf("%+v", got)
	}
	if got := data[api.AudioMessage](ways["audio message"](file).want(200)); got.Transcription != "Hello" || got.Message == "" {
		t.Errorf("%+v", got)
	}
	for name, way := range ways {
		clearError(t, name+" of a picture", way(formPart{"file", "a.wav", "audio/wav", pngBytes}), 400, "INVALID_FILE_TYPE")
		clearError(t, name+" of text", way(formPart{"file", "", "", "not base64"}), 400, "INVALID_REQUEST")
		clearError(t, name+" of nobody", unknown[name](file), 404, "NOT_FOUND")
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
				a := n.do("POST", "/api/audio/"+n.agentID().String()+path, map[string]any{ // sent raw: older clients say more
					"text": "Hello", "pitch": 2, "language": "en",
				}, "Accept", "application/json").want(200)
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
	id := n.agentID()
	clearError(t, "no text", n.speech(id, api.SpeechRequest{}), 400, "INVALID_REQUEST")
	clearError(t, "no text to synthesize", n.readAloud(id, api.SpeechRequest{}), 400, "INVALID_REQUEST")
	clearError(t, "no text in a conversation", n.converse(id, api.SpokenRequest{Text: new("")}), 400, "INVALID_REQUEST")
	clearError(t, "a number", n.do("POST", "/api/audio/"+id.String()+"/speech/generate", map[string]any{"text": 7}), 400, "INVALID_REQUEST")
	clearError(t, "a voice that isn't there", n.speech(id, api.SpeechRequest{Text: new("x"), Voice: new("nobody")}), 502, "MODEL_ERROR")
	clearError(t, "silence", n.speech(id, api.SpeechRequest{Text: new("x")}), 502, "MODEL_ERROR")
	clearError(t, "a message that isn't there", n.readAloud(id, api.SpeechRequest{MessageID: new(uuid.NewString())}), 404, "NOT_FOUND")
	clearError(t, "a message that has no id", n.readAloud(id, api.SpeechRequest{MessageID: new("x")}), 400, "INVALID_ID")
}

// A sound that breaks off must not look whole.
func TestSpeechThatBreaksOff(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, func(modeltest.Spoken) modeltest.Sound {
		return modeltest.Sound{Pieces: [][]byte{[]byte(mp3Bytes + strings.Repeat("x", 2000))}, Ending: modeltest.Cut}
	})
	resp, err := n.bare().api().GenerateSpeech(t.Context(), n.agentID(), api.SpeechRequest{Text: new("x")})
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
	id, hello := n.agentID(), api.SpeechRequest{Text: new("Hello")}
	ways := n.recordings(id)
	for way, want := range map[string]string{
		"transcription": "OPENAI_TRANSCRIPTION_MODEL", "audio message": "OPENAI_TRANSCRIPTION_MODEL",
		"speech": "OPENAI_TTS_MODEL", "conversation": "OPENAI_TTS_MODEL",
	} {
		a := ways[way](formPart{"file", "a.wav", "audio/wav", wavBytes})
		clearError(t, way, a, 503, "UNAVAILABLE")
		if !strings.Contains(string(a.body), want) {
			t.Errorf("%s says nothing of %s: %s", way, want, a.body)
		}
	}
	clearError(t, "speech", n.speech(id, hello), 503, "UNAVAILABLE")
	clearError(t, "a message read aloud", n.readAloud(id, hello), 503, "UNAVAILABLE")
	clearError(t, "a conversation", n.converse(id, api.SpokenRequest{Text: new("Hello")}), 503, "UNAVAILABLE")
	if left := data[api.ChannelList](n.read(n.api().ListChannels(t.Context(), uuid.Nil, nil)).want(200)).Channels; len(left) > 0 {
		t.Errorf("a conversation that could not be had left %d channels", len(left))
	}
	n.stopAgent(id)
	clearError(t, "an agent that is stopped", n.speech(id, hello), 404, "NOT_FOUND")
}

func TestSpokenConversation(t *testing.T) {
	t.Parallel()
	n := withSpeech(t, says(mp3Bytes))
	agent, user := n.agentID(), uuid.New()
	a := n.converse(agent, api.SpokenRequest{Text: new("What is the weather like?"), EntityID: new(user.String()), UserName: new("Ada")}).want(200)
	if string(a.body) != mp3Bytes {
		t.Errorf("heard %q", a.body)
	}
	dm := n.dmBetween(agent, user)
	history := n.history(dm)
	if len(history) != 2 || history[1].Content != "What is the weather like?" || history[1].AuthorID != user || deref(history[1].SourceType) != "direct" ||
		history[0].Content != "It is raining." || history[0].AuthorID != agent {
		t.Fatalf("the channel holds %+v", history)
	}

	read := data[api.Sound](n.readAloud(agent, api.SpeechRequest{MessageID: new(history[0].ID.String())}).want(200))
	if sound, err := base64.StdEncoding.DecodeString(read.Audio); err != nil || string(sound) != mp3Bytes || read.Format != "mpeg" {
		t.Errorf("the message read aloud: %+v", read)
	}

	ways := n.recordings(agent)
	for _, way := range []string{"conversation", "speech"} {
		metadata := jsonOf(map[string]any{"roomId": "kitchen " + way, "entityId": user})
		got := data[api.SpokenAnswer](ways[way](formPart{"file", "", "audio/wav", wavBytes}, formPart{"metadata", "", "", string(metadata)}).want(200))
		if got.Text != "It is raining." || got.Metadata.Transcription != "Hello" || got.Format != "mpeg" || got.Metadata.RoomID == dm {
			t.Errorf("%s: %+v", way, got)
		}
		if sound, err := base64.StdEncoding.DecodeString(got.Audio); err != nil || string(sound) != mp3Bytes {
			t.Errorf("%s: heard %q, %v", way, sound, err)
		}
		if h := n.history(got.Metadata.RoomID); len(h) != 2 || h[1].ID != got.Metadata.MessageID || h[1].AuthorID != user {
			t.Errorf("%s: the room holds %+v", way, h)
		}
	}
}
