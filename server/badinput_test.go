package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// What this file sends is raw: no valid request says it.

// A body that isn't framed as HTTP wants it is the caller's fault, whoever reads it first.
func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	host := strings.TrimPrefix(n.http.URL, "http://")
	for _, path := range []string{"/api/agents", "/api/messaging/jobs", "/api/server/logs"} {
		for _, header := range []string{"", "Idempotency-Key: k\r\n"} {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			request := "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\n" + header +
				"Transfer-Encoding: chunked\r\n\r\nno length\r\n"
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			clearError(t, "POST "+path+" "+header, answer{t: t, status: resp.StatusCode, body: body}, 400, "INVALID_REQUEST")
		}
	}
}

// What one database can store and the other can't is stored or refused, and no failure of the server.
func TestValuesBeyondADatabase(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	agent := n.agentID()
	for _, value := range []string{"1e200000", "1e-200000", "1e999999", "1e-999999", `"\ud800"`, `"\u0000"`} {
		object := `{"a":` + value + `}`
		for path, body := range map[string]string{
			"/api/messaging/channels/" + channel.String() + "/messages": `{"author_id":"` + user.String() + `","content":"x","metadata":` + object + `,"raw_message":` + object + `}`,
			"/api/messaging/message-servers":                            `{"name":"x","sourceType":"y","metadata":` + object + `}`,
			"/api/messaging/sessions":                                   `{"agentId":"` + agent.String() + `","userId":"` + uuid.NewString() + `","metadata":` + object + `}`,
			"/api/messaging/jobs":                                       `{"userId":"` + uuid.NewString() + `","content":"Hello","metadata":` + object + `}`,
			"/api/agents/" + agent.String() + "/worlds":                 `{"name":"x","metadata":` + object + `}`,
		} {
			if a := n.do("POST", path, body); a.status != 201 {
				clearError(t, "POST "+path+" "+body, a, 400, "VALIDATION_ERROR")
			}
		}
	}
}

// A NUL is left out of every text of a message and of its places, on both databases.
func TestNULIsLeftOut(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, tt := range []struct{ path, body, field string }{
		{"/api/messaging/channels", `{"name":"x","topic":"a\u0000b"}`, "topic"},
		{"/api/messaging/message-servers", `{"name":"x","sourceType":"y","sourceId":"a\u0000b"}`, "sourceId"},
		{"/api/messaging/channels/" + n.group().String() + "/messages", `{"content":"x","source_type":"a\u0000b"}`, "sourceType"},
		{"/api/messaging/channels/" + n.group().String() + "/messages", `{"content":"x","clientMessageId":"a\u0000b"}`, "sourceId"},
	} {
		if got := data[map[string]any](n.do("POST", tt.path, tt.body).want(201))[tt.field]; got != "ab" {
			t.Errorf("POST %s %s: %s is %q", tt.path, tt.body, tt.field, got)
		}
	}
}

// Some programs begin every text with a byte order mark.
func TestBodyWithAMark(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	mark := "\uFEFF"
	n.do("POST", "/api/agents", mark+`{"name":"Marked","bio":"b"}`).want(201)
	n.do("POST", "/api/agents", mark+`{"name":"Repeated","bio":"b"}`, "Idempotency-Key", "k").want(201)
	channel, user := n.dm()
	n.do("POST", "/api/messaging/channels/"+channel.String()+"/messages", mark+`{"author_id":"`+user.String()+`","content":"Hello","message_server_id":"`+uuid.Nil.String()+`"}`).want(201)
	for _, body := range []string{mark, mark + mark + `{"name":"Twice","bio":"b"}`, "\xEF\xBB", "{", "1"} {
		clearError(t, fmt.Sprintf("%q", body), n.do("POST", "/api/agents", body), http.StatusBadRequest, "")
	}
}

// A body of a type that a route doesn't read is refused before it has come, whatever the parameters of the type say.
func TestForeignBodyIsNotAwaited(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	rest, sender := io.Pipe() // never comes
	t.Cleanup(func() { _ = sender.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	body := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), rest), rest} // net/http itself waits for a quarter of a megabyte
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.http.URL+"/api/messaging/channels/"+n.group().String()+"/messages", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=json")
	resp, err := n.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// refuses checks that an operation refuses a request, in the form of its own.
func (o operation) refuses(t *testing.T, what string, a answer, status int, code string) {
	t.Helper()
	if !slices.Contains(o.Tags, "openai") {
		clearError(t, o.name()+what, a, status, code)
		return
	}
	e := into[api.OpenAIError](a).Error
	if a.status != status || e.Type != "invalid_request_error" || e.Message == "" || code != "" && e.Code != strings.ToLower(code) {
		t.Errorf("%s%s: status %d: %s", o.name(), what, a.status, a.body)
	}
}

