package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/elizad/elizad/gen/sqlite"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/server/internal/store"
)

// maxGroup is the number of updates that one commit carries at most, and the number that may wait for the next one.
const maxGroup = 256

// errGone is the outcome of an update whose function ended the goroutine that ran it.
var errGone = errors.New("a transaction function called runtime.Goexit")

// writer runs updates one after the other on the only connection that writes, and commits them in groups: everything that
// waits while one commit goes to the disk becomes the next group.
//
// A group trusts its members at first: their changes are in one transaction. When one fails after it has begun
// to change something, the transaction is rolled back and the whole group runs again, each member within a savepoint that
// takes back its own changes alone. A savepoint costs a quarter of a post, most of it because its release writes what the text
// index has gathered, and failures are rare.
type writer struct {
	session *session
	present func() error // whether what is committed can be found again
	changed func()       // called for each update that has begun to change something, before it is committed
	queue   chan *update
	quit    chan struct{} // closed to stop
	stopped sync.Once
	done    chan struct{} // closed when the goroutine has ended

	// Of the goroutine alone:
	group []*update // those of the open transaction
	saves bool      // each of them within a savepoint
}

// update is one caller's transaction.
type update struct {
	fn      func(q unscoped.Querier) error
	raw     func(h *handle) error // instead of fn, for statements of the store's own
	state   atomic.Int32          // waiting, then one of the others
	err     error
	panic   *panicked
	outcome chan struct{} // closed when err and panic are final
}

const (
	waiting int32 = iota
	begun
	abandoned
)

// panicked is a panic of a transaction function, on its way from the writer's goroutine to the caller's.
type panicked struct {
	value any
	stack []byte
}

// Error shows what was panicked with, and where.
func (p *panicked) Error() string {
	return fmt.Sprintf("panic in a transaction: %v\n\n%s", p.value, p.stack)
}

// Unwrap returns the value, if it is an error.
func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

func startWriter(s *session, present func() error, changed func()) *writer {
	w := &writer{
		session: s,
		present: present,
		changed: changed,
		queue:   make(chan *update, maxGroup),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	go w.run()
	return w
}

// stop lets the writer commit what it has accepted, and waits for it.
func (w *writer) stop() {
	w.stopped.Do(func() { close(w.quit) })
	<-w.done
}

// update runs fn as one transaction and waits until it is durable. A panic of fn continues here.
func (w *writer) update(ctx context.Context, fn func(q unscoped.Querier) error) error {
	return w.submit(ctx, &update{fn: fn})
}

// submit waits until an update is durable.
func (w *writer) submit(ctx context.Context, u *update) error {
	u.outcome = make(chan struct{})
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.quit:
		return store.ErrClosed
	default:
	}
	select {
	case w.queue <- u:
	case <-w.quit:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-u.outcome:
	case <-ctx.Done():
		if u.abandon() {
			return ctx.Err()
		}
		<-u.outcome
	case <-w.done:
		if u.abandon() {
			return store.ErrClosed
		}
		<-u.outcome
	}
	if u.panic != nil {
		panic(u.panic)
	}
	return u.err
}

// abandon takes back an update that has not begun, and reports whether it could. One that has begun will have an outcome.
func (u *update) abandon() bool { return u.state.CompareAndSwap(waiting, abandoned) }

// run is the writer's goroutine.
func (w *writer) run() {
	finished := false
	defer func() {
		if finished {
			close(w.done)
			return
		}
		// A function ended this goroutine, or the driver panicked. The group is lost, the writer is not.
		why := errGone
		if v := recover(); v != nil {
			why = &panicked{v, debug.Stack()}
		}
		w.answer(w.rollback(why))
		go w.run()
	}()
	for quit := false; !quit; {
		select {
		case u := <-w.queue:
			w.commit(u)
		case <-w.quit:
			quit = true
		}
	}
	for u := w.next(); u != nil; u = w.next() {
		w.commit(u)
	}
	finished = true
}

