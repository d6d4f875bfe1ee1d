package openai_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

// full is a request that sets everything that a model may refuse, after an earlier exchange.
func full() model.Request {
	return model.Request{
		Kind: model.TextLarge, System: "Be brief.", Prompt: "Well?",
		Params: model.Params{
			MaxTokens: 100_000, Temperature: new(1.8), TopP: new(0.9), FrequencyPenalty: new(0.1), PresencePenalty: new(0.2), Stop: []string{"END"},
		},
	}
}

// sent returns which parts of the request's form a body has.
func sent(t *testing.T, r modeltest.Request) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	delete(body, "model")
	return body
}

// TestGenerateShowsPictures: a model that doesn't see is told that there are pictures, and is not shown any again; one that takes
// offence at a picture is shown the next.
func TestGenerateShowsPictures(t *testing.T) {
	t.Parallel()
	picture := model.Picture{MediaType: "image/png", Data: []byte("dots")}
	request := model.Request{Kind: model.TextLarge, Prompt: "What is this?", Pictures: []model.Picture{picture, picture}}
	shown := []string{"data:image/png;base64,ZG90cw==", "data:image/png;base64,ZG90cw=="}
	for name, tt := range map[string]struct {
		status int
		body   string
		again  bool // the next picture is shown
	}{
		"OpenAI":                {400, `{"error":{"message":"Invalid content type. image_url is only supported by certain models.","param":"messages.[1].content.[1].type"}}`, false},
		"DeepSeek":              {422, `{"error":{"message":"Failed to deserialize the JSON body into the target type: messages[1]: unknown variant ` + "`image_url`, expected `text`" + `"}}`, false},
		"Groq":                  {400, `{"error":{"message":"'messages.1' : messages.content must be a string"}}`, false},
		"Mistral":               {400, `{"object":"error","message":"Image input is not enabled for this model"}`, false},
		"vLLM":                  {400, `{"object":"error","message":"At most 0 image(s) may be provided in one prompt."}`, false},
		"an older vLLM":         {400, `{"object":"error","message":"test-model is not a multimodal model"}`, false},
		"Ollama":                {500, `{"error":{"message":"this model is missing data required for image input","type":"api_error"}}`, false},
		"llama.cpp":             {500, `{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"}}`, false},
		"OpenRouter":            {404, `{"error":{"message":"No endpoints found that support image input","code":404}}`, false},
		"a picture too large":   {400, `{"error":{"message":"messages.0.content.1.image.source.base64: image exceeds 5 MB maximum"}}`, true},
		"a picture of no kind":  {400, `{"error":{"message":"The image data you provided does not represent a valid image. Please check your input and try again with one of the supported image formats"}}`, true},
		"a picture is too much": {400, `{"error":{"message":"Could not process image"}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
				if len(r.Pictures()) > 0 {
					return modeltest.Response(tt.status, "application/json", tt.body)
				}
				return modeltest.Say("fine")
			})
			client := newClient(t, server.URL, nil)
			for range 2 {
				if answer, err := model.Collect(client.Generate(t.Context(), request)); err != nil || answer.Text != "fine" {
					t.Fatalf("got %+v, %v", answer, err)
				}
			}
			var got []bool
			for _, r := range server.Requests() {
				got = append(got, len(r.Pictures()) > 0)
				if seen := strings.Contains(r.Prompt(), "you can't see"); seen == (len(r.Pictures()) > 0) {
					t.Errorf("with %d pictures the prompt is %q", len(r.Pictures()), r.Prompt())
				}
				if len(r.Pictures()) > 0 && !cmp.Equal(r.Pictures(), shown) {
					t.Errorf("shown: %q", r.Pictures())
				}
			}
			want := []bool{true, false, false}
			if tt.again {
				want = []bool{true, false, true, false}
			}
			if !cmp.Equal(got, want) {
				t.Errorf("pictures were shown as %v, want %v", got, want)
			}
		})
	}
}

// TestGenerateAdapts sends a request to endpoints that refuse a part of it, each in its own words: it is sent once more in the
// form that the model takes, and the next request begins with that form.
func TestGenerateAdapts(t *testing.T) {
	t.Parallel()
	without := func(names ...string) func(map[string]any) {
		return func(body map[string]any) {
			for _, name := range names {
				delete(body, name)
			}
		}
	}
	set := func(name string, value any, gone ...string) func(map[string]any) {
		return func(body map[string]any) {
			without(gone...)(body)
			body[name] = value
		}
	}
	unstreamed := set("stream", false, "stream_options")
	folded := set("messages", []any{map[string]any{"role": "user", "content": "Be brief.\n\nWell?"}})
	limit := func(n float64) func(map[string]any) { return set("max_tokens", n) }
	renamed := set("max_completion_tokens", 100_000.0, "max_tokens")
	unlimited := without("max_tokens")
	object := func(message, rest string) string {
		text, _ := json.Marshal(message) // texts can always be encoded
		return `{"error":{"message":` + string(text) + rest + `}}`
	}
	tests := map[string]struct {
		status int
		body   string
		change func(map[string]any)
	}{
		"stream (OpenAI, account not verified)": {400, object("Your organization must be verified to stream this model.", `,"type":"invalid_request_error","param":"stream","code":"unsupported_value"`), unstreamed},
		"stream, in words":                      {400, object("This model does not support streaming.", ""), unstreamed},
		"stream (FastAPI)":                      {422, `{"detail":[{"type":"literal_error","loc":["body","stream"],"msg":"Input should be false"}]}`, unstreamed},
		"stream, not implemented":               {501, object("Streaming is not implemented for this backend", ""), unstreamed},
		"stream (a gateway, in plain words)":    {400, `{"detail":"stream=true is not allowed for this model"}`, unstreamed},

		"stream options (Mistral)":    {422, `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}}`, without("stream_options")},
		"stream options (older vLLM)": {400, `{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]","code":400}`, without("stream_options")},
		"stream options (Azure)":      {400, object("Unrecognized request argument supplied: stream_options", `,"param":null`), without("stream_options")},
		"stream options (a path)":     {400, object("Unknown parameter", `,"param":"stream_options.include_usage"`), without("stream_options")},

		"system role (OpenAI o1)":            {400, object("Unsupported value: 'messages[0].role' does not support 'system' with this model.", `,"param":"messages[0].role","code":"unsupported_value"`), folded},
		"system role (Gemma at Google)":      {400, `[{"error":{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-27b-it","status":"INVALID_ARGUMENT"}}]`, folded},
		"system role (Gemma template, vLLM)": {400, `{"object":"error","message":"System role not supported","type":"BadRequestError","code":400}`, folded},
		"system role (template, llama.cpp)":  {500, object("Error rendering prompt with jinja template: \"System role not supported\"", `,"code":500`), folded},
		"system role (Mistral template)":     {400, `{"object":"error","message":"Conversation roles must alternate user/assistant/user/assistant/...","code":400}`, folded},
		"system role (template, LM Studio)":  {400, `{"error":"Error in channel handler: Only user and assistant roles are supported!"}`, folded},
		"system role (Bedrock gateways)":     {400, object("The model that you provided doesn't support system messages. Try again without them.", ""), folded},
		"system role (Groq)":                 {400, object("'messages.0' : system role is not supported by this model", `,"type":"invalid_request_error"`), folded},
		"system role (OpenRouter)":           {400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"Developer instruction is not enabled for models/gemma-3\"}}","provider_name":"Google AI Studio"}}}`, folded},

		"temperature (OpenAI reasoning)":    {400, object("Unsupported value: 'temperature' does not support 1.8 with this model. Only the default (1) value is supported.", `,"param":"temperature","code":"unsupported_value"`), without("temperature")},
		"temperature (Anthropic)":           {400, object("temperature: range: 0..1", `,"type":"invalid_request_error"`), without("temperature")},
		"temperature and top_p (Anthropic)": {400, object("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", ""), without("top_p")},
		"temperature (Mistral)":             {422, `{"detail":[{"type":"less_than_equal","loc":["body","temperature"],"msg":"Input should be less than or equal to 1.5"}]}`, without("temperature")},
		"top_p":                             {400, object("top_p is not supported with this model", `,"param":"top_p"`), without("top_p")},
		"penalties (xAI)":                   {400, object("Model grok-4 does not support parameter frequencyPenalty.", ""), without("frequency_penalty")},
		"penalty (Google)":                  {400, `[{"error":{"code":400,"message":"Penalty is not enabled for this model: presence_penalty","status":"INVALID_ARGUMENT"}}]`, without("presence_penalty")},
		"stop (OpenAI)":                     {400, object("Unsupported parameter: 'stop' is not supported with this model.", `,"param":"stop","code":"unsupported_parameter"`), without("stop")},
		"under status 200":                  {200, object("Unsupported value", `,"param":"temperature","code":"unsupported_value"`), without("temperature")},

		"limit's name (OpenAI)":             {400, object("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", `,"param":"max_tokens","code":"unsupported_parameter"`), renamed},
		"limit's name, in words":            {400, object("max_tokens is deprecated, use max_completion_tokens", ""), renamed},
		"limit too large (OpenAI)":          {400, object("max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.", `,"param":"max_tokens","code":"invalid_value"`), limit(16384)},
		"limit too large (Anthropic)":       {400, object("max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022", `,"type":"invalid_request_error"`), limit(8192)},
		"limit too large (Groq)":            {400, object("`max_tokens` must be less than or equal to `32768`, the maximum value for `max_tokens` is less than the `context_window` for this model", `,"param":"max_tokens"`), unlimited},
		"limit too large (DeepSeek)":        {400, object("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", ""), limit(8192)},
		"limit too large (DashScope)":       {400, object("<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 32768]", `,"code":"invalid_parameter_error"`), limit(32768)},
		"limit beyond the context (vLLM)":   {400, `{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 100000. This model's maximum context length is 4096 tokens and your request has 50 input tokens (100000 > 4096 - 50).","code":400}`, unlimited},
		"limit beyond the context (OpenAI)": {400, object("This model's maximum context length is 8192 tokens. However, you requested 100050 tokens (50 in the messages, 100000 in the completion). Please reduce the length of the messages or completion.", `,"param":"messages","code":"context_length_exceeded"`), unlimited},
		"limit too large (Gemini)":          {400, `[{"error":{"code":400,"message":"Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65537 (exclusive).","status":"INVALID_ARGUMENT"}}]`, limit(65537)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]any{}
			refused := 0
			server := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
				if body := sent(t, r); refused == 0 {
					refused++
					maps.Copy(want, body)
					test.change(want)
					return modeltest.Response(test.status, "application/json", test.body)
				}
				return modeltest.Say("fine")
			})
			client := newClient(t, server.URL, nil)
			var attempts []model.Attempt
			req := full()
			req.Report = func(a model.Attempt) { attempts = append(attempts, a) }
			for range 2 {
				if got, err := model.Collect(client.Generate(t.Context(), req)); err != nil || got.Text != "fine" {
					t.Fatalf("got %q, %v", got.Text, err)
				}
			}
			requests := server.Requests()
			if len(requests) != 3 {
				t.Fatalf("%d requests for two calls, want one that is refused and two that are not", len(requests))
			}
			for _, r := range requests[1:] {
				if diff := cmp.Diff(want, sent(t, r)); diff != "" {
					t.Errorf("the form (-want +got):\n%s", diff)
				}
			}
			if e, ok := errors.AsType[*model.Error](attempts[0].Err); len(attempts) != 1 || !ok || e.Message == "" {
				t.Errorf("reported: %v", attempts)
			}
		})
	}
}

