package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiclient"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
)

func TestServerStatus(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	s := into[api.ServerStatus](n.read(n.api().GetServerStatus(t.Context())).want(200))
	if s.Status != "ok" || s.AgentCount != 1 || s.Agents.Total != 1 || s.Memory.Used <= 0 || s.Memory.Used > s.Memory.Total || s.Version != "test" {
		t.Errorf("%+v", s)
	}
	if got := into[api.Greeting](n.read(n.api().Hello(t.Context())).want(200)); got.Message != "Hello World!" {
		t.Errorf("%+v", got)
	}
	if d := into[api.DebugInfoEnvelope](n.read(n.api().GetDebugInfo(t.Context())).want(200)); d.Count != 1 || d.Servers[0].ID != uuid.Nil || len(d.Data.Runtime.Agents) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestServerLogs(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	messages := func(l api.ServerLogs) (out []string) {
		for _, e := range l.Logs {
			out = append(out, e.Msg)
		}
		return out
	}
	submit := func(level string, logs ...api.SubmittedLog) api.ServerLogs {
		t.Helper()
		return into[api.ServerLogs](n.read(n.api().PostServerLogs(t.Context(), &api.PostServerLogsParams{Level: &level}, api.SubmitLogsRequest{Logs: logs})).want(200))
	}
	agent := uuid.NewString()
	submitted := submit("warn",
		api.SubmittedLog{Level: new("warn"), Message: "slow page", Source: new("web"), Metadata: jsonOf(map[string]any{"agentId": agent, "apiKey": "sk-secret"})},
		api.SubmittedLog{Level: new("info"), Message: "opened"},
	)
	if deref(submitted.Received) != 2 || submitted.RequestedLevel != "warn" || submitted.Level != "warn" {
		t.Errorf("%+v", submitted)
	}
	if diff := cmp.Diff([]string{"slow page (source=web, agentId=" + agent + ", apiKey=[redacted])"}, messages(submitted)); diff != "" {
		t.Error(diff)
	}
	about := into[api.ServerLogs](n.read(n.api().GetServerLogs(t.Context(), &api.GetServerLogsParams{AgentID: &agent})).want(200))
	if about.Count != 1 || deref(about.Logs[0].AgentID) != agent || about.Logs[0].Level != 40 || about.AgentID != agent {
		t.Errorf("%+v", about)
	}
	const path = "/api/server/logs"
	for query, want := range map[string]int{ // sent raw: many are no valid queries
		"?agentId=all&level=": 2, "?agentId=" + uuid.NewString(): 0, "?limit=1": 1, "?limit=abc": 2, "?level=nonsense": 1, "?agentName=Nobody": 0,
		"?since=32503680000000": 0, "?since=0": 2, "?level=ERROR": 0,
	} {
		got := into[api.ServerLogs](n.do("GET", path+query, nil).want(200))
		if got.Count != want || len(got.Levels) != 9 {
			t.Errorf("%s: %+v", query, got)
		}
	}
	clearError(t, "since", n.do("GET", path+"?since=yesterday", nil), http.StatusBadRequest, "")
	if got := into[api.LogsCleared](n.read(n.api().ClearServerLogs(t.Context(), nil)).want(200)); got.Cleared != 2 {
		t.Errorf("%+v", got)
	}
	if got := into[api.ServerLogs](n.do("POST", path, nil).want(200)); got.Total != 0 { // without a body
		t.Errorf("%+v", got)
	}
}

func TestStoredSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir, "SMALL_MODEL=from-the-environment")
	owner := n.owner()
	set := func(content any) answer { return owner.setEnvironment(content) }
	if got := data[map[string]string](owner.environment().want(200)); len(got) != 0 {
		t.Errorf("a new server shows %v: the process environment is nobody's business", got)
	}
	set(map[string]any{"OPENAI_API_KEY": "sk-test-0123456789abcdef0123456789abcdef", "LARGE_MODEL": "a # \"b\" $c\nd", "CONTEXT_BUDGET_TOKENS": 3, "SMALL_MODEL": nil}).want(200)
	want := map[string]string{"OPENAI_API_KEY": "********", "LARGE_MODEL": "a # \"b\" $c\nd", "CONTEXT_BUDGET_TOKENS": "3"}
	if diff := cmp.Diff(want, data[map[string]string](owner.environment().want(200))); diff != "" {
		t.Error(diff)
	}
	set(map[string]any{"OPENAI_API_KEY": "********", "SMALL_MODEL": "stored"}).want(200)
	text, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil || !strings.Contains(string(text), "sk-test-0123456789abcdef0123456789abcdef") || strings.Contains(string(text), "LARGE_MODEL") {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if info, err := os.Stat(filepath.Join(dir, ".env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, bad := range []any{
		"text", []any{}, nil, map[string]any{"PATH": "/tmp"}, map[string]any{"ELIZA_SERVER_AUTH_TOKEN": "x"}, map[string]any{"A\nB": "x"},
		map[string]any{"SMALL_MODEL": []any{1}}, map[string]any{"SMALL_MODEL": map[string]any{}}, map[string]any{"SMALL_MODEL": strings.Repeat("x", 9000)},
	} {
		clearError(t, "bad content", set(bad), http.StatusBadRequest, "")
	}
	if after, _ := os.ReadFile(filepath.Join(dir, ".env")); string(after) != string(text) {
		t.Errorf("a refused request changed the file to %q", after)
	}
	n.stop()
	n = start(t, dir)
	if a := n.read(n.api().GetAgent(t.Context(), n.agentID())).want(200); !strings.Contains(string(a.body), "openai") {
		t.Errorf("the stored key is of no consequence after a restart: %s", a.body)
	}
}

func TestStoredSettingsAreForTheOwner(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	clearError(t, "settings without the token", n.setEnvironment(map[string]any{}), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "a stop without the token", n.read(n.api().StopServer(t.Context())), http.StatusForbidden, "FORBIDDEN")
	set := func(content map[string]any) { n.owner().setEnvironment(content).want(200) }
	set(map[string]any{"SMALL_MODEL": "mine", "OPENAI_API_KEY": "sk-test-0123456789abcdef0123456789abcdef"})
	names := data[map[string]any](n.environment().want(200))
	if diff := cmp.Diff(map[string]any{"SMALL_MODEL": "********", "OPENAI_API_KEY": "********"}, names); diff != "" {
		t.Errorf("without the token, names alone:\n%s", diff)
	}
	set(names) // by a page that was opened before its reader showed the token
	if got := data[map[string]any](n.owner().environment().want(200)); got["SMALL_MODEL"] != "mine" {
		t.Errorf("masks that came back changed the settings: %v", got)
	}
	cfg := testConfig(t)
	cfg.Security.Environment = "production"
	n = startWith(t, cfg)
	clearError(t, "in production", n.owner().environment(), http.StatusForbidden, "FORBIDDEN")
}

func TestServerStopsWhenAsked(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	srv, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	info, err := srv.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := apiclient.Client{Server: "http://" + l.Addr().String() + "/", Client: http.DefaultClient}
	resp, err := client.StopServer(t.Context(), func(_ context.Context, r *http.Request) error {
		r.Header.Set("X-API-KEY", info.OwnerToken)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	select {
	case <-srv.StopRequested():
	case <-time.After(patience):
		t.Fatal("nobody was told")
	}
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Serve went on")
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestBegunRequestsAreAnsweredAtTheEnd: a request whose body comes when all parts of the server have ended reads a refusal,
// not the end of its connection.
func TestBegunRequestsAreAnsweredAtTheEnd(t *testing.T) {
	t.Parallel()
	srv, err := server.New(testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	silent, err := net.Dial("tcp", l.Addr().String()) // as browsers keep them ready; nobody waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	const body = `{"name":"Late","bio":"Comes late."}`
	if _, err := fmt.Fprintf(conn, "POST /api/agents HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", l.Addr(), len(body)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v: the body is not wanted", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(t.Context()) }()
	eventually(t, "the parts end", func() bool {
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/server/ping", nil))
		return strings.Contains(w.Body.String(), "stopping")
	})
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("the connection ended: %v", err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	for _, end := range []chan error{stopped, served} {
		select {
		case err := <-end:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("the server went on")
		}
	}
}
