package realtime_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
)

func TestChangedMessageIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user)
	c := b.connect(user)
	c.emit("join_channel", object{"channelId": channel.ID})
	c.want("channel_joined")
	c.want("room_joined")
	posted, err := b.messaging.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: "helo", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	c.want("messageBroadcast")
	if _, err := b.messaging.EditMessage(t.Context(), auth.Claimed(user), posted.Message.ID, "hello", nil); err != nil {
		t.Fatal(err)
	}
	if e := c.want("messageBroadcast").data; e["id"] != posted.Message.ID.String() || e["text"] != "hello" || e["seq"] != float64(1) {
		t.Errorf("broadcast %v", e)
	}
	if e := c.want("messageUpdated").data; e["messageId"] != posted.Message.ID.String() || e["content"] != "hello" || e["channelId"] != channel.ID.String() {
		t.Errorf("update %v", e)
	}
}

func TestCompletionFromOutside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user)
	c := b.connect(user)
	c.emit("join_channel", object{"channelId": channel.ID})
	c.want("channel_joined")
	c.want("room_joined")
	if err := b.messaging.Complete(t.Context(), auth.System(), messaging.Completion{ChannelID: channel.ID, Failed: true, Detail: "no network"}); err != nil {
		t.Fatal(err)
	}
	// Nothing was streamed, so there is no stream to end.
	e := c.want("messageComplete").data
	if _, named := e["messageId"]; named || e["status"] != "failed" || e["error"] != "no network" || e["serverId"] != uuid.Nil.String() {
		t.Errorf("complete %v", e)
	}
}
