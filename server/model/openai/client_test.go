package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

const testKey = "test-key-0123456789abcdef"

// newClient returns a client for url with the test's key and models; change adjusts the configuration.
func newClient(t *testing.T, url string, change func(*openai.Config)) *openai.Client {
	t.Helper()
	cfg := openai.Config{
		Name: "test", BaseURL: url, APIKey: testKey, SmallModel: "small", LargeModel: "large",
		Settings: openai.SettingNames{APIKey: "TEST_KEY", BaseURL: "TEST_URL", SmallModel: "TEST_SMALL", LargeModel: "TEST_LARGE"},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := openai.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func ask(prompt string) model.Request {
	return model.Request{Kind: model.TextLarge, Purpose: model.Raw, Prompt: prompt}
}

// serve answers every request with one body.
func serve(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestGenerateStreams(t *testing.T) {
	t.Parallel()
	gate, sent := make(chan struct{}), make(chan int, 2)
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Script{Chunks: []string{"Hello ", "world"}, Gates: map[int]<-chan struct{}{1: gate}, Sent: sent,
			Usage: &modeltest.Usage{Input: 12, Output: 3, Cached: 8}}
	})
	client := newClient(t, server.URL, nil)

	var got []model.Chunk
	for chunk, err := range client.Generate(t.Context(), ask("hi")) {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			close(gate) // the second chunk is written only after the first was seen
		}
		got = append(got, chunk)
	}
	want := []model.Chunk{{Text: "Hello "}, {Text: "world"}, {Done: &model.Done{FinishReason: model.FinishStop, Model: "large",
		Usage: model.Usage{InputTokens: 12, OutputTokens: 3, CachedTokens: 8}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGenerateSendsTheRequest(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Say("ok") })
	client := newClient(t, server.URL, func(c *openai.Config) { c.Headers = http.Header{"x-title": {"elizad"}} })
	req := model.Request{
		Kind: model.TextSmall, System: "Be brief.", Prompt: "Well?",
		Messages: []model.Message{{Role: model.RoleUser, Text: "a"}, {Role: model.RoleAssistant, Text: "b"}},
		Params:   model.Params{MaxTokens: 50, Temperature: new(0.0), Stop: []string{"END"}},
		Tools:    []model.Tool{{Name: "look", Description: "Looks.", Parameters: json.RawMessage(`{"type":"object"}`)}},
	}
	if _, err := model.Collect(client.Generate(t.Context(), req)); err != nil {
		t.Fatal(err)
	}
	got := server.Requests()[0]
	if auth, title := got.Header.Get("Authorization"), got.Header.Get("X-Title"); auth != "Bearer "+testKey || title != "elizad" {
		t.Errorf("headers: Authorization %q, X-Title %q", auth, title)
	}
	want := `{"model":"small","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"a"},` +
		`{"role":"assistant","content":"b"},{"role":"user","content":"Well?"}],"stream":true,"stream_options":{"include_usage":true},` +
		`"max_tokens":50,"temperature":0,"stop":["END"],` +
		`"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}}]}`
	if diff := cmp.Diff(want, string(got.Body)); diff != "" {
		t.Error(diff)
	}
}

func TestGenerateDialects(t *testing.T) {
	t.Parallel()
	const stream, complete = "text/event-stream", "application/json"
	long := strings.Repeat("x", 900_000)
	tests := map[string]struct {
		contentType, body string
		text              string
		finish            model.FinishReason
	}{
		"carriage returns and comments": {stream, ": keep-alive\r\nevent: message\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n: x\r\n\r\n" +
			"data:{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}]}\r\n\r\ndata: [DONE]\r\n\r\n", "ab", model.FinishLength},
		"no blank lines": {stream, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\ndata: [DONE]\n",
			"ab", model.FinishStop},
		"event over two lines": {stream, "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n", "a", model.FinishStop},
		"no marker, no last newline": {stream, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
			"a", model.FinishStop},
		"a line just under the limit": {stream, "data: {\"choices\":[{\"delta\":{\"content\":\"" + long + "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
			long, model.FinishStop},
		"reasoning is not text": {stream, "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hmm\",\"content\":null}}]}\n\n" +
			"data: {\"choices\":[{\"delta\":{\"reasoning\":\"hmm\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
			"yes", model.FinishStop},
		"content in parts": {stream, "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[]},{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":\"stop\"}]}\n\n",
			"a", model.FinishStop},
		"garbage after the end": {stream, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: oops\n\n", "a", model.FinishStop},
		"whole though a stream was asked for": {complete, `{"choices":[{"message":{"role":"assistant","content":"a b"},"finish_reason":"content_filter"}]}`,
			"a b", model.FinishFilter},
		"a refusal is the answer": {complete, `{"choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}`, "No.", model.FinishStop},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, http.StatusOK, test.contentType, test.body), nil)
			got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
			if err != nil || got.Text != test.text || got.Done.FinishReason != test.finish {
				t.Errorf("got %.80q, %s, %v", got.Text, got.Done.FinishReason, err)
			}
			if !got.Done.Usage.Estimated || got.Done.Usage.InputTokens == 0 || got.Done.Usage.OutputTokens == 0 {
				t.Errorf("usage isn't estimated: %+v", got.Done.Usage)
			}
			if got.Done.Model != "large" {
				t.Errorf("model %q", got.Done.Model)
			}
		})
	}
}

