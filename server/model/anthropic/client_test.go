package anthropic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/anthropic"
)

const testKey = "test-key-0123456789abcdef"

// newClient returns a client for url with the test's key and models; change adjusts the configuration.
func newClient(t *testing.T, url string, change func(*anthropic.Config)) *anthropic.Client {
	t.Helper()
	cfg := anthropic.Config{
		Name: "test", BaseURL: url, APIKey: testKey, SmallModel: "small", LargeModel: "large",
		Settings: anthropic.SettingNames{APIKey: "TEST_KEY", BaseURL: "TEST_URL", SmallModel: "TEST_SMALL", LargeModel: "TEST_LARGE"},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := anthropic.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func ask(prompt string) model.Request {
	return model.Request{Kind: model.TextLarge, Purpose: model.Raw, Prompt: prompt}
}

// generate asks a client that is answered by one script.
func generate(t *testing.T, script modeltest.Script) (model.Answer, error) {
	t.Helper()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return script })
	return model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
}

// stream is a response with the events of a stream, named by their types.
func stream(events ...string) modeltest.Script {
	return modeltest.Response(http.StatusOK, "text/event-stream; charset=utf-8", named(events...))
}

func named(events ...string) string {
	var body strings.Builder
	for _, data := range events {
		var e struct{ Type string }
		_ = json.Unmarshal([]byte(data), &e) // what is no JSON has no name
		fmt.Fprintf(&body, "event: %s\ndata: %s\n\n", e.Type, data)
	}
	return body.String()
}

// Events of a stream.
const (
	begin = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":200,"cache_read_input_tokens":1000,"output_tokens":1}}}`
	open  = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	shut  = `{"type":"content_block_stop","index":0}`
	ping  = `{"type":"ping"}`
	last  = `{"type":"message_stop"}`
)

func text(s string) string {
	quoted, _ := json.Marshal(s) // texts can always be encoded
	return `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":` + string(quoted) + `}}`
}

func stop(reason string) string {
	return `{"type":"message_delta","delta":{"stop_reason":"` + reason + `","stop_sequence":null},"usage":{"output_tokens":15}}`
}

