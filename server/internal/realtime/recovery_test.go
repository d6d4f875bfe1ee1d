package realtime_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/realtime"
)

// greeting is what a client gets when it connects.
type greeting struct{ SID, PID string }

// begin dials, presents auth and waits for the greeting.
func (b *bench) begin(auth string) (*client, greeting) {
	b.t.Helper()
	c := b.dial(auth)
	answer, ok := strings.CutPrefix(c.read(), "40")
	var s greeting
	if !ok || json.Unmarshal([]byte(answer), &s) != nil || s.PID == "" {
		b.t.Fatalf("connect %q", answer)
	}
	c.want("authenticated")
	c.want("connection_established")
	return c, s
}

// A client that lost its connection gets its rooms, its name and its subscription back, under the same id.
func TestConnectionIsRecovered(t *testing.T) {
	t.Parallel()
	stream := logstream.NewStream(100)
	log := slog.New(stream.Handler(slog.LevelDebug))
	b := setup(t, func(c *realtime.Config) { c.Logs = stream })
	user := uuid.New()
	channel := b.dm(user).ID
	for _, tt := range []struct{ name, auth, again string }{
		{"a client with a name", fmt.Sprintf(`{"entityId":%q}`, user), `,"entityId":"` + user.String() + `"`},
		{"a client without one, which takes one as it joins", "", ""},
	} {
		c, first := b.begin(tt.auth)
		c.emit("join_channel", object{"channelId": channel, "entityId": user})
		c.want("channel_joined")
		c.want("room_joined")
		c.emit("subscribe_logs", nil)
		c.want("log_subscription_confirmed")
		c.emit("update_log_filters", object{"level": "error"})
		c.want("log_filters_updated")
		_ = c.conn.CloseNow()

		c, second := b.begin(fmt.Sprintf(`{"pid":%q%s}`, first.PID, tt.again))
		if second.SID != first.SID || second.PID == first.PID {
			t.Errorf("%s: %+v came back as %+v", tt.name, first, second)
		}
		c.emitAck(1, "typing_stop", object{"channelId": channel})
		if e := c.next(); e.ack != 1 { // events are handled after the session was restored
			t.Fatalf("%s: got %s", tt.name, e.raw)
		}
		log.Info("too quiet")
		log.Error("still here")
		if e := c.want("log_stream").data["payload"].(object); e["msg"] != "still here" {
			t.Errorf("%s: entry %v", tt.name, e)
		}
		c.emit("unsubscribe_logs", nil)
		c.want("log_subscription_confirmed")
		b.connect(user).emit("2", object{"channelId": channel, "message": tt.name})
		if got := c.want("messageBroadcast").data["text"]; got != tt.name {
			t.Errorf("%s: message %v", tt.name, got)
		}
		c.emit("2", object{"channelId": channel, "message": "mine"})
		if got := c.want("messageBroadcast").data["senderId"]; got != user.String() {
			t.Errorf("%s: sender %v", tt.name, got)
		}
		c.emit("leave_channel", object{"channelId": channel})
		c.want("messageAck")
		c.want("channel_left")
	}
}

// The secret of a session is useless to another entity.
func TestSessionIsRecoveredByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner, thief := uuid.New(), uuid.New()
	c, first := b.begin(fmt.Sprintf(`{"entityId":%q}`, owner))
	c.join(b.dm(owner).ID)
	_ = c.conn.CloseNow()
	for _, auth := range []string{fmt.Sprintf(`{"pid":%q,"entityId":%q}`, first.PID, thief), fmt.Sprintf(`{"pid":%q}`, first.PID)} {
		if _, got := b.begin(auth); got.SID == first.SID {
			t.Errorf("%s was given the session", auth)
		}
	}
}
