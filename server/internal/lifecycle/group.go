// Package lifecycle starts the parts of the server in order and stops them in reverse.
//
// A [Group] may be stopped before it was started, while it starts, twice, and from several goroutines: every call of
// [Group.Stop] returns only when nothing of the group runs any more, or when a part was given up after its time.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// DefaultStopTimeout is the time to stop that a [Component] has if it names none.
const DefaultStopTimeout = 5 * time.Second

// grace is how long a component may go on after its context ended. One that uses it up is left behind, so that a part that
// hangs doesn't keep the parts below it, such as the database, from closing.
const grace = time.Second

// ErrStopped is returned by [Group.Start] when the group was stopped before or while it started.
var ErrStopped = errors.New("stopped")

// Component is one part of the server.
type Component struct {
	Name string // in errors

	// Start makes the part ready and returns. Its context ends when the start is given up, and must not outlive the call:
	// what goes on in the background belongs to a context that Stop ends. If nil, there is nothing to start.
	Start func(context.Context) error

	// Stop ends the part and waits for its goroutines. It is called once, after Start succeeded, and must return when its
	// context ends. If nil, there is nothing to stop.
	Stop func(context.Context) error

	// StopTimeout is the longest time for Stop. Zero means DefaultStopTimeout.
	StopTimeout time.Duration
}

// Group is an ordered set of components with one life: started once, stopped once. Make it with [NewGroup].
type Group struct {
	components []Component

	mu       sync.Mutex
	start    *outcome // of the one start; nil before
	stop     *outcome // of the one stop; nil before
	giveUp   context.CancelCauseFunc
	finished int // components that started; read and written by the one start, and after it by the one stop
}

// outcome is the result of a step that several callers wait for.
type outcome struct {
	done chan struct{}
	err  error // valid when done is closed
}

func newOutcome() *outcome { return &outcome{done: make(chan struct{})} }

func (o *outcome) wait() error {
	<-o.done
	return o.err
}

// NewGroup returns a group of components that start in the given order.
func NewGroup(components ...Component) *Group {
	return &Group{components: components}
}

// Start starts the components one after the other. When one fails, or ctx ends, it stops those that had started and returns
// the error. A second call does nothing but wait for the first and return the same. After [Group.Stop] it returns
// [ErrStopped].
func (g *Group) Start(ctx context.Context) error {
	g.mu.Lock()
	if g.start != nil {
		start := g.start
		g.mu.Unlock()
		return start.wait()
	}
	if g.stop != nil {
		g.mu.Unlock()
		return ErrStopped
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	start := newOutcome()
	g.start, g.giveUp = start, cancel
	g.mu.Unlock()

	defer close(start.done)
	if start.err = g.startAll(ctx); start.err != nil {
		start.err = errors.Join(start.err, g.stopAll(context.WithoutCancel(ctx)))
	}
	return start.err
}

func (g *Group) startAll(ctx context.Context) error {
	for _, c := range g.components {
		if ctx.Err() != nil {
			return fmt.Errorf("starting %s: %w", c.Name, context.Cause(ctx))
		}
		if c.Start != nil {
			if err := c.Start(ctx); err != nil {
				return fmt.Errorf("starting %s: %w", c.Name, err)
			}
		}
		g.finished++
	}
	return nil
}

// Stop stops the components that started, last first, each within its own time and all within ctx; when ctx ends, the rest are
// still stopped, with a context that has ended. The error names every component that failed or was left behind. A later
// or simultaneous call waits for the first and returns the same. Before [Group.Start] it only forbids the start.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	if g.stop != nil {
		stop := g.stop
		g.mu.Unlock()
		return stop.wait()
	}
	stop, start := newOutcome(), g.start
	g.stop = stop
	if start != nil {
		g.giveUp(ErrStopped)
	}
	g.mu.Unlock()

	defer close(stop.done)
	if start != nil {
		<-start.done
		stop.err = g.stopAll(ctx)
	}
	return stop.err
}

func (g *Group) stopAll(ctx context.Context) error {
	var errs []error
	for ; g.finished > 0; g.finished-- {
		c := g.components[g.finished-1]
		if c.Stop == nil {
			continue
		}
		if err := c.stopWithin(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// stopWithin calls Stop and waits until it returns, or until its time and the grace are over.
func (c Component) stopWithin(ctx context.Context) error {
	timeout := c.StopTimeout
	if timeout <= 0 {
		timeout = DefaultStopTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		done <- c.Stop(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("left behind: %w", context.Cause(ctx))
	}
}
