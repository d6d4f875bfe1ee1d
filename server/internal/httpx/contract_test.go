package httpx_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/server/internal/httpx"
)

const contract = `{
  "openapi": "3.0.3", "info": {"title": "test", "version": "1"},
  "servers": [{"url": "https://elsewhere.example"}],
  "security": [{"key": []}],
  "paths": {
    "/api/agents/{agentId}": {
      "get": {
        "operationId": "getAgent",
        "parameters": [
          {"name": "agentId", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}},
          {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 50}}
        ],
        "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Agent"}}}}}
      }
    },
    "/api/messages/{name}": {
      "post": {
        "operationId": "post",
        "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string", "pattern": "^[a-z /]+$"}}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Message"}}}},
        "responses": {
          "201": {"description": "ok"},
          "200": {"description": "stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
        }
      }
    },
    "/api/upload": {
      "post": {
        "operationId": "upload",
        "requestBody": {"required": true, "content": {"multipart/form-data": {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}}}},
        "responses": {"200": {"description": "ok"}}
      }
    }
  },
  "components": {
    "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
    "schemas": {
      "Agent": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}}},
      "Message": {
        "type": "object", "required": ["text"],
        "properties": {
          "text": {"type": "string", "minLength": 1},
          "role": {"type": "string", "enum": ["user"]},
          "participants": {"type": "array", "items": {"type": "string", "format": "uuid"}}
        }
      }
    }
  }
}`

func document(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// validating returns a router with the routes of the contract, and what its handlers got of the body.
func validating(t testing.TB, middleware ...httpx.Middleware) (http.Handler, *any) {
	t.Helper()
	var seen any
	handler := func(w http.ResponseWriter, r *http.Request) {
		seen = nil
		if body, ok := r.Body.(interface{ ValidatedValue() any }); ok {
			seen = body.ValidatedValue()
		}
		w.WriteHeader(http.StatusNoContent)
	}
	validator := httpx.Validator(httpx.NewContract(document(t)))
	routes := chi.NewRouter()
	routes.Use(httpx.RequestID)
	routes.Use(middleware...)
	routes.NotFound(httpx.NotFound)
	routes.MethodNotAllowed(httpx.MethodNotAllowed)
	routes.With(validator).Get("/api/agents/{agentId}", handler)
	routes.With(validator).Post("/api/upload", handler)
	routes.With(validator).Get("/api/plugin", handler) // not in the contract
	routes.Route("/api/messages", func(sub chi.Router) { sub.With(validator).Post("/{name}", handler) })
	return routes, &seen
}

func TestValidator(t *testing.T) {
	t.Parallel()
	const agent = "/api/agents/58061aa5-4439-0a79-8e33-181a443b15b7"
	tests := []struct {
		name, method, path, contentType, body string
		status                                int
		code                                  string
		want                                  []string // in the response
	}{
		{"fits", "GET", agent, "", "", 204, "", nil},
		{"client's Content-Type without a body", "GET", agent, "application/json", "", 204, "", nil},
		{"path parameter", "GET", "/api/agents/eliza", "", "", 400, "INVALID_ID", []string{"agentId", "UUID"}},
		{"query parameter", "GET", agent + "?limit=many", "", "", 400, "INVALID_REQUEST", []string{"limit", "integer"}},
		{"query parameter out of range", "GET", agent + "?limit=0", "", "", 400, "INVALID_REQUEST", []string{"limit", "1"}},
		{"empty query parameter", "GET", agent + "?limit=", "", "", 400, "INVALID_REQUEST", []string{"limit"}},
		{"body fits", "POST", "/api/messages/general", "application/json", `{"text":"hi","more":1}`, 204, "", nil},
		{"charset", "POST", "/api/messages/general", "application/json; charset=utf-8", `{"text":"hi"}`, 204, "", nil},
		{"encoded path", "POST", "/api/messages/a%2Fb%20c", "application/json", `{"text":"hi"}`, 204, "", nil},
		{"missing field", "POST", "/api/messages/general", "application/json", `{}`, 400, "INVALID_REQUEST", []string{"text"}},
		{"deep field", "POST", "/api/messages/general", "application/json", `{"text":"x","participants":["hunter2"]}`, 400, "INVALID_REQUEST", []string{"/participants/0", "UUID"}},
		{"wrong value", "POST", "/api/messages/general", "application/json", `{"text":"x","role":"hunter2"}`, 400, "INVALID_REQUEST", []string{"/role", "allowed values"}},
		{"wrong type", "POST", "/api/messages/general", "application/json", `[]`, 400, "INVALID_REQUEST", []string{"object"}},
		{"no body", "POST", "/api/messages/general", "application/json", "", 400, "INVALID_REQUEST", []string{"no body"}},
		{"malformed", "POST", "/api/messages/general", "application/json", `{"text":`, 400, "INVALID_JSON", []string{"ends too early"}},
		{"not JSON", "POST", "/api/messages/general", "application/json", `text=hi`, 400, "INVALID_JSON", []string{"invalid character"}},
		{"other type", "POST", "/api/messages/general", "text/plain", `hi`, 415, "UNSUPPORTED_MEDIA_TYPE", []string{"text/plain"}},
		{"not in the contract", "GET", "/api/plugin", "", "", 204, "", nil},
		{"unknown path", "GET", "/api/nothing", "", "", 404, "NOT_FOUND", []string{"GET /api/nothing"}},
		{"unknown method", "PUT", agent, "application/json", `{}`, 405, "METHOD_NOT_ALLOWED", []string{"PUT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, _ := validating(t)
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body))
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := wire(t, w)
			if w.Code != tt.status || got.Error.Code != tt.code {
				t.Errorf("got %d %s, want %d %s: %s", w.Code, got.Error.Code, tt.status, tt.code, w.Body)
			}
			for _, want := range tt.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%q is missing in %s", want, w.Body)
				}
			}
			if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "\\n") {
				t.Errorf("the answer repeats a value, or prints a schema: %s", w.Body)
			}
			if tt.status == 405 && w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow: %q", w.Header().Get("Allow"))
			}
		})
	}
}

