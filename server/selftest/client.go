package selftest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	"github.com/google/uuid"
)

const (
	patience  = time.Minute // for one answer
	maxAnswer = 8 << 20     // is read of one
	maxWait   = time.Hour   // that a server may ask for before the next request
)

// client sends requests as they are. A server that asks to wait is waited for.
type client struct {
	*http.Client
	waiting func(seconds int)
}

func newClient(waiting func(seconds int)) *client {
	return &client{waiting: waiting, Client: &http.Client{
		Timeout: patience, Transport: http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// request is what is sent.
type request struct {
	method, target string // the target from the root of the server
	body, kind     string // the body and its type
	header         http.Header
}

func (q request) String() string {
	text := q.method + " " + q.target
	if q.body != "" {
		text += fmt.Sprintf(" %.300q", q.body)
	}
	return text
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// text returns the text, or the number, at a path in the JSON of an answer; "" if there is none. A number in the path is an index.
func (a answer) text(path ...any) string {
	var value any
	if json.Unmarshal([]byte(a.body), &value) != nil {
		return ""
	}
	for _, step := range path {
		switch at := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[at]
		case int:
			list, _ := value.([]any)
			if at >= len(list) {
				return ""
			}
			value = list[at]
		}
	}
	text, _ := value.(string)
	return text
}

// message returns what an answer says of an error.
func (a answer) message() string {
	if text := a.text("error", "message"); text != "" {
		return text + ". " + a.text("error", "details")
	}
	return fmt.Sprintf("%.200s", a.body)
}

// send sends a request as a caller.
func (c *client) send(ctx context.Context, who caller, q request) (answer, error) {
	for {
		a, err := c.try(ctx, who, q)
		if err != nil || a.status != http.StatusTooManyRequests {
			return a, err
		}
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		wait := time.Duration(seconds) * time.Second
		if err != nil || wait <= 0 || wait > maxWait {
			return a, nil
		}
		if c.waiting != nil {
			c.waiting(seconds)
		}
		select {
		case <-ctx.Done():
			return answer{}, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func (c *client) try(ctx context.Context, who caller, q request) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, who.base+q.target, bytes.NewReader([]byte(q.body)))
	if err != nil {
		return answer{}, err
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	if q.kind != "" {
		r.Header.Set("Content-Type", q.kind)
	}
	if q.body == "" {
		r.Body = http.NoBody
	}
	if who.key != "" {
		r.Header.Set("X-Api-Key", who.key)
	}
	if who.token != "" {
		r.Header.Set("Authorization", "Bearer "+who.token)
	}
	if who.claims != uuid.Nil {
		r.Header.Set("X-Entity-Id", who.claims.String())
	}
	resp, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer to %s: %w", q.method+" "+q.target, err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}, nil
}

// form returns a form with one file.
func form(name, kind, content string) (body, contentType string) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q; filename=%q", "file", name)}, "Content-Type": {kind}})
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.String(), w.FormDataContentType()
}
