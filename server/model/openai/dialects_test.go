package openai_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/model"
)

// TestGenerateRecordedAnswers reads recorded responses of endpoints, byte by byte.
func TestGenerateRecordedAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		chunks []string
		finish model.FinishReason
	}{
		"03-emoji-in-two-halves":       {[]string{"Nice ", "😀", " day"}, model.FinishStop},
		"05-model-that-may-not-stream": {[]string{"<response><thought>t</thought><actions>REPLY</actions><text>Unstreamed, but here.</text></response>"}, model.FinishStop},
		"06-blank-data-lines":          {[]string{"<response><thought>t</th", "ought><actions>REPLY</ac", "tions><text>Still here.<", "/text></response>"}, model.FinishStop},
		"08-whole-message-at-the-end":  {[]string{"Only onc", "e, pleas", "e."}, model.FinishStop},
		"09-only-thoughts-came":        {nil, model.FinishLength},
		"04-stream-under-another-type": {[]string{"<response><thought>t", "</thought><actions>R", "EPLY</actions><text>", "Streamed under a JSO", "N type.</text></resp", "onse>"}, model.FinishStop},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Recorded(name) })
			var chunks []string
			var done *model.Done
			for chunk, err := range newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")) {
				if err != nil {
					t.Fatal(err)
				}
				if chunk.Text != "" {
					chunks = append(chunks, chunk.Text)
				}
				done = chunk.Done
			}
			if diff := cmp.Diff(test.chunks, chunks); diff != "" || done == nil || done.FinishReason != test.finish {
				t.Errorf("end %+v, chunks (-want +got):\n%s", done, diff)
			}
		})
	}
}

