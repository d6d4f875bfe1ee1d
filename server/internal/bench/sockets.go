package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/elizad/elizad/server/socketio/parser"
)

const (
	fanOut      = 1_000 // sockets of one broadcast, and of all rooms together
	rooms       = 100
	idleSockets = 10_000
)

// measureSockets compares what the Socket.IO server delivers with what can be delivered at all: a ready frame written to bare
// connections, and one written by the WebSocket library. This process is the server; the clients live in another one, so
// that the processor time counted is the server's alone, the kernel's share included.
func measureSockets(ctx context.Context, progress io.Writer) ([]figure, error) {
	var figures []figure
	for _, measure := range []func(context.Context, io.Writer) ([]figure, error){
		measureIdleSockets, measureBroadcast, measureStream, measureRooms, measureConnects, measureEvents,
	} {
		got, err := measure(ctx, progress)
		if err != nil {
			return nil, err
		}
		figures = append(figures, got...)
	}
	return figures, nil
}

// measureBroadcast lets one sender send to all, each event after all have read the one before: no two events can share
// a system call, which is where a server of chats is slowest.
func measureBroadcast(ctx context.Context, progress io.Writer) ([]figure, error) {
	return broadcast(ctx, progress, "broadcast to 1,000 sockets", 1)
}

// measureStream lets one sender be some events ahead of the slowest reader, as with the chunks of an answer.
func measureStream(ctx context.Context, progress io.Writer) ([]figure, error) {
	return broadcast(ctx, progress, "stream to 1,000 sockets", 16)
}

func broadcast(ctx context.Context, progress io.Writer, name string, inFlight int) ([]figure, error) {
	const events = 96
	work := func(s *socketServer, p *socketPeer) error {
		for sent := range events {
			if sent >= inFlight {
				if err := p.wait(); err != nil {
					return err
				}
			}
			if err := s.emitAll(); err != nil {
				return err
			}
		}
		for range inFlight {
			if err := p.wait(); err != nil {
				return err
			}
		}
		return nil
	}
	how := fmt.Sprintf("deliveries per CPU-second of the server; 1 sender, %d sockets, a %d-byte frame, %d in flight", fanOut, len(readyFrame), inFlight)
	return compare(ctx, progress, comparison{
		name: name, how: how, deliveries: events * fanOut, work: work,
		peer: peerConfig{sockets: fanOut, rooms: 1, step: fanOut},
	})
}

// measureRooms lets one socket of each room send to its room, as soon as it has seen its own last event.
func measureRooms(ctx context.Context, progress io.Writer) ([]figure, error) {
	const events = 100
	work := func(_ *socketServer, p *socketPeer) error {
		if err := p.start(events); err != nil {
			return err
		}
		return p.wait()
	}
	how := fmt.Sprintf("deliveries per CPU-second of the server; %d rooms of %d sockets, in each one sender that waits for its own event; receiving and decoding included", rooms, fanOut/rooms)
	return compare(ctx, progress, comparison{
		name: "100 senders in 100 rooms of 10", how: how, deliveries: events * fanOut, work: work,
		peer: peerConfig{sockets: fanOut, rooms: rooms, step: events * fanOut},
	})
}

// comparison is work that each kind of server is given.
type comparison struct {
	name, how  string
	deliveries int
	peer       peerConfig
	work       func(*socketServer, *socketPeer) error
}

// compare gives the work to all kinds of servers in turns, so that they meet the same machine.
func compare(ctx context.Context, progress io.Writer, c comparison) ([]figure, error) {
	const rounds = 9
	servers := make(map[string]*socketServer)
	peers := make(map[string]*socketPeer)
	defer func() {
		for kind := range servers {
			peers[kind].stop()
			servers[kind].stop()
		}
	}()
	for _, kind := range serverKinds {
		s, p, err := connectPeer(ctx, kind, c.peer)
		if err != nil {
			return nil, err
		}
		servers[kind], peers[kind] = s, p
	}
	ratios := make(map[string][]float64)
	for range rounds {
		rates := make(map[string]float64)
		for _, kind := range serverKinds {
			before, err := processorTime()
			if err != nil {
				return nil, err
			}
			if err := c.work(servers[kind], peers[kind]); err != nil {
				return nil, fmt.Errorf("%s on %s: %w", c.name, kind, err)
			}
			after, err := processorTime()
			if err != nil {
				return nil, err
			}
			rates[kind] = float64(c.deliveries) / (after - before).Seconds()
		}
		fmt.Fprintf(progress, "  %s: bare %.0f, library %.0f, Socket.IO %.0f deliveries per CPU-second\n", c.name, rates[kindBare], rates[kindLibrary], rates[kindSocketIO])
		for _, other := range []string{kindBare, kindLibrary} {
			ratios[other] = append(ratios[other], rates[kindSocketIO]/rates[other])
		}
	}
	return []figure{
		atLeast(c.name+" / bare connections", median(ratios[kindBare]), "", 0.85, c.how),
		atLeast(c.name+" / bare WebSockets", median(ratios[kindLibrary]), "", 0.85, c.how+"; beside coder/websocket"),
	}, nil
}

