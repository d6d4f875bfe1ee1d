package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/elizad/elizad/server/selftest"
)

const adminKey = "the key of the admin of this test"

// isolating starts a server that isolates data and counts no requests.
func isolating(t *testing.T) (i *invocation, url string) {
	t.Helper()
	return serving(t, t.TempDir(), "--data-isolation", "--auth-token", adminKey, "--no-rate-limit")
}

// behind returns the address of a proxy before a server that does something with requests.
func behind(t *testing.T, address string, do func(*http.Request)) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		do(r.Out)
	}})
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		proxy.Close()
	})
	return proxy.URL
}

// left returns the names of what a run has left behind.
func left(t *testing.T, address string) (names []string) {
	t.Helper()
	for _, path := range []string{"/api/agents", "/api/messaging/message-servers", "/api/messaging/message-servers/00000000-0000-0000-0000-000000000000/channels?includeInternal=true", "/api/messaging/sessions", "/api/keys"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", adminKey)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Data struct {
				Agents, MessageServers, Channels []struct{ Name string }
				Keys                             []struct {
					Name      string
					RevokedAt *int64
				}
			}
			Sessions []struct{ SessionID string }
		}
		err = json.NewDecoder(resp.Body).Decode(&body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", path, resp.StatusCode, err)
		}
		for _, thing := range slices.Concat(body.Data.Agents, body.Data.MessageServers, body.Data.Channels) {
			if strings.Contains(thing.Name, "selftest-") || strings.Contains(thing.Name, "canary") {
				names = append(names, thing.Name)
			}
		}
		for _, key := range body.Data.Keys {
			if key.RevokedAt == nil {
				names = append(names, key.Name)
			}
		}
		for _, session := range body.Sessions {
			names = append(names, session.SessionID)
		}
	}
	return names
}

// TestSelftestIsolation tries a server that holds, one that lets a stranger in as the admin, and one that shows everybody everything.
func TestSelftestIsolation(t *testing.T) {
	t.Parallel()
	i, address := isolating(t)
	try := func(args ...string) (code int, out, err string) {
		return do(append([]string{"selftest", "isolation", "--key", adminKey}, args...)...)
	}
	code, out, about := try("--url", address)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := lines[len(lines)-1]; code != 0 || !strings.HasSuffix(last, " 0 failed") || strings.HasPrefix(last, "0 cases") {
		t.Errorf("exit code %d\n%s\n%s", code, out, about)
	}
	for _, want := range []string{"OPERATION", "listMessages", "ANONYMOUS", "Not tried: stopServer"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in\n%s", want, out)
		}
	}
	if names := left(t, address); len(names) > 0 {
		t.Errorf("it left %q", names)
	}

	// The proxy takes every key but the admin's and the owner's for the admin's. The owner's is the first with which a channel is made.
	var first atomic.Pointer[string]
	hole := behind(t, address, func(r *http.Request) {
		if key := r.Header.Get("X-Api-Key"); key != "" && key != adminKey {
			if r.Method == http.MethodPost && r.URL.Path == "/api/messaging/channels" {
				first.CompareAndSwap(nil, &key)
			}
			if of := first.Load(); of != nil && key != *of {
				r.Header.Set("X-Api-Key", adminKey)
			}
		}
	})
	code, out, about = try("--url", hole, "--json")
	var report struct {
		selftest.Report
		Summary string
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("exit code %d, %v\n%s\n%s", code, err, out, about)
	}
	found := map[string]bool{}
	for _, c := range report.Failed() {
		found[c.Operation+" as "+c.Caller] = true
		if c.Caller == selftest.Owner || c.Caller == selftest.Nobody || c.Caller == "admin" || c.Operation == "stopServer" {
			t.Errorf("%+v", c)
		}
	}
	for _, want := range []string{"listMessages as other", "deleteChannel as other", "getSession as read", "listAgentSecrets as chat", "listKeys as manage", "getChannelUpload as other"} {
		if !found[want] {
			t.Errorf("not found: %s", want)
		}
	}
	if code != exitFailure || !strings.Contains(report.Summary, "failed") {
		t.Errorf("exit code %d, %s\n%s", code, report.Summary, about)
	}
	if names := left(t, address); len(names) > 0 {
		t.Errorf("with a hole it left %q", names)
	}

	// Interrupted when it has begun, it removes what it made.
	var interrupted *invocation
	var once atomic.Bool
	begun := make(chan struct{})
	slow := behind(t, address, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/messages/search") && !once.Swap(true) {
			close(begun)
		}
	})
	interrupted = begin("selftest", "isolation", "--key", adminKey, "--url", slow)
	<-begun
	interrupted.signals <- os.Interrupt
	if code := <-interrupted.code; code != exitFailure || !strings.Contains(interrupted.err.String(), "elizad: interrupted") {
		t.Errorf("interrupted: exit code %d\n%s", code, interrupted.err)
	}
	if names := left(t, address); len(names) > 0 {
		t.Errorf("interrupted it left %q", names)
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Errorf("exit code %d: %s", code, i.err)
	}
}

// TestSelftestRefuses: nothing is tried where nothing is promised, or without an admin's key.
func TestSelftestRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i, address := serving(t, dir, "--auth-token", adminKey)
	for want, args := range map[string][]string{
		"ENABLE_DATA_ISOLATION":    {"--key", adminKey, "--url", address},
		"an admin's key is needed": {"--key", "guess", "--url", address},
		"no server answers":        {"--key", adminKey, "--url", "http://127.0.0.1:1"},
	} {
		if code, out, text := do(append([]string{"selftest", "isolation"}, args...)...); code != exitFailure || out != "" || !strings.Contains(text, want) {
			t.Errorf("%s: %d\n%s\n%s", want, code, out, text)
		}
	}
	if code, text, _ := do("selftest", "isolation", "--help"); code != 0 || !strings.Contains(text, "elizad selftest isolation --url") {
		t.Errorf("%d %s", code, text)
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Errorf("exit code %d: %s", code, i.err)
	}
}
