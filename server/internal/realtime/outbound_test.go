package realtime

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
)

// What is appended by hand is what encoding/json makes of the same fields.
func TestBroadcastEncoding(t *testing.T) {
	t.Parallel()
	id := uuid.New
	full := broadcast{
		ID: id(), SenderID: id(), SenderName: `Ann "the <b>"`, Text: "line\n\u2028 é \x00 \\", ChannelID: id(), RoomID: id(), ServerID: id(),
		MessageServerID: id(), CreatedAt: 1_800_000_000_000, UpdatedAt: -1, Source: "client_chat", Seq: 42, Thought: "hm",
		Actions: json.RawMessage(`["REPLY"]`), Attachments: json.RawMessage(`[{"url":"a"}]`), RawMessage: json.RawMessage(`{"x":1}`),
		Metadata: json.RawMessage(`{"y":null}`), InReplyTo: new(id()), ClientMessageID: "m\t1",
	}
	for name, b := range map[string]broadcast{"full": full, "bare": {}} {
		want, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.append(nil); string(got) != string(want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	var members map[string]any
	if err := json.Unmarshal(full.append(nil), &members); err != nil || len(members) != 19 {
		t.Errorf("%d members, %v: the fields that are left out when empty must be set here", len(members), err)
	}
}
