package server_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// way is one way in for a message. It returns the channel of the message, which is channel unless the way makes one of its own.
type way struct {
	name  string
	quiet bool // no agent is asked
	send  func(n *node, channel, user, parent uuid.UUID) uuid.UUID
}

// said is what every way is sent, in the names that the contract has. It is sent raw, as the ways differ in names.
func said(more map[string]any) map[string]any {
	body := map[string]any{
		"content": "What is in this picture?", "thought": "It looks odd", "actions": []string{"LOOK"},
		"attachments": []any{map[string]any{"id": "1", "url": "https://example.org/a.png", "contentType": "image", "title": "a lighthouse"}},
		"metadata":    map[string]any{"own": "kept"},
	}
	for name, value := range more {
		if body[name] = value; value == nil {
			delete(body, name)
		}
	}
	return body
}

func ways() []way {
	const m = "/api/messaging/"
	posted := func(path string, more func(channel, user, parent uuid.UUID) map[string]any) func(*node, uuid.UUID, uuid.UUID, uuid.UUID) uuid.UUID {
		return func(n *node, channel, user, parent uuid.UUID) uuid.UUID {
			n.t.Helper()
			if a := n.do("POST", m+strings.ReplaceAll(path, "{channel}", channel.String()), said(more(channel, user, parent))); a.status/100 != 2 {
				n.t.Fatalf("status %d: %s", a.status, a.body)
			}
			return channel
		}
	}
	emitted := func(event string, wrap func(payload any) any) func(*node, uuid.UUID, uuid.UUID, uuid.UUID) uuid.UUID {
		return func(n *node, channel, user, parent uuid.UUID) uuid.UUID {
			n.t.Helper()
			conn := n.listen(channel, user)
			payload := said(map[string]any{
				"content": nil, "message": "What is in this picture?", "channelId": channel, "senderId": user, "senderName": "Ann",
				"serverId": uuid.Nil, "inReplyTo": parent,
			})
			n.emit(conn, event, wrap(payload))
			return channel
		}
	}
	asItIs := func(payload any) any { return payload }
	return []way{
		{"post", false, posted("channels/{channel}/messages", func(_, user, parent uuid.UUID) map[string]any {
			return map[string]any{"author_id": user, "author_display_name": "Ann", "in_reply_to_message_id": parent}
		})},
		{"post in the names of sockets", false, posted("channels/{channel}/messages", func(_, user, parent uuid.UUID) map[string]any {
			return map[string]any{
				"content": nil, "message": "What is in this picture?", "senderId": user, "senderName": "Ann", "serverId": uuid.Nil, "inReplyTo": parent,
			}
		})},
		{"submit", false, posted("submit", func(channel, user, parent uuid.UUID) map[string]any {
			return map[string]any{
				"channel_id": channel, "author_id": user, "source_type": "user_message", "author_display_name": "Ann", "in_reply_to_message_id": parent,
			}
		})},
		{"submit with all of it in the raw message", false, posted("submit", func(channel, user, parent uuid.UUID) map[string]any {
			all := said(nil)
			return map[string]any{
				"channelId": channel, "authorId": user, "sourceType": "client_chat", "authorName": "Ann", "inReplyToMessageId": parent, "serverId": uuid.Nil,
				"rawMessage": all, "attachments": nil, "thought": nil, "actions": nil,
			}
		})},
		{"action", true, posted("action", func(channel, user, parent uuid.UUID) map[string]any {
			return map[string]any{"channel_id": channel, "author_id": user, "author_display_name": "Ann", "in_reply_to_message_id": parent}
		})},
		{"ingest", false, posted("ingest-external", func(channel, user, parent uuid.UUID) map[string]any {
			return map[string]any{"channel_id": channel, "author_id": user, "author_display_name": "Ann", "in_reply_to_message_id": parent}
		})},
		{"ingest in other words", false, posted("ingest-external", func(channel, user, parent uuid.UUID) map[string]any {
			return map[string]any{"content": nil, "text": "What is in this picture?", "roomId": channel, "userId": user, "displayName": "Ann", "inReplyTo": parent}
		})},
		{"ingest of a list", false, func(n *node, channel, _, parent uuid.UUID) uuid.UUID {
			n.do("POST", m+"ingest-external", map[string]any{"platform": "telegram", "channelId": channel, "messages": []any{
				said(map[string]any{"id": "7", "authorId": "4411", "authorName": "Ann", "in_reply_to_message_id": parent}),
			}}).want(202)
			return channel
		}},
		{"session", false, func(n *node, _, user, _ uuid.UUID) uuid.UUID {
			s := n.sessionOf(user)
			n.do("POST", m+"sessions/"+s.SessionID.String()+"/messages", said(map[string]any{"author_display_name": "Ann"})).want(201)
			return s.ChannelID
		}},
		{"job", false, func(n *node, _, user, _ uuid.UUID) uuid.UUID {
			j := into[api.JobCreated](n.do("POST", m+"jobs", said(map[string]any{"userId": user, "thought": nil, "actions": nil})).want(201))
			return into[api.Job](n.read(n.api().GetJob(n.t.Context(), j.JobID, nil)).want(200)).ChannelID
		}},
		{"socket, by number", false, emitted("2", asItIs)},
		{"socket, by name", false, emitted("send_message", asItIs)},
		{"socket, in capitals", false, emitted("SEND_MESSAGE", asItIs)},
		{"socket, wrapped", false, emitted("message", func(payload any) any { return map[string]any{"type": 2, "payload": payload} })},
		{"plain", false, func(n *node, channel, _, parent uuid.UUID) uuid.UUID {
			n.plain(said(map[string]any{"type": "message", "channelId": channel, "senderName": "Ann", "serverId": uuid.Nil, "inReplyTo": parent}))
			return channel
		}},
	}
}