// TestBindingSeesWhatWasValidated guards against names that differ in case only: the handler gets the value that was checked.
func TestBindingSeesWhatWasValidated(t *testing.T) {
	t.Parallel()
	h, seen := validating(t)
	r := httptest.NewRequest("POST", "/api/messages/general", strings.NewReader(`{"text":"x","role":"user","ROLE":"admin"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, ok := (*seen).(map[string]any)
	if w.Code != 204 || !ok || body["role"] != "user" {
		t.Errorf("status %d, handler saw %v", w.Code, *seen)
	}
}

func TestTooLargeWhileReading(t *testing.T) {
	t.Parallel()
	h, _ := validating(t, httpx.LimitBody(limits(100)))
	r := httptest.NewRequest("POST", "/api/messages/general", io.MultiReader(strings.NewReader(`{"text":"`+strings.Repeat("x", 200)+`"}`)))
	r.Header.Set("Content-Type", "application/json") // chunked: the length is not announced
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := wire(t, w); w.Code != 413 || got.Error.Code != "PAYLOAD_TOO_LARGE" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestUploadsAreNotCollected sends a large form through the validator, which must not buffer it.
func TestUploadsAreNotCollected(t *testing.T) {
	t.Parallel()
	h, _ := validating(t)
	body := &countingReader{}
	r := httptest.NewRequest("POST", "/api/upload", body)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 204 || body.n != 0 {
		t.Errorf("status %d, %d bytes read before the handler", w.Code, body.n)
	}
}

// TestForeignBodiesAreNotRead: a body that an operation doesn't read is refused by its type, however large it is.
func TestForeignBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	h, _ := validating(t)
	for path, kind := range map[string]string{
		"/api/messages/general": "multipart/form-data; boundary=x", "/api/upload": "application/octet-stream",
	} {
		body := &countingReader{}
		r := httptest.NewRequest("POST", path, body)
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 415 || body.n != 0 {
			t.Errorf("%s: status %d, %d bytes read", path, w.Code, body.n)
		}
	}
}

type countingReader struct{ n int }

func (c *countingReader) Read(p []byte) (int, error) {
	c.n += len(p)
	if c.n > 1<<20 {
		return 0, io.EOF
	}
	return len(p), nil
}

func TestResponseValidator(t *testing.T) {
	t.Parallel()
	check, err := httpx.ResponseValidator(document(t))
	if err != nil {
		t.Fatal(err)
	}
	const agent = "/api/agents/58061aa5-4439-0a79-8e33-181a443b15b7"
	tests := []struct {
		name, method, path string
		status             int
		contentType, body  string
		want               string // in the error; "" if it fits
	}{
		{"fits", "GET", agent, 200, "application/json; charset=utf-8", `{"id":"58061aa5-4439-0a79-8e33-181a443b15b7"}`, ""},
		{"field", "GET", agent, 200, "application/json", `{}`, `"id" is missing`},
		{"format", "GET", agent, 200, "application/json", `{"id":"eliza"}`, "UUID"},
		{"status", "GET", agent, 202, "application/json", `{}`, "status"},
		{"type", "GET", agent, 200, "text/html", `<p>`, `"text/html"`},
		{"path", "GET", "/api/other", 200, "application/json", `{}`, "not in the contract"},
		{"stream", "POST", "/api/messages/a", 200, "text/event-stream", "data: x\n\n", ""},
		{"empty", "POST", "/api/messages/a", 201, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := &http.Response{
				StatusCode: tt.status, Header: http.Header{"Content-Type": {tt.contentType}}, Body: io.NopCloser(strings.NewReader(tt.body)),
			}
			err := check(httptest.NewRequest(tt.method, tt.path, nil), resp)
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if rest, _ := io.ReadAll(resp.Body); err == nil && string(rest) != tt.body {
				t.Errorf("the body is gone: %q", rest)
			}
		})
	}
}

func BenchmarkValidator(b *testing.B) {
	large, err := json.Marshal(map[string]any{"text": strings.Repeat("x", 11<<10), "participants": []string{"58061aa5-4439-0a79-8e33-181a443b15b7"}})
	if err != nil {
		b.Fatal(err)
	}
	plain := chi.NewRouter()
	plain.Get("/api/agents/{agentId}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	plain.Post("/api/messages/{name}", func(w http.ResponseWriter, r *http.Request) {
		var body any
		_ = json.NewDecoder(r.Body).Decode(&body)
		w.WriteHeader(http.StatusNoContent)
	})
	checked, _ := validating(b)
	for _, bench := range []struct {
		name         string
		handler      http.Handler
		method, path string
		body         []byte
	}{
		{"GET/off", plain, "GET", "/api/agents/58061aa5-4439-0a79-8e33-181a443b15b7?limit=5", nil},
		{"GET/on", checked, "GET", "/api/agents/58061aa5-4439-0a79-8e33-181a443b15b7?limit=5", nil},
		{"POST 40 B/off", plain, "POST", "/api/messages/general", []byte(`{"text":"hello there, how are you now"}`)},
		{"POST 40 B/on", checked, "POST", "/api/messages/general", []byte(`{"text":"hello there, how are you now"}`)},
		{"POST 11 kB/off", plain, "POST", "/api/messages/general", large},
		{"POST 11 kB/on", checked, "POST", "/api/messages/general", large},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(bench.method, bench.path, bytes.NewReader(bench.body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				bench.handler.ServeHTTP(w, r)
				if w.Code != http.StatusNoContent {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
				runtime.KeepAlive(w)
			}
		})
	}
}

// A refusal names every field that is wrong and says what is valid there.
func TestRefusalsInWords(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`{
  "openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/api/things": {"post": {
    "requestBody": {"required": true, "content": {"application/json": {"schema": {
      "type": "object", "required": ["agentId", "content"], "properties": {
        "agentId": {"allOf": [{"$ref": "#/components/schemas/UUID"}]}, "content": {"type": "string", "minLength": 1, "maxLength": 5},
        "count": {"type": "integer", "minimum": 1, "maximum": 9}, "kind": {"type": "string", "enum": ["a", "b"]}, "yes": {"type": "boolean"},
        "list": {"type": "array", "maxItems": 2, "items": {"type": "object", "required": ["id"], "properties": {"id": {"$ref": "#/components/schemas/UUID"}}}},
        "inside": {"type": "object", "required": ["x", "y"], "properties": {"x": {"type": "number"}, "y": {"oneOf": [{"type": "string"}, {"type": "array", "items": {}}]}}}
      }}}}},
    "responses": {"204": {"description": "done"}}}}},
  "components": {"schemas": {"UUID": {"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"}}}
}`))
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	r.With(httpx.Validator(httpx.NewContract(doc))).Post("/api/things", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	for body, want := range map[string]string{
		`{}`:                                 "agentId is required; content is required",
		`{"content":"x"}`:                    "agentId is required",
		`{"agentId":"x","content":""}`:       "agentId: must be a UUID; content: must not be empty",
		`{"agentId":7,"content":"too long"}`: "agentId: must be a UUID; content: must have at most 5 characters",
		`[]`:                                 "The request body must be an object",
		`null`:                               "The request body must be an object",
		`{"agentId":"11111111-1111-4111-8111-111111111111","content":"x","count":0,"kind":"c","yes":"no","list":[{"id":"x"}]}`: "count: must be at least 1; " +
			"kind: must be one of the allowed values: a, b; list[0].id: must be a UUID; yes: must be true or false",
		`{"agentId":"11111111-1111-4111-8111-111111111111","content":"x","count":1.5,"list":[{},{}]}`:      "count: must be an integer; list[0].id is required",
		`{"agentId":"11111111-1111-4111-8111-111111111111","content":"x","count":10,"list":[{},{},{}]}`:    "count: must be at most 9; list: must have at most 2 items",
		`{"agentId":"11111111-1111-4111-8111-111111111111","content":"x","inside":{"y":5}}`:                "inside.x is required; inside.y: must be a text or a list",
		`{"agentId":"11111111-1111-4111-8111-111111111111","content":null,"inside":[]}`:                    "content: must be a text; inside: must be an object",
		`{"agentId":"11111111-1111-4111-8111-111111111111","content":"x","list":"secret","kind":"secret"}`: "kind: must be one of the allowed values: a, b; list: must be a list",
	} {
		req := httptest.NewRequest("POST", "/api/things", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		var got struct {
			Error struct{ Code, Message, Details string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if w.Code != 400 || got.Error.Message != want {
			t.Errorf("%s: %d %q, want %q", body, w.Code, got.Error.Message, want)
		}
		if all := strings.Count(want, ";"); strings.Count(got.Error.Details, "; /") != all || !strings.HasPrefix(got.Error.Details, "/") {
			t.Errorf("%s: details %q", body, got.Error.Details)
		}
		if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "{36}") {
			t.Errorf("%s: the refusal repeats a value or shows an expression: %s", body, w.Body)
		}
	}
}
