package job_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

// plain is a Sealer that only marks what it was given.
type plain struct{}

func (plain) Seal(owner string, values map[string]string) ([]byte, error) {
	return json.Marshal(map[string]string{"sealed for " + owner: strings.ToUpper(values["callback"])})
}

func (plain) Open(owner string, sealed []byte) (map[string]string, error) {
	var values map[string]string
	err := json.Unmarshal(sealed, &values)
	return map[string]string{"callback": strings.ToLower(values["sealed for "+owner])}, err
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	b, c := timed(t, func(cfg *job.Config) {
		cfg.Secrets = plain{}
		cfg.CheckCallback = func(url string) error {
			if url != "https://example.com" {
				return apierr.Wrap(errors.New("no"), apierr.ValidationFailed, "no")
			}
			return nil
		}
	})
	_, err := b.jobs.Create(t.Context(), b.Who, job.NewJob{UserID: b.User, Content: "why?", CallbackURL: "https://elsewhere"})
	messagingtest.WantCode(t, err, apierr.ValidationFailed)
	hints, err := b.jobs.CallbackWork()
	if err != nil {
		t.Fatal(err)
	}
	defer hints.Close()
	j := b.job(t, job.NewJob{CallbackURL: "https://example.com", CallbackSecret: "hush"})
	claim := func() []job.Attempt {
		t.Helper()
		out, err := b.jobs.ClaimCallbacks(t.Context(), 9, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := claim(); len(got) != 0 {
		t.Fatalf("too early: %+v", got)
	}
	b.Answer(t, b.Claim(t, 1)[0], "because")
	<-hints.C()
	got := claim()
	if len(got) != 1 || got[0].Secret != "hush" || got[0].Number != 1 || got[0].Job.ID != j.ID || got[0].Job.Status != job.Completed {
		t.Fatalf("%+v", got)
	}
	if again := claim(); len(again) != 0 {
		t.Errorf("claimed twice: %+v", again)
	}
	c.Pass(time.Minute)
	if got = claim(); len(got) != 1 || got[0].Number != 2 {
		t.Fatalf("an attempt that was not settled: %+v", got)
	}
	retry := c.Now.Add(time.Second)
	if err := b.jobs.SettleCallback(t.Context(), j.ID, 2, "busy", &retry); err != nil {
		t.Fatal(err)
	}
	at, ok, err := b.jobs.NextCallback(t.Context())
	if err != nil || !ok || !at.Equal(retry) {
		t.Errorf("next %v, %v, %v", at, ok, err)
	}
	c.Pass(time.Second)
	claim()
	if err := b.jobs.SettleCallback(t.Context(), j.ID, 3, "", nil); err != nil {
		t.Fatal(err)
	}
	if cb := b.readJob(t, j.ID).Callback; cb == nil || cb.Pending || cb.Error != "" || cb.Attempts != 3 {
		t.Errorf("%+v", cb)
	}
	if _, ok, err := b.jobs.NextCallback(t.Context()); ok || err != nil {
		t.Errorf("still due: %v", err)
	}
}
