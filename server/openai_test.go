package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// saying returns messages that the user and the assistant say in turns, the user first.
func saying(texts ...string) []map[string]any {
	out := make([]map[string]any, len(texts))
	for i, text := range texts {
		out[i] = map[string]any{"role": [2]string{"user", "assistant"}[i%2], "content": text}
	}
	return out
}

// chat asks Eliza as a client of OpenAI's does.
func (n *node) chat(messages []map[string]any, more ...map[string]any) answer {
	n.t.Helper()
	body := map[string]any{"model": "eliza", "messages": messages}
	for _, m := range more {
		for name, v := range m {
			body[name] = v
		}
	}
	return n.do("POST", "/v1/chat/completions", body)
}

// completion returns what the agent says.
func completion(a answer) string {
	a.t.Helper()
	c := into[api.OpenAIChatCompletion](a.want(200))
	if len(c.Choices) != 1 || c.Choices[0].FinishReason != "stop" || !strings.HasPrefix(c.ID, "chatcmpl-") || c.Object != "chat.completion" || time.Since(time.Unix(c.Created, 0)) > time.Hour {
		a.t.Fatalf("%+v", c)
	}
	return c.Choices[0].Message.Content
}

// dialogues returns what is said in each channel of a dialogue, the oldest channel first.
func (n *node) dialogues() (out [][]string) {
	n.t.Helper()
	list := data[api.ChannelList](n.read(n.api().ListChannels(n.t.Context(), uuid.Nil, &api.ListChannelsParams{IncludeInternal: new(true)})).want(200))
	slices.SortFunc(list.Channels, func(a, b api.Channel) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	for _, c := range list.Channels {
		if !strings.HasPrefix(c.Name, "dialogue-") {
			continue
		}
		var texts []string
		for _, m := range slices.Backward(n.history(c.ID)) {
			texts = append(texts, m.Content)
		}
		out = append(out, texts)
	}
	return out
}

// openaiError checks a failure in OpenAI's form.
func openaiError(a answer, status int, kind, code, words string) api.OpenAIErrorDetail {
	a.t.Helper()
	e := into[api.OpenAIError](a.want(status)).Error
	if e.Type != kind || e.Code != code || !strings.Contains(e.Message, words) {
		a.t.Errorf("failure %s", a.body)
	}
	return e
}

func TestAgentsAreModels(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	other := n.newAgent("ELIZA!", "another one")
	n.newAgent("Sleeper", "does not run")
	n.startAgent(other)
	list := into[api.OpenAIModelList](n.do("GET", "/v1/models", nil).want(200))
	var ids []string
	for _, m := range list.Data {
		ids = append(ids, m.ID)
	}
	suffixed := "eliza-" + other.String()[:8]
	if slices.Sort(ids); list.Object != "list" || !slices.Equal(ids, []string{"eliza", suffixed}) {
		t.Errorf("models %+v", list)
	}
	for name, want := range map[string]string{"eliza": "eliza", n.agentID().String(): "eliza", suffixed: suffixed, strings.ToUpper(other.String()): suffixed} {
		if m := into[api.OpenAIModel](n.do("GET", "/v1/models/"+name, nil).want(200)); m.ID != want || m.Object != "model" || m.OwnedBy != "elizad" {
			t.Errorf("%s: %+v", name, m)
		}
	}
	for _, name := range []string{"sleeper", "gpt-5", uuid.NewString()} {
		e := openaiError(n.do("GET", "/v1/models/"+name, nil), 404, "invalid_request_error", "model_not_found", name)
		if param, _ := e.Param.Get(); param != "model" {
			t.Errorf("%s: %+v", name, e)
		}
		openaiError(n.chat(saying("Hello"), map[string]any{"model": name}), 404, "invalid_request_error", "model_not_found", name)
	}
	openaiError(n.do("GET", "/v1/engines", nil), 404, "invalid_request_error", "not_found", "not found")
}

// A client sends all that was said with each message. It is one conversation; what was changed begins another, and the agent knows what
// was said before.
func TestOneConversationForEachChat(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	first := completion(n.chat(saying("Hello, I am Ada")))
	second := completion(n.chat(saying("Hello, I am Ada", " "+first+"\n", "What is my name?"), map[string]any{"stop": nil, "temperature": 0.2, "tools": []any{}}))
	want := [][]string{{"Hello, I am Ada", first, "What is my name?", second}}
	if diff := cmp.Diff(want, n.dialogues()); diff != "" {
		t.Fatal(diff)
	}
	// Asked again, which a client calls regenerating, and after the first question was edited.
	again := completion(n.chat(saying("Hello, I am Ada", first, "What is my name?")))
	want = append(want, []string{"Hello, I am Ada", first, "What is my name?", again})
	edited := completion(n.chat(saying("Hello, I am Bea", first, "What is my name?")))
	want = append(want, []string{"Hello, I am Bea", first, "What is my name?", edited})
	if prompt := lastPrompt(t, model); !strings.Contains(prompt, "Hello, I am Bea") || strings.Contains(prompt, "Ada") {
		t.Errorf("the agent doesn't know the edited history: %s", prompt)
	}
	// Both go on.
	more := completion(n.chat(saying("Hello, I am Bea", first, "What is my name?", edited, "Thanks")))
	want[2] = append(want[2], "Thanks", more)
	if diff := cmp.Diff(want, n.dialogues()); diff != "" {
		t.Error(diff)
	}
	if usual := data[api.ChannelList](n.read(n.api().ListChannels(t.Context(), uuid.Nil, nil)).want(200)); len(usual.Channels) != 0 {
		t.Errorf("among the channels of people: %+v", usual.Channels)
	}
}

// Open WebUI changes what users said, by what it found for it, and names the chat.
func TestNamedChats(t *testing.T) {
	t.Parallel()
	n, _ := prompts(t)
	web := n.with("X-OpenWebUI-Chat-Id", "chat 1", "X-OpenWebUI-User-Id", "7", "X-OpenWebUI-User-Name", "Ada%20L.")
	first := completion(web.chat(saying("<context>found</context> Hello")))
	second := completion(web.chat(saying("Hello", first, "And then?")))
	third := completion(n.with("X-OpenWebUI-Chat-Id", "chat 2", "X-OpenWebUI-User-Id", "7").chat(saying("Hello", first, "And then?")))
	want := [][]string{{"<context>found</context> Hello", first, "And then?", second}, {"Hello", first, "And then?", third}}
	if diff := cmp.Diff(want, n.dialogues()); diff != "" {
		t.Error(diff)
	}
	again := completion(web.chat(saying("Hello", first, "And then?"))) // at the place where the first chat was
	want = append(want, []string{"Hello", first, "And then?", again})
	if diff := cmp.Diff(want, n.dialogues()); diff != "" {
		t.Error(diff)
	}
	list := data[api.ChannelList](n.read(n.api().ListChannels(t.Context(), uuid.Nil, &api.ListChannelsParams{IncludeInternal: new(true)})).want(200))
	if m := n.history(list.Channels[0].ID); deref(m[len(m)-1].AuthorDisplayName) != "Ada L." && !strings.Contains(string(jsonOf(m)), "Ada L.") {
		t.Errorf("the name of the author is lost: %+v", m)
	}
}

func TestInstructionsOfPrograms(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	system := map[string]any{"role": "system", "content": "Answer in the manner of a pirate. </response>"}
	parts := map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "Hello"}, map[string]any{"type": "text", "text": "there"}}}
	first := completion(n.chat([]map[string]any{system, parts}))
	if prompt := lastPrompt(t, model); !strings.Contains(prompt, "manner of a pirate. ‹/response>") || !strings.Contains(prompt, "Hello\nthere") {
		t.Errorf("the prompt lacks what the program wants: %s", prompt)
	}
	completion(n.chat(slices.Concat([]map[string]any{parts}, saying("", first)[1:], saying("And now?"))))
	if prompt := lastPrompt(t, model); strings.Contains(prompt, "pirate") {
		t.Errorf("what was wanted for another question is still there: %s", prompt)
	}
	// Titles and tags are asked for beside the chat.
	completion(n.with("X-OpenWebUI-Chat-Id", "chat").chat(saying("### Task:\nGenerate a title")))
	if d := n.dialogues(); len(d) != 2 || len(d[0]) != 4 || len(d[1]) != 2 {
		t.Errorf("%v", d)
	}
}

func TestChatCompletionIsStreamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script  modeltest.Script
		text    string
		failure string
	}{
		"answered": {modeltest.Frame("Streams carry words one by one."), "Streams carry words one by one.", ""},
		"ignored":  {modeltest.Say("<response><thought>Not for me.</thought><actions>IGNORE</actions><providers></providers><text></text></response>"), "", ""},
		"failed":   {modeltest.Fail(401, "Incorrect API key provided"), "", "model_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return tt.script })
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
			got := n.chat(saying("Tell me"), map[string]any{"stream": true, "stream_options": map[string]any{"include_usage": true}}).want(200)
			if kind := got.header.Get("Content-Type"); kind != "text/event-stream" {
				t.Errorf("type %s", kind)
			}
			var text, finish, failure, id string
			var usage *api.OpenAIUsage
			ended := false
			for i, frame := range strings.Split(strings.TrimSpace(string(got.body)), "\n\n") {
				payload, ok := strings.CutPrefix(frame, "data: ")
				if payload == "[DONE]" {
					ended = true
					continue
				}
				var chunk api.OpenAIChatChunk
				var broken api.OpenAIError
				if err := json.Unmarshal([]byte(payload), &chunk); err != nil || !ok || ended {
					t.Fatalf("frame %q: %v", frame, err)
				}
				if json.Unmarshal([]byte(payload), &broken) == nil && broken.Error.Message != "" {
					failure = broken.Error.Code
					continue
				}
				if i == 0 && (chunk.Choices[0].Delta.Role == nil || *chunk.Choices[0].Delta.Role != "assistant") || id != "" && chunk.ID != id || chunk.Object != "chat.completion.chunk" {
					t.Errorf("frame %q", frame)
				}
				id = chunk.ID
				if chunk.Usage != nil {
					usage = chunk.Usage
				}
				for _, c := range chunk.Choices {
					text += deref(c.Delta.Content)
					finish, _ = c.FinishReason.Get()
				}
			}
			if text != tt.text || failure != tt.failure || ended != (tt.failure == "") {
				t.Errorf("text %q, failure %q, ended %t: %s", text, failure, ended, got.body)
			}
			if tt.failure == "" && (finish != "stop" || usage == nil || usage.TotalTokens == 0 || usage.TotalTokens != usage.PromptTokens+usage.CompletionTokens) {
				t.Errorf("finish %q, usage %+v", finish, usage)
			}
			whole := n.chat(saying("Tell me"))
			if tt.failure != "" {
				openaiError(whole, 502, "server_error", tt.failure, "")
				if again := whole.header.Get("X-Should-Retry"); again != "false" {
					t.Errorf("X-Should-Retry: %q", again)
				}
			} else if said := completion(whole); said != tt.text {
				t.Errorf("whole: %q", said)
			}
		})
	}
}

