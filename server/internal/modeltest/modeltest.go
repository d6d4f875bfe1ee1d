// Package modeltest is a model for tests: an HTTP server on loopback that speaks the OpenAI chat-completions wire, and that of
// Anthropic's Messages, and says what a script tells it to, at the pace the test sets, or fails the way the test wants. It also
// hears and speaks, for tests that make it.
package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Request is one chat request as it arrived.
type Request struct {
	Header   http.Header
	Body     json.RawMessage
	Model    string
	Stream   bool
	Messages []Message
	Tools    []Tool
}

// Tool is a function that a request offers.
type Tool struct {
	Name       string
	Parameters json.RawMessage
}

// UnmarshalJSON reads a tool in OpenAI's form, or in Anthropic's.
func (t *Tool) UnmarshalJSON(data []byte) error {
	var tool struct {
		Name     string
		Schema   json.RawMessage `json:"input_schema"`
		Function *struct {
			Name       string
			Parameters json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &tool); err != nil {
		return err
	}
	t.Name, t.Parameters = tool.Name, tool.Schema
	if tool.Function != nil {
		t.Name, t.Parameters = tool.Function.Name, tool.Function.Parameters
	}
	return nil
}

// Message is one message of a request.
type Message struct {
	Role     string
	Content  string
	Pictures []string // as data URLs
}

// UnmarshalJSON reads a message whose content is a text, or parts of which some are pictures.
func (m *Message) UnmarshalJSON(data []byte) error {
	var message struct {
		Role    string
		Content json.RawMessage
	}
	if err := json.Unmarshal(data, &message); err != nil {
		return err
	}
	m.Role = message.Role
	if json.Unmarshal(message.Content, &m.Content) == nil {
		return nil
	}
	var parts []struct {
		Type, Text string
		ImageURL   struct{ URL string } `json:"image_url"`
	}
	if err := json.Unmarshal(message.Content, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		m.Content += p.Text
		if p.Type == "image_url" {
			m.Pictures = append(m.Pictures, p.ImageURL.URL)
		}
	}
	return nil
}

// System returns the system text, or nothing.
func (r Request) System() string {
	for _, m := range r.Messages {
		if m.Role == "system" {
			return m.Content
		}
	}
	return ""
}

// Prompt returns the last user message, or nothing.
func (r Request) Prompt() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Content
		}
	}
	return ""
}

// Pictures returns those of the last user message, as data URLs.
func (r Request) Pictures() []string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Pictures
		}
	}
	return nil
}

// Ending says what happens after the last chunk of a script.
type Ending int

// The ways an answer ends.
const (
	Complete Ending = iota // finish reason, usage if any, [DONE]
	Cut                    // the connection breaks
	Hang                   // nothing more is said until the client leaves
)

// Script is what the server answers to one request.
type Script struct {
	Chunks []string                // the text, in the pieces it is streamed in
	Calls  []Call                  // tools that are called after the text
	Gates  map[int]<-chan struct{} // chunk i is held back until its channel is closed or received from
	Sent   chan<- int              // receives i after chunk i was written; may be nil
	Finish string                  // finish reason, default "stop"
	Usage  *Usage                  // reported when set
	Ending Ending
	Left   chan<- struct{} // closed when the client goes away before the end; may be nil

	Status int         // other than 0 and 200: an error, with Body as it stands
	Header http.Header // extra headers
	Body   string
	Raw    bool // Status, Header and Body are the whole response, whatever was asked for; see Recorded
}

// Call is a call of a tool.
type Call struct{ Name, Arguments string }

// Usage is the count of tokens a script reports.
type Usage struct{ Input, Output, Cached int }

// Say is a complete answer, streamed word by word.
func Say(text string) Script { return Script{Chunks: strings.SplitAfter(text, " ")} }

// Frame is a complete answer in the frame agents are asked for: one REPLY with text.
func Frame(text string) Script {
	return Say("<response><thought>As scripted.</thought><actions>REPLY</actions><providers></providers><text>" + text + "</text></response>")
}

// Fail is an error answer in OpenAI's shape.
func Fail(status int, message string) Script {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{"message": message, "type": "test_error"}}) // strings always encode
	return Script{Status: status, Body: string(body)}
}

// Server is a running scripted model.
type Server struct {
	URL    string // base URL for clients, /v1 included
	answer func(Request) Script
	hear   func(Heard) Script // nil: no transcriptions
	speak  func(Spoken) Sound // nil: no speech

	mu       sync.Mutex
	requests []Request
}

// New starts a server that asks answer what to say; it is called from the server's goroutines. The server ends with the
// test. It lists one model, "test-model".
func New(t testing.TB, answer func(Request) Script) *Server {
	t.Helper()
	s := &Server{answer: answer}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	mux.HandleFunc("POST /v1/messages", s.message)
	mux.HandleFunc("POST /v1/audio/transcriptions", s.transcribe)
	mux.HandleFunc("POST /v1/audio/speech", s.say)
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"object":"list","data":[{"id":"test-model","object":"model"}]}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.URL = server.URL + "/v1"
	return s
}

