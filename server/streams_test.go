package server_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

func TestSSETransport(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Streams carry words one by one.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=sk-test-0123456789abcdef0123456789abcdef")
	channel, user := n.dm()
	events := n.stream(channel, user, "Tell me about streams")
	var names []string
	var text strings.Builder
	for _, e := range events {
		if e.name == "chunk" {
			var c struct{ Chunk string }
			if err := json.Unmarshal(e.data, &c); err != nil {
				t.Fatal(err)
			}
			text.WriteString(c.Chunk)
		}
		if len(names) == 0 || names[len(names)-1] != e.name {
			names = append(names, e.name)
		}
	}
	if diff := cmp.Diff([]string{"user_message", "chunk", "done"}, names); diff != "" {
		t.Errorf("events %s\n%s", diff, events)
	}
	var done api.AgentResponse
	if err := json.Unmarshal(events[len(events)-1].data, &done); err != nil {
		t.Fatal(err)
	}
	if text.String() != done.Text || done.Text != "Streams carry words one by one." {
		t.Errorf("pieces %q, end %q", text.String(), done.Text)
	}
	if h := n.history(channel); len(h) != 2 || h[0].ID != done.ResponseID || object(h[0].Metadata)["provider"] != "openai" {
		t.Errorf("history %+v", h)
	}
}

// TestStreamsEnd holds the order of events in a stream: the message, any number of pieces, one end. The pieces make up the
// text and have the id of the reply, which everybody finds in the channel.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script  modeltest.Script
		end     string
		actions []string
		stored  int
	}{
		"answered": {modeltest.Frame("Streams carry words one by one."), "done", []string{"REPLY"}, 2},
		"nothing":  {modeltest.Say("<response><thought>Fine.</thought><actions>NONE</actions><providers></providers><text></text></response>"), "done", []string{"NONE"}, 1},
		"ignored":  {modeltest.Say("<response><thought>Not for me.</thought><actions>IGNORE</actions><providers></providers><text></text></response>"), "done", []string{"IGNORE"}, 1},
		"failed":   {modeltest.Fail(401, "Incorrect API key provided"), "error", nil, 2},
	} {
		for _, path := range []string{"channels", "sessions"} {
			t.Run(name+" in "+path, func(t *testing.T) {
				t.Parallel()
				m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return tt.script })
				n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
				b := newBook(n)
				channel, user := n.dm()
				var events []sseEvent
				if path == "sessions" {
					s := n.session(nil)
					channel = s.ChannelID
					events = readSSE(t, n.read(n.api().PostSessionMessage(t.Context(), s.SessionID, nil, api.PostSessionMessageRequest{
						Content: "Hello", Transport: new(api.TransportSse),
					})).want(200).body)
				} else {
					events = n.stream(channel, user, "Hello")
				}
				var names, ids []string
				text := ""
				for i, e := range events {
					b.checkEvent(e)
					var piece struct {
						MessageID, Chunk string
						Index            int
					}
					if err := json.Unmarshal(e.data, &piece); err != nil {
						t.Fatal(err)
					}
					if e.name == "chunk" {
						ids, text = append(ids, piece.MessageID), text+piece.Chunk
						if piece.Index != i-1 {
							t.Errorf("piece %d has the index %d", i-1, piece.Index)
						}
						continue
					}
					names = append(names, e.name)
				}
				if diff := cmp.Diff([]string{"user_message", tt.end}, names); diff != "" || events[0].name != "user_message" || events[len(events)-1].name != tt.end {
					t.Fatalf("events %+v", events)
				}
				var done struct {
					Text, ResponseID string
					Actions          []string
				}
				if err := json.Unmarshal(events[len(events)-1].data, &done); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.actions, done.Actions); diff != "" || text != done.Text {
					t.Errorf("pieces %q, end %+v", text, done)
				}
				for _, id := range ids {
					if id != done.ResponseID {
						t.Errorf("a piece of %s in the stream of %s", id, done.ResponseID)
					}
				}
				h := n.history(channel)
				if len(h) != tt.stored || tt.stored == 2 && tt.end == "done" && h[0].ID.String() != done.ResponseID {
					t.Errorf("history %+v", h)
				}
			})
		}
	}
}

// A newer message that takes the place of one at work ends its stream, and says so.
func TestStreamOfASupersededMessageEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	m := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		asked <- struct{}{}
		if strings.Contains(r.Prompt(), "second") {
			return modeltest.Frame("The second it is.")
		}
		s := modeltest.Say("<response><thought>t</thought><actions>REPLY</actions><text>The fir")
		s.Ending = modeltest.Hang
		return s
	})
	cfg := testConfig(t)
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + m.URL, "OPENAI_API_KEY=key"})
	n := startWith(t, cfg)
	channel, user := n.dm()
	n.read(n.api().UpdateChannel(t.Context(), channel, nil, api.ChannelPatch{TurnPolicy: new(api.TurnPolicyLatest)})).want(200)
	var events []sseEvent
	var all sync.WaitGroup
	all.Go(func() { events = n.stream(channel, user, "first") })
	<-asked
	n.ask(channel, user, "second").want(201)
	all.Wait()
	last := events[len(events)-1]
	var done struct {
		Superseded bool
		Outcome    string
	}
	if err := json.Unmarshal(last.data, &done); err != nil || last.name != "done" || !done.Superseded || done.Outcome != "superseded" {
		t.Errorf("the stream ends with %s %s", last.name, last.data)
	}
}

// Who doesn't say who they are can go on with a stream as well.
func TestStreamOfNobodyInParticularIsResumed(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, _ := n.dm()
	body := api.PostMessageRequest{Content: new("Hello"), Transport: new(api.TransportSse)}
	whole := n.post(channel, body).want(200).body
	_, first, _ := strings.Cut(string(whole), "id: ")
	first, _, _ = strings.Cut(first, "\n")
	rest := readSSE(t, n.with("Last-Event-ID", first).post(channel, body).want(200).body)
	if len(rest) == 0 || rest[0].name != "chunk" || rest[len(rest)-1].name != "done" {
		t.Errorf("the rest is %+v", rest)
	}
}