// TestGenerateFraming reads one answer, "Hi 😀 there.", in the forms in which endpoints and gateways send it.
func TestGenerateFraming(t *testing.T) {
	t.Parallel()
	const (
		sse      = "text/event-stream"
		plain    = "application/json"
		begin    = `data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"Hi 😀 "}}]}` + "\n\n"
		rest     = `data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"there."},"finish_reason":"stop"}]}` + "\n\n"
		done     = "data: [DONE]\n\n"
		complete = `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi 😀 there."},"finish_reason":"stop"}]}`
	)
	delta := func(content string) string {
		return `data: {"choices":[{"delta":{"content":` + content + `}}]}` + "\n\n"
	}
	tests := map[string]struct{ contentType, body string }{
		"stream under text/plain":                  {"text/plain; charset=utf-8", begin + rest + done},
		"stream under no type":                     {"", begin + rest + done},
		"stream under octet-stream":                {"application/octet-stream", begin + rest + done},
		"stream under NDJSON":                      {"application/x-ndjson", begin + rest + done},
		"whole under a stream's type":              {sse, complete},
		"whole under no type":                      {"", complete},
		"whole after a byte order mark":            {plain, "\uFEFF" + complete},
		"whole after keep-alive spaces":            {plain, "\n \n  \n" + complete}, // as OpenRouter and DeepSeek keep a stream alive
		"whole over many lines":                    {plain, strings.ReplaceAll(complete, ",", ",\n\t")},
		"whole in a list":                          {plain, "[" + complete + "]"},
		"one JSON value a line":                    {"application/x-ndjson", strings.ReplaceAll(begin+rest, "data: ", "")},
		"chunks in a list":                         {plain, "[" + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(begin+rest), "data: ", ""), "\n\n", ",") + "]"},
		"values in a stream without a field name":  {sse, ": hello\n\n" + strings.ReplaceAll(begin+rest, "data: ", "") + done},
		"stream after a byte order mark":           {sse, "\uFEFF" + begin + rest + done},
		"stream after blank lines":                 {sse, "\r\n\r\n" + begin + rest + done},
		"comments, retry and id":                   {sse, ": OPENROUTER PROCESSING\n\nretry: 3000\nid: 1\n" + begin + ": OPENROUTER PROCESSING\n\n" + rest + done},
		"carriage returns alone":                   {sse, strings.ReplaceAll(begin+rest+done, "\n", "\r")},
		"blank data, with and without space":       {sse, "data:\n\n" + begin + "data: \n\ndata:   \n\n" + rest + done},
		"named pings":                              {sse, "event: ping\ndata: {\"type\":\"ping\"}\n\n" + begin + "event: keepalive\ndata: {}\n\n" + rest + done},
		"pings in words":                           {sse, "data: ping\n\n" + begin + "data: keep-alive\n\ndata: \"heartbeat\"\n\ndata: null\n\n" + rest + done},
		"filter results first (Azure)":             {sse, `data: {"id":"","object":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}` + "\n\n" + begin + rest + done},
		"events of another API between":            {sse, `data: {"type":"response.created","response":{}}` + "\n\n" + begin + `data: {"conversation_id":"x"}` + "\n\n" + rest + done},
		"a progress report (llama.cpp)":            {sse, `data: {"choices":[],"object":"chat.completion.chunk","model":"m","prompt_progress":{"total":9}}` + "\n\n" + begin + rest + done},
		"usage after the end":                      {sse, begin + rest + `data: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}` + "\n\n" + done},
		"no blank lines and named events":          {sse, "event: chunk\n" + strings.ReplaceAll(begin+"event: chunk\n"+rest+done, "\n\n", "\n")},
		"whole message as the last chunk":          {sse, begin + `data: {"choices":[{"delta":{"content":"there."}}]}` + "\n\ndata: " + complete + "\n\n" + done},
		"the same, trimmed, in a chunk":            {sse, begin + delta(`"there."`) + `data: {"object":"chat.completion.chunk","choices":[{"message":{"content":" Hi 😀 there.\n"},"finish_reason":"stop"}]}` + "\n\n"},
		"delta and message in each chunk":          {sse, `data: {"choices":[{"delta":{"content":"Hi 😀 "},"message":{"content":"Hi 😀 "}}]}` + "\n\n" + `data: {"choices":[{"delta":{"content":"there."},"message":{"content":"Hi 😀 there."},"finish_reason":"stop"}]}` + "\n\n"},
		"pieces called messages":                   {sse, strings.ReplaceAll(begin+rest, "delta", "message") + done},
		"pieces called text":                       {sse, `data: {"choices":[{"text":"Hi 😀 "}]}` + "\n\n" + `data: {"choices":[{"text":"there.","finish_reason":"stop"}]}` + "\n\n"},
		"content in parts":                         {sse, delta(`[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]`) + delta(`[{"type":"text","text":"Hi 😀 "},"there"]`) + delta(`{"type":"output_text","text":"."}`) + done},
		"halves of an emoji in two chunks":         {sse, delta(`"Hi \ud83d"`) + delta(`"\ude00 there."`) + done},
		"halves, capital digits, an empty between": {sse, delta(`"Hi \uD83D"`) + delta(`""`) + delta(`null`) + delta(`"\uDE00 there."`) + done},
		"the bytes of an emoji in two chunks":      {sse, delta("\"Hi \xF0\x9F\"") + delta("\"\x98\x80 there.\"") + done},
		"one byte a chunk":                         {sse, delta("\"Hi \xF0\"") + delta("\"\x9F\"") + delta("\"\x98\"") + delta("\"\x80 there.\"") + done},
		"escapes beside a pair":                    {sse, delta(`"\u0048i \ud83d\ude00\u0020there\u002e"`) + done},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				return modeltest.Response(http.StatusOK, test.contentType, test.body)
			})
			got, err := model.Collect(newClient(t, server.URL, nil).Generate(t.Context(), ask("hi")))
			if want := "Hi 😀 there."; err != nil || got.Text != want || got.Done.FinishReason != model.FinishStop {
				t.Errorf("got %q, %s, %v", got.Text, got.Done.FinishReason, err)
			}
		})
	}
}

