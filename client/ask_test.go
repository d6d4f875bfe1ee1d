package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/apierr"
)

const (
	channelJSON = `{"id":"a754cd35-323b-449b-a989-4846a5be30ab","name":"DM"}`
	frameSent   = "id: 1\nevent: user_message\ndata: {\"content\":\"Hello\"}\n\n"
	frameChunk  = "id: 2\nevent: chunk\ndata: {\"chunk\":\"How do \",\"index\":0}\n\n"
	frameDone   = "event: done\ndata: {\"text\":\"How do you do.\",\"outcome\":\"replied\"}\n\n"
)

// cut is where the connection of a stream breaks. What follows it is sent to clients that ask again.
const cut = "event: cut\ndata: {"

// answers returns a server whose agents answer with a stream.
func answers(t *testing.T, stream string) *client.Client {
	t.Helper()
	return wire(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			ok(w, channelJSON)
			return
		}
		rest := stream
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			_, rest, _ = strings.Cut(stream, "id: "+last+"\n")
			_, rest, _ = strings.Cut(rest, "\n\n")
			rest = strings.TrimPrefix(rest, cut)
		}
		if begun, _, broken := strings.Cut(rest, cut); broken {
			rest = begun + cut
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, rest)
	})
}

func TestAsk(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, stream string
		want         []string
		err          string
	}{
		{"a reply", frameSent + ": keep-alive\n\n" + frameChunk + frameDone, []string{"sent Hello", "text How do ", "done How do you do."}, ""},
		{"CRLF, several lines of data, kinds of tomorrow", "event: new\r\ndata: 1\r\n\r\nevent: done\r\ndata: {\"text\":\r\ndata: \"x\"}\r\n\r\n", []string{"done x"}, ""},
		{"a failure", frameSent + "event: error\ndata: {\"success\":false,\"error\":{\"code\":\"MODEL_ERROR\",\"message\":\"No key\"}}\n\n", []string{"sent Hello"}, "No key"},
		{"a stream that breaks off", frameSent + frameChunk + "event: done\ndata: {", []string{"sent Hello", "text How do "}, io.ErrUnexpectedEOF.Error()},
		{"a stream that goes on", frameSent + cut + frameChunk + cut + frameDone, []string{"sent Hello", "text How do ", "done How do you do."}, ""},
		{"a frame that is no JSON", "event: chunk\ndata: {\n\n", nil, `reading the event "chunk"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			var failure error
			for e, err := range answers(t, tt.stream).Ask(t.Context(), eliza, "Hello") {
				switch {
				case err != nil:
					failure = err
				case e.Sent != nil:
					got = append(got, "sent "+e.Sent.Content)
				case e.Done != nil:
					got = append(got, "done "+e.Done.Text)
				default:
					got = append(got, "text "+e.Text)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if (failure == nil) != (tt.err == "") || !strings.Contains(fmt.Sprint(failure), tt.err) {
				t.Errorf("error %v, want %q", failure, tt.err)
			}
			if tt.name == "a failure" && !client.IsCode(failure, apierr.ModelFailed) {
				t.Errorf("code of %v", failure)
			}
		})
	}
}

func TestAskWithoutAnswer(t *testing.T) {
	t.Parallel()
	c := wire(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			ok(w, channelJSON)
			return
		}
		fail(w, 400, apierr.NoAgent, "Nobody is there")
	})
	if _, err := client.Reply(c.Ask(t.Context(), eliza, "Hello")); !client.IsCode(err, apierr.NoAgent) {
		t.Errorf("got %v", err)
	}
	if reply, err := client.Reply(answers(t, frameDone).Ask(t.Context(), eliza, "Hello")); err != nil || reply.Text != "How do you do." {
		t.Errorf("%v %v", reply, err)
	}
}

// A connection that stays open but sends nothing, not even a keep-alive, is given up; so is one that its reader leaves.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(r *http.Request) (*http.Response, error) {
			in, out := io.Pipe()
			context.AfterFunc(r.Context(), func() { out.CloseWithError(r.Context().Err()) })
			go func() { _, _ = io.WriteString(out, frameSent) }()
			return &http.Response{StatusCode: 200, Body: in, Header: http.Header{}}, nil
		}
		c, err := client.New("http://elizad.test", client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: roundTripper(hang)}))
		if err != nil {
			t.Fatal(err)
		}
		text := "Hello"
		began := time.Now()
		_, err = client.Reply(c.Stream(t.Context(), eliza, client.NewMessage{Content: &text}))
		if err == nil || !strings.Contains(err.Error(), "silent") || time.Since(began) < 30*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		for e, err := range c.Stream(t.Context(), eliza, client.NewMessage{Content: &text}) {
			if e.Sent == nil || err != nil {
				t.Errorf("%v %v", e, err)
			}
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.Reply(c.Stream(ctx, eliza, client.NewMessage{Content: &text})); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's deadline: %v", err)
		}
	})
}
