package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// workshop is a temporary folder with the binary and a database that has seen a conversation.
func workshop(ctx context.Context) (dir, binary string, clean func(), err error) {
	dir, err = os.MkdirTemp("", "elizad-bench-")
	if err != nil {
		return "", "", nil, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	if binary, err = build(ctx, dir); err != nil {
		clean()
		return "", "", nil, err
	}
	p, err := start(ctx, binary, dir)
	if err != nil {
		clean()
		return "", "", nil, err
	}
	_, err = p.conversation().ask(ctx, "Hello")
	if err = errors.Join(err, p.stop()); err != nil {
		clean()
		return "", "", nil, err
	}
	return dir, binary, clean, nil
}

// measureStart times a start on an existing database, from the start of the process to its first healthy answer.
func measureStart(ctx context.Context, _ io.Writer) ([]figure, error) {
	const rounds = 11
	dir, binary, clean, err := workshop(ctx)
	if err != nil {
		return nil, err
	}
	defer clean()
	var times []float64
	for range rounds {
		begin := time.Now()
		p, err := start(ctx, binary, dir)
		if err == nil {
			err = p.healthy(ctx)
		}
		if err != nil {
			return nil, err
		}
		times = append(times, float64(time.Since(begin).Microseconds())/1000)
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	slices.Sort(times)
	how := fmt.Sprintf("median of %d starts on an existing database, %.0f to %.0f ms", rounds, times[0], times[len(times)-1])
	return []figure{atMost("start to first healthy answer", median(times), "ms", 300, how)}, nil
}

// measureMemory reads the resident memory of a server with one agent that has answered once.
func measureMemory(ctx context.Context, _ io.Writer) ([]figure, error) {
	dir, binary, clean, err := workshop(ctx)
	if err != nil {
		return nil, err
	}
	defer clean()
	p, err := start(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	_, err = p.conversation().ask(ctx, "Hello")
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	mb, err := p.resident()
	if err := errors.Join(err, p.stop()); err != nil {
		return nil, err
	}
	return []figure{atMost("resident memory with one agent", mb, "MB", 60, "VmRSS after one conversation")}, nil
}

// measureSoak sends many messages through one agent and counts those that are not answered, watching the memory.
func measureSoak(ctx context.Context, progress io.Writer) ([]figure, error) {
	const (
		total   = 10_000
		askers  = 16
		samples = 10
	)
	dir, binary, clean, err := workshop(ctx)
	if err != nil {
		return nil, err
	}
	defer clean()
	p, err := start(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	var curve []float64
	var sent, unanswered atomic.Int64
	begin := time.Now()
	for range samples {
		var wg sync.WaitGroup
		for range askers {
			wg.Go(func() {
				c := p.conversation()
				for range total / samples / askers {
					text, err := c.ask(ctx, fmt.Sprintf("I feel that number %d is an important one", sent.Add(1)))
					if err != nil || text == "" {
						unanswered.Add(1)
					}
				}
			})
		}
		wg.Wait()
		mb, err := p.resident()
		if err != nil {
			return nil, errors.Join(err, p.stop())
		}
		curve = append(curve, mb)
		fmt.Fprintf(progress, "  %5d messages, %4.0f MB resident\n", sent.Load(), mb)
	}
	took := time.Since(begin)
	if err := p.stop(); err != nil {
		return nil, err
	}
	unansweredFigure := atMost("unanswered of 10,000 messages", float64(unanswered.Load()), "", 0,
		fmt.Sprintf("%d messages through one agent by %d askers in %.1f s, each waiting for its answer", sent.Load(), askers, took.Seconds()))
	settled := curve[2:] // the caches of the database are full by then
	growth := atMost("memory growth while doing so", slices.Max(settled)-settled[0], "MB", 20, "resident memory after every tenth of the messages; growth from the third on")
	growth.Curve = curve
	return []figure{unansweredFigure, growth}, nil
}