func TestGenerateStreams(t *testing.T) {
	t.Parallel()
	gate, sent := make(chan struct{}), make(chan int, 2)
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		return modeltest.Script{Chunks: []string{"Hello ", "world"}, Gates: map[int]<-chan struct{}{1: gate}, Sent: sent,
			Usage: &modeltest.Usage{Input: 12, Output: 3, Cached: 8}}
	})
	var got []model.Chunk
	for chunk, err := range newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")) {
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
	long := model.Request{
		Kind: model.TextSmall, System: "Be brief.", Prompt: "Well?",
		Messages: []model.Message{{Role: model.RoleUser, Text: "a"}, {Role: model.RoleAssistant, Text: "b"}},
		Params: model.Params{MaxTokens: 50, Temperature: new(1.6), TopP: new(0.5), FrequencyPenalty: new(1.0), PresencePenalty: new(1.0),
			Stop: []string{"END", "\n"}},
		Tools: []model.Tool{{Name: "look", Description: "Looks.", Parameters: json.RawMessage(`{"type":"object"}`)}, {Name: "wait"}},
	}
	const keep = `,"cache_control":{"type":"ephemeral"}`
	block := func(text string) string { return `{"type":"text","text":"` + text + `"` }
	says := func(role string, blocks ...string) string {
		return `{"role":"` + role + `","content":[` + strings.Join(blocks, ",") + `]}`
	}
	for name, test := range map[string]struct {
		req  model.Request
		want string
	}{
		// Tools come before the system text in what is kept. Penalties are not spoken of, and the temperature is the highest.
		"everything": {long, `{"model":"small","max_tokens":50,"system":[` + block("Be brief.") + keep + `}],"messages":[` +
			says("user", block("a")+`}`) + `,` + says("assistant", block("b")+keep+`}`) + `,` + says("user", block("Well?")+`}`) + `],"stream":true,` +
			`"temperature":1,"top_p":0.5,"stop_sequences":["END"],"tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object"}},` +
			`{"name":"wait","input_schema":{"type":"object"}}]}`},
		"a prompt": {ask("hi"), `{"model":"large","max_tokens":16384,"messages":[` + says("user", block("hi")+`}`) + `],"stream":true}`},
		"tools, and no system text": {model.Request{Kind: model.TextLarge, Prompt: "hi", Tools: long.Tools[1:]},
			`{"model":"large","max_tokens":16384,"messages":[` + says("user", block("hi")+`}`) + `],"stream":true,"tools":[{"name":"wait","input_schema":{"type":"object"}` + keep + `}]}`},
		"one who speaks twice, and blank texts": {model.Request{Kind: model.TextLarge, System: " ", Prompt: "c", Messages: []model.Message{
			{Role: model.RoleUser, Text: "a"}, {Role: model.RoleUser, Text: "b"}, {Role: model.RoleAssistant, Text: " \n"}}},
			`{"model":"large","max_tokens":16384,"messages":[` + says("user", block("a")+`}`, block("b")+keep+`}`, block("c")+`}`) + `],"stream":true}`},
		"an assistant who begins": {model.Request{Kind: model.TextLarge, Prompt: "c", Messages: []model.Message{{Role: model.RoleAssistant, Text: "Hello"}}},
			`{"model":"large","max_tokens":16384,"messages":[` + says("user", block("…")+`}`) + `,` + says("assistant", block("Hello")+keep+`}`) + `,` + says("user", block("c")+`}`) + `],"stream":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Say("ok") })
			client := newClient(t, server.URL, func(c *anthropic.Config) { c.Headers = http.Header{"anthropic-beta": {"some"}} })
			if _, err := model.Collect(client.Generate(t.Context(), test.req)); err != nil {
				t.Fatal(err)
			}
			got := server.Requests()[0]
			if diff := cmp.Diff(test.want, string(got.Body)); diff != "" {
				t.Error(diff)
			}
			for header, want := range map[string]string{"X-Api-Key": testKey, "Anthropic-Version": "2023-06-01", "Anthropic-Beta": "some", "Authorization": ""} {
				if got := got.Header.Get(header); got != want {
					t.Errorf("%s: %q", header, got)
				}
			}
		})
	}
}

// TestGenerateFraming reads one answer, "Hi 😀 there.", in the forms in which the vendor and gateways send it, and each of them in
// one piece, in single bytes, and in pieces that end anywhere.
func TestGenerateFraming(t *testing.T) {
	t.Parallel()
	const whole = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Hi 😀 "},{"type":"text","text":"there."}],` +
		`"stop_reason":"end_turn","usage":{"input_tokens":7,"cache_creation_input_tokens":200,"cache_read_input_tokens":1000,"output_tokens":15}}`
	const raw = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}`
	usual := named(begin, open, ping, text("Hi 😀 "), text("there."), shut, stop("end_turn"), last)
	thinks := []string{
		`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"They greet me. text"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}`, shut,
		`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"EmwK"}}`, shut,
	}
	for name, body := range map[string]string{
		"as the vendor":             usual,
		"thoughts first":            named(append(append([]string{begin}, thinks...), open, text("Hi 😀 there."), shut, stop("end_turn"), last)...),
		"carriage returns":          strings.ReplaceAll(usual, "\n", "\r\n"),
		"comments between":          strings.ReplaceAll(usual, "\n\n", "\n\n: keep-alive\n\n"),
		"no names":                  strings.ReplaceAll(usual, "event: ", "id: "),
		"no blank lines":            strings.ReplaceAll(usual, "\n\n", "\n"),
		"two blocks":                named(begin, open, text("Hi 😀 "), shut, strings.ReplaceAll(open, `:0`, `:1`), text("there."), shut, stop("end_turn"), last),
		"text where a block begins": named(begin, strings.ReplaceAll(open, `"text":""`, `"text":"Hi "`), text("😀 there."), shut, stop("end_turn"), last),
		"new types of events":       named(begin, open, `{"type":"vibe","index":0}`, text("Hi 😀 "), `{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"x"}}}`, text("there."), shut, stop("end_turn"), last),
		"halves of an emoji":        named(begin, open, fmt.Sprintf(raw, `Hi \ud83d`), fmt.Sprintf(raw, `\ude00 there.`), shut, stop("end_turn"), last),
		"bytes of an emoji":         named(begin, open, fmt.Sprintf(raw, "Hi \xF0\x9F"), ping, fmt.Sprintf(raw, "\x98\x80 there."), shut, stop("end_turn"), last),
		"no last event":             named(begin, open, text("Hi 😀 there."), shut, stop("end_turn")),
		"an error after the end":    named(begin, open, text("Hi 😀 there."), shut, stop("end_turn"), `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`),
		"in one piece":              whole,
		"in one piece, over lines":  strings.ReplaceAll(whole, ",", ",\n\t"),
	} {
		for _, size := range []int{1 << 20, 1, 5, 97} {
			t.Run(fmt.Sprintf("%s, %d", name, size), func(t *testing.T) {
				t.Parallel()
				got, err := model.Collect(newClient(t, inPieces(t, body, size), nil).Generate(t.Context(), ask("hi")))
				want := model.Done{FinishReason: model.FinishStop, Model: "claude-x", Usage: model.Usage{InputTokens: 1207, OutputTokens: 15, CachedTokens: 1000}}
				if diff := cmp.Diff(want, got.Done); err != nil || got.Text != "Hi 😀 there." || diff != "" {
					t.Errorf("got %q, %v\n%s", got.Text, err, diff)
				}
			})
		}
	}
}

// inPieces answers with a stream in pieces of a size.
func inPieces(t *testing.T, body string, size int) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for rest := body; rest != ""; {
			n := min(size, len(rest))
			_, _ = w.Write([]byte(rest[:n])) // a client that left has no use for it
			_ = http.NewResponseController(w).Flush()
			rest = rest[n:]
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestGenerateEndings(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string]model.FinishReason{
		"end_turn": model.FinishStop, "stop_sequence": model.FinishStop, "something_new": model.FinishStop, "tool_use": model.FinishTools,
		"max_tokens": model.FinishLength, "model_context_window_exceeded": model.FinishLength, "pause_turn": model.FinishLength,
		"refusal": model.FinishFilter,
	} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			script := modeltest.Say("some words")
			script.Finish = wire
			got, err := generate(t, script)
			if err != nil || got.Text != "some words" || got.Done.FinishReason != want || !got.Done.Usage.Estimated {
				t.Errorf("%q, %+v, %v; want %s", got.Text, got.Done, err, want)
			}
		})
	}
	if got, err := generate(t, stream(begin, stop("refusal"), last)); err != nil || got.Text != "" || got.Done.FinishReason != model.FinishFilter {
		t.Errorf("a refusal without a word: %+v, %v", got, err)
	}
}

func TestGenerateToolCalls(t *testing.T) {
	t.Parallel()
	wants := func(index int, id, name, input string) string {
		return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":%q,"name":%q,"input":%s}}`, index, id, name, input)
	}
	piece := func(index int, json string) string {
		return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"input_json_delta","partial_json":%q}}`, index, json)
	}
	look := model.ToolCall{ID: "toolu_1", Name: "look", Arguments: `{"where":"up 😀"}`}
	wait := model.ToolCall{ID: "toolu_2", Name: "wait", Arguments: `{}`}
	for name, test := range map[string]struct {
		script modeltest.Script
		finish model.FinishReason
		want   []model.ToolCall
	}{
		"in pieces, after text": {stream(begin, open, text("I look."), shut, wants(1, "toolu_1", "look", "{}"), piece(1, ""), piece(1, `{"whe`), ping, piece(1, `re":"up 😀`), piece(1, `"}`), shut,
			wants(2, "toolu_2", "wait", "{}"), shut, stop("tool_use"), last), model.FinishTools, []model.ToolCall{look, wait}},
		"with its input at once": {stream(begin, wants(0, "toolu_1", "look", look.Arguments), shut, stop("tool_use"), last), model.FinishTools, []model.ToolCall{look}},
		"in one piece": {modeltest.Response(200, "application/json", `{"type":"message","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"look","input":`+look.Arguments+`}],"stop_reason":"tool_use"}`),
			model.FinishTools, []model.ToolCall{look}},
		"without an id":              {stream(begin, wants(0, "", "wait", "{}"), shut, stop("tool_use"), last), model.FinishTools, []model.ToolCall{{ID: "call_0", Name: "wait", Arguments: "{}"}}},
		"cut by the limit":           {stream(begin, wants(0, "toolu_2", "wait", "{}"), shut, wants(1, "toolu_1", "look", "{}"), piece(1, `{"where":"u`), shut, stop("max_tokens"), last), model.FinishLength, []model.ToolCall{wait}},
		"a tool of the vendor's own": {stream(begin, `{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}`, piece(0, `{"q":"x"}`), shut, stop("end_turn"), last), model.FinishStop, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := generate(t, test.script)
			if err != nil || got.Done.FinishReason != test.finish {
				t.Fatalf("%+v, %v", got, err)
			}
			if diff := cmp.Diff(test.want, got.Done.ToolCalls); diff != "" {
				t.Error(diff)
			}
		})
	}
	var many []string
	for i := range 1000 {
		many = append(many, wants(i, fmt.Sprint(i), "look", "{}"), shut)
	}
	if got, err := generate(t, stream(append(append([]string{begin}, many...), stop("tool_use"), last)...)); err != nil || len(got.Done.ToolCalls) != 128 {
		t.Errorf("of a thousand calls, %d are kept; %v", len(got.Done.ToolCalls), err)
	}
}

