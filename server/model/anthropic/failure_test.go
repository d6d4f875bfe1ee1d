package anthropic_test

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/anthropic"
)

func asError(t *testing.T, err error, kind model.ErrorKind) *model.Error {
	t.Helper()
	e, ok := err.(*model.Error)
	if !ok || e.Kind != kind || e.Provider != "test" {
		t.Fatalf("got %v (%T), want an error of kind %s", err, err, kind)
	}
	return e
}

func TestGenerateErrorAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script modeltest.Script
		kind   model.ErrorKind
		says   []string // what the message must hold
	}{
		"wrong key":         {modeltest.Refuse(401, "authentication_error", "invalid x-api-key"), model.Auth, []string{"TEST_KEY"}},
		"key not allowed":   {modeltest.Refuse(403, "permission_error", "Not for "+testKey), model.Auth, []string{"TEST_KEY", "TEST_LARGE", "Not for [key]"}},
		"unknown model":     {modeltest.Refuse(404, "not_found_error", "model: large"), model.Config, []string{"TEST_LARGE", "TEST_URL", `"large"`, "model: large"}},
		"wrong path":        {modeltest.Response(404, "text/html", "<html>nginx</html>"), model.Config, []string{"TEST_URL", "/chat/completions"}},
		"another protocol":  {modeltest.Response(405, "application/json", `{"detail":"Method Not Allowed"}`), model.Config, []string{"TEST_URL", "/chat/completions"}},
		"no credit":         {modeltest.Refuse(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."), model.Auth, []string{"TEST_KEY", "no credit"}},
		"a spend limit":     {modeltest.Refuse(400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01."), model.Auth, []string{"TEST_KEY", "2026-12-01"}},
		"billing":           {modeltest.Refuse(402, "billing_error", "There's an issue with your billing"), model.Auth, []string{"TEST_KEY"}},
		"too long":          {modeltest.Refuse(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), model.BadRequest, []string{"210000"}},
		"too large":         {modeltest.Refuse(413, "request_too_large", "Request exceeds the maximum size"), model.BadRequest, []string{"maximum size"}},
		"a rate limit":      {modeltest.Refuse(429, "rate_limit_error", "This request would exceed your organization's rate limit"), model.RateLimit, []string{"rate limit"}},
		"a fault":           {modeltest.Refuse(500, "api_error", "Internal server error"), model.Unavailable, []string{"Internal"}},
		"a time-out there":  {modeltest.Refuse(504, "timeout_error", "Request timed out"), model.Unavailable, nil},
		"overloaded":        {modeltest.Refuse(529, "overloaded_error", "Overloaded"), model.Unavailable, []string{"Overloaded"}},
		"a redirect":        {modeltest.Script{Status: 308, Header: http.Header{"Location": {"https://elsewhere.invalid/"}}}, model.Config, []string{"TEST_URL"}},
		"an empty success":  {modeltest.Script{Status: 204}, model.Protocol, []string{"TEST_URL"}},
		"a proxy's own 502": {modeltest.Response(502, "text/html", "<html>Bad Gateway</html>"), model.Unavailable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := generate(t, test.script)
			e := asError(t, err, test.kind)
			if e.Status != test.script.Status {
				t.Errorf("status %d", e.Status)
			}
			for _, words := range test.says {
				if !strings.Contains(e.Message, words) {
					t.Errorf("%q doesn't mention %q", e.Message, words)
				}
			}
			if name == "unknown model" && strings.Contains(e.Message, "/chat/completions") {
				t.Errorf("%q doubts the protocol", e.Message)
			}
			if strings.Contains(err.Error(), "test-key") {
				t.Errorf("the key leaks: %v", err)
			}
		})
	}
}

// What an address answers that another party chose is not told.
func TestGenerateDiscreet(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Refuse(400, "x", "internal-secret-42") })
	_, err := model.Collect(newClient(t, server.URL, func(c *anthropic.Config) { c.Discreet = true }).Generate(t.Context(), ask("hi")))
	if e := asError(t, err, model.BadRequest); strings.Contains(err.Error(), "secret") || !strings.Contains(e.Message, "400") {
		t.Errorf("message %q", e.Message)
	}
}

