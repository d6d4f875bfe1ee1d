package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model/vendors"
)

// prompts starts a server whose model answers always the same and keeps its prompts.
func prompts(t *testing.T) (*node, *modeltest.Server) {
	t.Helper()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Certainly.") })
	return start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef"), model
}

// lastPrompt returns what the model was asked last.
func lastPrompt(t *testing.T, model *modeltest.Server) string {
	t.Helper()
	requests := model.Requests()
	if len(requests) == 0 {
		t.Fatal("the model was not asked")
	}
	return requests[len(requests)-1].Prompt()
}

// withSpeech starts a server whose agent hears "Hello" in everything and speaks by the given sound.
func withSpeech(t *testing.T, sound func(modeltest.Spoken) modeltest.Sound) *node {
	t.Helper()
	return start(t, t.TempDir(), speech(t, sound)...)
}

// speech starts a model that hears and speaks, and returns the variables by which agents find it.
func speech(t *testing.T, sound func(modeltest.Spoken) modeltest.Sound) []string {
	t.Helper()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is raining.") })
	m.Hear(func(modeltest.Heard) modeltest.Script { return modeltest.Say("Hello") })
	m.Speak(sound)
	return []string{
		"OPENAI_BASE_URL=" + m.URL, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_SMALL_MODEL=m",
		"OPENAI_TTS_MODEL=mouth", "OPENAI_TTS_VOICE=nova", "OPENAI_TRANSCRIPTION_MODEL=ears",
	}
}

// says is a voice that says the same to everything, in pieces.
func says(pieces ...string) func(modeltest.Spoken) modeltest.Sound {
	return func(modeltest.Spoken) modeltest.Sound {
		var s modeltest.Sound
		for _, p := range pieces {
			s.Pieces = append(s.Pieces, []byte(p))
		}
		return s
	}
}

// sink is a model that keeps all that arrives, and answers as models do.
type sink struct {
	URL string

	mu  sync.Mutex
	all bytes.Buffer
	n   int
}

// newSink starts a sink. What change answers by itself is not answered again.
func newSink(t *testing.T, change ...func(http.ResponseWriter, *http.Request) bool) *sink {
	t.Helper()
	s := &sink{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := httputil.DumpRequest(r, true)
		if err != nil {
			raw = fmt.Appendf(nil, "%v %v", r.URL, r.Header)
		}
		s.mu.Lock()
		s.all.Write(raw)
		s.n++
		s.mu.Unlock()
		if len(change) > 0 && change[0](w, r) {
			return
		}
		switch w.Header().Set("Content-Type", "application/json"); {
		case strings.HasSuffix(r.URL.Path, "/chat/completions"):
			_, _ = io.WriteString(w, `{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"<response><thought>t</thought><actions>REPLY</actions><text>Fine.</text></response>"}}]}`)
		case strings.HasSuffix(r.URL.Path, "/messages"):
			_, _ = io.WriteString(w, `{"type":"message","role":"assistant","stop_reason":"end_turn","content":[{"type":"text","text":"<response><thought>t</thought><actions>REPLY</actions><text>Fine.</text></response>"}]}`)
		case strings.HasSuffix(r.URL.Path, "/models"):
			_, _ = io.WriteString(w, `{"data":[{"id":"m"}]}`)
		case strings.HasSuffix(r.URL.Path, "/transcriptions"):
			_, _ = io.WriteString(w, `{"text":"Hello"}`)
		case strings.HasSuffix(r.URL.Path, "/speech"):
			w.Header().Set("Content-Type", "audio/mpeg")
			_, _ = io.WriteString(w, mp3Bytes)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.URL = server.URL
	return s
}

// saw reports whether something arrived that holds a text.
func (s *sink) saw(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.all.String(), text)
}

// requests returns how many there were.
func (s *sink) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// keys returns a canary for each key of each vendor, in one voice per origin.
func keys(origin string) map[string]any {
	out := map[string]any{}
	for _, v := range vendors.Vendors() {
		for _, name := range v.KeyFrom {
			out[name] = canary(origin, name)
		}
	}
	return out
}

// canary returns a key that tells where it came from.
func canary(origin, name string) string { return "canary-" + origin + "-0123456789abcdef-" + name }

// speaking are the settings of models, so that every vendor hears, speaks and writes wherever it is.
func speaking(v vendors.Vendor, settings map[string]any) map[string]any {
	settings["modelProvider"], settings["LARGE_MODEL"], settings["SMALL_MODEL"] = v.Name, "m", "m"
	for _, name := range v.SpeechSettings() {
		settings[name] = "m"
	}
	return settings
}

// variables returns settings in the form of an environment.
func variables(settings map[string]any) []string {
	var out []string
	for name, v := range settings {
		out = append(out, fmt.Sprintf("%s=%v", name, v))
	}
	return out
}
