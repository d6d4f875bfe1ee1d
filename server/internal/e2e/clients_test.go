package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// TestRealClients chats through the published API client and socket.io-client, kills the server while the agent is answering,
// and finds everything again.
func TestRealClients(t *testing.T) {
	t.Parallel()
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "state.json")
	p := start(t, dir, "BUILTIN_STREAM_DELAY_MS=20")
	t.Log(node(t, "client.mjs", "chat", "--url", p.url, "--state", state))
	p.kill()

	slow := start(t, dir, "BUILTIN_STREAM_DELAY_MS=2000")
	t.Log(node(t, "client.mjs", "interrupt", "--url", slow.url, "--state", state))
	slow.kill()

	again := start(t, dir)
	t.Log(node(t, "client.mjs", "after", "--url", again.url, "--state", state))
}

// TestOpenAIClient chats through OpenAI's own package, with a key and without.
func TestOpenAIClient(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	t.Log(node(t, "openai.mjs", "--url", p.url))
	const key = "a key for this test of 40 characters !!!"
	guarded := start(t, t.TempDir(), "ELIZA_SERVER_AUTH_TOKEN="+key)
	t.Log(node(t, "openai.mjs", "--url", guarded.url, "--key", key))
}

// TestLimitsMuteNoAgent has one address send more than a thousand messages to a server with its default limits. An agent whose
// own messages counted against them would stop answering.
func TestLimitsMuteNoAgent(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "ELIZAD_RATE_LIMIT=on")
	t.Log(node(t, "limits.mjs", "--url", p.url))
}

// TestBrowser uses the page as a person would, in headless Chromium.
func TestBrowser(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	t.Log(node(t, "browser.mjs", "--url", p.url, "--out", screenshots(t)))
}

// TestStopButton stops an answer on the page while the model is writing it.
func TestStopButton(t *testing.T) {
	t.Parallel()
	vendor := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Script{Chunks: []string{"<response><actions>REPLY</actions><text>One"}, Ending: modeltest.Hang}
	})
	p := start(t, t.TempDir(), "OPENAI_BASE_URL="+vendor.URL)
	t.Log(node(t, "stop.mjs", "--url", p.url, "--out", screenshots(t)))
}

// screenshots is the folder for pictures of pages: ELIZAD_SCREENSHOTS, if it is set.
func screenshots(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("ELIZAD_SCREENSHOTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}