func TestBadInputOnEveryRoute(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken, cfg.Security.Users.Enable = rightKey, true // without users their operations are not there
	n := startWith(t, cfg).keyed(rightKey)
	big := `{"content":"` + strings.Repeat("x", 3<<20) + `"}`
	for _, o := range operations(t) {
		for _, p := range o.params {
			for _, bad := range []string{"not-a-uuid", "00000000-0000-0000-0000-00000000000g", "%27%20OR%201=1--", "{00000000-0000-0000-0000-000000000000}"} {
				if p == "filename" || p == "model" {
					continue // any text names one that isn't there
				}
				body, kind := validBody(o)
				o.refuses(t, " with "+p+"="+bad, n.do(o.method, o.at(p, bad), body, "Content-Type", kind), http.StatusBadRequest, "INVALID_ID")
			}
		}
		if o.RequestBody == nil {
			continue
		}
		path := o.at("", "")
		if o.takesFile() {
			badForms(t, n, o, path)
			continue
		}
		o.refuses(t, " with broken JSON", n.do(o.method, path, `{"a":`), http.StatusBadRequest, "INVALID_JSON")
		o.refuses(t, " with a list", n.do(o.method, path, `[1,2]`), http.StatusBadRequest, "")
		o.refuses(t, " with a number", n.do(o.method, path, `7`), http.StatusBadRequest, "")
		o.refuses(t, " with text", n.do(o.method, path, "hello", "Content-Type", "text/plain"), http.StatusUnsupportedMediaType, "")
		o.refuses(t, " with XML", n.do(o.method, path, "<a/>", "Content-Type", "application/xml"), http.StatusUnsupportedMediaType, "")
		o.refuses(t, " with 3 MB", n.do(o.method, path, big), http.StatusRequestEntityTooLarge, "")
		if o.RequestBody.Value.Required {
			o.refuses(t, " without a body", n.do(o.method, path, nil), http.StatusBadRequest, "")
		}
	}
}

// badForms sends what is no form, or no whole one, to an operation that reads forms.
func badForms(t *testing.T, n *node, o operation, path string) {
	t.Helper()
	for _, kind := range []string{"application/json", "text/plain", "application/xml", "application/octet-stream"} {
		clearError(t, o.name()+" with "+kind, n.do(o.method, path, `{"a":1}`, "Content-Type", kind), http.StatusUnsupportedMediaType, "")
	}
	clearError(t, o.name()+" without a body", n.do(o.method, path, nil), http.StatusBadRequest, "")
	clearError(t, o.name()+" without a boundary", n.do(o.method, path, "x", "Content-Type", "multipart/form-data"), http.StatusBadRequest, "")
}

// validBody returns a body for operations that require one, so that only the path is wrong.
func validBody(o operation) (body any, contentType string) {
	switch {
	case o.RequestBody == nil:
		return nil, ""
	case o.takesFile():
		return fileForm("file", "a.txt", "text/plain", "hello")
	default:
		return map[string]any{"agentId": uuid.New(), "content": "x", "author_id": uuid.New(), "name": "x"}, "application/json"
	}
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	some := uuid.New()
	agent := n.agentID()
	channel, _ := n.dm()
	for _, tt := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/api/agents/" + some.String(), nil},
		{"PATCH", "/api/agents/" + some.String(), map[string]any{"name": "x"}},
		{"DELETE", "/api/agents/" + some.String(), nil},
		{"POST", "/api/agents/" + some.String() + "/start", nil},
		{"POST", "/api/agents/" + some.String() + "/stop", nil},
		{"GET", "/api/agents/" + agent.String() + "/runs/" + some.String(), nil},
		{"GET", "/api/agents/" + some.String() + "/runs", nil},
		{"GET", "/api/agents/" + some.String() + "/panels", nil},
		{"GET", "/api/agents/" + some.String() + "/logs", nil},
		{"DELETE", "/api/agents/" + some.String() + "/logs/" + some.String(), nil},
		{"POST", "/api/agents/" + some.String() + "/worlds", map[string]any{"name": "x"}},
		{"PATCH", "/api/agents/" + agent.String() + "/worlds/" + some.String(), map[string]any{"name": "x"}},
		{"GET", "/api/memory/" + some.String() + "/memories", nil},
		{"DELETE", "/api/memory/" + some.String() + "/memories", nil},
		{"DELETE", "/api/memory/" + some.String() + "/memories/all/" + some.String(), nil},
		{"PATCH", "/api/memory/" + agent.String() + "/memories/" + some.String(), map[string]any{"content": "x"}},
		{"DELETE", "/api/memory/" + some.String() + "/memories/" + some.String(), nil},
		{"GET", "/api/memory/" + some.String() + "/rooms", nil},
		{"POST", "/api/memory/" + some.String() + "/rooms", map[string]any{"name": "x"}},
		{"GET", "/api/memory/" + agent.String() + "/rooms/" + some.String(), nil},
		{"PATCH", "/api/memory/" + agent.String() + "/rooms/" + some.String(), map[string]any{"name": "x"}},
		{"DELETE", "/api/memory/" + some.String() + "/rooms/" + some.String(), nil},
		{"GET", "/api/memory/" + some.String() + "/rooms/" + some.String() + "/memories", nil},
		{"GET", "/api/messaging/message-servers/" + some.String() + "/agents", nil},
		{"POST", "/api/messaging/message-servers/" + some.String() + "/agents", map[string]any{"agentId": agent}},
		{"POST", "/api/messaging/message-servers/" + uuid.Nil.String() + "/agents", map[string]any{"agentId": some}},
		{"POST", "/api/messaging/channels", map[string]any{"name": "x", "message_server_id": some, "participantCentralUserIds": []string{}}},
		{"GET", "/api/messaging/channels/" + some.String() + "/details", nil},
		{"PATCH", "/api/messaging/channels/" + some.String(), map[string]any{"name": "x"}},
		{"POST", "/api/messaging/channels/" + some.String() + "/agents", map[string]any{"agentId": agent}},
		{"POST", "/api/messaging/channels/" + channel.String() + "/agents", map[string]any{"agentId": some}},
		{"DELETE", "/api/messaging/channels/" + channel.String() + "/agents/" + some.String(), nil},
		{"GET", "/api/nowhere", nil},
		{"POST", "/api/nowhere/at/all", map[string]any{}},
	} {
		clearError(t, tt.method+" "+tt.path, n.do(tt.method, tt.path, tt.body), http.StatusNotFound, "")
	}
	clearError(t, "PUT /api/agents", n.do("PUT", "/api/agents", map[string]any{}), http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
}
