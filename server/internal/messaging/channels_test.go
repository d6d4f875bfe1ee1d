package messaging_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

func TestOneDMForTwo(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	ids := make([]uuid.UUID, 8)
	var wg sync.WaitGroup
	for i := range ids { // concurrently, from both sides
		wg.Go(func() {
			r := messaging.DMRequest{A: b.Agent, B: b.User, ServerID: uuid.New()}
			if i%2 == 0 {
				r.A, r.B = r.B, r.A
			}
			c, err := b.FindOrCreateDM(t.Context(), b.Who, r)
			if err != nil {
				t.Error(err)
			}
			ids[i] = c.ID
		})
	}
	wg.Wait()
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("several channels for one pair: %v", ids)
	}
	_, err := b.FindOrCreateDM(t.Context(), b.Who, messaging.DMRequest{A: b.User, B: b.User})
	messagingtest.WantCode(t, err, apierr.ValidationFailed)
	_, err = b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: fmt.Sprintf("DM-%s-%s", b.User, b.Agent), Type: messaging.TypeDM})
	messagingtest.WantCode(t, err, apierr.ValidationFailed)
}

func TestUpdateChannel(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{
		Name: "old", Type: messaging.TypeGroup, Participants: []uuid.UUID{b.User}, Metadata: []byte(`{"a":1,"b":2}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	sub := messagingtest.Follow(t, b, c.ID)
	got, err := b.UpdateChannel(t.Context(), b.Who, c.ID, messaging.ChannelPatch{
		Name: new("new"), Participants: &[]uuid.UUID{b.Agent, b.User}, Metadata: []byte(`{"b":3}`), MergeMetadata: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "new" || string(got.Metadata) != `{"a":1,"b":3}` {
		t.Errorf("channel %+v", got)
	}
	if diff := cmp.Diff([]uuid.UUID{b.Agent, b.User}, got.Participants); diff != "" {
		t.Error(diff)
	}
	if e := messagingtest.Next(t, sub); e.Type != messaging.EventChannelUpdated || e.Channel.Name != "new" {
		t.Errorf("event %+v", e)
	}
	_, err = b.UpdateChannel(t.Context(), b.Who, uuid.New(), messaging.ChannelPatch{Name: new("x")})
	messagingtest.WantCode(t, err, apierr.NotFound)
}

func TestAgentsOfAChannel(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c, err := b.CreateChannel(t.Context(), b.Who, messaging.NewChannel{Name: "room", Type: messaging.TypeGroup, Participants: []uuid.UUID{b.User}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.AddAgent(t.Context(), b.Who, c.ID, b.Agent); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := b.ChannelAgents(t.Context(), b.Who, c.ID); err != nil || len(got) != 1 || got[0] != b.Agent {
		t.Errorf("agents %v, %v", got, err)
	}
	messagingtest.WantCode(t, b.AddAgent(t.Context(), b.Who, c.ID, uuid.New()), apierr.NotFound)
	messagingtest.WantCode(t, b.AddAgent(t.Context(), b.Who, uuid.New(), b.Agent), apierr.NotFound)
	if err := b.RemoveAgent(t.Context(), b.Who, c.ID, b.Agent); err != nil {
		t.Fatal(err)
	}
	messagingtest.WantCode(t, b.RemoveAgent(t.Context(), b.Who, c.ID, b.Agent), apierr.NotFound)
}

func TestDeleteIsOfTheChannel(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c, other := b.DM(t), uuid.New()
	m := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "keep me"}).Message
	b.Say(t, messaging.Draft{ChannelID: other, Content: "x", Create: &messaging.AutoCreate{}})
	if err := b.DeleteMessage(t.Context(), b.Who, other, m.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"keep me"}, b.Texts(t, c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000)
	b := messagingtest.New(t, func(c *messaging.Config) {
		c.Now = func() time.Time { now = now.Add(time.Second); return now }
	})
	c := b.DM(t)
	var times []time.Time
	for i := range 10 {
		times = append(times, b.Say(t, messaging.Draft{ChannelID: c.ID, Content: fmt.Sprint(i)}).Message.CreatedAt)
	}
	tests := []struct {
		name  string
		query messaging.HistoryQuery
		want  string
		more  bool
	}{
		{"newest", messaging.HistoryQuery{Limit: 3}, "987", true},
		{"all", messaging.HistoryQuery{}, "9876543210", false},
		{"before", messaging.HistoryQuery{Limit: 3, Before: &times[5]}, "432", true},
		{"after", messaging.HistoryQuery{Limit: 3, After: &times[5]}, "876", true},
		{"between", messaging.HistoryQuery{After: &times[2], Before: &times[6]}, "543", false},
		{"offset", messaging.HistoryQuery{Limit: 3, Offset: 8}, "10", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := b.History(t.Context(), b.Who, c.ID, tt.query)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, m := range h.Messages {
				got += m.Content
			}
			if got != tt.want || h.HasMore != tt.more {
				t.Errorf("%q, more %t; want %q, more %t", got, h.HasMore, tt.want, tt.more)
			}
		})
	}
	missed, err := b.MessagesSince(t.Context(), b.Who, c.ID, 7, 100)
	if err != nil || len(missed) != 3 || missed[0].Content != "7" || missed[0].Seq != 8 {
		t.Errorf("missed since 7: %+v, %v", missed, err)
	}
}
