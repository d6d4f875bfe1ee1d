package lifecycle_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal records what components do.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) component(name string) lifecycle.Component {
	return lifecycle.Component{
		Name:  name,
		Start: func(context.Context) error { j.add("+" + name); return nil },
		Stop:  func(context.Context) error { j.add("-" + name); return nil },
	}
}

func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if diff := cmp.Diff(lines, j.lines); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	var j journal
	g := lifecycle.NewGroup(j.component("store"), lifecycle.Component{Name: "nothing"}, j.component("bus"), j.component("sockets"))
	for range 2 {
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := g.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	j.want(t, "+store", "+bus", "+sockets", "-sockets", "-bus", "-store")
	if err := g.Start(t.Context()); err != nil {
		t.Errorf("a start after the end reports %v instead of the first start's result", err)
	}
}

func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	var j journal
	g := lifecycle.NewGroup(j.component("store"))
	if err := g.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); !errors.Is(err, lifecycle.ErrStopped) {
		t.Errorf("Start after Stop = %v", err)
	}
	j.want(t)
}

func TestFailingStartUndoesWhatStarted(t *testing.T) {
	t.Parallel()
	var j journal
	broken := errors.New("port taken")
	failing := j.component("listener")
	failing.Start = func(context.Context) error { return broken }
	g := lifecycle.NewGroup(j.component("store"), failing, j.component("sockets"))
	err := g.Start(t.Context())
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "starting listener") {
		t.Errorf("Start = %v", err)
	}
	j.want(t, "+store", "-store")
	if err := g.Stop(t.Context()); err != nil {
		t.Errorf("Stop after a failed start = %v", err)
	}
	j.want(t, "+store", "-store")
}

func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		slow := j.component("slow")
		slow.Start = func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		g := lifecycle.NewGroup(j.component("store"), slow)
		started := make(chan error, 1)
		go func() { started <- g.Start(context.Background()) }()
		synctest.Wait()
		if err := g.Stop(t.Context()); err != nil {
			t.Errorf("Stop = %v", err)
		}
		if err := <-started; !errors.Is(err, lifecycle.ErrStopped) {
			t.Errorf("Start = %v", err)
		}
		j.want(t, "+store", "-store")
	})
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		polite := j.component("polite")
		polite.StopTimeout = 2 * time.Second
		polite.Stop = func(ctx context.Context) error {
			<-ctx.Done()
			j.add("-polite")
			return ctx.Err()
		}
		release := make(chan struct{})
		hanging := j.component("hanging")
		hanging.StopTimeout = 3 * time.Second
		hanging.Stop = func(context.Context) error { <-release; return nil }

		g := lifecycle.NewGroup(j.component("store"), polite, hanging)
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err := g.Stop(t.Context())
		if took := time.Since(begin); took != 6*time.Second {
			t.Errorf("stopping took %v, want 3 s and 1 s grace for the one that hangs, 2 s for the polite one", took)
		}
		for _, want := range []string{"stopping hanging: left behind", "stopping polite"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is missing in %v", want, err)
			}
		}
		j.want(t, "+store", "+polite", "+hanging", "-polite", "-store")
		close(release)
	})
}

func TestStopWithEndedContextStillStopsAll(t *testing.T) {
	t.Parallel()
	var j journal
	g := lifecycle.NewGroup(j.component("store"), j.component("bus"))
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Stop(ctx); err != nil {
		t.Errorf("Stop = %v", err)
	}
	j.want(t, "+store", "+bus", "-bus", "-store")
}

// TestStress starts and stops groups from many goroutines at once. However the calls interleave, no component starts twice,
// each that started stops once, and nothing runs when Stop has returned.
func TestStress(t *testing.T) {
	t.Parallel()
	for range 200 {
		var running, starts atomic.Int32
		component := lifecycle.Component{
			Name: "part",
			Start: func(context.Context) error {
				starts.Add(1)
				if rand.N(10) == 0 {
					return errors.New("unlucky")
				}
				running.Add(1)
				return nil
			},
			Stop: func(context.Context) error { running.Add(-1); return nil },
		}
		g := lifecycle.NewGroup(component, component, component)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if i%2 == 0 {
					_ = g.Start(context.Background())
					return
				}
				_ = g.Stop(context.Background())
				if n := running.Load(); n != 0 {
					t.Errorf("%d components run after Stop", n)
				}
			})
		}
		wg.Wait()
		if n := starts.Load(); n > 3 {
			t.Errorf("3 components started %d times", n)
		}
	}
}
