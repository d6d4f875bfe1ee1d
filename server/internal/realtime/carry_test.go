package realtime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
)

// Everything that a client sends with a message reaches the others and the database, with addresses unchanged.
func TestWhatAMessageCarries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	sender, other := b.connect(user), b.connect(uuid.New())
	other.join(channel)
	sender.emit("2", object{"channelId": channel, "message": "first"})
	first := other.want("messageBroadcast").data["id"]
	sender.want("messageBroadcast")
	sender.want("messageAck")

	const attachments = `[{"id":"1","url":"https://cdn.example/a b.png?x=1&y=<2>#ü","contentType":"image/png","own":{"n":1.50}}]`
	var sent any
	if err := json.Unmarshal([]byte(attachments), &sent); err != nil {
		t.Fatal(err)
	}
	socketID := ""
	for name, alias := range map[string]string{"senderName": "inReplyTo", "entityName": "inReplyToMessageId", "displayName": "in_reply_to_message_id"} {
		sender.emit("2", object{
			"channelId": channel, "message": "look " + name, "messageId": "mine " + name, "source": "client_chat", name: "Ada", alias: first,
			"attachments": json.RawMessage(attachments), "metadata": object{"channelType": "DM", "own": []int{1, 2}}, "messageServerId": messaging.DefaultServerID,
		})
		got := other.want("messageBroadcast")
		if got.data["senderName"] != "Ada" || got.data["inReplyToMessageId"] != first || got.data["source"] != "client_chat" {
			t.Errorf("%s: %s", name, got.raw)
		}
		if diff := cmp.Diff(sent, got.data["attachments"]); diff != "" {
			t.Errorf("attachments changed on the way: %s", diff)
		}
		metadata := got.data["metadata"].(object)
		socketID = fmt.Sprint(metadata["socket_id"])
		if metadata["user_display_name"] != "Ada" || metadata["channelType"] != "DM" || metadata["messageServerId"] != messaging.DefaultServerID.String() || socketID == "" {
			t.Errorf("metadata %v", metadata)
		}
		if strings.Contains(fmt.Sprint(got.data["id"]), "mine") {
			t.Errorf("the client's id became the message's: %s", got.raw)
		}
	}
	h, err := b.messaging.History(t.Context(), auth.Claimed(user), channel, messaging.HistoryQuery{Limit: 1})
	if err != nil || len(h.Messages) != 1 {
		t.Fatal(h, err)
	}
	var stored struct {
		SocketID    string `json:"socket_id"`
		Attachments []struct{ URL string }
	}
	if err := json.Unmarshal(h.Messages[0].Metadata, &stored); err != nil || stored.SocketID != socketID || len(stored.Attachments) != 1 ||
		stored.Attachments[0].URL != "https://cdn.example/a b.png?x=1&y=<2>#ü" {
		t.Errorf("stored %s, %v", h.Messages[0].Metadata, err)
	}

	sender.emit("2", object{"channelId": channel, "message": "", "attachments": json.RawMessage(attachments)}) // needs no text
	if got := other.want("messageBroadcast").data; got["text"] != "" || got["senderName"] != "User" {
		t.Errorf("a picture alone: %v", got)
	}
}

// A key may be in the request's header, for clients that put it there for REST as well.
func TestKeyInTheHeader(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *realtime.Config) { c.Guard = guard("k1", "k2") })
	for key, welcome := range map[string]bool{"k1": true, "k2": true, "k3": false, "": false} {
		for _, path := range []string{"/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=4&transport=websocket&apiKey=k1", "/ws"} {
			ws, _, err := websocket.Dial(t.Context(), b.url+path, &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = ws.CloseNow() })
			c := &client{t: t, conn: ws}
			if path == "/ws" {
				if key == "" {
					continue // it may still come in a frame
				}
			} else {
				c.read()
				c.write("40")
			}
			if got := c.read(); strings.Contains(got, "Invalid or missing API Key") == welcome {
				t.Errorf("%s with the key %q: %s", path, key, got)
			}
		}
	}
}

// A socket that was removed from a deleted channel receives nothing of the next one under that id.
func TestDeletedChannelHasNoListeners(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	c, p := b.connect(user), b.plain("")
	c.join(channel)
	p.want("status", "connected")
	p.write(object{"type": "join", "channelId": channel})
	p.want("status", "joined")
	if err := b.messaging.DeleteChannel(t.Context(), auth.Claimed(user), channel); err != nil {
		t.Fatal(err)
	}
	c.want("channelDeleted")
	p.want("status", "channel_deleted")
	other := b.connect(uuid.New())
	other.emit("2", object{"channelId": channel, "message": "anybody?"})
	other.want("messageBroadcast")
	other.want("messageAck")
	c.emitAck(1, "typing_start", object{"channelId": channel})
	if e := c.next(); e.ack != 1 || e.data["success"] != false {
		t.Errorf("still there: %s %s", e.name, e.raw)
	}
	p.write(object{"type": "join"})
	p.want("type", "error")
}
