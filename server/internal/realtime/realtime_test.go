package realtime_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/session"
)

type object = map[string]any

func TestHandshake(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	withKey := func(c *realtime.Config) { c.Guard = guard("k1", "k2") }
	strict := func(c *realtime.Config) { c.RequireEntity = true }
	tests := []struct {
		name    string
		change  func(*realtime.Config)
		auth    string
		refused string
	}{
		{name: "an entity", auth: fmt.Sprintf(`{"entityId":%q}`, user)},
		{name: "an entity in upper case", auth: fmt.Sprintf(`{"entityId":%q}`, strings.ToUpper(user.String()))},
		{name: "nobody", auth: ""},
		{name: "nobody, strictly", change: strict, auth: "", refused: "Valid entityId required"},
		{name: "a malformed entity", auth: `{"entityId":"me"}`, refused: "Valid entityId required"},
		{name: "an entity that is no text", auth: `{"entityId":7}`, refused: "Valid entityId required"},
		{name: "no key", change: withKey, auth: `{}`, refused: "Invalid or missing API Key"},
		{name: "wrong key", change: withKey, auth: `{"apiKey":"k3"}`, refused: "Invalid or missing API Key"},
		{name: "second key", change: withKey, auth: fmt.Sprintf(`{"apiKey":"k2","entityId":%q}`, user)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			change := tt.change
			if change == nil {
				change = func(*realtime.Config) {}
			}
			c := setup(t, change).dial(tt.auth)
			answer := c.read()
			if tt.refused != "" {
				if !strings.HasPrefix(answer, "44") || !strings.Contains(answer, tt.refused) {
					t.Errorf("answer %s, want a refusal with %q", answer, tt.refused)
				}
				return
			}
			if !strings.HasPrefix(answer, `40{"sid":`) {
				t.Fatalf("answer %s", answer)
			}
			id := c.want("authenticated").data["entityId"]
			if tt.auth != "" && id != user.String() {
				t.Errorf("entity %v, want %s", id, user)
			}
			if _, err := uuid.Parse(fmt.Sprint(id)); err != nil {
				t.Errorf("entity %v", id)
			}
			if got := c.want("connection_established").data["socketId"]; got == "" {
				t.Error("no socket id")
			}
		})
	}
}

func TestSpellingsOfJoin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.connect(uuid.New())
	channel := uuid.NewString()
	want := object{"success": true, "channelId": channel, "roomId": channel}
	for _, name := range []any{"1", 1, "room_joining", "ROOM_JOINING", "join_channel"} {
		for _, field := range []string{"channelId", "roomId"} {
			c.emit(name, object{field: channel})
			for _, confirmation := range []string{"channel_joined", "room_joined"} {
				got := c.want(confirmation).data
				delete(got, "message")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%v with %s: %s", name, field, diff)
				}
			}
		}
	}
	for _, kind := range []any{1, "1", "room_joining", "join_channel"} {
		c.emit("message", object{"type": kind, "payload": object{"channelId": channel}})
		c.want("channel_joined")
		c.want("room_joined")
	}
	c.emitAck(7, "1", object{"channelId": channel})
	c.want("channel_joined")
	c.want("room_joined")
	if e := c.next(); e.ack != 7 || e.data["success"] != true {
		t.Errorf("acknowledgement %+v", e)
	}
}

func TestMessageReachesAllOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user)
	sender, tab, other := b.connect(user), b.connect(user), b.connect(uuid.New())
	for _, c := range []*client{sender, tab, other} {
		c.join(channel.ID)
	}
	sender.emit("message", object{"type": 2, "payload": object{
		"channelId": channel.ID, "roomId": channel.ID, "senderId": user, "senderName": "Ada", "message": "Hello",
		"messageServerId": messaging.DefaultServerID, "messageId": "mine-1", "source": "client_chat", "metadata": object{"channelType": "DM"},
	}})
	own := sender.want("messageBroadcast").data
	ack := sender.want("messageAck").data
	if own["clientMessageId"] != "mine-1" || own["text"] != "Hello" || own["senderName"] != "Ada" || own["source"] != "client_chat" {
		t.Errorf("the sender's copy: %v", own)
	}
	if ack["clientMessageId"] != "mine-1" || ack["messageId"] != own["id"] || ack["status"] != "received_by_server_and_processing" || ack["success"] != true {
		t.Errorf("acknowledgement: %v", ack)
	}
	for _, c := range []*client{tab, other} {
		got := c.want("messageBroadcast").data
		if _, leaked := got["clientMessageId"]; leaked || got["id"] != own["id"] {
			t.Errorf("another's copy: %v", got)
		}
		for _, key := range []string{"senderId", "text", "channelId", "roomId", "serverId", "messageServerId", "createdAt"} {
			if got[key] == nil {
				t.Errorf("%s is missing", key)
			}
		}
	}
	b.answer("Good ", "day")
	for _, c := range []*client{sender, tab, other} {
		first, second := c.want("messageStreamChunk").data, c.want("messageStreamChunk").data
		reply, done := c.want("messageBroadcast").data, c.want("messageComplete").data
		if first["chunk"] != "Good " || second["index"] != float64(1) || first["messageId"] != reply["id"] || reply["text"] != "Good day" {
			t.Errorf("stream %v, %v, reply %v", first, second, reply)
		}
		if reply["thought"] != "hm" || reply["senderId"] != b.agent.String() || reply["inReplyToMessageId"] != own["id"] {
			t.Errorf("reply %v", reply)
		}
		if done["messageId"] != own["id"] || done["status"] != "replied" || done["replyId"] != reply["id"] || done["channelId"] != channel.ID.String() {
			t.Errorf("end %v", done)
		}
	}
}

