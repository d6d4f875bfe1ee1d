package present

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/messaging"
)

// What is encoded by hand is what encoding/json makes of the same fields.
func TestBroadcastEncoding(t *testing.T) {
	t.Parallel()
	id := uuid.New
	full := api.SocketBroadcast{
		ID: id(), SenderID: id(), SenderName: `Ann "the <b>"`, Text: "line\n\u2028 é \x00 \\", ChannelID: id(), RoomID: id(), ServerID: id(),
		MessageServerID: id(), CreatedAt: 1_800_000_000_000, UpdatedAt: -1, Source: "client_chat", Seq: 42, Thought: "hm",
		Actions: json.RawMessage(`["REPLY"]`), Attachments: json.RawMessage(`[{"url":"a"}]`), RawMessage: json.RawMessage(`{"x":1}`),
		Metadata: json.RawMessage(`{"y":null}`), InReplyToMessageID: new(id()), ClientMessageID: "m\t1",
	}
	for name, b := range map[string]api.SocketBroadcast{"full": full, "bare": {}} {
		want, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendSocketBroadcast(nil, &b); string(got) != string(want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	var members map[string]any
	if err := json.Unmarshal(AppendSocketBroadcast(nil, &full), &members); err != nil || len(members) != 19 {
		t.Errorf("%d members, %v: the fields that are left out when empty must be set here", len(members), err)
	}
}

// BenchmarkBroadcast measures the one encoding of a message that all sockets of its channel share.
func BenchmarkBroadcast(b *testing.B) {
	m := messaging.Message{
		ID: uuid.New(), ChannelID: uuid.New(), MessageServerID: uuid.New(), AuthorID: uuid.New(), AuthorName: "Ann", Seq: 42,
		Content:   "The quick brown fox jumps over the lazy dog, and nobody minds: \"it is its way\".",
		InReplyTo: new(uuid.New()), SourceType: messaging.SourceAgentResponse, CreatedAt: time.Now(), UpdatedAt: time.Now(),
		Metadata: json.RawMessage(`{"thought":"It asks for an animal","actions":["REPLY"],"provider":"builtin"}`),
	}
	picture := m
	picture.Metadata = json.RawMessage(`{"attachments":[{"url":"` + fileurl.Path(fileurl.ChannelUploads, m.ChannelID.String(), "a.png") + `"}]}`)
	signing := New(fileurl.New([][]byte{[]byte("a key")}, uuid.New(), time.Now))
	for name, v := range map[string]struct {
		Documents
		*messaging.Message
	}{"plain": {Documents{}, &m}, "signing": {signing, &m}, "picture": {Documents{}, &picture}, "picture, signing": {signing, &picture}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				AppendSocketBroadcast(nil, v.SocketBroadcast(v.Message))
			}
		})
	}
}