// TestGenerateDoesNotAdapt meets refusals that no other form helps against: they are returned at once.
func TestGenerateDoesNotAdapt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"too long":                    {400, `{"error":{"message":"Your input exceeds the context window of this model","param":"input","code":"context_length_exceeded"}}`},
		"a tool":                      {400, `{"error":{"message":"tools are not supported","param":"tools"}}`},
		"filtered (Azure)":            {400, `{"error":{"message":"The response was filtered due to the prompt triggering the content management policy","code":"content_filter"}}`},
		"a fault that names the word": {500, `{"error":{"message":"stream closed unexpectedly"}}`},
		"a broken upstream":           {502, `{"error":{"message":"streaming is not supported"}}`},
		"busy":                        {429, `{"error":{"message":"max_tokens exceeds the limit per minute"}}`},
		"a wrong key":                 {401, `{"error":{"message":"system role not allowed for this key"}}`},
		"an image":                    {400, `{"error":{"message":"Invalid content type. image_url is only supported by certain models.","param":"messages.[0].content.[1].type"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Response(test.status, "", test.body) })
			_, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), full()))
			if e, ok := errors.AsType[*model.Error](err); !ok || e.Status != test.status || len(server.Requests()) != 1 {
				t.Errorf("%v after %d requests", err, len(server.Requests()))
			}
		})
	}
}

// TestGenerateAdaptsStepByStep meets a model that refuses one part after the other, and a client that shares what it learned.
func TestGenerateAdaptsStepByStep(t *testing.T) {
	t.Parallel()
	refuse := func(param string) modeltest.Script {
		return modeltest.Response(400, "", `{"error":{"message":"'messages[0].role' does not support 'system'; or `+param+` is not supported","param":"`+param+`","code":"unsupported_value"}}`)
	}
	server := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		body := sent(t, r)
		switch {
		case r.System() != "":
			return refuse("messages[0].role")
		case body["temperature"] != nil:
			return refuse("temperature")
		case body["max_tokens"] != nil:
			return refuse("max_tokens")
		case r.Stream:
			return refuse("stream")
		}
		return modeltest.Say("fine")
	})
	var forms openai.Forms
	share := func(c *openai.Config) { c.Forms = &forms }
	for i, want := range []int{5, 6} {
		got, err := model.Collect(newClient(t, server.URL, share).Generate(t.Context(), full()))
		if err != nil || got.Text != "fine" || len(server.Requests()) != want {
			t.Errorf("call %d: got %q, %v after %d requests", i, got.Text, err, len(server.Requests()))
		}
	}
	other := newClient(t, server.URL, func(c *openai.Config) { share(c); c.LargeModel = "another" })
	if _, err := model.Collect(other.Generate(t.Context(), full())); err != nil || !server.Requests()[6].Stream {
		t.Errorf("another model is asked in the usual form: %v", err)
	}
}

func TestGenerateGivesUpOnARefusalThatStays(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Response(400, "", `{"error":{"message":"max_tokens is not supported","param":"max_tokens"}}`)
	})
	client := newClient(t, server.URL, nil)
	for _, want := range []int{3, 6} { // by the other name, and without
		_, err := model.Collect(client.Generate(t.Context(), full()))
		asError(t, err, model.BadRequest)
		if n := len(server.Requests()); n != want {
			t.Errorf("%d requests, want %d: a form that didn't help is not remembered", n, want)
		}
	}
}

func TestGenerateWaitsFromTheBody(t *testing.T) {
	t.Parallel()
	say := func(message string) string {
		text, _ := json.Marshal(message) // texts can always be encoded
		return `{"error":{"message":` + string(text) + `}}`
	}
	for name, test := range map[string]struct {
		body string
		want time.Duration
	}{
		"Google":               {modeltest.Recorded("07-wait-told-in-the-body").Body, 4 * time.Second},
		"Google, a fraction":   {`{"error":{"details":[{"@type":"x"},{"retryDelay":"3.5s"}]}}`, 3500 * time.Millisecond},
		"Google, in words":     {say("You exceeded your current quota. Please retry in 43.221583s."), 43221583 * time.Microsecond},
		"OpenAI":               {say("Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 4.2s. Visit https://platform.openai.com"), 4200 * time.Millisecond},
		"OpenAI, milliseconds": {say("Rate limit reached. Please try again in 350ms."), 350 * time.Millisecond},
		"Groq":                 {say("Rate limit reached for model on requests per day (RPD). Please try again in 7m12.5s."), 7*time.Minute + 12500*time.Millisecond},
		"OpenAI, minutes":      {say("Please try again in 6m0s."), 6 * time.Minute},
		"Azure":                {say("Requests have exceeded the call rate limit. Please retry after 6 seconds."), 6 * time.Second},
		"a number of seconds":  {`{"message":"slow down","retry_after":0.5}`, 500 * time.Millisecond},
		"milliseconds":         {`{"error":{"message":"slow down","retry_after_ms":1500}}`, 1500 * time.Millisecond},
		"in long words":        {say("Too many requests, wait 1 minute and 5 seconds before trying again"), 65 * time.Second},
		"behind OpenRouter":    {`{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"Please try again in 2s."}}}`, 2 * time.Second},
		"no wait, but numbers": {say("Try again later. 3 more requests are allowed per 60 s"), 0},
		"a limit, and no wait": {say("Limit 60 requests per minute reached"), 0},
		"without end":          {say("try again in 99999999 hours"), 24 * time.Hour},
		"a negative one":       {`{"retry_after":-3}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				return modeltest.Response(429, "application/json", test.body)
			})
			_, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
			if e := asError(t, err, model.RateLimit); e.RetryAfter != test.want {
				t.Errorf("wait %v, want %v", e.RetryAfter, test.want)
			}
		})
	}
}

