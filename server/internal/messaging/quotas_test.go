package messaging_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// What is bounded for the whole server is made by the same statements whether there is one of it or many, and none of them counts.
func TestStatementsOfACreation(t *testing.T) {
	t.Parallel()
	kinds := map[string]struct {
		many int
		make func(t *testing.T, b *bench) error
		want []string // all that is sent; nil: whatever it is
	}{
		"session": {2000, func(t *testing.T, b *bench) error {
			_, err := b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: b.user})
			return err
		}, []string{"GetAgentHead", "InsertChannel", "AddParticipant", "AddParticipant", "InsertSession"}},
		"job": {200, func(t *testing.T, b *bench) error {
			_, err := b.CreateJob(t.Context(), b.who, messaging.NewJob{AgentID: &b.agent, UserID: b.user, Content: "Hello"})
			return err
		}, nil},
		"channel": {200, func(t *testing.T, b *bench) error {
			_, err := b.CreateChannel(t.Context(), b.who, messaging.NewChannel{Name: "Group", Type: messaging.TypeGroup})
			return err
		}, nil},
		"DM": {200, func(t *testing.T, b *bench) error {
			_, err := b.FindOrCreateDM(t.Context(), b.who, messaging.DMRequest{A: b.user, B: uuid.New()})
			return err
		}, nil},
		"message server": {200, func(t *testing.T, b *bench) error {
			_, err := b.CreateServer(t.Context(), b.who, messaging.NewServer{Name: "Platform", SourceType: "platform"})
			return err
		}, nil},
	}
	for engine, open := range map[string]func(*testing.T, func(string)) (store.Store, error){
		"sqlite": func(t *testing.T, trace func(string)) (store.Store, error) {
			return sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir(), Trace: trace})
		},
		"postgres": func(t *testing.T, trace func(string)) (store.Store, error) {
			return pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t), Trace: trace})
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			sent := &storetest.Trace{}
			st, err := open(t, sent.Add)
			if err != nil {
				t.Fatal(err)
			}
			const most = 10_000
			start := time.Now()
			b := setupOn(t, st, func(c *messaging.Config) {
				c.Now = func() time.Time { return start } // counts don't grow old
				c.MailboxLimit = most
				c.Quotas = messaging.Quotas{Channels: most, DMs: most, Sessions: most, Jobs: most, Servers: most, Participants: most}
			})
			for name, kind := range kinds {
				once := func() []string {
					t.Helper()
					sent.Reset()
					if err := kind.make(t, b); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					return sent.Names()
				}
				once()
				second := once()
				if i := slices.IndexFunc(second, func(query string) bool { return strings.HasPrefix(query, "Count") && query != "CountParticipants" }); i >= 0 {
					t.Errorf("%s: the second sends %s", name, second[i])
				}
				if diff := cmp.Diff(kind.want, second); kind.want != nil && diff != "" {
					t.Errorf("%s: sends (-want +got):\n%s", name, diff)
				}
				var others errgroup.Group
				others.SetLimit(16)
				for range kind.many - 3 {
					others.Go(func() error { return kind.make(t, b) })
				}
				if err := others.Wait(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(second, once()); diff != "" {
					t.Errorf("%s: number 2 and number %d send other statements (-second +last):\n%s", name, kind.many, diff)
				}
			}
		})
	}
}

// However many ask at once, the last place goes to one of them, and none stays free.
func TestQuotasHoldAtOnce(t *testing.T) {
	t.Parallel()
	const most = 12
	b := setup(t, func(c *messaging.Config) { c.Quotas = messaging.Quotas{Sessions: most, Jobs: most} })
	for name, create := range map[string]func(user uuid.UUID) error{
		"sessions": func(user uuid.UUID) error {
			_, err := b.CreateSession(t.Context(), b.who, messaging.NewSession{AgentID: b.agent, UserID: user})
			return err
		},
		"jobs": func(user uuid.UUID) error {
			_, err := b.CreateJob(t.Context(), b.who, messaging.NewJob{AgentID: &b.agent, UserID: user, Content: "Hello"})
			return err
		},
	} {
		var everybody sync.WaitGroup
		var made, refused atomic.Int32
		for range 5 * most {
			everybody.Go(func() {
				switch err := create(uuid.New()); {
				case err == nil:
					made.Add(1)
				case apierr.IsCode(err, apierr.QuotaExceeded), apierr.IsCode(err, apierr.QueueFull):
					refused.Add(1)
				default:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		everybody.Wait()
		if made.Load() != most {
			t.Errorf("%s: %d were made of %d, %d refused", name, made.Load(), most, refused.Load())
		}
	}
}