// seen are the fields that a message has in the history and in a broadcast, in the names of the history.
func seen(t *testing.T, message map[string]any) map[string]any {
	t.Helper()
	names := map[string]string{ // of a broadcast, and of the history
		"senderId": "authorId", "senderName": "authorDisplayName", "text": "content", "source": "sourceType",
		"inReplyToMessageId": "inReplyToRootMessageId", "createdAt": "created_at", "updatedAt": "updated_at",
	}
	out := map[string]any{}
	_, isBroadcast := message["senderId"]
	for name, value := range message {
		if as, ok := names[name]; ok && isBroadcast {
			name = as
		}
		out[name] = value
	}
	metadata, _ := message["metadata"].(map[string]any)
	for _, name := range []string{"thought", "actions", "attachments"} {
		if isBroadcast {
			if diff := cmp.Diff(metadata[name], message[name]); diff != "" {
				t.Errorf("%s stands in the metadata and beside it (-metadata +beside)\n%s", name, diff)
			}
		} else {
			out[name] = metadata[name]
		}
	}
	kept := map[string]any{}
	for _, name := range []string{
		"id", "channelId", "messageServerId", "seq", "authorId", "authorDisplayName", "content", "sourceType", "metadata", "thought", "actions",
		"attachments", "inReplyToRootMessageId", "created_at", "updated_at", "rawMessage",
	} {
		if out[name] != nil {
			kept[name] = out[name]
		}
	}
	if _, bySocket := metadata["socket_id"]; bySocket {
		delete(kept, "rawMessage") // a broadcast doesn't repeat the sender's payload
	}
	return kept
}

// Whichever way a message comes in, nothing of it is lost: the agent sees it, the history has it, and a broadcast shows what
// the history shows, to the sockets of either dialect.
func TestWaysIn(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			n, model := prompts(t)
			channel, user := n.dm()
			parent := n.say(channel, n.agentID(), "Look at this").ID
			listener := n.listen(channel, uuid.New())
			in := w.send(n, channel, user, parent)
			var inHistory map[string]any
			eventually(t, "the message in the history", func() bool {
				page := data[struct{ Messages []map[string]any }](n.read(n.api().ListMessages(t.Context(), in, nil)).want(200)).Messages
				i := slices.IndexFunc(page, func(m map[string]any) bool { return m["content"] == "What is in this picture?" })
				if i >= 0 {
					inHistory = page[i]
				}
				return i >= 0
			})
			shown := seen(t, inHistory)
			attachments, _ := shown["attachments"].([]any)
			if len(attachments) != 1 || attachments[0].(map[string]any)["url"] != "https://example.org/a.png" {
				t.Errorf("attachments %v", shown["attachments"])
			}
			if metadata := shown["metadata"].(map[string]any); metadata["own"] != "kept" {
				t.Errorf("metadata %v", metadata)
			}
			if w.name != "job" && (shown["thought"] != "It looks odd" || cmp.Diff([]any{"LOOK"}, shown["actions"]) != "" || shown["authorDisplayName"] != "Ann") {
				t.Errorf("the history shows %v", shown)
			}
			if in == channel {
				if shown["inReplyToRootMessageId"] != parent.String() {
					t.Errorf("in reply to %v", shown["inReplyToRootMessageId"])
				}
				var e socketEvent
				for e.name != "messageBroadcast" || !strings.Contains(string(e.payload), "What is in this picture?") {
					e = readEvent(t, listener)
				}
				var broadcast map[string]any
				if err := json.Unmarshal(e.payload, &broadcast); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(shown, seen(t, broadcast)); diff != "" {
					t.Errorf("(-history +broadcast)\n%s", diff)
				}
			}
			if w.quiet {
				return
			}
			eventually(t, "the agent's answer", func() bool { return len(model.Requests()) > 0 })
			if prompt := model.Requests()[0].Prompt(); !strings.Contains(prompt, "https://example.org/a.png") && !strings.Contains(prompt, "a lighthouse") {
				t.Errorf("the agent doesn't see the attachment:\n%s", prompt)
			}
		})
	}
}