// commit runs first and what waits behind it in one transaction, and answers the callers when it is on the disk.
func (w *writer) commit(first *update) {
	ctx := context.Background()
	w.group, w.saves = w.group[:0], false
	err := w.present() // what is refused before it began had no effect
	if err == nil {
		err = w.begin(ctx)
	}
	if err != nil {
		w.group = append(w.group, first)
		w.answer(err)
		return
	}
	for u := first; u != nil; u = w.next() {
		if !u.state.CompareAndSwap(waiting, begun) {
			continue // the caller has given up
		}
		w.group = append(w.group, u)
		err := w.member(ctx, u)
		if errors.Is(err, errMixed) {
			err = w.separate(ctx)
		}
		if err != nil {
			w.answer(w.rollback(err))
			return
		}
	}
	if err := w.session.exec(ctx, "COMMIT"); err != nil {
		w.answer(w.rollback(fmt.Errorf("committing: %w", err)))
		return
	}
	w.answer(w.present())
}

func (w *writer) begin(ctx context.Context) error {
	if err := w.session.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	return nil
}

// errMixed says that a member failed whose changes can't be separated from those of the others.
var errMixed = errors.New("an update failed in a group without savepoints")

// separate runs the group again, with savepoints. It returns an error when the whole group is lost.
func (w *writer) separate(ctx context.Context) error {
	_ = w.rollback(errMixed)
	w.saves = true
	err := w.begin(ctx)
	for _, u := range w.group {
		if err != nil {
			break
		}
		u.err, u.panic = nil, nil
		err = w.member(ctx, u)
	}
	return err
}

// next returns an update that waits, if there is one and the group has room. Before it gives up it yields to goroutines that may be
// about to ask for one: a larger group takes the disk no longer.
func (w *writer) next() *update {
	for range 2 {
		if len(w.group) == maxGroup {
			break
		}
		select {
		case u := <-w.queue:
			return u
		default:
			runtime.Gosched()
		}
	}
	return nil
}

// member runs one update inside the group. It returns errMixed when the group must run again, with savepoints, and another error
// when it is lost.
func (w *writer) member(ctx context.Context, u *update) error {
	h := &handle{session: w.session, inGroup: true, saves: w.saves}
	u.run(h)
	h.end()
	if h.wrote && u.raw == nil {
		w.changed()
	}
	if u.err == nil && h.failure != nil {
		u.err = fmt.Errorf("a failed statement was ignored: %w", h.failure)
	}
	switch {
	case !h.wrote && isEngineError(h.failure):
		// SQLite may have given up the transaction over a failure to read, and there is no savepoint to show it.
		return h.failure
	case !h.wrote, u.err == nil && u.panic == nil && !w.saves:
		return nil
	case !w.saves:
		return errMixed
	case u.err == nil && u.panic == nil:
		return w.session.exec(ctx, "RELEASE member")
	}
	// The savepoint is gone when the failure was one over which SQLite gives up the whole transaction, such as a full disk.
	if err := w.session.exec(ctx, "ROLLBACK TO member"); err != nil {
		return fmt.Errorf("undoing a failed update: %w", errors.Join(u.err, err))
	}
	return w.session.exec(ctx, "RELEASE member")
}

func (u *update) run(h *handle) {
	defer func() {
		if value := recover(); value != nil {
			u.panic = &panicked{value, debug.Stack()}
		}
	}()
	if u.raw != nil {
		u.err = u.raw(h)
		return
	}
	u.err = u.fn(sqlite.New(h))
}

// rollback gives up the open transaction, if SQLite hasn't done so already, and returns why.
func (w *writer) rollback(why error) error {
	// There may be nothing to roll back; the next BEGIN fails if this did.
	_ = w.session.exec(context.Background(), "ROLLBACK")
	return why
}

// answer returns to the callers of the group how it ended. If it was lost, that holds for all of them: even one that failed by
// itself may have seen what others of the group had written.
func (w *writer) answer(lost error) {
	for _, u := range w.group {
		if lost != nil {
			u.err = lost
		}
		close(u.outcome)
	}
	clear(w.group)
	w.group = w.group[:0]
}
