package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

const (
	restConns  = 16
	restRounds = 9
)

// restBench is the whole server and a bare store, each on a copy of the same data. The clients live in another process, so
// that the processor time counted is the server's alone, the kernel's share included.
type restBench struct {
	elizad *restServer
	store  store.System
	close  func() error
}

// measureRest compares requests to the whole server with what they can cost at the least: net/http that has the answer
// ready, and the database that the answer is read from.
func measureRest(ctx context.Context, progress io.Writer) ([]figure, error) {
	b, err := openRestBench(ctx)
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, measure := range []func(context.Context, io.Writer) ([]figure, error){b.measurePing, b.measureAgents, b.measureMessages, b.measurePosts} {
		got, err := measure(ctx, progress)
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		figures = append(figures, got...)
	}
	return figures, b.close()
}

func openRestBench(ctx context.Context) (_ *restBench, err error) {
	dir, err := os.MkdirTemp("", "elizad-bench-")
	if err != nil {
		return nil, err
	}
	var ends []func() error
	b := &restBench{close: func() error {
		var errs []error
		for _, end := range ends {
			errs = append(errs, end())
		}
		return errors.Join(append(errs, os.RemoveAll(dir))...)
	}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	ours, bare := filepath.Join(dir, "ours"), filepath.Join(dir, "bare")
	if err := fillRestData(ctx, ours); err != nil {
		return nil, fmt.Errorf("filling a database: %w", err)
	}
	if err := os.CopyFS(bare, os.DirFS(ours)); err != nil {
		return nil, fmt.Errorf("copying the database: %w", err)
	}
	if b.store, err = sqlitestore.Open(ctx, sqlitestore.Config{Dir: bare}); err != nil {
		return nil, err
	}
	ends = append(ends, b.store.Close)
	if b.elizad, err = startElizad(ctx, ours); err != nil {
		return nil, err
	}
	ends = append(ends, b.elizad.stop)
	return b, nil
}

func (b *restBench) measurePing(ctx context.Context, progress io.Writer) ([]figure, error) {
	const requests = 20_000
	cost, err := b.costs(ctx, progress, "ping", requests, request{method: http.MethodGet, path: "/api/server/ping", status: http.StatusOK}, nil)
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("requests per CPU-second beside net/http with a handler that has the answer ready; %d connections that are kept alive, median of %d rounds in turns", restConns, restRounds)
	return []figure{
		atLeast("ping / bare net/http", cost.ratio(costBare, costElizad), "", 0.8, how+"; both send the same header and body"),
		{Name: "ping / bare net/http without our header", Value: cost.ratio(costPlain, costElizad), How: how + "; the bare one sends the type and the length only"},
		cost.allocations("ping"),
	}, nil
}

func (b *restBench) measureAgents(ctx context.Context, progress io.Writer) ([]figure, error) {
	q := request{method: http.MethodGet, path: "/api/agents", status: http.StatusOK}
	name := fmt.Sprintf("list %d agents", restAgents)
	return b.measureRead(ctx, progress, name, q, func(ctx context.Context) error {
		return b.store.SystemView(ctx, func(q db.System) error {
			rows, err := q.ListAgentHeads(ctx)
			if err == nil && len(rows) != restAgents {
				err = fmt.Errorf("the database has %d agents", len(rows))
			}
			return err
		})
	})
}

func (b *restBench) measureMessages(ctx context.Context, progress io.Writer) ([]figure, error) {
	path := "/api/messaging/channels/" + channelID(0).String() + "/messages?limit=" + strconv.Itoa(restPage)
	q := request{method: http.MethodGet, path: path, status: http.StatusOK}
	name := fmt.Sprintf("read %d messages", restPage)
	return b.measureRead(ctx, progress, name, q, func(ctx context.Context) error {
		return b.store.SystemView(ctx, func(q db.System) error {
			if _, err := q.GetChannel(ctx, channelID(0)); err != nil {
				return err
			}
			rows, err := q.ListMessagesBefore(ctx, db.ListMessagesBeforeParams{
				ChannelID: channelID(0), Before: dbtype.Millis(math.MaxInt64), After: -1, LimitRows: restPage + 1,
			})
			if err == nil && len(rows) != restPage+1 {
				err = fmt.Errorf("the database has %d messages", len(rows))
			}
			return err
		})
	})
}

// measureRead compares a request that reads with the queries that it takes.
func (b *restBench) measureRead(ctx context.Context, progress io.Writer, name string, q request, query func(context.Context) error) ([]figure, error) {
	const requests = 2_000
	cost, err := b.costs(ctx, progress, name, requests, q, query)
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("%.0f µs of CPU for a request, %.0f for the same queries from Go, %.0f for net/http to send the same answer; %d connections, median of %d rounds in turns",
		cost.micros(costElizad), cost.micros(costDatabase), cost.micros(costBare), restConns, restRounds)
	return []figure{
		atMost(name+" / the database alone", cost.ratio(costElizad, costDatabase), "", 1.5, how),
		cost.allocations(name),
	}, nil
}

// measurePosts compares the rate of posts over HTTP with that at which the store takes the same rows bare.
func (b *restBench) measurePosts(ctx context.Context, progress io.Writer) ([]figure, error) {
	const (
		callers  = 64
		requests = 10_000
		rounds   = 7
	)
	peer, err := startRestPeer(ctx, b.elizad.addr, callers, request{
		method: http.MethodPost, path: "/api/messaging/channels/" + numbered + "/messages", status: http.StatusCreated,
		body: fmt.Sprintf(`{"author_id":"%s","content":"%s","message_server_id":"%s","source_type":"eliza_gui","metadata":{"user_display_name":"Person"}}`,
			benchID("person", 0), benchText, messaging.DefaultServerID),
	})
	if err != nil {
		return nil, err
	}
	defer peer.stop()
	var next atomic.Int64
	insert := func(ctx context.Context) error { return b.insert(ctx, channelID(int(next.Add(1)%restChannels))) }
	rates, costs := map[string][]float64{}, costs{}
	for range rounds {
		for kind, work := range map[string]func() error{
			costElizad:   func() error { return peer.send(requests) },
			costDatabase: func() error { return repeat(ctx, callers, requests, insert) },
		} {
			runtime.GC()
			begin := time.Now()
			if err := costs.measure(kind, requests, work); err != nil {
				return nil, err
			}
			rates[kind] = append(rates[kind], requests/time.Since(begin).Seconds())
		}
		fmt.Fprintf(progress, "  posts: bare %6.0f/s, over HTTP %6.0f/s\n", last(rates[costDatabase]), last(rates[costElizad]))
	}
	var ratios []float64
	for i, rate := range rates[costElizad] {
		ratios = append(ratios, rate/rates[costDatabase][i])
	}
	how := fmt.Sprintf("posts of %d connections to %d channels of people, beside the same rows written bare by as many callers, by the clock, the clients on the same machine; SQLite, synchronous=FULL, median of %d rounds in turns",
		callers, restChannels, rounds)
	return []figure{
		atLeast("durable posts over HTTP / the store's bare rate", median(ratios), "", 0.7, how),
		{Name: "CPU of a post over HTTP", Value: costs.micros(costElizad), Unit: "µs", How: fmt.Sprintf("%.0f µs for the rows alone", costs.micros(costDatabase))},
		costs.allocations("post"),
	}, nil
}

// insert writes what a post writes.
func (b *restBench) insert(ctx context.Context, channel uuid.UUID) error {
	message, now := newID(), dbtype.MillisOf(time.Now())
	return b.store.SystemUpdate(ctx, func(q db.System) error {
		row, err := q.NextSeq(ctx, db.NextSeqParams{ID: channel, Now: now})
		if err != nil {
			return err
		}
		return q.InsertMessage(ctx, db.InsertMessageParams{
			ID: message, ChannelID: channel, Seq: row.LastSeq, AuthorID: benchID("person", 0), AuthorName: "Person", Content: benchText,
			SourceType: messaging.SourceGUI, Metadata: dbtype.JSON(`{"user_display_name":"Person"}`), Unhandled: new(messaging.UnhandledNoAgent),
			CreatedAt: now, UpdatedAt: now,
		})
	})
}

// costs lets all that a request is compared with take its turn.
func (b *restBench) costs(ctx context.Context, progress io.Writer, name string, requests int, q request, query func(context.Context) error) (costs, error) {
	a, err := answerOf(ctx, b.elizad.addr, q)
	if err != nil {
		return nil, err
	}
	plain := a
	plain.header = http.Header{"Content-Type": a.header["Content-Type"], "Content-Length": a.header["Content-Length"]}
	kinds, works := []string{costElizad}, map[string]func() error{}
	addrs := map[string]string{costElizad: b.elizad.addr}
	for kind, handler := range map[string]http.Handler{costBare: a, costPlain: plain} {
		s, err := startBare(handler)
		if err != nil {
			return nil, err
		}
		defer func() { _ = s.stop() }() // nothing is lost with it
		kinds, addrs[kind] = append(kinds, kind), s.addr
	}
	for kind, addr := range addrs {
		peer, err := startRestPeer(ctx, addr, restConns, q)
		if err != nil {
			return nil, err
		}
		defer peer.stop()
		works[kind] = func() error { return peer.send(requests) }
	}
	if query != nil {
		kinds = append(kinds, costDatabase)
		works[costDatabase] = func() error { return repeat(ctx, restConns, requests, query) }
	}
	out := costs{}
	for range restRounds {
		for _, kind := range kinds {
			runtime.GC()
			if err := out.measure(kind, requests, works[kind]); err != nil {
				return nil, fmt.Errorf("%s of %s: %w", name, kind, err)
			}
		}
		fmt.Fprintf(progress, "  %s:", name)
		for _, kind := range kinds {
			fmt.Fprintf(progress, " %s %.1f µs", kind, last(out[kind]).micros)
		}
		fmt.Fprintln(progress)
	}
	return out, nil
}

// What is compared.
const (
	costElizad   = "elizad"
	costBare     = "net/http"
	costPlain    = "net/http without our header"
	costDatabase = "database"
)

// cost is what one request takes of the server's process.
type cost struct {
	micros      float64 // of the processor
	allocations float64
}

// costs are the costs of each kind of request, round by round.
type costs map[string][]cost

// measure does some work and notes what each of so many requests took.
func (c costs) measure(kind string, requests int, work func() error) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin, err := processorTime()
	if err != nil {
		return err
	}
	if err := work(); err != nil {
		return err
	}
	end, err := processorTime()
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	n := float64(requests)
	c[kind] = append(c[kind], cost{float64((end - begin).Nanoseconds()) / 1000 / n, float64(after.Mallocs-before.Mallocs) / n})
	return nil
}

// ratio returns the median of what a took beside b in the same round.
func (c costs) ratio(a, b string) float64 {
	var ratios []float64
	for i, cost := range c[a] {
		ratios = append(ratios, cost.micros/c[b][i].micros)
	}
	return median(ratios)
}

func (c costs) micros(kind string) float64 {
	var all []float64
	for _, cost := range c[kind] {
		all = append(all, cost.micros)
	}
	return median(all)
}

func (c costs) allocations(name string) figure {
	f := figure{Name: "allocations of " + name, Value: last(c[costElizad]).allocations, How: "of the whole server, in the last round"}
	for _, kind := range []string{costBare, costDatabase} {
		if len(c[kind]) > 0 {
			f.How += fmt.Sprintf("; %s %.0f", kind, last(c[kind]).allocations)
		}
	}
	return f
}

func last[T any](values []T) T { return values[len(values)-1] }

// repeat lets many callers do something so many times altogether.
func repeat(ctx context.Context, callers, times int, do func(context.Context) error) error {
	var begun atomic.Int64
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for errs[i] == nil && begun.Add(1) <= int64(times) {
				errs[i] = do(ctx)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
