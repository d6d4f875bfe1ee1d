package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

// What older clients ask is no part of the contract, and sent raw.
func TestOlderPaths(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	inContract := n.client.Transport.(checked).check
	n = n.bare()
	const m = "/api/messaging"
	agent := n.agentID()
	older, newer := m+"/servers/"+uuid.Nil.String(), m+"/message-servers/"+uuid.Nil.String()
	channel := n.group(agent)
	message := n.say(channel, agent, "x").ID
	made := n.messageServer().String()
	o, c := m+"/central-channels/"+channel.String(), m+"/channels/"+channel.String()
	for _, tt := range []struct {
		method, path, successor string
		body                    any
		status                  int
	}{
		{"GET", m + "/central-servers", m + "/message-servers", nil, 200},
		{"GET", m + "/servers", m + "/message-servers", nil, 200},
		{"GET", older + "/channels", newer + "/channels", nil, 200},
		{"POST", older + "/sync-channels", newer + "/sync-channels", map[string]any{"channels": []any{}}, 200},

		{"DELETE", m + "/servers/" + made, m + "/message-servers/" + made, nil, 200},
		{"GET", m + "/agents/" + agent.String() + "/servers", m + "/agents/" + agent.String() + "/message-servers", nil, 200},
		{"GET", o, c + "/details", nil, 200},
		{"GET", c, c + "/details", nil, 200},
		{"POST", m + "/group-channels", m + "/channels", map[string]any{"name": "G", "participants": []string{agent.String()}}, 201},
		{"POST", m + "/servers", m + "/message-servers", map[string]any{"name": "S", "sourceType": "x"}, 201},
		{"POST", older + "/agents", newer + "/agents", map[string]any{"agentId": agent}, 201},
		{"GET", older + "/agents", newer + "/agents", nil, 200},
		{"GET", m + "/central-servers/" + uuid.Nil.String() + "/channels", newer + "/channels", nil, 200},
		{"POST", m + "/central-channels", m + "/channels", map[string]any{"name": "C"}, 201},
		{"GET", o + "/messages", c + "/messages", nil, 200},
		{"GET", o + "/details", c + "/details", nil, 200},
		{"GET", o + "/participants", c + "/participants", nil, 200},
		{"GET", o + "/agents", c + "/agents", nil, 200},
		{"PATCH", o, c, map[string]any{"name": "D"}, 200},
		{"POST", o + "/generate-title", c + "/generate-title", map[string]any{"agentId": agent}, 200},
		{"POST", o + "/messages", c + "/messages", map[string]any{"author_id": agent, "content": "y", "server_id": uuid.Nil}, 201},
		{"DELETE", o + "/messages/" + message.String(), c + "/messages/" + message.String(), nil, 204},
		{"DELETE", o + "/messages", c + "/messages", nil, 204},
		{"DELETE", o + "/messages/all", c + "/messages", nil, 204},
		{"DELETE", c + "/messages/all", c + "/messages", nil, 204},
		{"DELETE", o + "/agents/" + agent.String(), c + "/agents/" + agent.String(), nil, 200},
		{"POST", o + "/agents", c + "/agents", map[string]any{"agentId": agent}, 201},
		{"DELETE", older + "/agents/" + agent.String(), newer + "/agents/" + agent.String(), nil, 200},
		{"DELETE", o, c, nil, 204},
		{"GET", "/api/runtime/ping", "/api/server/ping", nil, 200},
		{"GET", "/api/runtime/health", "/api/server/health", nil, 200},
		{"GET", "/api/runtime/logging", "/api/server/logs", nil, 200},
		{"POST", "/api/runtime/debug", "/api/server/debug/servers", nil, 200},
		{"GET", "/api/server/servers", "/api/server/debug/servers", nil, 200},
		{"GET", "/api/system/environment/local", "/api/system/env/local", nil, 200},
	} {
		a := n.owner().do(tt.method, tt.path, tt.body)
		if a.status != tt.status {
			t.Errorf("%s %s: status %d: %s", tt.method, tt.path, a.status, a.body)
		}
		links := strings.Join(a.header.Values("Link"), ", ")
		before, _, _ := strings.Cut(links, `>; rel="successor-version"`)
		asked := url.URL{Path: tt.path}
		if leadsTo, err := asked.Parse(before[strings.LastIndexByte(before, '<')+1:]); err != nil || leadsTo.Path != tt.successor || !strings.HasPrefix(a.header.Get("Deprecation"), "@") {
			t.Errorf("%s %s: Link %q, Deprecation %q", tt.method, tt.path, links, a.header.Get("Deprecation"))
		}
		method := tt.method
		if strings.HasSuffix(tt.successor, "/debug/servers") {
			method = "GET"
		}
		r := httptest.NewRequestWithContext(t.Context(), method, tt.successor, nil)
		if err := inContract(r, &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body))}); err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
		}
		if tt.method == "GET" && tt.successor != "/api/server/ping" && !strings.HasPrefix(tt.successor, "/api/server/") {
			if canonical := n.owner().do("GET", tt.successor, nil); string(canonical.body) != string(a.body) || canonical.header.Get("Deprecation") != "" {
				t.Errorf("%s and %s differ:\n%s\n%s", tt.path, tt.successor, a.body, canonical.body)
			}
		}
	}
	type servers struct{ Servers []struct{ ID string } }
	if got := data[servers](n.do("GET", m+"/central-servers", nil)); len(got.Servers) == 0 {
		t.Error("the older path lacks its key servers")
	}
	clearError(t, "no file", n.do("POST", o+"/upload-media", map[string]any{}), http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	clearError(t, "no alias", n.do("GET", "/api/tee/x", nil), http.StatusNotFound, "NOT_FOUND")
	clearError(t, "bad id", n.do("GET", m+"/central-channels/x/details", nil), http.StatusBadRequest, "INVALID_ID")
}

