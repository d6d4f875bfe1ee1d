package realtime_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/realtime"
)

// held is a domain in which a join with lastSeq, which the delivery handles, is held back.
type held struct {
	realtime.Messaging
	at      uuid.UUID // the channel of the join
	waits   chan struct{}
	release chan struct{}
	reads   atomic.Int64 // of missed messages
}

func (h *held) Channel(ctx context.Context, who auth.Identity, id uuid.UUID) (messaging.Channel, error) {
	if id == h.at {
		h.waits <- struct{}{}
		<-h.release
	}
	return h.Messaging.Channel(ctx, who, id)
}

func (h *held) MessagesSince(ctx context.Context, who auth.Identity, id uuid.UUID, seq int64, limit int) ([]messaging.Message, error) {
	if id != h.at {
		h.reads.Add(1)
	}
	return h.Messaging.MessagesSince(ctx, who, id, seq, limit)
}

// backwards is a bus that holds back the first events of a channel and publishes them in reverse when all have arrived.
type backwards struct {
	*bus.Local
	mu   sync.Mutex
	keep int
	kept []func() error
}

func (b *backwards) Publish(ctx context.Context, subject string, value any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keep == 0 || !strings.HasPrefix(subject, "channel.") {
		return b.Local.Publish(ctx, subject, value)
	}
	b.kept = append(b.kept, func() error { return b.Local.Publish(ctx, subject, value) })
	if b.keep--; b.keep > 0 {
		return nil
	}
	for _, publish := range slices.Backward(b.kept) {
		if err := publish(); err != nil {
			return err
		}
	}
	return nil
}

// TestEventsInAnyOrderNeedNoDatabase lets the events of several messages wait for the delivery, the last one first.
func TestEventsInAnyOrderNeedNoDatabase(t *testing.T) {
	t.Parallel()
	const messages = 5
	reversed := &backwards{Local: bus.NewLocal()}
	domain := &held{at: uuid.New(), waits: make(chan struct{}), release: make(chan struct{})}
	b := setupOn(t, reversed, func(cfg *realtime.Config) { domain.Messaging, cfg.Messaging = cfg.Messaging, domain })
	user := uuid.New()
	channel := b.dm(user)
	c, other := b.connect(user), b.connect(uuid.New())
	c.join(channel.ID)
	other.emit("join_channel", object{"channelId": domain.at, "lastSeq": 0})
	<-domain.waits
	reversed.mu.Lock()
	reversed.keep = messages
	reversed.mu.Unlock()
	for i := range messages {
		if _, err := b.messaging.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	close(domain.release)
	for i := range messages {
		if got := c.want("messageBroadcast").data["text"]; got != fmt.Sprint(i) {
			t.Fatalf("message %d is %v", i, got)
		}
	}
	if _, err := b.messaging.Post(t.Context(), auth.Claimed(user), messaging.Draft{ChannelID: channel.ID, Content: "the last"}); err != nil {
		t.Fatal(err)
	}
	if got := c.want("messageBroadcast").data["text"]; got != "the last" {
		t.Errorf("after all: %v", got) // none was delivered twice
	}
	if n := domain.reads.Load(); n != 0 {
		t.Errorf("%d reads of messages whose events were there", n)
	}
}
