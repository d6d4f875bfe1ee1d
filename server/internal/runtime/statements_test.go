package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
	"github.com/elizad/elizad/server/model/doctor"
)

// asked holds the statements of a question and its answer; claims are left out, because they depend on time, too.
var (
	asked    = []string{"NextSeq", "ListChannelAgents", "InsertMessage", "InsertTurn"}
	prepared = []string{"GetAgentChannel", "ListChannelMembers", "ListRecentMessages", "ListEntityFacts", "ListChannelFacts"}
	finished = []string{
		"FinishTurn", "NextSeq", "InsertMessage", "RoomExists", "InsertMemory", "InsertMemory",
		"InsertTurnEvent", "InsertTurnEvent", "InsertTurnEvent", "AnyTurnQueued",
	}
)

// An answer takes a fixed number of statements, however long the conversation: two transactions that write, the first of which
// is the question's, and one that reads.
func TestStatementsOfAnAnswer(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(*testing.T, func(string)) (store.System, error){
		"sqlite": func(t *testing.T, trace func(string)) (store.System, error) {
			return sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir(), Trace: trace})
		},
		"postgres": func(t *testing.T, trace func(string)) (store.System, error) {
			return pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t), Trace: trace})
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			trace := &storetest.Trace{}
			st, err := open(t, trace.Add)
			if err != nil {
				t.Fatal(err)
			}
			counted := &transactions{System: st}
			b := setupOn(t, counted, builtin(t))
			ada := b.agent(t, "Ada", "")
			dm := b.dm(t, ada)
			first := slices.Concat(asked, prepared, []string{"GetAgent"}, finished)
			want := slices.Concat(first, asked, prepared, finished)
			for _, length := range []int{10, 1000} {
				b.fill(t, dm, length)
				trace.Reset()
				views, updates := counted.views.Load(), counted.updates.Load()
				service, claims := b.fresh(t)
				b.askUnseen(t, dm, "I feel that this is an important one")
				b.askUnseen(t, dm, "My brother would not agree")
				b.stop(t, service)
				sent := slices.DeleteFunc(trace.Names(), func(name string) bool {
					switch name {
					case "EnsureServerWorld", "EnsureRoom", // of the very first answer
						"ReleaseTurnLeases": // when the runtime stops
						return true
					}
					return strings.Contains(name, "Claim")
				})
				if diff := cmp.Diff(want, sent); diff != "" {
					t.Errorf("two answers after %d messages (-want +got):\n%s", length, diff)
				}
				// Of the first answer another one reads the character, and the last one releases what isn't finished.
				views, updates = counted.views.Load()-views, counted.updates.Load()-updates-claims.n.Load()
				if views != 3 || updates != 5 {
					t.Errorf("two answers after %d messages read in %d transactions and write in %d", length, views, updates)
				}
			}
		})
	}
}

// Whether a person had the introduction is read from the database once, whether they had it or not: the query has to look
// through a day of their messages.
func TestIntroductionIsReadOnce(t *testing.T) {
	t.Parallel()
	p, err := doctor.New(doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	introducing := choose(func(runtime.ModelRequest) runtime.ModelChoice {
		return runtime.ModelChoice{Provider: p, Introduction: doctor.Notice}
	})
	for name, tt := range map[string]struct {
		before     int // messages in the channel
		introduced bool
	}{
		"a new person":                {0, true},
		"introduced earlier, perhaps": {100, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := &storetest.Trace{}
			st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir(), Trace: trace.Add})
			if err != nil {
				t.Fatal(err)
			}
			b := setupOn(t, st, introducing)
			b.start(t, b.Service)
			ada := b.agent(t, "Ada", "")
			dm, room := b.dm(t, ada), b.group(t, ada)
			if tt.before > 0 {
				b.fill(t, dm, tt.before)
			}
			introduced := 0
			for _, channel := range []messaging.Channel{dm, dm, room} {
				if strings.Contains(b.say(t, ada, b.draft(channel, "Ada, I feel that this is important")).reply(), doctor.Notice) {
					introduced++
				}
				if channel.ID == dm.ID && introduced > 0 != tt.introduced {
					t.Errorf("introduced in the direct channel: %v", introduced > 0)
				}
			}
			if introduced != 1 {
				t.Errorf("introduced %d times", introduced)
			}
			if n := trace.Count("HasReplyWith"); n != 1 {
				t.Errorf("the database was asked %d times", n)
			}
		})
	}
}

