package realtime_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/logstream"
	"github.com/elizad/elizad/server/internal/realtime"
)

func TestLogStream(t *testing.T) {
	t.Parallel()
	stream := logstream.NewStream(100)
	log := slog.New(stream.Handler(slog.LevelDebug))
	b := setup(t, func(c *realtime.Config) { c.Logs = stream })
	c := b.connect(uuid.New())

	c.emit("update_log_filters", object{"level": "warn"})
	if e := c.want("log_filters_updated").data; e["success"] != false || e["error"] != "Not subscribed to log stream" {
		t.Errorf("filters without a subscription: %v", e)
	}
	c.emit("subscribe_logs", nil)
	if e := c.want("log_subscription_confirmed").data; e["subscribed"] != true || e["message"] != "Successfully subscribed to log stream" {
		t.Errorf("confirmation %v", e)
	}
	log.Info("both", "agentName", "Eliza", "api_key", "hidden")
	first := c.want("log_stream").data
	payload := first["payload"].(object)
	if first["type"] != "log_entry" || payload["level"] != float64(30) || payload["agentName"] != "Eliza" {
		t.Errorf("entry %v", first)
	}
	if e := c.want("log_update"); e.data["level"] != "info" || e.data["message"] != "both" || e.data["data"].(object)["api_key"] == "hidden" {
		t.Errorf("entry %s", e.raw)
	}

	c.emit("update_log_filters", object{"level": "warn", "agentName": "all"})
	c.want("log_filters_updated")
	c.emit("update_log_filters", object{"agentName": "Eliza"}) // the level stays
	if diff := cmp.Diff(object{"success": true, "filters": object{"level": "warn", "agentName": "Eliza"}}, c.want("log_filters_updated").data); diff != "" {
		t.Error(diff)
	}
	log.Info("too quiet", "agentName", "Eliza")
	log.Error("somebody else", "agentName", "Ada")
	log.Error("this one", "agentName", "Eliza")
	if got := c.want("log_stream").data["payload"].(object); got["level"] != float64(50) {
		t.Errorf("entry %v", got)
	}

	c.emit("unsubscribe_logs", nil)
	if e := c.want("log_subscription_confirmed").data; e["subscribed"] != false {
		t.Errorf("confirmation %v", e)
	}
	log.Error("nobody listens", "agentName", "Eliza")
	c.emit("leave_channel", object{"channelId": "x"})
	c.want("channel_left")
}

func TestTyping(t *testing.T) {
	t.Parallel()
	b := setup(t)
	channel, user := uuid.New(), uuid.New()
	typist, reader := b.connect(user), b.connect(uuid.New())
	reader.join(channel)
	typist.emitAck(1, "typing_start", object{"channelId": channel})
	if e := typist.next(); e.ack != 1 || e.data["success"] != false {
		t.Errorf("an entity that is not in the channel: %+v", e)
	}
	typist.join(channel)
	typist.emit("typing_start", object{"channelId": channel, "senderName": "Ada"})
	want := object{"channelId": channel.String(), "roomId": channel.String(), "entityId": user.String(), "senderName": "Ada"}
	if diff := cmp.Diff(want, reader.want("typing_start").data); diff != "" {
		t.Error(diff)
	}
	typist.emit("typing_start", object{"channelId": channel}) // too soon after the first to be sent
	typist.emit("typing_stop", object{"channelId": channel})
	reader.want("typing_stop")
	typist.emit("leave_channel", object{"channelId": channel})
	typist.want("channel_left")
	typist.emitAck(2, "typing_start", object{"channelId": channel})
	if e := typist.next(); e.ack != 2 || e.data["success"] != false {
		t.Errorf("after leaving: %+v", e)
	}
}

// The filters of both dialects are merged.
func TestLogCategory(t *testing.T) {
	t.Parallel()
	stream := logstream.NewStream(100)
	log := slog.New(stream.Handler(slog.LevelDebug))
	b := setup(t, func(c *realtime.Config) { c.Logs = stream })
	c := b.connect(uuid.New())
	c.emit("subscribe_logs", nil)
	if e := c.want("log_subscription_confirmed").data; e["success"] != true {
		t.Errorf("confirmation %v", e)
	}
	c.emit("set_log_filter", object{"category": "database", "level": "warn"})
	if diff := cmp.Diff(object{"success": true, "filters": object{"level": "warn", "category": "database"}}, c.want("log_filters_updated").data); diff != "" {
		t.Error(diff)
	}
	log.Error("of no category")
	log.Error("of another", "component", "media")
	log.Warn("this one", "component", "database")
	if e := c.want("log_update").data; e["message"] != "this one" || e["category"] != "database" {
		t.Errorf("entry %v", e)
	}
	c.emit("set_log_filter", object{"category": "all"})
	c.want("log_filters_updated")
	log.Error("anything")
	if e := c.want("log_update").data; e["message"] != "anything" || e["category"] != "server" {
		t.Errorf("entry %v", e)
	}
}

func TestLogFiltersAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.connect(uuid.Nil)
	c.write(`42["subscribe_logs"]`)
	c.want("log_subscription_confirmed")
	c.write(`42["update_log_filters",{"agentName":"` + strings.Repeat("x", 1025) + `"}]`)
	if got := c.want("log_filters_updated"); got.data["success"] != false || !strings.Contains(fmt.Sprint(got.data["error"]), "1024") {
		t.Errorf("a filter that is too long: %v", got.data)
	}
}
