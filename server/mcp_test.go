package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// workshop is an MCP server with tools of all kinds.
type workshop struct {
	URL     string
	handler atomic.Pointer[http.Handler]
	hanging chan struct{} // receives when the tool that hangs is called

	mu      sync.Mutex
	headers []string // Authorization of the requests
	sums    int
}

type summands struct {
	A int `json:"a"`
	B int `json:"b"`
}

// newWorkshop starts one. It ends with the test.
func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{hanging: make(chan struct{}, 10)}
	w.restart()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.headers = append(w.headers, r.Header.Get("Authorization"))
		w.mu.Unlock()
		if h := w.handler.Load(); h != nil {
			(*h).ServeHTTP(rw, r)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	w.URL = server.URL
	return w
}

// restart makes the server a new one, that knows no sessions.
func (w *workshop) restart() {
	s := sdk.NewServer(&sdk.Implementation{Name: "workshop", Version: "1"}, nil)
	sdk.AddTool(s, &sdk.Tool{Name: "add", Description: "Adds two numbers"}, func(_ context.Context, _ *sdk.CallToolRequest, in summands) (*sdk.CallToolResult, any, error) {
		w.mu.Lock()
		w.sums++
		w.mu.Unlock()
		return bringing(fmt.Sprintf("The sum is %d.", in.A+in.B)), nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "opening_hours"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return bringing("Open until six."), nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "hang"}, func(ctx context.Context, _ *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
		w.hanging <- struct{}{}
		<-ctx.Done()
		return nil, nil, ctx.Err()
	})
	sdk.AddTool(s, &sdk.Tool{Name: "huge"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return bringing(strings.Repeat("huge ", 1<<20)), nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "long"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return bringing(strings.Repeat("long ", 20_000)), nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "fail"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return nil, nil, fmt.Errorf("out of glue")
	})
	var h http.Handler = sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, nil)
	w.handler.Store(&h)
}

// down lets every connection break.
func (w *workshop) down() { w.handler.Store(nil) }

func bringing(s string) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: s}}}
}

// named are settings that name one MCP server.
func named(name string, config map[string]any) map[string]any {
	return map[string]any{"settings": map[string]any{"mcp": map[string]any{"servers": map[string]any{name: config}}}}
}

// calling is a model that calls the tool that the newest message names, once, and tells what became of it.
func calling(r modeltest.Request) modeltest.Script {
	prompt := r.Prompt()
	if _, done, ok := strings.Cut(prompt, "# Done for the newest message\n"); ok {
		done, _, _ = strings.Cut(done, "\n\n")
		return modeltest.Say("<response><text>I know: " + done + "</text></response>")
	}
	_, newest, _ := strings.Cut(prompt, "# The newest message")
	newest, _, _ = strings.Cut(newest, "\n\n#")
	for _, tool := range r.Tools {
		if strings.Contains(newest, tool.Name) {
			_, arguments, _ := strings.Cut(newest, tool.Name+" ")
			arguments, _, _ = strings.Cut(arguments, "\n")
			return modeltest.Script{Calls: []modeltest.Call{{Name: tool.Name, Arguments: arguments}}}
		}
	}
	return modeltest.Frame("No such tool.")
}

// withMCP starts a server with a model that calls tools.
func withMCP(t *testing.T, character map[string]any) (*node, *modeltest.Server) {
	t.Helper()
	m := modeltest.New(t, calling)
	n := startWith(t, testConfig(t), server.WithEnvironment("OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key"))
	if character != nil {
		n.changeAgent(n.agentID(), character).want(200)
	}
	return n, m
}

// The built-in responder tells what a tool has brought.
func TestToolsOfTheBuiltinResponder(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	n := startWith(t, testConfig(t), server.WithEnvironment())
	n.changeAgent(n.agentID(), named("workshop", map[string]any{"url": w.URL})).want(200)
	channel, user := n.dm()
	if got := n.askStream(channel, user, "What are the workshop opening hours?"); !strings.HasPrefix(got.text, "Open until six.") {
		t.Errorf("said %q; end %s", got.text, got.end.data)
	}
}

// pluginStatus returns what the agent says of a plugin, or a server.
func (n *node) pluginStatus(name string) (found api.PluginStatus) {
	n.t.Helper()
	for _, p := range data[api.Agent](n.read(n.api().GetAgent(n.t.Context(), n.agentID())).want(200)).PluginStatus {
		if p.Name == name {
			return p
		}
	}
	n.t.Fatalf("the agent says nothing of %s", name)
	return found
}

