package realtime_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/realtime"
)

// Every event that asks for an acknowledgement gets one, which says in one field whether the event was accepted.
func TestEveryEventIsAcknowledged(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *realtime.Config) { c.Logs = logstream.NewStream(10) })
	user := uuid.New()
	channel := b.dm(user).ID
	c := b.connect(user)
	for id, tt := range []struct {
		event   string
		payload any
		success bool
		also    []string // events that come before
	}{
		{"join_channel", object{"channelId": channel}, true, []string{"channel_joined", "room_joined"}},
		{"join_channel", object{}, false, []string{"messageError"}},
		{"message", object{"type": 1, "payload": object{"channelId": channel}}, true, []string{"channel_joined", "room_joined"}},
		{"message", nil, false, []string{"messageError"}},
		{"message", object{"type": 7, "payload": object{"channelId": channel}}, false, []string{"messageError"}},
		{"send_message", object{"channelId": channel, "message": "x"}, true, []string{"messageBroadcast", "messageAck"}},
		{"typing_start", object{"channelId": channel}, true, nil},
		{"typing_stop", object{"channelId": channel}, true, nil},
		{"typing_start", nil, false, nil},
		{"update_log_filters", object{"level": "warn"}, false, []string{"log_filters_updated"}},
		{"subscribe_logs", nil, true, []string{"log_subscription_confirmed"}},
		{"subscribe_logs", nil, true, []string{"log_subscription_confirmed"}},
		{"update_log_filters", object{"level": "warn"}, true, []string{"log_filters_updated"}},
		{"set_log_filter", object{"category": "database"}, true, []string{"log_filters_updated"}},
		{"unsubscribe_logs", nil, true, []string{"log_subscription_confirmed"}},
		{"leave_channel", object{"channelId": channel}, true, []string{"channel_left"}},
		{"leave_channel", nil, false, []string{"messageError"}},
		{"send_message", object{"channelId": channel}, false, []string{"messageError"}},
	} {
		c.emitAck(id, tt.event, tt.payload)
		for _, name := range tt.also {
			c.want(name)
		}
		e := c.next()
		if e.ack != id || e.data["success"] != tt.success {
			t.Fatalf("%s %v: acknowledgement %s", tt.event, tt.payload, e.raw)
		}
		if text, _ := e.data["error"].(string); (text != "") == tt.success {
			t.Errorf("%s %v: error %q", tt.event, tt.payload, text)
		}
	}
}