// measureIdleSockets measures what a joined socket that sends nothing keeps resident.
func measureIdleSockets(ctx context.Context, progress io.Writer) ([]figure, error) {
	each := make(map[string]float64)
	for _, kind := range serverKinds {
		s, err := startSocketServer(kind)
		if err != nil {
			return nil, err
		}
		debug.FreeOSMemory()
		before, err := resident("self")
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		p, err := startPeer(ctx, s, peerConfig{sockets: idleSockets, rooms: rooms, step: idleSockets})
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		debug.FreeOSMemory()
		after, err := resident("self")
		p.stop()
		if err := errors.Join(err, s.stop()); err != nil {
			return nil, err
		}
		each[kind] = (after - before) * 1024 / idleSockets
		fmt.Fprintf(progress, "  %s: %.1f KB for each of %d idle connections\n", kind, each[kind], idleSockets)
	}
	how := fmt.Sprintf("growth of VmRSS after garbage collection by %d WebSockets in the main namespace and a room each; %.1f KB with coder/websocket and a blocked handler, %.1f KB bare",
		idleSockets, each[kindLibrary], each[kindBare])
	return []figure{atMost("resident memory of an idle socket", each[kindSocketIO], "KB", 12, how)}, nil
}

// measureConnects measures how many connections can be made.
func measureConnects(ctx context.Context, progress io.Writer) ([]figure, error) {
	const (
		rounds  = 3
		sockets = 2_000
	)
	ratios := make(map[string][]float64)
	var perSecond []float64
	for range rounds {
		rates := make(map[string]float64)
		for _, kind := range serverKinds {
			s, err := startSocketServer(kind)
			if err != nil {
				return nil, err
			}
			before, err := processorTime()
			if err != nil {
				return nil, errors.Join(err, s.stop())
			}
			begin := time.Now()
			p, err := startPeer(ctx, s, peerConfig{sockets: sockets, rooms: rooms, step: sockets})
			if err != nil {
				return nil, errors.Join(err, s.stop())
			}
			took := time.Since(begin)
			after, err := processorTime()
			p.stop()
			if err := errors.Join(err, s.stop()); err != nil {
				return nil, err
			}
			rates[kind] = sockets / (after - before).Seconds()
			if kind == kindSocketIO {
				perSecond = append(perSecond, sockets/took.Seconds())
			}
		}
		fmt.Fprintf(progress, "  connecting: bare %.0f, library %.0f, Socket.IO %.0f per CPU-second\n", rates[kindBare], rates[kindLibrary], rates[kindSocketIO])
		for _, other := range []string{kindBare, kindLibrary} {
			ratios[other] = append(ratios[other], rates[kindSocketIO]/rates[other])
		}
	}
	how := fmt.Sprintf("WebSockets that join the main namespace and a room, %d at a time, per CPU-second of the server", dialers)
	return []figure{
		{Name: "connects / bare connections", Value: median(ratios[kindBare]), How: how + ", beside an HTTP upgrade that keeps the connection"},
		{Name: "connects / bare WebSockets", Value: median(ratios[kindLibrary]), How: how + ", beside coder/websocket"},
		{Name: "connects per second", Value: median(perSecond), Unit: "/s", How: "by the clock, with the clients on the same machine"},
	}, nil
}

// measureEvents counts what encoding and decoding an event allocates.
func measureEvents(context.Context, io.Writer) ([]figure, error) {
	const runs = 1_000
	header := parser.Packet{Type: parser.Event, Namespace: "/"}
	dst := make([]byte, 0, 1<<10)
	args := []any{eventText}
	var failed error
	encode := testing.AllocsPerRun(runs, func() {
		if _, _, err := parser.AppendEvent(header.Append(dst[:0]), eventName, args); err != nil {
			failed = err
		}
	})
	limits := parser.Limits{Attachments: 10, Depth: 64, Members: 100_000, Namespace: 256}
	decode := testing.AllocsPerRun(runs, func() {
		p, err := parser.Decode(eventPacket, limits)
		if err != nil {
			failed = err
			return
		}
		raw, err := p.Args(limits)
		if err != nil {
			failed = err
			return
		}
		if _, err := parser.EventName(raw[0]); err != nil {
			failed = err
		}
	})
	how := fmt.Sprintf("an event with a text of %d bytes, mean of %d runs", len(eventText), runs)
	return []figure{
		{Name: "allocations to encode an event", Value: encode, How: how},
		{Name: "allocations to decode an event", Value: decode, How: how + "; its name and its arguments as raw JSON"},
	}, failed
}

// processorTime returns what this process has used, in user and in kernel mode.
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading the processor time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