func TestGenerateRetryAfter(t *testing.T) {
	t.Parallel()
	script := modeltest.Refuse(429, "rate_limit_error", "later")
	script.Header = http.Header{"Retry-After": {"7"}, "Anthropic-Ratelimit-Requests-Reset": {"2026-01-01T00:00:00Z"}}
	_, err := generate(t, script)
	if e := asError(t, err, model.RateLimit); e.RetryAfter != 7*time.Second || !e.Retryable() {
		t.Errorf("wait %v", e.RetryAfter)
	}
}

// TestRetryRecovers stands before a vendor that is overloaded: once before the answer, once in place of it.
func TestRetryRecovers(t *testing.T) {
	t.Parallel()
	overloaded := `{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`
	for name, first := range map[string]modeltest.Script{
		"under its status": modeltest.Refuse(529, "overloaded_error", "Overloaded"),
		"in the stream":    stream(overloaded),
		"after its start":  stream(begin, open, ping, overloaded),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				if calls++; calls == 1 {
					return first
				}
				return modeltest.Say("up again")
			})
			var attempts []model.Attempt
			req := ask("hi")
			req.Report = func(a model.Attempt) { attempts = append(attempts, a) }
			got, err := model.Collect(model.Retry(newClient(t, server.URL, nil)).Generate(t.Context(), req))
			if err != nil || got.Text != "up again" || len(attempts) != 1 || !model.IsKind(attempts[0].Err, model.Unavailable) {
				t.Errorf("got %q, %v after %+v", got.Text, err, attempts)
			}
		})
	}
}

func TestGenerateBrokenAnswers(t *testing.T) {
	t.Parallel()
	failed := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"}}`
	}
	page := func(contentType, body string) modeltest.Script { return modeltest.Response(200, contentType, body) }
	for name, test := range map[string]struct {
		script modeltest.Script
		text   string
		kind   model.ErrorKind
		says   string
	}{
		"no end":                      {stream(begin, open, text("half")), "half", model.Unavailable, "middle"},
		"no end of a block of JSON":   {page("application/json", strings.ReplaceAll(strings.ReplaceAll(named(begin, open, text("half")), "data: ", ""), "event: ", ":")), "half", model.Unavailable, "middle"},
		"overloaded in the middle":    {stream(begin, open, text("half"), failed("overloaded_error", "Overloaded")), "half", model.Unavailable, "Overloaded"},
		"a rate limit in the middle":  {stream(begin, open, text("half"), failed("rate_limit_error", "slow")), "half", model.RateLimit, "slow"},
		"a wrong key in the stream":   {stream(failed("authentication_error", "no")), "", model.Auth, "TEST_KEY"},
		"a model not allowed":         {stream(failed("permission_error", "no")), "", model.Auth, "TEST_LARGE"},
		"an unknown model":            {stream(failed("not_found_error", "model: x")), "", model.Config, "TEST_LARGE"},
		"an error of the wire itself": {stream(begin, failed("api_error", "Internal")), "", model.Unavailable, "Internal"},
		"an error in plain words":     {page("text/event-stream", "event: error\ndata: upstream gone\n\n"), "", model.Unavailable, "upstream gone"},
		"an error without a type":     {page("application/json", `{"error":{"message":"quota","code":429}}`), "", model.RateLimit, "quota"},
		"garbage later":               {stream(begin, open, text("half"), `{"type":`), "half", model.Protocol, "not readable"},
		"a web page":                  {page("text/html", "<!doctype html><title>Welcome</title>"), "", model.Protocol, "TEST_URL"},
		"a web page in a stream":      {page("text/event-stream", "data: <html>\n\n"), "", model.Protocol, "TEST_URL"},
		"a chat completion":           {page("application/json", `{"object":"chat.completion","choices":[{"message":{"content":"hi"}}]}`), "", model.Protocol, "TEST_URL"},
		"chunks of a completion":      {page("text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"), "", model.Protocol, "TEST_URL"},
		"JSON of something else":      {page("application/json", `{"hello":"world"}`), "", model.Protocol, "TEST_URL"},
		"nothing at all":              {page("text/event-stream", ""), "", model.Unavailable, "empty"},
		"only pings":                  {stream(ping, ping), "", model.Unavailable, "empty"},
		"half a document":             {page("application/json", `{"type":"message","content":[{"type":"te`), "", model.Unavailable, "middle"},
		"a line beyond the limit":     {page("text/event-stream", "data: "+strings.Repeat("x", 1<<20)+"\n\n"), "", model.Protocol, "1 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := generate(t, test.script)
			if e := asError(t, err, test.kind); got.Text != test.text || !strings.Contains(e.Message, test.says) {
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
			client := newClient(t, server.URL, func(c *anthropic.Config) { c.IdleTimeout = 30 * time.Millisecond })
			got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
			if e := asError(t, err, model.Timeout); e.Retryable() || got.Text != strings.Join(chunks, "") {
				t.Errorf("text %q, error %v", got.Text, e)
			}
			<-left
		})
	}
}

