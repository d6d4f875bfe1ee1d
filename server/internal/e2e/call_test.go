package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"
)

// try sends a request with a body of JSON, or with the bytes of a file that is uploaded, and reads the answer into a value.
// Either may be nil.
func (p *process) try(ctx context.Context, method, path string, body, into any, header ...string) (status int, err error) {
	var content io.Reader
	contentType := "application/json"
	switch body := body.(type) {
	case nil:
	case []byte:
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("file", "file")
		if err != nil {
			return 0, err
		}
		if _, err := part.Write(body); err != nil {
			return 0, err
		}
		if err := w.Close(); err != nil {
			return 0, err
		}
		content, contentType = &form, w.FormDataContentType()
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, content)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	switch into := into.(type) {
	case nil:
	case *[]byte:
		*into = raw
	default:
		if err := json.Unmarshal(raw, into); err != nil {
			return resp.StatusCode, fmt.Errorf("reading %q: %w", raw, err)
		}
	}
	return resp.StatusCode, nil
}

// call is try for requests that must get a given status.
func (p *process) call(want int, method, path string, body, into any, header ...string) {
	p.t.Helper()
	status, err := p.try(p.t.Context(), method, path, body, into, header...)
	if err != nil || status != want {
		p.t.Fatalf("%s %s: status %d, want %d; %v", method, path, status, want, err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s does not come", what)
		}
	}
}

// receive waits for a value from a channel.
func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
		panic("unreachable")
	}
}

// agent returns the id of the first agent.
func (p *process) agent() string {
	p.t.Helper()
	var list struct {
		Data struct{ Agents []struct{ ID string } }
	}
	p.call(200, "GET", "/api/agents", nil, &list)
	if len(list.Data.Agents) == 0 {
		p.t.Fatal("there is no agent")
	}
	return list.Data.Agents[0].ID
}

// message is what tests check of a message of a channel.
type message struct{ ID, AuthorID, Content, InReplyToRootMessageID string }

// history returns the messages of a channel, newest first.
func (p *process) history(channel string) []message {
	p.t.Helper()
	var list struct{ Data struct{ Messages []message } }
	p.call(200, "GET", "/api/messaging/channels/"+channel+"/messages?limit=200", nil, &list)
	return list.Data.Messages
}
