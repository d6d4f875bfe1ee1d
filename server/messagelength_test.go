package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// lengthWay is one way in for a text. It returns the channel that the message is in, or how the text was refused.
type lengthWay struct {
	name string
	send func(n *node, channel, user uuid.UUID, text string) (in uuid.UUID, refusal answer)
}

func lengthWays() []lengthWay {
	in := func(send func(n *node, channel, user uuid.UUID, text string) answer) func(*node, uuid.UUID, uuid.UUID, string) (uuid.UUID, answer) {
		return func(n *node, channel, user uuid.UUID, text string) (uuid.UUID, answer) {
			n.t.Helper()
			return channel, send(n, channel, user, text)
		}
	}
	return []lengthWay{
		{"post", in(func(n *node, channel, user uuid.UUID, text string) answer {
			return n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: &text})
		})},
		{"post and wait", in((*node).ask)},
		{"submit", in(func(n *node, channel, user uuid.UUID, text string) answer {
			return n.submit(api.SubmitMessageRequest{ChannelID: channel, AuthorID: user, Content: text})
		})},
		{"action", in(func(n *node, channel, user uuid.UUID, text string) answer {
			return n.action(api.SubmitMessageRequest{ChannelID: channel, AuthorID: user, Content: text})
		})},
		{"ingest", in(func(n *node, channel, user uuid.UUID, text string) answer {
			return n.ingest(api.IngestRequest{ChannelID: channel.String(), AuthorID: &user, Content: &text})
		})},
		{"ingest of a list", in(func(n *node, channel, _ uuid.UUID, text string) answer {
			return n.ingest(api.IngestRequest{Platform: new("telegram"), ChannelID: channel.String(), Messages: []api.ExternalMessage{
				{ID: "1", AuthorID: "4411", Content: "first"}, {ID: "2", AuthorID: "4411", Content: text},
			}})
		})},
		{"edit", in(func(n *node, channel, user uuid.UUID, text string) answer {
			return n.edit(n.say(channel, user, "short").ID, text)
		})},
		{"edit of an action", in(func(n *node, channel, user uuid.UUID, text string) answer {
			made := n.action(api.SubmitMessageRequest{ChannelID: channel, AuthorID: user, Content: "short"}).want(201)
			return n.changeAction(data[api.Message](made).ID, api.ActionPatch{Content: &text})
		})},
		{"session", func(n *node, _, user uuid.UUID, text string) (uuid.UUID, answer) {
			s := n.sessionOf(user)
			return s.ChannelID, n.read(n.api().PostSessionMessage(n.t.Context(), s.SessionID, nil, api.PostSessionMessageRequest{Content: text}))
		}},
		{"job", func(n *node, _, user uuid.UUID, text string) (uuid.UUID, answer) {
			a := n.createJob(api.CreateJobRequest{UserID: user, Content: text})
			if a.status != 201 {
				return uuid.Nil, a
			}
			return into[api.Job](n.read(n.api().GetJob(n.t.Context(), into[api.JobCreated](a).JobID, nil)).want(200)).ChannelID, a
		}},
		{"Socket.IO", func(n *node, channel, user uuid.UUID, text string) (uuid.UUID, answer) {
			return channel, n.overSocket(channel, text, func(frame map[string]any) *websocket.Conn {
				conn := n.listen(channel, user)
				frame["senderId"], frame["serverId"] = user, uuid.Nil
				n.emit(conn, "send_message", frame)
				return conn
			})
		}},
		{"plain", func(n *node, channel, _ uuid.UUID, text string) (uuid.UUID, answer) {
			return channel, n.overSocket(channel, text, n.plain)
		}},
	}
}

// overSocket sends a text, and waits until it is in the history or refused.
func (n *node) overSocket(channel uuid.UUID, text string, send func(frame map[string]any) *websocket.Conn) answer {
	n.t.Helper()
	conn := send(map[string]any{"type": "message", "channelId": channel, "message": text})
	conn.SetReadLimit(-1)
	for range 50 {
		frame := n.hear(conn)
		if frame == "" {
			n.t.Fatal("the connection ended")
		}
		for _, m := range n.history(channel) {
			if m.Content == text {
				return answer{t: n.t, status: 201}
			}
		}
		if strings.Contains(frame, "VALIDATION_ERROR") {
			return answer{t: n.t, status: 400, body: []byte(frame)}
		}
	}
	n.t.Fatal("neither stored nor refused")
	return answer{}
}