func TestGenerateCutConnection(t *testing.T) {
	t.Parallel()
	got, err := generate(t, modeltest.Script{Chunks: []string{"half"}, Ending: modeltest.Cut})
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
	if !e.Retryable() || !strings.Contains(e.Message, address) || !strings.Contains(e.Message, "TEST_URL") || strings.Contains(err.Error(), "abcdef") {
		t.Errorf("message %q", e.Message)
	}
}

// TestGenerateAdapts sends a request to models that refuse a part of it, in the vendor's words: it is sent once more in the form
// that the model takes, and the next request begins with that form.
func TestGenerateAdapts(t *testing.T) {
	t.Parallel()
	type body struct {
		MaxTokens   int      `json:"max_tokens"`
		Temperature *float64 `json:"temperature"`
		TopP        *float64 `json:"top_p"`
		Stop        []string `json:"stop_sequences"`
		System      []struct {
			CacheControl any `json:"cache_control"`
		} `json:"system"`
	}
	for name, test := range map[string]struct {
		says    string
		as      func(body) bool // what the second request is like
		forgets bool            // the next begins as if nothing had been refused
	}{
		"a limit": {says: "max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022",
			as: func(b body) bool { return b.MaxTokens == 8192 }},
		"a limit beyond the context": {says: "input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000, decrease input length or `max_tokens` and try again",
			as: func(b body) bool { return b.MaxTokens == 10000 }, forgets: true},
		"a limit, and no number": {says: "max_tokens is too large for this model", as: func(b body) bool { return b.MaxTokens == 4096 }},
		"two parameters": {says: "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
			as: func(b body) bool { return b.TopP == nil && b.Temperature != nil }},
		"the temperature":         {says: "`temperature` is deprecated for this model.", as: func(b body) bool { return b.Temperature == nil && b.TopP != nil }},
		"stop sequences":          {says: "stop_sequences: not supported by this model", as: func(b body) bool { return b.Stop == nil }},
		"the cache (of gateways)": {says: "system.0.cache_control: Extra inputs are not permitted", as: func(b body) bool { return len(b.System) == 1 && b.System[0].CacheControl == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bodies []body
			server := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
				var b body
				if err := json.Unmarshal(r.Body, &b); err != nil {
					t.Error(err)
				}
				if bodies = append(bodies, b); len(bodies) == 1 {
					return modeltest.Refuse(400, "invalid_request_error", test.says)
				}
				return modeltest.Say("fine")
			})
			req := model.Request{Kind: model.TextLarge, System: "s", Prompt: "p", Params: model.Params{Temperature: new(0.5), TopP: new(0.9), Stop: []string{"END"}}}
			var attempts []model.Attempt
			req.Report = func(a model.Attempt) { attempts = append(attempts, a) }
			client := newClient(t, server.URL, nil)
			for range 2 {
				if got, err := model.Collect(client.Generate(t.Context(), req)); err != nil || got.Text != "fine" {
					t.Fatalf("got %q, %v", got.Text, err)
				}
			}
			if len(bodies) != 3 || len(attempts) != 1 || test.as(bodies[0]) || !test.as(bodies[1]) || test.as(bodies[2]) == test.forgets {
				t.Errorf("sent %+v, reported %+v", bodies, attempts)
			}
		})
	}
}

// TestGenerateGivesUp meets a model that refuses the least limit that there can be.
func TestGenerateGivesUp(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Refuse(400, "invalid_request_error", "max_tokens is too large for this model")
	})
	_, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
	if asError(t, err, model.BadRequest); len(server.Requests()) != 2 {
		t.Errorf("%d requests", len(server.Requests()))
	}
}