func TestSpellingsOfSend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	c := b.connect(user)
	payloads := []object{
		{"channelId": channel, "message": "a"},
		{"roomId": channel, "text": "b", "serverId": messaging.DefaultServerID, "entityId": user},
		{"channelId": channel, "content": "c", "message_server_id": messaging.DefaultServerID, "author_id": user},
		{"channelId": strings.ToUpper(channel.String()), "message": "d", "server_id": messaging.DefaultServerID, "authorId": user},
	}
	for _, name := range []any{"2", 2, "send_message", "SEND_MESSAGE"} {
		for _, p := range payloads {
			c.emit(name, p)
			c.want("messageBroadcast")
			c.want("messageAck")
		}
	}
	for _, kind := range []any{2, "2", "send_message", "SEND_MESSAGE"} {
		c.emit("message", object{"type": kind, "payload": payloads[0]})
		c.want("messageBroadcast")
		c.want("messageAck")
	}
	c.emitAck(3, "send_message", payloads[0])
	id := c.want("messageBroadcast").data["id"]
	c.want("messageAck")
	if e := c.next(); e.ack != 3 || e.data["success"] != true || e.data["messageId"] != id {
		t.Errorf("acknowledgement %+v", e)
	}
}

func TestBadEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	c := b.connect(user)
	ok := func(change object) object {
		p := object{"channelId": channel, "message": "x", "senderId": user}
		for k, v := range change {
			p[k] = v
		}
		return p
	}
	tests := []struct {
		name    string
		event   string
		payload any
		code    string
		text    string
	}{
		{"join nothing", "1", object{}, "CHANNEL_ID_REQUIRED", "channelId is required"},
		{"join the empty channel", "1", object{"channelId": ""}, "CHANNEL_ID_REQUIRED", "required"},
		{"join a list", "1", []int{1}, "CHANNEL_ID_REQUIRED", "required"},
		{"join null", "1", nil, "CHANNEL_ID_REQUIRED", "required"},
		{"join something endless", "1", object{"channelId": strings.Repeat("x", 200)}, "CHANNEL_ID_REQUIRED", "required"},
		{"wrapped nothing", "message", object{"type": 1}, "CHANNEL_ID_REQUIRED", "required"},
		{"wrapped null", "message", object{"type": 1, "payload": nil}, "CHANNEL_ID_REQUIRED", "required"},
		{"wrapper without a type", "message", object{"payload": object{"channelId": channel}}, "INVALID_MESSAGE", "required"},
		{"wrapper that is empty", "message", object{}, "INVALID_MESSAGE", "required"},
		{"wrapper that is none", "message", "hello", "INVALID_MESSAGE", "required"},
		{"wrapper of an outbound type", "message", object{"type": 3, "payload": object{"channelId": channel}}, "INVALID_MESSAGE", "types"},
		{"send nothing", "2", object{}, "INVALID_MESSAGE", "required"},
		{"send null", "2", nil, "INVALID_MESSAGE", "required"},
		{"no text", "2", ok(object{"message": ""}), "INVALID_MESSAGE", "required"},
		{"text that is none", "2", ok(object{"message": object{"a": 1}}), "INVALID_MESSAGE", "required"},
		{"channel that is none", "2", ok(object{"channelId": "lobby"}), "INVALID_MESSAGE", "required"},
		{"sender that is none", "2", ok(object{"senderId": "me"}), "INVALID_MESSAGE", "required"},
		{"server that is none", "2", ok(object{"messageServerId": 7}), "INVALID_MESSAGE", "required"},
		{"unknown server", "2", ok(object{"channelId": uuid.New(), "messageServerId": user}), "SERVER_NOT_FOUND", "Server " + user.String() + " does not exist"},
		{"another server", "2", ok(object{"messageServerId": user}), "BAD_REQUEST", "message_server_id"},
		{"too long", "2", ok(object{"message": strings.Repeat("x", messaging.DefaultMaxContent+1)}), "VALIDATION_ERROR", "ELIZAD_MAX_MESSAGE"},
	}
	for _, tt := range tests { // one after the other on one connection, which must survive all of them
		c.emit(tt.event, tt.payload)
		e := c.want("messageError").data
		if e["code"] != tt.code || !strings.Contains(fmt.Sprint(e["error"]), tt.text) {
			t.Errorf("%s: %v", tt.name, e)
		}
		if tt.event == "2" {
			if unlock := c.want("controlMessage").data; unlock["action"] != "enable_input" {
				t.Errorf("%s: the input stays locked: %v", tt.name, unlock)
			}
		}
	}
	c.emit("no_such_event", object{"a": 1})
	c.emit("error", object{"a": 1})
	c.emitAck(5, "2", object{})
	c.want("messageError")
	if e := c.next(); e.ack != 5 || e.data["success"] != false || e.data["code"] != "INVALID_MESSAGE" {
		t.Errorf("acknowledgement %+v", e)
	}
	c.want("controlMessage")
	c.emit("2", ok(nil))
	c.want("messageBroadcast")
}

func TestFirstMessageMakesTheChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, channel := uuid.New(), uuid.New()
	c := b.connect(user)
	c.join(channel) // before it exists
	c.emit("send_message", object{"channelId": channel, "message": "hi", "targetUserId": b.agent, "metadata": object{"isDm": true}})
	c.want("messageBroadcast")
	c.want("messageAck")
	b.answer("hello")
	c.want("messageStreamChunk")
	c.want("messageBroadcast")
	c.want("messageComplete")
	got, err := b.messaging.Channel(t.Context(), auth.Claimed(user), channel)
	if err != nil || got.Type != messaging.TypeDM || len(got.Participants) != 2 {
		t.Errorf("channel %+v, %v", got, err)
	}
}

func TestRepeatedSendIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	c := b.connect(user)
	var ids []any
	for range 2 {
		c.emit("2", object{"channelId": channel, "message": "once", "messageId": "m1"})
		ids = append(ids, c.want("messageBroadcast").data["id"])
		c.want("messageAck")
	}
	if ids[0] != ids[1] {
		t.Errorf("ids %v", ids)
	}
	h, err := b.messaging.History(t.Context(), auth.Claimed(user), channel, messaging.HistoryQuery{})
	if err != nil || len(h.Messages) != 1 {
		t.Errorf("stored %d messages, %v", len(h.Messages), err)
	}
}

func TestTwentyQuickMessagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user).ID
	sender, other := b.connect(user), b.connect(uuid.New())
	other.join(channel)
	for i := range 20 {
		sender.emit("2", object{"channelId": channel, "message": fmt.Sprint(i)})
	}
	for i := range 20 {
		if got := other.want("messageBroadcast").data; got["text"] != fmt.Sprint(i) || got["seq"] != float64(i+1) {
			t.Fatalf("message %d is %v", i, got)
		}
	}
}

// TestLostEventsAreMadeUpFor drops every event of the bus while messages are posted, and then lets one through.
func TestLostEventsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user)
	c := b.connect(user)
	c.join(channel.ID)
	silent := messaging.New(messaging.Config{Store: b.db, Bus: mute{bus.NewLocal()}})
	for i := range 5 {
		if _, err := silent.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.messaging.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: "5"}); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if got := c.want("messageBroadcast").data["text"]; got != fmt.Sprint(i) {
			t.Fatalf("message %d is %v", i, got)
		}
	}
}

func TestChannelEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	who, channel := auth.Claimed(user), b.dm(user)
	c := b.connect(user)
	c.join(channel.ID)
	c.emit("2", object{"channelId": channel.ID, "message": "to be deleted"})
	id := c.want("messageBroadcast").data["id"]
	c.want("messageAck")
	messageID := uuid.MustParse(fmt.Sprint(id))
	if err := b.messaging.DeleteMessage(t.Context(), who, channel.ID, messageID); err != nil {
		t.Fatal(err)
	}
	c.want("messageStreamError") // the agent's turn is cancelled
	if e := c.want("messageComplete").data; e["status"] != "cancelled" {
		t.Errorf("end %v", e)
	}
	if e := c.want("messageDeleted").data; e["messageId"] != id || e["channelId"] != channel.ID.String() {
		t.Errorf("deleted %v", e)
	}
	if err := b.messaging.ClearChannel(t.Context(), who, channel.ID); err != nil {
		t.Fatal(err)
	}
	c.want("channelCleared")
	if _, err := b.messaging.UpdateChannel(t.Context(), who, channel.ID, messaging.ChannelPatch{Topic: new("tea")}); err != nil {
		t.Fatal(err)
	}
	if e := c.want("channelUpdated").data; e["updates"].(object)["topic"] != "tea" {
		t.Errorf("updated %v", e)
	}
	if err := b.messaging.DeleteChannel(t.Context(), who, channel.ID); err != nil {
		t.Fatal(err)
	}
	c.want("channelDeleted")
}

func TestPeopleOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	channel := uuid.New()
	c := b.connect(uuid.New())
	c.emit("2", object{"channelId": channel, "message": "anybody?"})
	c.want("messageBroadcast")
	c.want("messageAck")
	if e := c.want("messageComplete").data; e["status"] != "unhandled" || e["reason"] != "no_agent" {
		t.Errorf("end %v", e)
	}
}

// A client that missed much gets it in portions that fit its socket's queue, however small or large the messages are.
func TestJoinReplaysInPortions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ messages, size, least, most int }{{250, 10, 100, 100}, {60, 30_000, 10, 35}, {1, 30_000, 1, 1}} {
		b := setup(t)
		user := uuid.New()
		channel, err := b.messaging.FindOrCreateDM(t.Context(), auth.Claimed(user), messaging.DMRequest{A: uuid.New(), B: user})
		if err != nil {
			t.Fatal(err)
		}
		for range tt.messages {
			if _, err := b.messaging.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: strings.Repeat("x", tt.size)}); err != nil {
				t.Fatal(err)
			}
		}
		c := b.connect(user)
		want := func(name string) event {
			e := c.next()
			for e.name == "messageComplete" { // of the messages, which no agent handles
				e = c.next()
			}
			if e.name != name {
				t.Fatalf("got %s %s, want %s", e.name, e.raw, name)
			}
			return e
		}
		for seen := 0; seen < tt.messages; {
			c.emit("join_channel", object{"channelId": channel.ID, "lastSeq": seen})
			e := want("channel_joined").data
			missed := int(e["missed"].(float64))
			last := seen+missed == tt.messages
			if missed > tt.most || !last && missed < tt.least || e["complete"] != last || e["seq"] != float64(tt.messages) {
				t.Fatalf("%d messages of %d bytes, %d seen: %v", tt.messages, tt.size, seen, e)
			}
			want("room_joined")
			for range missed {
				seen++
				if got := want("messageBroadcast").data; got["seq"] != float64(seen) {
					t.Fatalf("message %d is %v", seen, got["seq"])
				}
			}
		}
	}
}

func TestJoinReplaysWhatWasMissed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	channel := b.dm(user)
	for i := range 5 {
		if _, err := b.messaging.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: fmt.Sprint(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	c := b.connect(user)
	c.emit("join_channel", object{"channelId": channel.ID, "lastSeq": 2})
	if e := c.want("channel_joined").data; e["missed"] != float64(3) || e["complete"] != true || e["seq"] != float64(5) {
		t.Errorf("confirmation %v", e)
	}
	c.want("room_joined")
	c.emit("2", object{"channelId": channel.ID, "message": "6"})
	for i := 3; i <= 6; i++ {
		if got := c.want("messageBroadcast").data; got["text"] != fmt.Sprint(i) || got["seq"] != float64(i) {
			t.Fatalf("message %d is %v", i, got)
		}
	}
}

func TestSessionNearsItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := uuid.New()
	s, err := b.sessions.Create(t.Context(), auth.Claimed(user), session.NewSession{AgentID: b.agent, UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	c := b.connect(user)
	c.join(s.ChannelID)
	b.clock.Store(int64(26 * time.Minute))
	b.sweep()
	warning := c.want("sessionExpirationWarning").data
	if warning["sessionId"] != s.ID.String() || warning["channelId"] != s.ChannelID.String() || warning["expiresAt"] == "" || warning["timeRemaining"] == float64(0) {
		t.Errorf("warning %v", warning)
	}
	b.clock.Store(int64(31 * time.Minute))
	b.sweep()
	if e := c.want("sessionExpired").data; e["sessionId"] != s.ID.String() || e["channelId"] != s.ChannelID.String() {
		t.Errorf("expired %v", e)
	}
}
