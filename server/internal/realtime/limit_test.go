package realtime_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/realtime"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *realtime.Config) { c.RateLimit = realtime.RateLimit{Max: 3, Window: time.Hour} })
	user := uuid.New()
	channel := b.dm(user).ID
	c := b.connect(user)
	for range 3 {
		c.emit("2", object{"channelId": channel, "message": "x"})
		c.want("messageBroadcast")
		c.want("messageAck")
	}
	c.emitAck(1, "2", object{"channelId": channel, "message": "one too many", "messageId": "m4"})
	e := c.want("messageError").data
	if e["code"] != "RATE_LIMIT_EXCEEDED" || e["clientMessageId"] != "m4" || e["retryAfter"].(float64) < 1 {
		t.Errorf("refusal %v", e)
	}
	if a := c.next(); a.ack != 1 || a.data["success"] != false {
		t.Errorf("acknowledgement %+v", a)
	}
	if u := c.want("controlMessage").data; u["action"] != "enable_input" {
		t.Errorf("the input stays locked: %v", u)
	}
	same := b.connect(uuid.New()) // the same address by another socket
	same.emit("1", object{"channelId": channel})
	if e := same.want("messageError").data; e["code"] != "RATE_LIMIT_EXCEEDED" {
		t.Errorf("another socket of the address: %v", e)
	}
}
