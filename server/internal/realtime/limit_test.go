package realtime_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/realtime"
	"github.com/elizad/elizad/server/internal/throttle"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *realtime.Config) { c.RateLimit = throttle.Limit{Max: 3, Window: time.Hour} })
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
	same := b.connect(uuid.New()) // the same address, on another socket
	same.emit("1", object{"channelId": channel})
	if e := same.want("messageError").data; e["code"] != "RATE_LIMIT_EXCEEDED" {
		t.Errorf("another socket of the address: %v", e)
	}
}

func TestHandshakesHaveASeparateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *realtime.Config) { c.RateLimit = throttle.Limit{Max: 2, Window: time.Hour} })
	for i, want := range []int{http.StatusSwitchingProtocols, http.StatusSwitchingProtocols, http.StatusTooManyRequests} {
		ws, resp, err := websocket.Dial(t.Context(), b.url+"/ws", nil)
		if err == nil {
			t.Cleanup(func() { _ = ws.CloseNow() })
		}
		if resp == nil || resp.StatusCode != want {
			t.Fatalf("connection %d: %v, %v; want status %d", i, resp, err, want)
		}
		if after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); want == http.StatusTooManyRequests && after < 1 {
			t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
		}
	}
}

func TestChannelsOfOneConnectionAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.connect(uuid.New())
	for i := range 1_000 {
		c.emit("1", object{"channelId": fmt.Sprint("channel ", i)})
		c.want("channel_joined")
		c.want("room_joined")
	}
	c.emit("1", object{"channelId": "one too many"})
	if e := c.want("messageError").data; e["code"] != "BAD_REQUEST" || e["channelId"] != "one too many" {
		t.Errorf("refusal %v", e)
	}
	c.emit("1", object{"channelId": "channel 7"}) // a member already
	c.want("channel_joined")
}
