package messaging_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
)

// What begins while the upkeep sleeps is noticed when it is due, long before the interval is over. The session that is warned
// of lives for long: one that ended before a slow machine came to warn would rightly end without.
func TestUpkeepWakesForWhatIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *messaging.Config) {
		c.Sessions = messaging.SessionLimits{Timeout: time.Hour, MinTimeout: time.Millisecond, Warning: time.Hour - 50*time.Millisecond}
	})
	upkeep := messaging.NewUpkeep(b.Service, time.Hour)
	if err := upkeep.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := upkeep.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	events, err := b.Subscribe(uuid.Nil) // all channels
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	long := b.session(t, messaging.TimeoutPatch{})
	if e := next(t, events); e.Type != messaging.EventSessionWarning || e.ChannelID != long.ChannelID {
		t.Errorf("event %+v, want a warning", e)
	}
	short := b.session(t, messaging.TimeoutPatch{Timeout: new((150 * time.Millisecond).Minutes())})
	for e := next(t, events); e.Type != messaging.EventSessionExpired || e.ChannelID != short.ChannelID; e = next(t, events) {
		if e.Type != messaging.EventSessionWarning || e.ChannelID != short.ChannelID {
			t.Errorf("event %+v, want the end of the short session", e)
		}
	}
	j := b.job(t, messaging.NewJob{Timeout: time.Second})
	for {
		if e := next(t, events); e.Type == messaging.EventTurnEnded {
			if e.Turn.Reason != "job_timeout" || e.ChannelID != j.ChannelID {
				t.Errorf("event %+v", e.Turn)
			}
			return
		}
	}
}