// TestFormsAreForgotten asks again in the usual form after a while: an account may be allowed to stream by then.
func TestFormsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		streams := 0
		transport := roundTrip(func(r *http.Request) *http.Response {
			var body struct{ Stream bool }
			_ = json.NewDecoder(r.Body).Decode(&body)
			if body.Stream {
				streams++
				return response(400, `{"error":{"message":"no","param":"stream"}}`)
			}
			return response(200, `{"choices":[{"message":{"content":"fine"}}]}`)
		})
		client := newClient(t, "http://model.test", func(c *openai.Config) { c.HTTPClient = &http.Client{Transport: transport} })
		for range 3 {
			if _, err := model.Collect(client.Generate(t.Context(), ask("hi"))); err != nil {
				t.Fatal(err)
			}
		}
		if streams != 1 {
			t.Errorf("a stream was asked for %d times", streams)
		}
		time.Sleep(2 * time.Hour)
		if _, err := model.Collect(client.Generate(t.Context(), ask("hi"))); err != nil || streams != 2 {
			t.Errorf("after a while a stream was asked for %d times in all, %v", streams, err)
		}
	})
}

// TestRetryWaitsAsLongAsTheBodyAsks is the case of a limit per minute, from its refusal to the answer.
func TestRetryWaitsAsLongAsTheBodyAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		transport := roundTrip(func(*http.Request) *http.Response {
			calls++
			if time.Since(start) < 4*time.Second {
				refusal := modeltest.Recorded("07-wait-told-in-the-body")
				return response(refusal.Status, refusal.Body)
			}
			return response(200, `{"choices":[{"message":{"content":"Here."}}]}`)
		})
		client := newClient(t, "http://model.test", func(c *openai.Config) { c.HTTPClient = &http.Client{Transport: transport} })
		req := ask("hi")
		var attempts []model.Attempt
		req.Report = func(a model.Attempt) { attempts = append(attempts, a) }
		got, err := model.Collect(model.Retry(client).Generate(t.Context(), req))
		if err != nil || got.Text != "Here." || calls != 2 {
			t.Errorf("got %q, %v after %d calls", got.Text, err, calls)
		}
		if len(attempts) != 1 || !model.IsKind(attempts[0].Err, model.RateLimit) || attempts[0].Wait < 4*time.Second {
			t.Errorf("reported: %+v", attempts)
		}
	})
}

// roundTrip answers requests without a network, so that time can be virtual.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: readCloser{strings.NewReader(body)}}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
