package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
)

// productRounds is how often each of what is compared takes its turn.
const productRounds = 7

// target is a server that is measured from outside, in a separate process.
type target struct {
	addr string
	pid  int
}

// productBench is the program itself, on a database with its own agent, channels of people and a conversation.
type productBench struct {
	dir      string
	elizad   target
	url      string
	progress io.Writer
}

// measureProduct measures the program from outside, as its users' machines do: the processor time that its process takes for
// what clients ask of it, beside servers that do the least that the same work can be done with. Everything is stored; each
// takes its turn in the same run.
func measureProduct(ctx context.Context, progress io.Writer) (figures []figure, err error) {
	dir, err := os.MkdirTemp("", "elizad-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := fillProductData(ctx, data); err != nil {
		return nil, fmt.Errorf("filling a database: %w", err)
	}
	p, err := start(ctx, binary, data, productSettings...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	b := &productBench{dir: dir, elizad: p.target(), url: p.url, progress: progress}
	for _, measure := range []func(context.Context) ([]figure, error){
		b.measureReads, b.measurePosts, b.measureSessions, b.measureReplies, b.measureFanOut, b.measureTalk,
	} {
		got, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures, got...)
	}
	idle, err := measureIdleProduct(ctx, progress, binary, filepath.Join(dir, "idle"))
	return append(figures, idle...), err
}

// productSettings lift the bounds that a single caller would meet.
var productSettings = []string{"ELIZAD_MAX_SESSIONS=10000000", "ELIZAD_MAX_CHANNELS=10000000", "ELIZAD_MAX_DMS=10000000"}

// contender is one of those that take turns.
type contender struct {
	name       string
	target     target
	operations int
	work       func(operations int) error
}

// turn is what an operation took in one round.
type turn struct {
	micros float64 // of the processor, in the server's process
	rate   float64 // operations a second
}

// contest lets contenders take turns and returns what each took, round by round.
func contest(progress io.Writer, name string, contenders ...contender) (turns, error) {
	out := turns{}
	for range productRounds {
		fmt.Fprintf(progress, "  %s:", name)
		for _, c := range contenders {
			before, err := processorTimeOf(c.target.pid)
			if err != nil {
				return nil, err
			}
			begin := time.Now()
			if err := c.work(c.operations); err != nil {
				return nil, fmt.Errorf("%s of %s: %w", name, c.name, err)
			}
			took := time.Since(begin).Seconds()
			after, err := processorTimeOf(c.target.pid)
			if err != nil {
				return nil, err
			}
			n := float64(c.operations)
			t := turn{micros: float64((after - before).Microseconds()) / n, rate: n / took}
			out[c.name] = append(out[c.name], t)
			fmt.Fprintf(progress, " %s %.1f µs, %.0f/s;", c.name, t.micros, t.rate)
		}
		fmt.Fprintln(progress)
	}
	return out, nil
}

// turns are the turns of each contender.
type turns map[string][]turn

func (t turns) median(of func(turn) float64, name string) float64 {
	var all []float64
	for _, turn := range t[name] {
		all = append(all, of(turn))
	}
	return median(all)
}

// ratio returns the median of what a took beside b in the same round.
func (t turns) ratio(of func(turn) float64, a, b string) float64 {
	var all []float64
	for i, turn := range t[a] {
		all = append(all, of(turn)/of(t[b][i]))
	}
	return median(all)
}

func processor(t turn) float64 { return t.micros }
func speed(t turn) float64     { return t.rate }