// Of every character that a message may have none is lost, and one more is refused, whichever way it comes.
func TestMessageLength(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	const most = 200_000
	longest := differentWords(most)
	for _, w := range lengthWays() {
		t.Run(w.name, func(t *testing.T) {
			n := n.under(t)
			channel, user := n.dm()
			_, refusal := w.send(n, channel, user, longest+"😀")
			wantTooLong(t, refusal, most+1, most)
			for _, m := range n.history(channel) {
				if m.Content == "first" || len(m.Content) > len(longest) {
					t.Errorf("%.20q was stored", m.Content)
				}
			}
			in, a := w.send(n, channel, user, longest)
			if a.status/100 != 2 {
				t.Fatalf("status %d: %.300s", a.status, a.body)
			}
			for _, m := range n.history(in) {
				if m.Content == longest {
					return
				}
			}
			t.Error("it is not in the history")
		})
	}
}

func TestMessageLengthIsASetting(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxMessage = 300_000
	n := startWith(t, cfg)
	channel, user := n.dm()
	long := n.say(channel, user, strings.Repeat("x", cfg.Limits.MaxMessage))
	wantTooLong(t, n.ask(channel, user, strings.Repeat("x", cfg.Limits.MaxMessage+1)), cfg.Limits.MaxMessage+1, cfg.Limits.MaxMessage)
	made := data[api.Message](n.action(api.SubmitMessageRequest{ChannelID: channel, AuthorID: user, Content: long.Content}).want(201))
	n.stop()

	cfg.Limits.MaxMessage = 10
	n = startWith(t, cfg)
	for _, w := range lengthWays() {
		if strings.HasPrefix(w.name, "edit") { // they post a short message first, and have no more to say of a low limit
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			n := n.under(t)
			channel, user := n.dm()
			_, refusal := w.send(n, channel, user, "ééééé ééééé")
			wantTooLong(t, refusal, 11, 10)
		})
	}
	// What is longer from before stays, and may change in all but its text.
	changed := data[api.Message](n.changeAction(made.ID, api.ActionPatch{Metadata: jsonOf(map[string]any{"status": "completed"})}).want(200))
	if changed.Content != long.Content || object(changed.Metadata)["status"] != "completed" {
		t.Errorf("%d characters, %v", len(changed.Content), changed.Metadata)
	}
	wantTooLong(t, n.changeAction(made.ID, api.ActionPatch{Content: new(long.Content[1:])}), 299_999, 10)
}

func wantTooLong(t *testing.T, a answer, has, takes int) {
	t.Helper()
	want := fmt.Sprintf("The message has %d characters; this server takes %d (ELIZAD_MAX_MESSAGE)", has, takes)
	if a.status != 400 || !strings.Contains(string(a.body), want) || !strings.Contains(string(a.body), "VALIDATION_ERROR") {
		t.Errorf("status %d: %.300s", a.status, a.body)
	}
}

// differentWords returns n characters in words that are all different, of letters of four bytes: the most that a search index
// can get.
func differentWords(n int) string {
	text := make([]rune, 0, n+3)
	for i := rune(0); len(text) < n; i++ {
		text = append(text, 0x20000+i%20_000, 0x25000+i/20_000, ' ')
	}
	return string(text[:n])
}

// PostgreSQL's index of texts takes a megabyte of different words, which a raised limit may exceed.
func TestMoreWordsThanTheDatabaseTakes(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxMessage = 2_000_000
	n := startWith(t, cfg)
	var words strings.Builder
	for i := range 180_000 {
		fmt.Fprintf(&words, "%07x ", i*1_000)
	}
	channel, user := n.dm()
	a := n.ask(channel, user, words.String())
	if *engine != "postgres" {
		a.want(201)
		return
	}
	clearError(t, "too many words", a, 400, "VALIDATION_ERROR")
}