// Requests returns the chat requests so far, in the order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	req := Request{Header: r.Header.Clone()}
	if err := json.NewDecoder(r.Body).Decode(&req.Body); err != nil {
		http.Error(w, `{"error":{"message":"the body is not JSON"}}`, http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(req.Body, &req); err != nil {
		http.Error(w, `{"error":{"message":"the body is not a chat request"}}`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	s.mu.Unlock()

	respond(w, r, s.answer(req), func(script Script) {
		if req.Stream {
			w.Header().Set("Content-Type", "text/event-stream")
			play(w, r, req, script)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		playWhole(w, r, req, script)
	})
}

// respond answers by a script: with an error or a response that it holds, else it is played.
func respond(w http.ResponseWriter, r *http.Request, script Script, play func(Script)) {
	for name, values := range script.Header {
		w.Header()[name] = values
	}
	switch {
	case script.Raw:
		raw(w, r, script)
	case script.Status != 0 && script.Status != http.StatusOK:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(script.Status)
		fmt.Fprint(w, script.Body)
	default:
		play(script)
	}
}

// raw sends a response as it stands.
func raw(w http.ResponseWriter, r *http.Request, script Script) {
	if script.Header.Get("Content-Type") == "" {
		w.Header()["Content-Type"] = nil // not even one that is guessed
	}
	w.WriteHeader(max(script.Status, http.StatusOK))
	fmt.Fprint(w, script.Body)
	_ = http.NewResponseController(w).Flush() // a client that left is noticed through the context
	end(r, script)
}

// play streams the script.
func play(w http.ResponseWriter, r *http.Request, req Request, script Script) {
	flusher := http.NewResponseController(w)
	send := func(v map[string]any) {
		v["id"], v["object"], v["created"], v["model"] = "chatcmpl-test", "chat.completion.chunk", time.Now().Unix(), req.Model
		data, _ := json.Marshal(v) // maps of strings and numbers always encode
		fmt.Fprintf(w, "data: %s\n\n", data)
		_ = flusher.Flush() // a client that left is noticed through the context
	}
	choice := func(delta map[string]any, finish any) map[string]any {
		return map[string]any{"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}}
	}
	send(choice(map[string]any{"role": "assistant", "content": ""}, nil))
	for i, text := range script.Chunks {
		if !wait(r, script, script.Gates[i]) {
			return
		}
		send(choice(map[string]any{"content": text}, nil))
		if script.Sent != nil {
			script.Sent <- i
		}
	}
	if !end(r, script) {
		return
	}
	for i, c := range script.Calls {
		half := len(c.Arguments) / 2
		call := map[string]any{"index": i, "id": fmt.Sprintf("call_%d", i), "type": "function", "function": map[string]any{"name": c.Name, "arguments": c.Arguments[:half]}}
		send(choice(map[string]any{"tool_calls": []any{call}}, nil))
		rest := map[string]any{"index": i, "function": map[string]any{"arguments": c.Arguments[half:]}}
		send(choice(map[string]any{"tool_calls": []any{rest}}, nil))
	}
	send(choice(map[string]any{}, finish(script)))
	if script.Usage != nil {
		send(map[string]any{"choices": []any{}, "usage": usage(*script.Usage)})
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// playWhole sends the script in one piece.
func playWhole(w http.ResponseWriter, r *http.Request, req Request, script Script) {
	for i := range script.Chunks {
		if !wait(r, script, script.Gates[i]) {
			return
		}
	}
	if !end(r, script) {
		return
	}
	answer := map[string]any{"id": "chatcmpl-test", "object": "chat.completion", "model": req.Model, "choices": []any{map[string]any{
		"index": 0, "message": map[string]any{"role": "assistant", "content": strings.Join(script.Chunks, "")}, "finish_reason": finish(script)}}}
	if script.Usage != nil {
		answer["usage"] = usage(*script.Usage)
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that left has no use for it
}

// end does what the script's ending says and reports whether the answer is to be completed.
func end(r *http.Request, script Script) bool {
	switch script.Ending {
	case Cut:
		panic(http.ErrAbortHandler)
	case Hang:
		return wait(r, script, make(chan struct{}))
	default:
		return true
	}
}

// wait holds the answer back until gate opens and reports whether the client is still there.
func wait(r *http.Request, script Script, gate <-chan struct{}) bool {
	if gate == nil {
		return true
	}
	select {
	case <-gate:
		return true
	case <-r.Context().Done():
		if script.Left != nil {
			close(script.Left)
		}
		return false
	}
}

func finish(script Script) string {
	if script.Finish == "" && len(script.Calls) > 0 {
		return "tool_calls"
	}
	if script.Finish == "" {
		return "stop"
	}
	return script.Finish
}

func usage(u Usage) map[string]any {
	return map[string]any{"prompt_tokens": u.Input, "completion_tokens": u.Output, "total_tokens": u.Input + u.Output,
		"prompt_tokens_details": map[string]any{"cached_tokens": u.Cached}}
}