// processorTimeOf returns what the threads of a process have used, in user and in kernel mode.
func processorTimeOf(pid int) (time.Duration, error) {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	if err != nil || len(threads) == 0 {
		return 0, errors.Join(errors.New("reading a process's time: /proc doesn't tell it"), err)
	}
	var sum time.Duration
	for _, thread := range threads {
		raw, err := os.ReadFile(thread)
		if err != nil {
			return 0, fmt.Errorf("reading a process's time: %w", err)
		}
		used, _, _ := strings.Cut(string(raw), " ")
		n, err := strconv.ParseInt(used, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading a process's time: %w", err)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// measureReads compares answers with the same ones sent by net/http, which has them ready.
func (b *productBench) measureReads(ctx context.Context) ([]figure, error) {
	var figures []figure
	for _, read := range []struct {
		name     string
		path     string
		requests int
		goal     float64
	}{
		{"ping", "/api/server/ping", 20_000, 1.25},
		{"list of agents (the first)", "/api/agents", 10_000, 2.5},
		{fmt.Sprintf("read %d messages", restPage), "/api/messaging/channels/" + channelID(0).String() + "/messages?limit=" + strconv.Itoa(restPage), 3_000, 5},
	} {
		f, err := b.beside(ctx, read.name, request{method: http.MethodGet, path: read.path, status: http.StatusOK}, read.requests, read.goal)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// measureSessions compares the making of a session with net/http that answers the same.
func (b *productBench) measureSessions(ctx context.Context) ([]figure, error) {
	f, err := b.beside(ctx, "create a session", request{
		method: http.MethodPost, path: "/api/messaging/sessions", status: http.StatusCreated,
		body: fmt.Sprintf(`{"agentId":"%s","userId":"%s"}`, eliza, benchID("person", 0)),
	}, 2_000, 6)
	return []figure{f}, err
}

// beside compares a request with the same answer from net/http.
func (b *productBench) beside(ctx context.Context, name string, q request, requests int, goal float64) (figure, error) {
	ready, err := answerOf(ctx, b.elizad.addr, q)
	if err != nil {
		return figure{}, err
	}
	bare, err := startBaseline(ctx, b.dir, baselineConfig{Status: ready.status, Header: ready.header, Body: ready.body})
	if err != nil {
		return figure{}, err
	}
	defer func() { _ = bare.stop() }() // nothing is lost with it
	ours, err := requests16(b.elizad, costElizad, q, requests)
	if err != nil {
		return figure{}, err
	}
	theirs, err := requests16(bare.target, costBare, q, max(requests, 20_000))
	if err != nil {
		return figure{}, err
	}
	t, err := contest(b.progress, name, ours, theirs)
	if err != nil {
		return figure{}, err
	}
	how := fmt.Sprintf("CPU of a request, %.0f µs, beside net/http with the same answer ready, %.0f µs; %d connections that are kept alive, median of %d rounds in turns",
		t.median(processor, costElizad), t.median(processor, costBare), restConns, productRounds)
	return atMost(name+" / net/http with the answer ready", t.ratio(processor, costElizad, costBare), "", goal, how), nil
}

// requests16 is a contender that is asked the same by 16 callers at once.
func requests16(of target, name string, q request, requests int) (contender, error) {
	return requestsOf(of, name, restConns, q, requests)
}

func requestsOf(of target, name string, conns int, q request, requests int) (contender, error) {
	clients, err := connectRest(of.addr, conns, q)
	if err != nil {
		return contender{}, err
	}
	return contender{name, of, requests, func(n int) error { return clients.send(int64(n)) }}, nil
}

// postRequest is a post to one of the channels of people.
func postRequest() request {
	return request{
		method: http.MethodPost, path: "/api/messaging/channels/" + numbered + "/messages", status: http.StatusCreated,
		body: fmt.Sprintf(`{"author_id":"%s","content":"%s","message_server_id":"%s","source_type":"eliza_gui","metadata":{"user_display_name":"Person"}}`,
			benchID("person", 0), benchText, messaging.DefaultServerID),
	}
}

// measurePosts compares the rate of posts with that of a server that appends the body to a file and syncs it.
func (b *productBench) measurePosts(ctx context.Context) ([]figure, error) {
	q := postRequest()
	ready, err := answerOf(ctx, b.elizad.addr, q)
	if err != nil {
		return nil, err
	}
	bare, err := startBaseline(ctx, b.dir, baselineConfig{Status: ready.status, Header: ready.header, Body: ready.body, File: filepath.Join(b.dir, "appended")})
	if err != nil {
		return nil, err
	}
	defer func() { _ = bare.stop() }() // nothing is lost with it
	ours, err := requests16(b.elizad, costElizad, q, 6_000)
	if err != nil {
		return nil, err
	}
	theirs, err := requests16(bare.target, costBare, q, 6_000)
	if err != nil {
		return nil, err
	}
	t, err := contest(b.progress, "posts", ours, theirs)
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("posts a second to %d channels of people, %.0f, beside net/http that appends the body to a file, syncs it and has the answer ready, %.0f; %d connections, SQLite, synchronous=FULL, median of %d rounds in turns; CPU %.0f and %.0f µs",
		restChannels, t.median(speed, costElizad), t.median(speed, costBare), restConns, productRounds, t.median(processor, costElizad), t.median(processor, costBare))
	return []figure{atLeast("posts / synced appends behind net/http", t.ratio(speed, costElizad, costBare), "", 0.6, how)}, nil
}

// measureReplies compares questions that the built-in responder answers with posts that no agent does.
func (b *productBench) measureReplies(ctx context.Context) ([]figure, error) {
	var figures []figure
	for _, c := range []struct {
		name                   string
		channels, posters      int
		questions, posts, goal int
	}{
		{"a reply, 8 channels at once / a post, 16 at once", 8, 16, 800, 6_000, 8},
		{"a reply, one channel / a lone post", 1, 1, 200, 1_500, 4},
	} {
		askers := make([]conversation, c.channels)
		for i := range askers {
			askers[i] = conversation{url: b.url, channel: uuid.NewString(), user: uuid.NewString(), agent: eliza}
			if _, err := askers[i].ask(ctx, "Hello"); err != nil { // the channel is made
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
		var latencies []float64
		var mu sync.Mutex
		replies := contender{"replies", b.elizad, c.questions, func(questions int) error {
			return each(askers, func(asker conversation) error {
				for range questions / len(askers) {
					begin := time.Now()
					text, err := asker.ask(ctx, "I feel that this is an important question")
					if err == nil && text == "" {
						err = errors.New("a question was not answered")
					}
					if err != nil {
						return err
					}
					mu.Lock()
					latencies = append(latencies, float64(time.Since(begin).Microseconds())/1000)
					mu.Unlock()
				}
				return nil
			})
		}}
		posts, err := requestsOf(b.elizad, "posts", c.posters, postRequest(), c.posts)
		if err != nil {
			return nil, err
		}
		t, err := contest(b.progress, c.name, replies, posts)
		if err != nil {
			return nil, err
		}
		how := fmt.Sprintf("CPU of a question and its answer by the built-in responder, %.0f µs, beside that of a post that no agent answers, %.0f µs; the median of answers after %.1f ms; %d rounds in turns",
			t.median(processor, "replies"), t.median(processor, "posts"), median(latencies), productRounds)
		figures = append(figures, atMost(c.name, t.ratio(processor, "replies", "posts"), "", float64(c.goal), how))
	}
	return figures, nil
}

// measureFanOut lets four talk in a channel that many follow.
func (b *productBench) measureFanOut(ctx context.Context) ([]figure, error) {
	var figures []figure
	for i, c := range []struct {
		sockets, messages int
		goal              float64
	}{{200, 100, 1.25}, {1_000, 30, 1.18}} {
		channel := channelID(1 + i)
		f, err := b.talk(ctx, talk{
			name: fmt.Sprintf("4 senders, one channel of %d sockets", c.sockets), sockets: c.sockets, senders: 4, members: c.sockets,
			messages: c.messages, bareMessages: 3 * c.messages, goal: c.goal, channel: func(int) uuid.UUID { return channel },
		})
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// measureTalk lets all members talk in channels of four.
func (b *productBench) measureTalk(ctx context.Context) ([]figure, error) {
	const channels, members = 50, 4
	f, err := b.talk(ctx, talk{
		name: "50 channels of 4, everyone sends", sockets: channels * members, senders: channels * members, members: members,
		messages: 10, bareMessages: 120, goal: 5, channel: func(n int) uuid.UUID { return channelID(10 + n%channels) },
	})
	return []figure{f}, err
}

// talk is messages that go from sockets to sockets.
type talk struct {
	name                   string
	sockets                int
	senders                int // the first of the sockets
	members                int // sockets of a channel
	messages, bareMessages int // of each sender in a round
	goal                   float64
	channel                func(n int) uuid.UUID
}

// talk compares messages that are stored and delivered with frames that are only passed on.
func (b *productBench) talk(ctx context.Context, t talk) (figure, error) {
	recorded, err := recordFrame(b.elizad.addr, channelID(restChannels-1))
	if err != nil {
		return figure{}, err
	}
	bare, err := startBaseline(ctx, b.dir, baselineConfig{Frame: recorded})
	if err != nil {
		return figure{}, err
	}
	defer func() { _ = bare.stop() }() // nothing is lost with it
	var contenders []contender
	for _, c := range []struct {
		name     string
		target   target
		messages int
	}{{costElizad, b.elizad, t.messages}, {costFrames, bare.target, t.bareMessages}} {
		clients, err := gather(c.target.addr, c.name == costElizad, t.sockets, t.channel)
		if err != nil {
			return figure{}, fmt.Errorf("%s of %s: %w", t.name, c.name, err)
		}
		defer clients.leave()
		contenders = append(contenders, contender{c.name, c.target, t.senders * c.messages * t.members, func(deliveries int) error {
			return clients.talk(clients.sockets[:t.senders], c.messages, deliveries)
		}})
	}
	got, err := contest(b.progress, t.name, contenders...)
	if err != nil {
		return figure{}, err
	}
	how := fmt.Sprintf("CPU of a delivery of stored messages, %.1f µs, %.0f of a message, beside a server that writes the same frame to the same sockets and does no more, %.1f µs; each sender waits for its own message; median of %d rounds in turns",
		got.median(processor, costElizad), got.median(processor, costElizad)*float64(t.members), got.median(processor, costFrames), productRounds)
	return atMost(t.name+" / a bare writer of frames", got.ratio(processor, costElizad, costFrames), "", t.goal, how), nil
}

// costFrames is the server that only passes frames on.
const costFrames = "frames"

// measureIdleProduct measures what sockets that say nothing keep resident, as they were left: nothing is forced.
func measureIdleProduct(ctx context.Context, progress io.Writer, binary, data string) (_ []figure, err error) {
	const (
		sockets = 8_000
		settle  = 3 * time.Second
	)
	if err := fillProductData(ctx, data); err != nil {
		return nil, fmt.Errorf("filling a database: %w", err)
	}
	p, err := start(ctx, binary, data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	before, err := p.resident()
	if err != nil {
		return nil, err
	}
	clients, err := gather(p.target().addr, true, sockets, func(n int) uuid.UUID { return channelID(n % restChannels) })
	if err != nil {
		return nil, err
	}
	defer clients.leave()
	time.Sleep(settle)
	after, err := p.resident()
	if err != nil {
		return nil, err
	}
	each := (after - before) * 1024 / sockets
	fmt.Fprintf(progress, "  idle: %.1f MB, then %.1f MB\n", before, after)
	how := fmt.Sprintf("growth of VmRSS by %d WebSockets that have joined a channel, %s after the last, from %.0f to %.0f MB", sockets, settle, before, after)
	return []figure{atMost("resident memory of an idle socket of the program", each, "KiB", 12, how)}, nil
}

// each does something for all values at once.
func each[T any](values []T, do func(T) error) error {
	errs := make([]error, len(values))
	var wg sync.WaitGroup
	for i, v := range values {
		wg.Go(func() { errs[i] = do(v) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