// An agent uses the tools of a server that its character names: they work, fail, hang and say too much without harm, also after
// the server was started anew.
func TestToolsOfMCPServers(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	n, m := withMCP(t, named("maths-lab", map[string]any{
		"type": "streamable-http", "url": w.URL, "headers": map[string]any{"Authorization": "Bearer canary-of-the-workshop"}, "timeoutInMillis": 2000,
	}))
	channel, user := n.dm()
	const sum = "I know: 1. MATHS_LAB_ADD done. The sum is 5."
	for _, step := range []struct {
		before     func()
		says, want string
	}{
		{nil, `MATHS_LAB_ADD {"a":2,"b":3}`, sum},
		{nil, `MATHS_LAB_FAIL {}`, "I know: 1. MATHS_LAB_FAIL failed. The tool reports: out of glue"},
		{nil, `MATHS_LAB_HANG {}`, "I know: 1. MATHS_LAB_HANG failed. The tool can't be used now: it did not answer in time"},
		{nil, `MATHS_LAB_HUGE {}`, "I know: 1. MATHS_LAB_HUGE failed. The tool can't be used now: its answer has more than 4194304 bytes"},
		{w.restart, `MATHS_LAB_ADD {"a":2,"b":3}`, sum},
		{w.restart, `MATHS_LAB_ADD {"a":2,"b":3}`, sum},
	} {
		if step.before != nil {
			step.before()
		}
		if got := n.askStream(channel, user, step.says); got.text != step.want {
			t.Errorf("%s: %.300s; end %s", step.says, got.text, got.end.data)
		}
	}
	if got := n.askStream(channel, user, `MATHS_LAB_LONG {}`); len(got.text) > 20_000 || !strings.HasPrefix(got.text, "I know: 1. MATHS_LAB_LONG done. long long") {
		t.Errorf("%d characters: %.100s", len(got.text), got.text)
	}
	for _, r := range m.Requests() {
		if strings.Contains(string(r.Body), "canary-of-the-workshop") {
			t.Error("the model was shown the server's key")
		}
	}
	w.mu.Lock()
	for _, h := range w.headers {
		if h != "Bearer canary-of-the-workshop" {
			t.Errorf("a request with %q", h)
		}
	}
	w.mu.Unlock()
	if s := n.pluginStatus("mcp:maths-lab"); !s.Available || s.Status != "builtin" || s.Reason != "Connected; 6 tools" {
		t.Errorf("status %+v", s)
	}
	a := n.read(n.api().GetAgent(t.Context(), n.agentID())).want(200)
	if strings.Contains(string(a.body), "canary-of-the-workshop") {
		t.Error("readers see the key of the server")
	}

	// Whoever changes the address doesn't get the key.
	other := newWorkshop(t)
	n.changeAgent(n.agentID(), named("maths-lab", map[string]any{"url": other.URL})).want(200)
	if got := n.askStream(channel, user, `MATHS_LAB_ADD {"a":2,"b":3}`); got.text != sum {
		t.Errorf("elsewhere: %s", got.text)
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	for _, h := range other.headers {
		if h != "" {
			t.Errorf("the other address was sent %q", h)
		}
	}
}

// Only the tools that are allowed are offered.
func TestAllowedTools(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	n, m := withMCP(t, named("lab", map[string]any{"url": w.URL, "tools": []string{"add", "nothing"}}))
	channel, user := n.dm()
	if got := n.askStream(channel, user, "LAB_FAIL {}"); got.text != "No such tool." {
		t.Errorf("said %q", got.text)
	}
	if tools := m.Requests()[0].Tools; len(tools) != 1 || tools[0].Name != "LAB_ADD" {
		t.Errorf("tools %+v", tools)
	}
}

// An agent whose servers can't be used answers all the same, and says why on its page.
func TestServersThatCantBeUsed(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.down()
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server doesn't notice that the client leaves
		<-r.Context().Done()
	}))
	t.Cleanup(func() {
		hanging.CloseClientConnections()
		hanging.Close()
	})
	n, _ := withMCP(t, map[string]any{"plugins": []string{"@elizaos/plugin-mcp"}, "settings": map[string]any{"mcp": map[string]any{"servers": map[string]any{
		"down":    map[string]any{"type": "http", "url": w.URL},
		"hanging": map[string]any{"type": "http", "url": hanging.URL},
		"private": map[string]any{"type": "http", "url": "https://169.254.169.254/mcp"},
		"clear":   map[string]any{"type": "sse", "url": "http://example.com/sse"},
		"program": map[string]any{"type": "stdio", "command": "touch", "args": []string{filepath.Join(t.TempDir(), "x")}},
		"nothing": map[string]any{"type": "http"},
		"carrier": map[string]any{"type": "pigeon", "url": w.URL},
	}}}})
	channel, user := n.dm()
	if got := n.askStream(channel, user, "Hello"); got.text != "No such tool." {
		t.Errorf("said %q", got.text)
	}
	for name, want := range map[string]string{
		"down":    "could not be connected to",
		"private": "its address has a private address, which this server does not call",
		"clear":   "its address must begin with https://",
		"program": "Programs are not started because a character names them",
		"nothing": "It is not described as it must be: url must be",
		"carrier": "type must be stdio, http or sse",
	} {
		if s := n.pluginStatus("mcp:" + name); s.Available || s.Status != "unavailable" || !strings.Contains(s.Reason, want) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := n.pluginStatus("@elizaos/plugin-mcp"); !s.Available {
		t.Errorf("the plugin: %+v", s)
	}
}

// The operator's file names servers for agents, and one that can't be read keeps the server from starting.
func TestServersOfTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	m := modeltest.New(t, calling)
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "mcp.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cfg := testConfig(t)
	cfg.Agents.MCPServers = write(fmt.Sprintf(`{"mcpServers": {"lab": {"url": %q}, "others": {"url": %q, "agents": ["Somebody"]}}}`, w.URL, w.URL))
	n := startWith(t, cfg, server.WithEnvironment("OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key"))
	channel, user := n.dm()
	if got := n.askStream(channel, user, `LAB_ADD {"a":1,"b":1}`); got.text != "I know: 1. LAB_ADD done. The sum is 2." {
		t.Errorf("said %q", got.text)
	}
	for _, tool := range m.Requests()[0].Tools {
		if !strings.HasPrefix(tool.Name, "LAB_") {
			t.Errorf("another agent's tool: %s", tool.Name)
		}
	}
	for name, text := range map[string]string{"no JSON": `{`, "no kind": `{"servers":{"x":{}}}`, "another field": `{"servers":{"x":{"url":"https://example.com","command_line":"y"}}}`} {
		cfg := testConfig(t)
		cfg.Agents.MCPServers = write(text)
		srv, err := server.New(cfg)
		if err == nil {
			err = srv.Start(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "ELIZAD_MCP_SERVERS") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