func TestGenerateWithoutStreaming(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Say("one two") })
	client := newClient(t, server.URL, func(c *openai.Config) { c.NoStream = true })
	got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
	if err != nil || got.Text != "one two" || got.Done.FinishReason != model.FinishStop {
		t.Errorf("got %+v, %v", got, err)
	}
	if server.Requests()[0].Stream {
		t.Error("a stream was asked for")
	}
}

func TestGenerateToolCalls(t *testing.T) {
	t.Parallel()
	event := func(calls string) string {
		return "data: {\"choices\":[{\"delta\":{\"tool_calls\":[" + calls + "]}}]}\n\n"
	}
	const end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"
	tests := map[string]struct {
		body string
		want []model.ToolCall
	}{
		"in pieces": {event(`{"index":0,"id":"a","type":"function","function":{"name":"look","arguments":""}}`) +
			event(`{"index":0,"function":{"arguments":"{\"x\":"}}`) + event(`{"index":1,"id":"b","function":{"name":"run","arguments":"{}"}}`) +
			event(`{"index":0,"function":{"arguments":"1}"}}`),
			[]model.ToolCall{{ID: "a", Name: "look", Arguments: `{"x":1}`}, {ID: "b", Name: "run", Arguments: "{}"}}},
		"whole, all numbered 0": {event(`{"index":0,"id":"a","function":{"name":"look","arguments":"{}"}}`) +
			event(`{"index":0,"id":"b","function":{"name":"look","arguments":"{}"}}`),
			[]model.ToolCall{{ID: "a", Name: "look", Arguments: "{}"}, {ID: "b", Name: "look", Arguments: "{}"}}},
		"no index, no id": {event(`{"function":{"name":"look","arguments":"{\"x\""}}`) + event(`{"function":{"arguments":":2}"}}`) +
			event(`{"function":{"name":"run","arguments":{"y":3}}}`),
			[]model.ToolCall{{ID: "call_0", Name: "look", Arguments: `{"x":2}`}, {ID: "call_1", Name: "run", Arguments: `{"y":3}`}}},
		"id repeated in every piece": {event(`{"id":"a","function":{"name":"look","arguments":"{"}}`) + event(`{"id":"a","function":{"name":"look","arguments":"}"}}`),
			[]model.ToolCall{{ID: "a", Name: "look", Arguments: "{}"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, http.StatusOK, "text/event-stream", test.body+end), nil)
			got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
			if err != nil || got.Done.FinishReason != model.FinishTools {
				t.Fatalf("%+v, %v", got, err)
			}
			if diff := cmp.Diff(test.want, got.Done.ToolCalls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGenerateLeavesOutRefusedParameters(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(req modeltest.Request) modeltest.Script {
		var body map[string]any
		_ = json.Unmarshal(req.Body, &body)
		switch {
		case body["max_tokens"] != nil:
			return modeltest.Script{Status: 400, Body: `{"error":{"message":"Unsupported parameter","param":"max_tokens","code":"unsupported_parameter"}}`}
		case body["stream_options"] != nil:
			return modeltest.Script{Status: 422, Body: `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}}`}
		case body["max_completion_tokens"] != 9.0:
			return modeltest.Fail(500, "the limit was lost")
		}
		return modeltest.Say("fine")
	})
	req := ask("hi")
	req.Params = model.Params{MaxTokens: 9, Temperature: new(0.5)}
	got, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), req))
	if err != nil || got.Text != "fine" || len(server.Requests()) != 3 {
		t.Errorf("got %q, %v after %d requests", got.Text, err, len(server.Requests()))
	}
}

func TestGenerateFindsAModel(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Say("ok") })
	client := newClient(t, server.URL, func(c *openai.Config) { c.SmallModel, c.LargeModel = "", "" })
	got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
	if err != nil || got.Done.Model != "test-model" || client.Model(model.TextSmall) != "test-model" {
		t.Errorf("model %q, then %q, %v", got.Done.Model, client.Model(model.TextSmall), err)
	}

	empty := serve(t, http.StatusOK, "application/json", `{"data":[{"id":"nomic-embed-text"}]}`)
	client = newClient(t, empty, func(c *openai.Config) { c.SmallModel, c.LargeModel = "", "" })
	if _, err = model.Collect(client.Generate(t.Context(), ask("hi"))); !model.IsKind(err, model.Config) {
		t.Errorf("no text model: %v", err)
	}
}

func TestGenerateCancel(t *testing.T) {
	t.Parallel()
	reason := errors.New("superseded")
	for _, stop := range []string{"by the context", "by the reader"} {
		t.Run(stop, func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{})
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				return modeltest.Script{Chunks: []string{"one"}, Ending: modeltest.Hang, Left: left}
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var err error
			for _, e := range newClient(t, server.URL, nil).Generate(ctx, ask("hi")) {
				if stop == "by the reader" {
					break
				}
				cancel(reason)
				err = e
			}
			if stop == "by the context" && !errors.Is(err, reason) {
				t.Errorf("the error is %v", err)
			}
			select {
			case <-left:
			case <-time.After(2 * time.Minute):
				t.Error("the request was not cancelled")
			}
		})
	}
}
