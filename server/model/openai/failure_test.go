package openai_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

func TestGenerateErrorAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script modeltest.Script
		kind   model.ErrorKind
		says   []string // what the message must hold
	}{
		"wrong key": {modeltest.Fail(401, "Incorrect API key provided: test-key***cdef"), model.Auth, []string{"TEST_KEY"}},
		"key not allowed": {modeltest.Fail(403, "Project has no access to model, key "+testKey), model.Auth,
			[]string{"TEST_KEY", "TEST_LARGE", "no access", "[key]"}},
		"unknown model (Ollama)": {modeltest.Script{Status: 404, Body: `{"error":"model \"large\" not found, try pulling it first"}`}, model.Config,
			[]string{"TEST_LARGE", "TEST_URL", `"large"`, "try pulling it"}},
		"unknown model (vLLM)": {modeltest.Script{Status: 404, Body: `{"object":"error","message":"The model does not exist.","type":"NotFoundError","code":404}`},
			model.Config, []string{"TEST_LARGE", "does not exist"}},
		"wrong path (FastAPI)":    {modeltest.Script{Status: 404, Body: `{"detail":"Not Found"}`}, model.Config, []string{"TEST_URL", "Not Found"}},
		"wrong path (HTML)":       {modeltest.Script{Status: 404, Body: `<html><body>nginx</body></html>`}, model.Config, []string{"TEST_URL"}},
		"no chat here":            {modeltest.Script{Status: 405}, model.Config, []string{"TEST_URL"}},
		"redirect":                {modeltest.Script{Status: 308, Header: http.Header{"Location": {"https://elsewhere.invalid/"}}}, model.Config, []string{"TEST_URL"}},
		"no credit (OpenRouter)":  {modeltest.Script{Status: 402, Body: `{"error":{"code":402,"message":"Insufficient credits"}}`}, model.Auth, []string{"TEST_KEY", "Insufficient"}},
		"no credit (OpenAI)":      {modeltest.Script{Status: 429, Body: `{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}`}, model.Auth, []string{"credit"}},
		"wrong key (Google)":      {modeltest.Script{Status: 400, Body: `[{"error":{"code":400,"message":"API key not valid","details":[{"reason":"API_KEY_INVALID"}]}}]`}, model.Auth, []string{"TEST_KEY"}},
		"too long":                {modeltest.Script{Status: 400, Body: `{"error":{"message":"maximum context length is 8192","code":"context_length_exceeded"}}`}, model.BadRequest, []string{"8192"}},
		"busy":                    {modeltest.Fail(429, "Slow down"), model.RateLimit, []string{"Slow down"}},
		"conflict":                {modeltest.Fail(409, ""), model.Unavailable, nil},
		"server error":            {modeltest.Fail(500, "upstream broke"), model.Unavailable, []string{"upstream broke"}},
		"request time-out":        {modeltest.Fail(408, ""), model.Timeout, nil},
		"proxied explanation":     {modeltest.Script{Status: 502, Body: `{"error":{"message":"{\"error\":{\"message\":\"inner words\"}}"}}`}, model.Unavailable, []string{"inner words"}},
		"an empty success":        {modeltest.Script{Status: 204}, model.Protocol, []string{"TEST_URL"}},
		"refused beyond recovery": {modeltest.Script{Status: 400, Body: `{"error":{"message":"bad","param":"messages"}}`}, model.BadRequest, []string{"bad"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return test.script })
			_, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
			e := asError(t, err, test.kind)
			if e.Status != test.script.Status || e.Provider != "test" {
				t.Errorf("status %d, provider %q", e.Status, e.Provider)
			}
			for _, words := range test.says {
				if !strings.Contains(e.Message, words) {
					t.Errorf("%q doesn't mention %q", e.Message, words)
				}
			}
			if strings.Contains(err.Error(), "test-key") {
				t.Errorf("the key leaks: %v", err)
			}
		})
	}
}

func TestGenerateWithoutKey(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(401, "") })
	client := newClient(t, server.URL, func(c *openai.Config) { c.APIKey = "" })
	_, err := model.Collect(client.Generate(t.Context(), ask("hi")))
	if e := asError(t, err, model.Auth); !strings.Contains(e.Message, "set TEST_KEY") {
		t.Errorf("message %q", e.Message)
	}
	if auth := server.Requests()[0].Header.Get("Authorization"); auth != "" {
		t.Errorf("Authorization %q was sent", auth)
	}
}

func TestGenerateRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header http.Header
		low    time.Duration
		high   time.Duration
	}{
		"seconds":      {http.Header{"Retry-After": {"7"}}, 7 * time.Second, 7 * time.Second},
		"fraction":     {http.Header{"Retry-After": {"0.5"}}, 500 * time.Millisecond, 500 * time.Millisecond},
		"milliseconds": {http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"1500"}}, 1500 * time.Millisecond, 1500 * time.Millisecond},
		"date":         {http.Header{"Retry-After": {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}}, 50 * time.Second, time.Minute},
		"past date":    {http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, 0, 0},
		"nonsense":     {http.Header{"Retry-After": {"soon"}}, 0, 0},
		"endless":      {http.Header{"Retry-After": {"1e300"}}, 24 * time.Hour, 24 * time.Hour},
		"negative":     {http.Header{"Retry-After": {"-3"}}, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := modeltest.Fail(429, "later")
			script.Header = test.header
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return script })
			_, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
			if e := asError(t, err, model.RateLimit); e.RetryAfter < test.low || e.RetryAfter > test.high {
				t.Errorf("wait %v, want %v to %v", e.RetryAfter, test.low, test.high)
			}
		})
	}
}

