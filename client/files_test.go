package client_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/apierr"
)

// wav is a silent recording.
func wav(size int) io.Reader {
	return io.MultiReader(
		strings.NewReader("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x44\xac\x00\x00\x88\x58\x01\x00\x02\x00\x10\x00data\x00\x00\x00\x00"),
		io.LimitReader(zeros{}, int64(size)),
	)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// broken fails in the middle of a file.
type broken struct{}

var errBroken = errors.New("the disk is gone")

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func TestFiles(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	ctx, agent := t.Context(), h.agent(c)
	channel, err := c.DirectChannel(ctx, agent)
	if err != nil {
		t.Fatal(err)
	}
	const size = 3 << 20
	toAgent, err := c.UploadToAgent(ctx, agent, client.File{Name: `C:\sounds\тише.wav`, Content: wav(size)})
	if err != nil || toAgent.Size != size+44 || toAgent.MimeType != "audio/wav" || toAgent.OriginalName != "тише.wav" {
		t.Fatalf("%+v, %v", toAgent, err)
	}
	toChannel, err := c.UploadToChannel(ctx, channel.ID, client.File{Name: "a.wav", Type: "audio/wav", Content: wav(10)})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := io.ReadAll(wav(size))
	for _, tt := range []struct {
		address string
		from    int64
		want    []byte
	}{
		{toAgent.URL, 0, want},
		{toAgent.URL, size, want[size:]},
		{"http://" + h.address + toAgent.URL, size + 40, want[size+40:]},
		{toChannel.URL, 0, want[:54]},
	} {
		d, err := c.Open(ctx, tt.address, tt.from)
		if err != nil {
			t.Fatalf("%s from %d: %v", tt.address, tt.from, err)
		}
		got, err := io.ReadAll(d)
		if err := errors.Join(err, d.Close()); err != nil || !bytes.Equal(got, tt.want) || d.Type != "audio/wav" || d.Size != int64(len(tt.want)) {
			t.Errorf("%s from %d: %d bytes, %+v, %v", tt.address, tt.from, len(got), d, err)
		}
	}

	for _, address := range []string{"", "/", "/api/agents", "https://elsewhere.example" + toAgent.URL, "/media/other/" + agent.String() + "/x", "/media/uploads/agents/x/y"} {
		if d, err := c.Open(ctx, address, 0); err == nil {
			t.Errorf("%q was opened: %+v", address, d)
		}
	}
	if _, err := c.Open(ctx, toAgent.URL+"x", 0); !client.IsNotFound(err) {
		t.Errorf("a file that isn't there: %v", err)
	}
	if _, err := c.UploadToAgent(ctx, uuid.New(), client.File{Content: wav(1)}); !client.IsNotFound(err) {
		t.Errorf("to an unknown agent: %v", err)
	}
	if _, err := c.UploadToAgent(ctx, agent, client.File{Name: "a.html", Content: strings.NewReader("<script>")}); !client.IsCode(err, apierr.UnsupportedMediaType) {
		t.Errorf("markup: %v", err)
	}
	if _, err := c.UploadToAgent(ctx, agent, client.File{Content: io.MultiReader(wav(1<<20), broken{})}); !errors.Is(err, errBroken) {
		t.Errorf("a file that can't be read: %v", err)
	}
}

// A model that transcribes everything as "Hello", and speaks.
func voice(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/audio/transcriptions"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"text":"Hello"}`)
		case strings.HasSuffix(r.URL.Path, "/audio/speech"):
			var asked struct{ Input string }
			_ = json.NewDecoder(r.Body).Decode(&asked)
			_, _ = io.WriteString(w, "ID3\x04\x00\x00\x00\x00\x00\x00"+asked.Input)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestSpeech(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice, client.WithRetries(0))
	ctx := t.Context()
	created, err := c.CreateAgent(ctx, client.Character{Name: "Ada", Bio: client.Text("A voice"), Settings: settingsJSON(t, map[string]any{
		"OPENAI_BASE_URL": voice(t), "OPENAI_TTS_MODEL": "mouth", "OPENAI_TTS_VOICE": "nova", "OPENAI_TRANSCRIPTION_MODEL": "ears",
		"secrets": map[string]string{"OPENAI_API_KEY": "k"},
	})})
	if err != nil {
		t.Fatal(err)
	}
	agent := created.ID
	if _, err := c.Speak(ctx, agent, client.Speech{Text: "x"}); !client.IsNotFound(err) {
		t.Errorf("an agent that doesn't run: %v", err)
	}
	if _, err := c.StartAgent(ctx, agent); err != nil {
		t.Fatal(err)
	}
	if words, err := c.Transcribe(ctx, agent, client.Recording{File: client.File{Name: "a.wav", Content: wav(1 << 20)}, Language: "en"}); err != nil || words != "Hello" {
		t.Errorf("transcribed %q, %v", words, err)
	}
	d, err := c.Speak(ctx, agent, client.Speech{Text: "Good day", Voice: "alloy", Speed: 1.5})
	if err != nil {
		t.Fatal(err)
	}
	sound, err := io.ReadAll(d)
	if err := errors.Join(err, d.Close()); err != nil || !strings.HasSuffix(string(sound), "Good day") || d.Type != "audio/mpeg" {
		t.Errorf("%q of type %s, %v", sound, d.Type, err)
	}
	channel, err := c.DirectChannel(ctx, agent)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Submit(ctx, client.SubmittedMessage{AuthorID: agent, ChannelID: channel.ID, Content: "What I said"})
	if err != nil {
		t.Fatal(err)
	}
	if sound, format, err := c.SpeakMessage(ctx, agent, m.ID, client.Speech{}); err != nil || !strings.HasSuffix(string(sound), "What I said") || format == "" {
		t.Errorf("%s in %s, %v", base64.StdEncoding.EncodeToString(sound), format, err)
	}
	if _, err := c.Transcribe(ctx, h.first(c), client.Recording{File: client.File{Content: wav(1)}}); !client.IsCode(err, apierr.Unavailable) {
		t.Errorf("an agent without a model: %v", err)
	}
}

func settingsJSON(t *testing.T, values map[string]any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// first returns the agent that a new server has.
func (h *host) first(c *client.Client) uuid.UUID {
	h.t.Helper()
	agents, err := c.Agents(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, a := range agents {
		if a.Name == "Eliza" {
			return a.ID
		}
	}
	h.t.Fatalf("agents %+v", agents)
	return uuid.Nil
}
