package messaging_test

import (
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/messaging"
)

// What begins while the upkeep sleeps is noticed when it is due, long before the interval is over.
func TestUpkeepWakesForWhatIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *messaging.Config) {
		c.Sessions = messaging.SessionLimits{Timeout: 150 * time.Millisecond, MinTimeout: time.Millisecond, Warning: 100 * time.Millisecond}
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
	events, err := b.Subscribe(messaging.DefaultServerID)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	s := b.session(t, messaging.TimeoutPatch{})
	for _, want := range []messaging.EventType{messaging.EventSessionWarning, messaging.EventSessionExpired} {
		if e := next(t, events); e.Type != want || e.ChannelID != s.ChannelID {
			t.Errorf("event %+v, want %s", e, want)
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