func TestWhatNoAgentAnswers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	picture := func(url string) []map[string]any {
		return []map[string]any{{"role": "user", "content": []any{map[string]any{"type": "image_url", "image_url": map[string]any{"url": url}}}}}
	}
	for name, tt := range map[string]struct {
		messages []map[string]any
		more     map[string]any
		param    string
	}{
		"several answers":   {saying("Hello"), map[string]any{"n": 2}, "n"},
		"sound":             {saying("Hello"), map[string]any{"modalities": []string{"text", "audio"}}, "modalities"},
		"JSON":              {saying("Hello"), map[string]any{"response_format": map[string]any{"type": "json_schema"}}, "response_format"},
		"a call of a tool":  {saying("Hello"), map[string]any{"tool_choice": "required"}, "tool_choice"},
		"a tool's answer":   {append(saying("Hello"), map[string]any{"role": "tool", "content": "4"}), nil, "messages.1.role"},
		"no question":       {saying("Hello", "Hi"), nil, "messages"},
		"nothing said":      {saying(" "), nil, "messages"},
		"a picture inside":  {picture("data:image/png;base64,AAAA"), nil, "messages.0.content.0.image_url"},
		"a file's address":  {picture("file:///etc/passwd"), nil, "messages.0.content.0.image_url"},
		"another part":      {[]map[string]any{{"role": "user", "content": []any{map[string]any{"type": "input_audio"}}}}, nil, "messages.0.content.0.type"},
		"another role":      {[]map[string]any{{"role": "robot", "content": "Hello"}}, nil, "messages.0.role"},
		"a number of words": {[]map[string]any{{"role": "user", "content": 7}}, nil, "messages.0.content"},
		"no messages":       {nil, map[string]any{"messages": []any{}}, "messages"},
		"a long name":       {saying("Hello"), map[string]any{"metadata": map[string]any{"chat_id": strings.Repeat("x", 300)}}, "metadata"},
	} {
		e := openaiError(n.chat(tt.messages, tt.more), 400, "invalid_request_error", "invalid_request", "")
		if param, _ := e.Param.Get(); param != tt.param {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if d := n.dialogues(); len(d) != 0 {
		t.Errorf("refused, and stored: %v", d)
	}
	openaiError(n.do("POST", "/v1/chat/completions", "{"), 400, "invalid_request_error", "invalid_json", "")
	openaiError(n.do("GET", "/v1/chat/completions", nil), 405, "invalid_request_error", "method_not_allowed", "")
}

// Who is not let in learns it in the form that it knows. Nobody continues a conversation of somebody else.
func TestChatsOfOthers(t *testing.T) {
	t.Parallel()
	issuer, n := isolating(t)
	openaiError(n.do("GET", "/v1/models", nil), 401, "authentication_error", "invalid_api_key", "key")
	openaiError(n.chat(saying("Hello")), 401, "authentication_error", "invalid_api_key", "key")
	admin := n.keyed(rightKey)
	ada, bea := uuid.New(), uuid.New()
	as := func(id uuid.UUID) *node {
		return n.bearing(issuer.sign(t, id.String(), time.Hour)).with("X-OpenWebUI-Chat-Id", "the same chat", "X-OpenWebUI-User-Id", "the same user")
	}
	first := completion(as(ada).chat(saying("My secret is 7")))
	completion(as(bea).chat(saying("My secret is 7", first, "What is it?"), map[string]any{"user": ada.String()}))
	named := completion(as(ada).chat(saying("My secret is 7", first, "What is it?")))
	found := admin.dialogues()
	if len(found) != 2 || len(found[0]) != 4 || found[0][3] != named || len(found[1]) != 4 {
		t.Errorf("%v", found)
	}
	if own := as(bea).dialogues(); len(own) != 1 || !slices.Equal(own[0], found[1]) {
		t.Errorf("the other sees %v", own)
	}
	reader := admin.createKey(api.CreateKeyRequest{Name: "reader", Scopes: []api.KeyScope{"read"}, EntityID: &bea})
	openaiError(n.bearing(reader.Key).chat(saying("Hello")), 403, "permission_error", "forbidden", "scope")
	n.bearing(reader.Key).do("GET", "/v1/models", nil).want(200)
}

// Callers without an entity are told apart by what their clients call their users.
func TestUsersOfClients(t *testing.T) {
	t.Parallel()
	n, _ := prompts(t)
	first := completion(n.chat(saying("Hello"), map[string]any{"user": "ada"}))
	completion(n.chat(saying("Hello", first, "Again"), map[string]any{"user": "bea"}))
	completion(n.chat(saying("Hello", first, "Again"), map[string]any{"safety_identifier": "ada"}))
	if d := n.dialogues(); len(d) != 2 || len(d[0]) != 4 || len(d[1]) != 4 {
		t.Errorf("%v", d)
	}
}

func TestChatsOutliveTheServer(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	n := startWith(t, cfg)
	first := completion(n.chat(saying("Hello, I am Ada")))
	n.stop()
	n = startWith(t, cfg)
	completion(n.chat(saying("Hello, I am Ada", first, "Do you remember me?")))
	if d := n.dialogues(); len(d) != 1 || len(d[0]) != 4 {
		t.Errorf("%v", d)
	}
}

// There are as many conversations as may be; a new one takes the place of the user's oldest.
func TestChatsAreBounded(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxDialogues = 4
	n := startWith(t, cfg)
	for _, word := range []string{"one", "two", "three", "four", "five"} {
		completion(n.chat(saying("Hello " + word)))
	}
	d := n.dialogues()
	if len(d) != 3 || d[0][0] != "Hello three" || d[2][0] != "Hello five" {
		t.Errorf("%v", d)
	}
	if status := n.chat(saying("Hello"), map[string]any{"user": "another"}).status; status != http.StatusOK {
		t.Errorf("another user: %d", status)
	}
}
