package messagingtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
	"github.com/elizad/elizad/server/internal/store/storetest"
)

// Creation is something that callers make, and that is bounded for the whole server.
type Creation struct {
	Name string
	Many int          // so many are made
	Make func() error // makes one
	Want []string     // all that is sent for one; nil: whatever it is
}

// CheckStatements checks on both engines that something is made by the same statements whether there is one of it or many, and that
// none of them counts. kinds says what is made on a bench, whose clock stands still, so that counts don't expire.
func CheckStatements(t *testing.T, change func(*messaging.Config), kinds func(t *testing.T, b *Bench, now func() time.Time) []Creation) {
	t.Helper()
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
			sent := &storetest.Trace{}
			st, err := open(t, sent.Add)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			now := func() time.Time { return start }
			b := On(t, st, change, func(c *messaging.Config) { c.Now = now })
			for _, kind := range kinds(t, b, now) {
				kind.check(t, sent)
			}
		})
	}
}

func (kind Creation) check(t *testing.T, sent *storetest.Trace) {
	t.Helper()
	once := func() []string {
		t.Helper()
		sent.Reset()
		if err := kind.Make(); err != nil {
			t.Fatalf("%s: %v", kind.Name, err)
		}
		return sent.Names()
	}
	once()
	second := once()
	if i := slices.IndexFunc(second, func(query string) bool { return strings.HasPrefix(query, "Count") && query != "CountParticipants" }); i >= 0 {
		t.Errorf("%s: the second sends %s", kind.Name, second[i])
	}
	if diff := cmp.Diff(kind.Want, second); kind.Want != nil && diff != "" {
		t.Errorf("%s: sends (-want +got):\n%s", kind.Name, diff)
	}
	var others errgroup.Group
	others.SetLimit(16)
	for range kind.Many - 3 {
		others.Go(kind.Make)
	}
	if err := others.Wait(); err != nil {
		t.Fatalf("%s: %v", kind.Name, err)
	}
	if diff := cmp.Diff(second, once()); diff != "" {
		t.Errorf("%s: number 2 and number %d send other statements (-second +last):\n%s", kind.Name, kind.Many, diff)
	}
}

// CheckLastPlace asks for far more at once than there may be, each time for another user, and checks that the last place goes to one
// of them and none stays free. refused reports whether an error says that there is no room.
func CheckLastPlace(t *testing.T, most int, create func() error, refused func(error) bool) {
	t.Helper()
	var everybody errgroup.Group
	made := make(chan bool, 5*most)
	for range 5 * most {
		everybody.Go(func() error {
			err := create()
			if err == nil {
				made <- true
			} else if refused(err) {
				return nil
			}
			return err
		})
	}
	if err := everybody.Wait(); err != nil {
		t.Error(err)
	}
	if len(made) != most {
		t.Errorf("%d were made of %d", len(made), most)
	}
}
