package server_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
)

const reportCanary = "canary0hunter2"

// A panic and an internal error reach the operator's project, with what tells where to look and nothing that callers sent. What
// asks a plugin, or holds a secret in the wrong place, is sent raw.
func TestFaultsAreReported(t *testing.T) {
	t.Parallel()
	in := newIngest(t, nil)
	cfg := in.reporting()
	cfg.Reports.SentryEnvironment = "staging"
	n := withPlugin(t, cfg, lab(agent.Route{Method: "POST", Path: "/echo/{id}", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		panic("no luck with " + r.PathValue("id") + r.URL.RawQuery + r.Header.Get("X-Api-Key"))
	})}))
	if err := os.Mkdir(filepath.Join(cfg.Storage.Dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}

	a := n.do("POST", "/api/agents/"+n.agentID().String()+"/plugins/lab/echo/"+reportCanary+"?q="+reportCanary, `{"password":"`+reportCanary+`"}`,
		"X-API-KEY", reportCanary, "Cookie", "sid="+reportCanary, "X-Entity-Id", "b850bc30-45f8-0041-a00a-83df46d8555d").want(500)
	got := in.next()
	if got.item != "event" || got.path != "/api/42/envelope/" || !strings.Contains(got.auth, "sentry_key=publickey") {
		t.Errorf("%s to %s as %s", got.item, got.path, got.auth)
	}
	e := got.event
	if e.Level != "error" || e.Platform != "go" || e.Environment != "staging" || e.Release != "elizad@test" ||
		e.Tags["method"] != "POST" || e.Tags["status"] != "500" || e.Tags["request_id"] != a.header.Get("X-Request-Id") {
		t.Errorf("the event of the panic: %+v", e)
	}
	where := ""
	for _, frame := range e.Exception[0].Stacktrace.Frames {
		where = frame.Filename
		if frame.AbsPath != "" || strings.HasPrefix(frame.Filename, "/") {
			t.Errorf("a path of this machine: %+v", frame)
		}
	}
	if e.Exception[0].Type != "panic" || !strings.HasSuffix(where, "/reports_test.go") {
		t.Errorf("it panicked at %q: %+v", where, e.Exception)
	}
	host, _ := os.Hostname()
	_, file, _, _ := runtime.Caller(0)
	for _, secret := range []string{reportCanary, n.agentID().String(), "b850bc30", `"` + host + `"`, filepath.Dir(file), cfg.Storage.Dir} {
		if strings.Contains(got.raw, secret) {
			t.Errorf("%q was reported: %s", secret, got.raw)
		}
	}

	n.owner().do("GET", "/api/system/env/local?q="+reportCanary, nil, "X-Request-Id", "mine").want(500)
	got = in.next()
	e = got.event
	if e.Transaction != "GET /api/system/env/local" || e.Tags["route"] != "/api/system/env/local" || e.Tags["request_id"] != "mine" ||
		e.Exception[0].Type != "INTERNAL" || e.Tags["error_type"] != "syscall.Errno" || len(e.Fingerprint) == 0 {
		t.Errorf("the event of the error: %+v", e)
	}
	if strings.Contains(got.raw, reportCanary) || strings.Contains(got.raw, cfg.Storage.Dir) {
		t.Errorf("more was reported than should be: %s", got.raw)
	}
	n.do("GET", "/api/agents/nobody", nil).want(400)
	n.do("GET", "/api/nowhere", nil).want(404)
	n.stop()
	in.none()
}

// The route is the pattern, without the ids in it.
func TestTracesAreReported(t *testing.T) {
	t.Parallel()
	in := newIngest(t, nil)
	cfg := in.reporting()
	cfg.Reports.TracesSampleRate = 1
	n := startWith(t, cfg)
	id := n.agent().ID // which asks as well
	n.read(n.with("X-Request-Id", "mine").api().GetAgent(t.Context(), id)).want(200)
	n.do("GET", "/api/nowhere", nil).want(404)
	n.stop()
	for {
		got := in.next()
		if got.event.Tags["request_id"] != "mine" {
			continue
		}
		e := got.event
		if got.item != "transaction" || e.Transaction != "GET /api/agents/{agentId}" || e.Tags["status"] != "200" || e.Contexts["trace"]["op"] != "http.server" ||
			len(e.Contexts["trace"]["trace_id"].(string)) != 32 || e.Timestamp.Before(e.Start) || strings.Contains(got.raw, id.String()) || e.ServerName != "" {
			t.Errorf("%s: %+v", got.item, e)
		}
		break
	}
	in.none()
}

func TestNothingIsReportedWithoutProject(t *testing.T) {
	in := newIngest(t, nil)
	t.Setenv("SENTRY_DSN", in.dsn()) // which is for the program to read, not for the library behind its back
	n := withPlugin(t, testConfig(t), lab())
	n.do("POST", "/api/agents/"+n.agentID().String()+"/plugins/lab/panic", `{}`).want(500)
	n.stop()
	in.none()
}

// A Sentry that takes requests and never answers holds up neither callers nor the end of the server.
func TestHangingSentryDelaysNothing(t *testing.T) {
	t.Parallel()
	hangs, release := make(chan struct{}, 1), make(chan struct{})
	in := newIngest(t, func(*http.Request) {
		select {
		case hangs <- struct{}{}:
		default:
		}
		<-release
	})
	defer close(release)
	var log journal
	n := startWith(t, in.reporting(), server.WithPlugins(lab()), log.option())
	n.changeAgent(n.agentID(), map[string]any{"plugins": []string{"@me/plugin-lab"}}).want(200)
	for range 100 { // more than wait
		n.do("POST", "/api/agents/"+n.agentID().String()+"/plugins/lab/panic", `{}`).want(500)
	}
	<-hangs
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := n.server.Shutdown(ctx); err != nil {
		t.Errorf("shutting down: %v", err)
	}
	if got := log.lines("not all reports were sent"); len(got) != 1 {
		t.Errorf("the log says nothing of the reports that were lost: %s", &log.text)
	}
}

// A fault of an agent's turn has no request to be seen in.
func TestFaultsInTheBackgroundAreReported(t *testing.T) {
	t.Parallel()
	in := newIngest(t, nil)
	n := withPlugin(t, in.reporting(), agent.Plugin{Name: "lab", Provision: func(context.Context, agent.Setup) (agent.Components, error) {
		return agent.Components{Actions: []agent.Action{{
			Name: "CRASH", Description: "crashes", Validate: func(context.Context, *agent.Run) bool { panic(reportCanary) },
			Handle: func(context.Context, *agent.Run) (agent.Result, error) { return agent.Result{}, nil },
		}}}, nil
	}})
	channel, user := n.dm()
	n.ask(channel, user, reportCanary).want(201)
	got := in.next()
	if e := got.event; e.Exception[0].Type != "panic" || !strings.HasPrefix(e.Exception[0].Value, "action left out: its check panicked") || e.Transaction != "" {
		t.Errorf("%+v", e)
	}
	for _, secret := range []string{reportCanary, channel.String(), user.String()} {
		if strings.Contains(got.raw, secret) {
			t.Errorf("%q was reported: %s", secret, got.raw)
		}
	}
}