func TestPathsInAnySpelling(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame"
	n := startWith(t, cfg).bare()
	id := n.agentID()
	key := []string{"X-API-KEY", "open sesame"}
	for path, status := range map[string]int{
		"/API/Agents": 200, "/api/agents/": 200, "/Api/agents/" + strings.ToUpper(id.String()) + "/": 200, "/api/AGENTS/Worlds": 200, "/api/Memory/" + id.String() + "/Rooms/": 200,
		"/api/messaging/SESSIONS/Health": 200, "/api/messaging/Central-Servers/": 200, "/API/runtime/Ping": 200,
		"//api/agents": 200, "//API//Agents/": 200, "/api//messaging///sessions/health": 200, "//api/runtime//ping": 200,
		"/API/nowhere": 404, "/api/agents//": 404, "//api/agents//": 404,
	} {
		if a := n.do("GET", path, nil, key...); a.status != status || !strings.Contains(a.header.Get("Content-Type"), "json") {
			t.Errorf("%s: %d of type %s, want %d: %.200s", path, a.status, a.header.Get("Content-Type"), status, a.body)
		}
		if a := n.do("GET", path, nil); status == 200 && a.status != 401 {
			t.Errorf("%s without the key: %d %.200s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/healthz/", "/HealthZ", "/Health/"} {
		if a := n.do("GET", path, nil).want(200); !strings.Contains(a.header.Get("Content-Type"), "json") {
			t.Errorf("%s is answered with %s", path, a.header.Get("Content-Type"))
		}
	}
	picture, kind := fileForm("file", "a.png", "image/png", pngBytes)
	file := data[api.Upload](n.do("POST", "/API/media/agents/"+id.String()+"/Upload-Media/", picture, append(key, "Content-Type", kind)...).want(200))
	n.do("GET", strings.Replace(file.URL, "/media/uploads/agents", "/Media/Uploads/agents", 1), nil).want(200)
}

func TestUpperCaseIDsAreTheSame(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	if a := data[api.Agent](n.do("GET", "/api/agents/"+strings.ToUpper(id.String()), nil).want(200)); a.ID != id || a.Status != "active" {
		t.Errorf("agent %+v", a)
	}
}

func TestUpperCaseIDStartsTheSameAgent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	n.do("POST", "/api/agents/"+strings.ToUpper(id.String())+"/start", nil).want(200)
	n.do("POST", "/api/agents/"+strings.ToUpper(id.String())+"/stop", nil).want(200)
	if list := n.agents(); len(list) != 1 || list[0].Status != "inactive" {
		t.Errorf("agents %+v", list)
	}
}
