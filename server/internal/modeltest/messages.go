package modeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// messagesRequest is the body of POST /v1/messages with all that a request may have here. Others are refused, as the vendor does.
type messagesRequest struct {
	Model         string          `json:"model"`
	MaxTokens     int             `json:"max_tokens"`
	System        json.RawMessage `json:"system"`
	Stream        bool            `json:"stream"`
	Temperature   float64         `json:"temperature"`
	TopP          float64         `json:"top_p"`
	StopSequences []string        `json:"stop_sequences"`
	Messages      []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Tools []struct {
		Name         string          `json:"name"`
		Description  string          `json:"description"`
		InputSchema  json.RawMessage `json:"input_schema"`
		CacheControl json.RawMessage `json:"cache_control"`
	} `json:"tools"`
}

// Refuse is an error answer in Anthropic's shape.
func Refuse(status int, kind, message string) Script {
	body, _ := json.Marshal(map[string]any{"type": "error", "request_id": "req_test", // strings always encode
		"error": map[string]any{"type": kind, "message": message}})
	return Script{Status: status, Body: string(body)}
}

// message serves POST /v1/messages, Anthropic's wire: who calls must name its version, and is held to its rules.
func (s *Server) message(w http.ResponseWriter, r *http.Request) {
	req := Request{Header: r.Header.Clone()}
	script, err := Script{}, json.NewDecoder(r.Body).Decode(&req.Body)
	if err == nil {
		err = req.readMessages()
	}
	switch {
	case r.Header.Get("Anthropic-Version") != "2023-06-01":
		script = Refuse(http.StatusBadRequest, "invalid_request_error", "anthropic-version: header is required")
	case err != nil:
		script = Refuse(http.StatusBadRequest, "invalid_request_error", err.Error())
	default:
		s.mu.Lock()
		s.requests = append(s.requests, req)
		s.mu.Unlock()
		script = s.answer(req)
	}
	respond(w, r, script, func(script Script) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		playMessage(w, r, req, script)
	})
}

// readMessages reads the body, and checks what the vendor checks.
func (r *Request) readMessages() error {
	var body messagesRequest
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return err
	}
	r.Model, r.Stream = body.Model, body.Stream
	switch {
	case body.Model == "":
		return fmt.Errorf("model: Field required")
	case body.MaxTokens < 1:
		return fmt.Errorf("max_tokens: Field required")
	case body.Temperature > 1:
		return fmt.Errorf("temperature: range: 0..1")
	case len(body.Messages) == 0:
		return fmt.Errorf("messages: at least one message is required")
	}
	if body.System != nil {
		text, _, err := textOf(body.System)
		if err != nil {
			return fmt.Errorf("system: %w", err)
		}
		r.Messages = append(r.Messages, Message{Role: "system", Content: text})
	}
	for i, m := range body.Messages {
		text, pictures, err := textOf(m.Content)
		switch {
		case err != nil:
			return fmt.Errorf("messages.%d: %w", i, err)
		case i == 0 && m.Role != "user":
			return fmt.Errorf("messages: first message must use the \"user\" role")
		case m.Role != "user" && m.Role != "assistant":
			return fmt.Errorf("messages: Unexpected role %q", m.Role)
		}
		r.Messages = append(r.Messages, Message{m.Role, text, pictures})
	}
	for i, t := range body.Tools {
		if t.Name == "" || !bytes.Contains(t.InputSchema, []byte(`"object"`)) {
			return fmt.Errorf("tools.%d.custom.input_schema.type: Field required", i)
		}
		r.Tools = append(r.Tools, Tool{t.Name, t.InputSchema})
	}
	return nil
}

// textOf returns the text of a content, a string or blocks that are not blank, and its pictures.
func textOf(content json.RawMessage) (text string, pictures []string, err error) {
	if json.Unmarshal(content, &text) == nil {
		return text, nil, nil
	}
	var blocks []struct {
		Type, Text string
		Source     struct {
			Type      string
			MediaType string `json:"media_type"`
			Data      string
		}
	}
	if err := json.Unmarshal(content, &blocks); err != nil {
		return "", nil, err
	}
	var out strings.Builder
	for _, b := range blocks {
		if b.Type == "text" && strings.TrimSpace(b.Text) == "" {
			return "", nil, fmt.Errorf("text content blocks must contain non-whitespace text")
		}
		if b.Type == "image" {
			if b.Source.Type != "base64" || b.Source.Data == "" {
				return "", nil, fmt.Errorf("image.source: Field required")
			}
			pictures = append(pictures, "data:"+b.Source.MediaType+";base64,"+b.Source.Data)
		}
		out.WriteString(b.Text)
	}
	return out.String(), pictures, nil
}

// playMessage streams the script.
func playMessage(w http.ResponseWriter, r *http.Request, req Request, script Script) {
	flusher := http.NewResponseController(w)
	send := func(kind string, v map[string]any) {
		v["type"] = kind
		data, _ := json.Marshal(v) // maps of strings and numbers always encode
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, data)
		_ = flusher.Flush() // a client that left is noticed through the context
	}
	var u Usage
	if script.Usage != nil {
		u = *script.Usage
	}
	send("message_start", map[string]any{"message": map[string]any{
		"id": "msg_test", "type": "message", "role": "assistant", "model": req.Model, "content": []any{}, "stop_reason": nil, "stop_sequence": nil,
		"usage": map[string]any{"input_tokens": u.Input - u.Cached, "cache_read_input_tokens": u.Cached, "cache_creation_input_tokens": 0, "output_tokens": min(1, u.Output)},
	}})
	send("content_block_start", map[string]any{"index": 0, "content_block": map[string]any{"type": "text", "text": ""}})
	send("ping", map[string]any{})
	for i, text := range script.Chunks {
		if !wait(r, script, script.Gates[i]) {
			return
		}
		send("content_block_delta", map[string]any{"index": 0, "delta": map[string]any{"type": "text_delta", "text": text}})
		if script.Sent != nil {
			script.Sent <- i
		}
	}
	if !end(r, script) {
		return
	}
	send("content_block_stop", map[string]any{"index": 0})
	for i, c := range script.Calls {
		at := i + 1
		send("content_block_start", map[string]any{"index": at, "content_block": map[string]any{"type": "tool_use", "id": fmt.Sprintf("toolu_%d", i), "name": c.Name, "input": map[string]any{}}})
		half := len(c.Arguments) / 2
		for _, part := range []string{c.Arguments[:half], c.Arguments[half:]} {
			send("content_block_delta", map[string]any{"index": at, "delta": map[string]any{"type": "input_json_delta", "partial_json": part}})
		}
		send("content_block_stop", map[string]any{"index": at})
	}
	stop := script.Finish
	if stop == "" && len(script.Calls) > 0 {
		stop = "tool_use"
	}
	if stop == "" {
		stop = "end_turn"
	}
	send("message_delta", map[string]any{"delta": map[string]any{"stop_reason": stop, "stop_sequence": nil}, "usage": map[string]any{"output_tokens": u.Output}})
	send("message_stop", map[string]any{})
}