func TestGenerateBrokenAnswers(t *testing.T) {
	t.Parallel()
	const stream, complete = "text/event-stream", "application/json"
	const begun = "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n"
	tests := map[string]struct {
		contentType, body string
		text              string
		kind              model.ErrorKind
		says              string
	}{
		"stream without an end":       {stream, begun, "half", model.Unavailable, "middle"},
		"stream of nothing":           {stream, "data: [DONE]\n\n", "", model.Unavailable, "empty"},
		"garbage first":               {stream, "data: <html>\n\n", "", model.Protocol, "TEST_URL"},
		"garbage later":               {stream, begun + "data: {\"choices\":\n\n", "half", model.Protocol, "not readable"},
		"a line beyond the limit":     {stream, begun + "data: " + strings.Repeat("x", 1<<20) + "\n\n", "half", model.Protocol, "1 MB"},
		"an event beyond the limit":   {stream, strings.Repeat("data: {"+strings.Repeat("x", 1000)+"\n", 1100), "", model.Protocol, "1 MB"},
		"error in the stream":         {stream, begun + `data: {"error":{"code":502,"message":"Provider disconnected"}}` + "\n\n", "half", model.Unavailable, "disconnected"},
		"rate limit in the stream":    {stream, `data: {"error":{"message":"slow","type":"rate_limit_error"}}` + "\n\n", "", model.RateLimit, "slow"},
		"wrong key in the stream":     {stream, `data: {"error":{"message":"no","code":"invalid_api_key"}}` + "\n\n", "", model.Auth, "TEST_KEY"},
		"error beside a choice":       {stream, `data: {"error":{"code":"server_error","message":"x"},"choices":[{"delta":{},"finish_reason":"error"}]}` + "\n\n", "", model.Unavailable, "x"},
		"error object under 200":      {complete, `{"object":"error","message":"no such model","type":"NotFoundError","code":404}`, "", model.Config, "no such model"},
		"a web page":                  {"text/html", "<!doctype html><title>Welcome</title>", "", model.Protocol, "TEST_URL"},
		"JSON of something else":      {complete, `{"hello":"world"}`, "", model.Protocol, "TEST_URL"},
		"nothing at all":              {complete, "", "", model.Unavailable, "empty"},
		"half a document":             {complete, `{"choices":[{"message":{"content":"ha`, "", model.Unavailable, "middle"},
		"a text":                      {"text/plain", "Hello!", "", model.Protocol, "TEST_URL"},
		"a list where an object goes": {complete, `[1,2,3]`, "", model.Protocol, "TEST_URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, http.StatusOK, test.contentType, test.body), nil)
			got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
			e := asError(t, err, test.kind)
			if got.Text != test.text || !strings.Contains(e.Message, test.says) {
				t.Errorf("text %q, message %q", got.Text, e.Message)
			}
		})
	}
}

func TestGenerateSilence(t *testing.T) {
	t.Parallel()
	for name, chunks := range map[string][]string{"from the start": nil, "after some text": {"half"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{})
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				return modeltest.Script{Chunks: chunks, Ending: modeltest.Hang, Left: left}
			})
			client := newClient(t, server.URL, func(c *openai.Config) { c.IdleTimeout = 30 * time.Millisecond })
			got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
			if e := asError(t, err, model.Timeout); e.Retryable() || got.Text != strings.Join(chunks, "") {
				t.Errorf("text %q, error %v", got.Text, e)
			}
			<-left
		})
	}
}

func TestGenerateNoHeaders(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	client := newClient(t, server.URL, func(c *openai.Config) { c.FirstByteTimeout = 30 * time.Millisecond })
	_, err := model.Collect(client.Generate(t.Context(), ask("hi")))
	asError(t, err, model.Timeout)
}

func TestGenerateCutConnection(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Script{Chunks: []string{"half"}, Ending: modeltest.Cut}
	})
	got, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
	if asError(t, err, model.Unavailable); got.Text != "half" {
		t.Errorf("text %q", got.Text)
	}
}

func TestGenerateWithoutAServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = model.Collect(newClient(t, address+"/v1?secret=abcdef", nil).Generate(t.Context(), ask("hi")))
	e := asError(t, err, model.Unavailable)
	if !e.Retryable() || !strings.Contains(e.Message, address) || !strings.Contains(e.Message, "TEST_URL") {
		t.Errorf("message %q", e.Message)
	}
	if strings.Contains(err.Error(), "abcdef") {
		t.Errorf("the query leaks: %v", err)
	}
}

func TestRetryRecovers(t *testing.T) {
	t.Parallel()
	calls := 0
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		if calls++; calls == 1 {
			return modeltest.Fail(503, "starting")
		}
		return modeltest.Say("up again")
	})
	got, err := model.Collect(model.Retry(newClient(t, server.URL, nil)).Generate(t.Context(), ask("hi")))
	if err != nil || got.Text != "up again" {
		t.Errorf("got %q, %v", got.Text, err)
	}
}

func asError(t *testing.T, err error, kind model.ErrorKind) *model.Error {
	t.Helper()
	e, ok := err.(*model.Error)
	if !ok || e.Kind != kind {
		t.Fatalf("got %v (%T), want an error of kind %s", err, err, kind)
	}
	return e
}