// Making an agent doesn't count the others.
func TestCreationOfAnAgentDoesNotCount(t *testing.T) {
	t.Parallel()
	trace := &storetest.Trace{}
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir(), Trace: trace.Add})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	b := setupOn(t, st, builtin(t), func(c *runtime.Config) {
		c.MaxAgents = 1000
		c.Now = func() time.Time { return start } // counts don't expire
	})
	for i := range 100 {
		if _, _, err := b.create(t, fmt.Sprintf(`{"name":"Agent %d","bio":"x"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := trace.Count("CountAgents"); n != 1 {
		t.Errorf("for 100 agents they were counted %d times", n)
	}
}

// transactions counts the transactions of a store.
type transactions struct {
	store.System
	views, updates atomic.Int64
}

func (s *transactions) View(ctx context.Context, scope store.Scope, fn func(q db.Scoped) error) error {
	s.views.Add(1)
	return s.System.View(ctx, scope, fn)
}

func (s *transactions) Update(ctx context.Context, scope store.Scope, fn func(q db.Scoped) error) error {
	s.updates.Add(1)
	return s.System.Update(ctx, scope, fn)
}

func (s *transactions) SystemView(ctx context.Context, fn func(q db.System) error) error {
	s.views.Add(1)
	return s.System.SystemView(ctx, fn)
}

func (s *transactions) SystemUpdate(ctx context.Context, fn func(q db.System) error) error {
	s.updates.Add(1)
	return s.System.SystemUpdate(ctx, fn)
}

// claims counts the claims of a runtime.
type claims struct {
	*messaging.Service
	n atomic.Int64
}

func (c *claims) ClaimTurns(ctx context.Context, owner string, n, perSender int, lease time.Duration) ([]messaging.Turn, error) {
	c.n.Add(1)
	return c.Service.ClaimTurns(ctx, owner, n, perSender, lease)
}

// fresh starts a runtime without cached state, which renews no lease while the test lasts. It is to be stopped.
func (b *bench) fresh(t *testing.T) (*runtime.Service, *claims) {
	t.Helper()
	counted := &claims{Service: b.messages}
	config := b.config
	config.Messages, config.Lease = counted, 24*time.Hour
	s, err := runtime.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, counted
}

// fill adds messages to a channel without asking an agent, until it has a number of them.
func (b *bench) fill(t *testing.T, channel messaging.Channel, n int) {
	t.Helper()
	for i := 0; ; i++ {
		d := b.draft(channel, fmt.Sprintf("Note %d", i))
		d.Quiet = true
		p, err := b.messages.Post(t.Context(), b.who, d)
		if err != nil {
			t.Fatal(err)
		}
		if p.Message.Seq >= int64(n) {
			return
		}
	}
}

// askUnseen posts a message and waits for the end of its turn without reading the database.
func (b *bench) askUnseen(t *testing.T, channel messaging.Channel, text string) {
	t.Helper()
	sub, err := b.messages.Subscribe(channel.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	p, err := b.messages.Post(t.Context(), b.who, b.draft(channel, text))
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	for {
		select {
		case m := <-sub.C():
			e, err := messaging.DecodeEvent(m)
			if err != nil {
				t.Fatal(err)
			}
			if e.Type == messaging.EventTurnEnded && e.Turn.TurnID == p.Turns[0].ID {
				return
			}
		case <-deadline:
			t.Fatalf("no answer to %q\n%s", text, b.log)
		}
	}
}