func TestGenerateLoneHalves(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ contents, want string }{
		"at the end":          {`"a\ud83d"`, "a\uFFFD"},
		"no second half":      {`"a\ud83d" "b"`, "a\uFFFDb"},
		"no first half":       {`"\ude00a"`, "\uFFFDa"},
		"the wrong way round": {`"\ude00" "\ud83d" "a"`, "\uFFFD\uFFFDa"},
		"two firsts":          {`"\ud83d" "\ud83d" "\ude00"`, "\uFFFD😀"},
		"bytes of nothing":    {"\"a\xFFb\"", "a\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body strings.Builder
			for content := range strings.FieldsSeq(test.contents) {
				body.WriteString(`data: {"choices":[{"delta":{"content":` + content + `}}]}` + "\n\n")
			}
			client := newClient(t, serve(t, http.StatusOK, "text/event-stream", body.String()+"data: [DONE]\n\n"), nil)
			if got, err := model.Collect(client.Generate(t.Context(), ask("hi"))); err != nil || got.Text != test.want {
				t.Errorf("got %q, %v", got.Text, err)
			}
		})
	}
}

func TestGenerateEndings(t *testing.T) {
	t.Parallel()
	event := func(finish string) string {
		return `data: {"choices":[{"delta":{"content":"half"},"finish_reason":"` + finish + `"}]}` + "\n\ndata: [DONE]\n\n"
	}
	for wire, want := range map[string]model.FinishReason{
		"stop": model.FinishStop, "end_turn": model.FinishStop, "eos": model.FinishStop, "STOP": model.FinishStop,
		"length": model.FinishLength, "MAX_TOKENS": model.FinishLength, "model_context_window_exceeded": model.FinishLength,
		"content_filter": model.FinishFilter, "SAFETY": model.FinishFilter, "content_filter: PROHIBITED_CONTENT": model.FinishFilter,
		"refusal": model.FinishFilter, "sensitive": model.FinishFilter, "RECITATION": model.FinishFilter,
	} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			got, err := model.Collect(newClient(t, serve(t, http.StatusOK, "text/event-stream", event(wire)), nil).Generate(t.Context(), ask("hi")))
			if err != nil || got.Done.FinishReason != want {
				t.Errorf("%s, %v; want %s", got.Done.FinishReason, err, want)
			}
		})
	}
	for _, wire := range []string{"error", "insufficient_system_resource", "network_error", "abort"} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			got, err := model.Collect(newClient(t, serve(t, http.StatusOK, "text/event-stream", event(wire)), nil).Generate(t.Context(), ask("hi")))
			if e := asError(t, err, model.Unavailable); !e.Retryable() || got.Text != "half" {
				t.Errorf("text %q, error %v", got.Text, e)
			}
		})
	}
}

func TestGenerateErrorsInStreams(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		kind model.ErrorKind
		says string
	}{
		"a field of its own (llama.cpp)": {`error: {"code":500,"message":"slot unavailable","type":"server_error"}` + "\n\n", model.Unavailable, "slot unavailable"},
		"a named event":                  {"event: error\ndata: {\"message\":\"too busy\",\"code\":429}\n\n", model.RateLimit, "too busy"},
		"a named event in words":         {"event: error\ndata: upstream gone\n\n", model.Unavailable, "upstream gone"},
		"of another API (Anthropic)":     {`data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}` + "\n\n", model.Unavailable, "Overloaded"},
		"a bare value (gateways)":        {`{"error":{"message":"quota","code":429}}` + "\n", model.RateLimit, "quota"},
		"a list (Google)":                {`[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]`, model.Unavailable, "overloaded"},
		"heartbeats, then nothing":       {": ping\n\ndata: ping\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n", model.Unavailable, "empty"},
		"only events of another API":     {"event: message_start\ndata: {\"type\":\"message_start\"}\n\n", model.Protocol, "TEST_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := model.Collect(newClient(t, serve(t, http.StatusOK, "text/event-stream", test.body), nil).Generate(t.Context(), ask("hi")))
			if e := asError(t, err, test.kind); !strings.Contains(e.Message, test.says) {
				t.Errorf("message %q", e.Message)
			}
		})
	}
}
