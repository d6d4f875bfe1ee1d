package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// serveCmd runs the server until a signal ends it. Its flags are the server's settings; kong has them validated before Run.
type serveCmd struct {
	Config settings.Settings `embed:""`
}

// Run serves. The first interrupt or termination signal lets replies that are being written finish, within the drain time; a
// second one ends the program at once.
func (c *serveCmd) Run(p *program) error {
	warnings := c.Config.FromProcess()
	console := newConsole(p, c.Config.Logs.JSON)
	srv, err := server.New(c.Config, append([]server.Option{server.WithVersion(readBuild().Version), server.WithHeapFloor(server.HeapFloor)}, p.options...)...)
	if err != nil {
		return err
	}
	console.sources(p.sources.Files, srv.SettingsFile())
	for _, text := range slices.Concat(p.sources.Notes, warnings) {
		console.warn(text)
	}
	listener, err := listen(c.Config)
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- c.live(ctx, srv, listener, console) }()
	return p.untilStopped(done, func() {
		console.stopping()
		stop()
	})
}

// sameSignal is how long after the first signal others count as the same request: service managers, and a terminal whose
// process group gets the signal, send several.
const sameSignal = 500 * time.Millisecond

// interruptible does work that the first signal asks to stop.
func (p *program) interruptible(work func(ctx context.Context) error) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	return p.untilStopped(done, stop)
}

// untilStopped waits for the end of the work, after the first signal has begun to stop it, or for a second signal, which
// abandons the work, because the process ends.
func (p *program) untilStopped(done <-chan error, stop func()) error {
	select {
	case err := <-done:
		return err
	case <-p.signals:
		stop()
	}
	counts := time.Now().Add(sameSignal)
	for {
		select {
		case err := <-done:
			return err
		case sig := <-p.signals:
			if time.Now().Before(counts) {
				continue
			}
			return forced(sig)
		}
	}
}

// live starts the server, serves until ctx ends or serving fails, and stops the server.
func (c *serveCmd) live(ctx context.Context, srv *server.Server, listener net.Listener, console *console) error {
	if err := srv.Start(ctx); err != nil {
		_ = listener.Close()
		if ctx.Err() != nil {
			return nil // asked to stop while starting
		}
		return err
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	info, err := srv.Info(ctx)
	if err == nil {
		console.welcome(publicURL(listener), info)
		debug.FreeOSMemory() // the memory of starting is not needed again, and the garbage collector is in no hurry
		giving, stop := context.WithCancel(ctx)
		defer stop()
		go giveBackMemory(giving)
		select {
		case err = <-served: // a request asked the server to stop, or the listener broke
			served <- nil
		case <-ctx.Done():
		}
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Config.Network.Drain)
	defer cancel()
	err = errors.Join(err, srv.Shutdown(drain))
	_ = listener.Close() // a Serve that had not begun when Shutdown looked ends here
	if end := <-served; end != nil && !errors.Is(end, net.ErrClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// forced is the error for a second signal.
func forced(sig os.Signal) error {
	code := exitFailure
	if number, ok := sig.(syscall.Signal); ok {
		code = 128 + int(number)
	}
	return &exitError{code: code, message: fmt.Sprintf("stopped at once by a second signal (%v)", sig)}
}
