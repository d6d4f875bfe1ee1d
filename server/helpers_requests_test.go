package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiclient"
)

// answer is a response that was read.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// api returns the client that is generated from the contract. What is no valid request, or another spelling of one, is sent by do.
func (n *node) api() *apiclient.Client {
	return &apiclient.Client{Server: n.http.URL + "/", Client: n.client, RequestEditors: []apiclient.RequestEditorFn{
		func(_ context.Context, r *http.Request) error {
			setHeader(r, n.header)
			return nil
		},
	}}
}

// with returns the node whose requests carry headers too, each a name and a value.
func (n *node) with(header ...string) *node {
	w := *n
	w.header = slices.Concat(n.header, header)
	return &w
}

// keyed returns the node whose requests bring a key.
func (n *node) keyed(key string) *node { return n.with("X-API-KEY", key) }

// as returns the node whose requests are a person's or an agent's.
func (n *node) as(entity uuid.UUID) *node { return n.with("X-Entity-Id", entity.String()) }

// setHeader sets headers of a request, each a name and a value.
func setHeader(r *http.Request, header []string) {
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
}

// read reads a response of the generated client.
func (n *node) read(resp *http.Response, err error) answer {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		n.t.Fatalf("%s %s: reading: %v", resp.Request.Method, resp.Request.URL, err)
	}
	return answer{t: n.t, status: resp.StatusCode, header: resp.Header, body: body}
}

// do sends a request. A body that is no string or []byte is sent as JSON.
func (n *node) do(method, path string, body any, header ...string) answer {
	n.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			n.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.http.URL+path, reader)
	if err != nil {
		n.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	setHeader(r, slices.Concat(n.header, header))
	return n.read(n.client.Do(r))
}

// want checks the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// into reads the body.
func into[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("reading %s: %v", a.body, err)
	}
	return v
}

// data reads what is under "data".
func data[T any](a answer) T {
	a.t.Helper()
	return into[struct{ Data T }](a).Data
}

// ownerToken returns what the owner of the server shows; empty if there is no such token.
func (n *node) ownerToken() string {
	n.t.Helper()
	info, err := n.server.Info(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return info.OwnerToken
}

// owner returns the node whose requests are the owner's.
func (n *node) owner() *node {
	n.t.Helper()
	return n.keyed(n.ownerToken())
}

// environment reads the stored settings.
func (n *node) environment() answer {
	n.t.Helper()
	return n.read(n.api().GetLocalEnvironment(n.t.Context()))
}

// setEnvironment stores settings.
func (n *node) setEnvironment(content any) answer {
	n.t.Helper()
	return n.read(n.api().UpdateLocalEnvironment(n.t.Context(), api.UpdateLocalEnvironmentRequest{Content: jsonOf(content)}))
}

// bare is the node without the comparison with the contract, which doesn't have the older paths.
func (n *node) bare() *node {
	b := *n
	b.client = &http.Client{Timeout: patience}
	return &b
}

// under returns the node for a subtest.
func (n *node) under(t *testing.T) *node {
	sub := *n
	sub.t = t
	return &sub
}

// clearError checks that an answer is an error as the contract has it, and that it tells nothing of the inside.
func clearError(t *testing.T, what string, a answer, status int, code string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d: %s", what, a.status, status, a.body)
		return
	}
	e := into[api.Error](a)
	if e.Success || e.Error.Code == "" || e.Error.Message == "" || code != "" && string(e.Error.Code) != code {
		t.Errorf("%s: %s", what, a.body)
	}
	for _, leak := range []string{"goroutine", ".go:", "SELECT", "INSERT", "sql:", "/tmp/", "runtime error"} {
		if bytes.Contains(a.body, []byte(leak)) {
			t.Errorf("%s: the answer shows %q: %s", what, leak, a.body)
		}
	}
}

// nextLink finds the address of the next page in a Link header.
var nextLink = regexp.MustCompile(`<([^>]+)>; rel="next"`)

// nextPage returns the address of the page after a, which was asked for at path; empty after the last.
func nextPage(t *testing.T, path string, a answer) string {
	t.Helper()
	next := nextLink.FindStringSubmatch(a.header.Get("Link"))
	if next == nil {
		return ""
	}
	base, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	at, err := base.Parse(next[1])
	if err != nil {
		t.Fatal(err)
	}
	return at.String()
}

// jsonOf encodes a value as JSON. What tests encode can be.
func jsonOf(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// crowd is how many callers ask at the same moment.
const crowd = 12

// atOnce lets a crowd ask at the same moment.
func atOnce(ask func(i int) answer) []answer {
	var (
		answers = make([]answer, crowd)
		begin   = make(chan struct{})
		group   sync.WaitGroup
	)
	for i := range crowd {
		group.Go(func() {
			<-begin
			answers[i] = ask(i)
		})
	}
	close(begin)
	group.Wait()
	return answers
}

// statuses returns how often each status was the answer.
func statuses(answers []answer) map[int]int {
	out := map[int]int{}
	for _, a := range answers {
		out[a.status]++
	}
	return out
}

// object reads a JSON object; nil if it is none.
func object(raw json.RawMessage) map[string]any {
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil
	}
	return out
}

// deref returns what a member holds that may be left out.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// idOf returns an id that may be null, uuid.Nil if it is.
func idOf(id nullable.Nullable[uuid.UUID]) (v uuid.UUID) {
	v, _ = id.Get()
	return v
}

// versioned is a thing that has an ETag.
type versioned struct {
	name   string
	read   func(n *node) answer
	change func(n *node, text string) answer
}

// versioned returns one thing of each kind that has an ETag.
func (n *node) versioned() []versioned {
	n.t.Helper()
	ctx, id, channel := n.t.Context(), n.agentID(), n.group()
	message := n.say(channel, uuid.New(), "one").ID
	return []versioned{
		{"an agent", func(n *node) answer { return n.read(n.api().GetAgent(ctx, id)) }, func(n *node, text string) answer {
			return n.changeAgent(id, map[string]any{"system": text})
		}},
		{"a room", func(n *node) answer { return n.read(n.api().GetRoom(ctx, id, id)) }, func(n *node, text string) answer {
			return n.read(n.api().UpdateRoom(ctx, id, id, nil, api.RoomPatch{Name: &text}))
		}},
		{"a channel", func(n *node) answer { return n.read(n.api().GetChannel(ctx, channel)) }, func(n *node, text string) answer {
			return n.read(n.api().UpdateChannel(ctx, channel, nil, api.ChannelPatch{Topic: &text}))
		}},
		{"a message", func(n *node) answer { return n.read(n.api().GetMessage(ctx, message)) }, func(n *node, text string) answer {
			return n.edit(message, text)
		}},
	}
}