func TestGenerateFindsAModel(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Say("ok") })
	client := newClient(t, server.URL, func(c *anthropic.Config) { c.SmallModel, c.LargeModel = "", "" })
	got, err := model.Collect(client.Generate(t.Context(), ask("hi")))
	if err != nil || got.Done.Model != "test-model" || client.Model(model.TextSmall) != "test-model" {
		t.Errorf("model %q, then %q, %v", got.Done.Model, client.Model(model.TextSmall), err)
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
					cancel(reason) // nothing is yielded any more, whatever happens now
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

func TestNew(t *testing.T) {
	t.Parallel()
	if c, err := anthropic.New(anthropic.Config{}); err != nil || c.Name() != "anthropic" {
		t.Errorf("nothing set: %v", err)
	}
	for _, base := range []string{"ftp://host", "http://", "http://user:secret@ho st/"} {
		_, err := anthropic.New(anthropic.Config{BaseURL: base})
		if !model.IsKind(err, model.Config) || strings.Contains(err.Error(), "secret") {
			t.Errorf("base URL %q: %v", base, err)
		}
	}
	if _, err := anthropic.New(anthropic.Config{APIKey: "two words"}); !model.IsKind(err, model.Auth) {
		t.Errorf("key with a space: %v", err)
	}
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.RequestURI() }))
	t.Cleanup(server.Close)
	for base, want := range map[string]string{
		"": "/v1/messages", "/": "/v1/messages", "/v1": "/v1/messages", "/v1/": "/v1/messages", "/v1/messages": "/v1/messages", "/anthropic": "/anthropic/v1/messages", "/v1/acc/gw/anthropic/": "/v1/acc/gw/anthropic/v1/messages", "/v2": "/v2/messages",
		"/api/v1/messages/": "/api/v1/messages", "/x/v1?region=eu": "/x/v1/messages?region=eu",
	} {
		_, _ = model.Collect(newClient(t, server.URL+base, nil).Generate(t.Context(), ask("hi"))) // an empty answer is an error
		if asked != want {
			t.Errorf("base URL %q asks for %s, want %s", base, asked, want)
		}
	}
}

// TestGenerateShowsPictures: pictures come before the words about them, and an earlier message of the user keeps its mark.
func TestGenerateShowsPictures(t *testing.T) {
	t.Parallel()
	server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Say("fine") })
	client := newClient(t, server.URL, nil)
	_, err := model.Collect(client.Generate(t.Context(), model.Request{
		Kind: model.TextLarge, Messages: []model.Message{{Role: model.RoleUser, Text: "Look"}}, Prompt: "What is this?",
		Pictures: []model.Picture{{MediaType: "image/webp", Data: []byte("dots")}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `"messages":[{"role":"user","content":[{"type":"text","text":"Look","cache_control":{"type":"ephemeral"}},` +
		`{"type":"image","source":{"type":"base64","media_type":"image/webp","data":"ZG90cw=="}},{"type":"text","text":"What is this?"}]}]`
	if got := string(server.Requests()[0].Body); !strings.Contains(got, want) {
		t.Errorf("sent %s, want %s in it", got, want)
	}
}
