package realtime

import (
	"encoding/json"
	"testing"

	"github.com/elizad/elizad/server/internal/auth"
)

// Every name is read, the first of several names for one value counts, and a null is ignored.
func TestPayloadIsReadUnderEveryName(t *testing.T) {
	t.Parallel()
	const id = "b850bc30-45f8-0041-a00a-83df46d8555d"
	for _, names := range [][]string{
		{"channelId", "roomId"},
		{"messageServerId", "serverId", "message_server_id", "server_id"},
		{"senderId", "entityId", "authorId", "author_id"},
		{"message", "text", "content"},
		{"senderName", "entityName", "displayName", "username"},
		{"messageId", "clientMessageId"},
		{"inReplyTo", "inReplyToMessageId", "in_reply_to_message_id"},
	} {
		for i, name := range names {
			payload := map[string]any{name: id}
			for _, before := range names[:i] {
				payload[before] = nil
			}
			for _, after := range names[i+1:] {
				payload[after] = "another"
			}
			raw, err := json.Marshal(payload)
			if err != nil {
				t.Fatal(err)
			}
			p := readPayload(raw)
			var found []string
			for _, values := range [][]json.RawMessage{
				p.channel[:], p.server[:], p.sender[:], p.text[:], p.person[:], p.client[:], p.reply[:],
			} {
				if text := firstText(values...); text != "" {
					found = append(found, text)
				}
			}
			if len(found) != 1 || found[0] != id {
				t.Errorf("%s: found %q", raw, found)
			}
		}
	}
}

// BenchmarkReadPayload measures the reading of a message that a socket sends.
func BenchmarkReadPayload(b *testing.B) {
	payload := json.RawMessage(`{"channelId":"a754cd35-323b-449b-a989-4846a5be30ab","roomId":"a754cd35-323b-449b-a989-4846a5be30ab",` +
		`"senderId":"17dcb1c8-cf1f-438a-b8c7-dc93995e78be","senderName":"User","message":"Hello, how are you?",` +
		`"messageServerId":"00000000-0000-0000-0000-000000000000","messageId":"9e8536ed-880f-4b60-9d1e-8bd6038e88c6","source":"client_chat",` +
		`"attachments":[],"metadata":{"channelType":"DM","isDm":true,"targetUserId":"b850bc30-45f8-0041-a00a-83df46d8555d"}}`)
	b.ReportAllocs()
	for b.Loop() {
		p := readPayload(payload)
		clientID, channel := p.clientID(), p.channelName()
		if _, ok := p.draft(clientID); !ok || !anyThere(p.sender[:]...) {
			b.Fatal("nothing is read")
		}
		_, _ = auth.ParseID(channel)
		_, _ = auth.ParseID(firstText(p.sender[:]...))
		_, _ = auth.ParseID(firstText(p.target))
	}
}
