package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

const (
	// growthGoal is how much more an operation may take of the processor on a large database than on the smallest.
	growthGoal = 1.25
	// growthTurn is about how much of the processor a turn takes.
	growthTurn = 200 * time.Millisecond
)

// growthSizes are the messages of the databases that are compared.
var growthSizes = []int{1_000, 100_000, 1_000_000}

// Who and what is in each of them.
var (
	growthLarge        = benchID("large", 0)        // half of the messages, all by one author
	growthConversation = benchID("conversation", 0) // a quarter: an asker's and an agent's
	growthAuthor       = benchID("author", 0)       // of all else
	growthAsker        = benchID("asker", 0)
	growthAgent        = benchID("agent", 0) // answers by the built-in responder
	growthWaiting      = benchID("agent", 1) // has a model that never answers, and turns that wait
)

// measureGrowth measures what becomes of costs as a database grows: the processor time that the program takes for the same
// operation on databases of several sizes. A process runs on each, and they take turns.
func measureGrowth(ctx context.Context, progress io.Writer) (_ []figure, err error) {
	dir, err := os.MkdirTemp("", "elizad-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nothing accepts
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, silent.Close()) }()
	grown, err := growDatabases(ctx, progress, dir, growthWords(silent.Addr().String()))
	if err != nil {
		return nil, fmt.Errorf("filling the databases: %w", err)
	}
	b := &growthBench{progress: progress}
	for _, data := range grown {
		p, err := start(ctx, binary, data, append(productSettings, "MAX_CONCURRENT_RUNS=16", "RUN_TIMEOUT_MS=1h")...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.kill()) }()
		b.processes = append(b.processes, p)
	}
	return b.measure(ctx)
}

// growthBench is the program on databases of the [growthSizes].
type growthBench struct {
	processes []*process
	progress  io.Writer
}

// operation is what is repeated on each of the databases.
type operation struct {
	name string
	open func(p *process) (work func(times int) error, err error)
	per  func(size int) int // parts that its answer has on a database of a size, if it grows with that; nil for one
}

func (b *growthBench) measure(ctx context.Context) ([]figure, error) {
	var figures []figure
	for _, o := range operations(ctx) {
		var contenders []contender
		for i, p := range b.processes {
			work, err := o.open(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", o.name, err)
			}
			times, err := enough(p, work)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", o.name, err)
			}
			contenders = append(contenders, contender{strconv.Itoa(growthSizes[i]), p.target(), times, work})
		}
		t, err := contest(b.progress, o.name, contenders...)
		if err != nil {
			return nil, err
		}
		figures = append(figures, o.figures(t, contenders)...)
	}
	return figures, nil
}

// figures compares each size with the first.
func (o operation) figures(t turns, contenders []contender) []figure {
	first := contenders[0]
	var figures []figure
	for i, c := range contenders[1:] {
		ratio, of := t.ratio(processor, c.name, first.name), ""
		if o.per != nil {
			ratio, of = ratio*float64(o.per(growthSizes[0]))/float64(o.per(growthSizes[i+1])), ", for each entry"
		}
		how := fmt.Sprintf("CPU%s, beside that with %s messages: %.0f and %.0f µs in all; another database and process each, with agents, waiting turns, sessions and memories that grow alike; SQLite, median of %d rounds in turns",
			of, first.name, t.median(processor, c.name), t.median(processor, first.name), productRounds)
		figures = append(figures, atMost(o.name+" with "+c.name+" messages", ratio, "", growthGoal, how))
	}
	return figures
}

// enough returns how often an operation must be done to keep the processor busy for a turn.
func enough(p *process, work func(times int) error) (int, error) {
	for times := 1; ; times *= 4 {
		before, err := processorTimeOf(p.target().pid)
		if err != nil {
			return 0, err
		}
		if err := work(times); err != nil {
			return 0, err
		}
		after, err := processorTimeOf(p.target().pid)
		if err != nil {
			return 0, err
		}
		if took := after - before; took > growthTurn/4 {
			return max(1, int(float64(times)*float64(growthTurn)/float64(took))), nil
		}
	}
}

// operations are those that clients repeat most. Those that read come first, so that each finds what was filled in.
func operations(ctx context.Context) []operation {
	const channels = "/api/messaging/channels/"
	get := func(path string) request { return request{method: http.MethodGet, path: path, status: http.StatusOK} }
	search := func(word string) request {
		return request{method: http.MethodPost, path: "/api/messaging/messages/search", status: http.StatusOK, body: `{"query":"` + word + `"}`}
	}
	post := func(channel uuid.UUID) request {
		return request{
			method: http.MethodPost, path: channels + channel.String() + "/messages", status: http.StatusCreated,
			body: fmt.Sprintf(`{"author_id":"%s","content":"%s","message_server_id":"%s","source_type":"eliza_gui","metadata":{}}`, growthAuthor, benchText, messaging.DefaultServerID),
		}
	}
	return []operation{
		requesting("health", get("/health")),
		requesting(fmt.Sprintf("newest %d messages of a large channel", restPage), get(channels+growthLarge.String()+"/messages?limit="+strconv.Itoa(restPage))),
		{name: "list of agents", open: requesting("", get("/api/agents")).open, per: growthAgents},
		requesting("first 20 channels of a message server", get("/api/messaging/message-servers/"+messaging.DefaultServerID.String()+"/channels?limit=20")),
		requesting(fmt.Sprintf("newest %d memories of an agent", restPage), get("/api/agents/"+growthAgent.String()+"/memories?limit="+strconv.Itoa(restPage))),
		requesting("search for a rare word", search("needle")),
		requesting("search for a common word", search("fox")),
		requesting("post to a large channel", post(growthLarge)),
		requesting("post to a small channel", post(growthSmall(5))),
		{name: "message by socket to a large channel", open: func(p *process) (func(int) error, error) {
			clients, err := gather(p.target().addr, true, 1, func(int) uuid.UUID { return growthLarge })
			if err != nil {
				return nil, err
			}
			return func(times int) error { return clients.talk(clients.sockets, times, times) }, nil
		}},
		replied(ctx, "reply in a long conversation", func() conversation {
			return conversation{channel: growthConversation.String(), user: growthAsker.String()}
		}),
		replied(ctx, "reply in a short conversation", func() conversation {
			return conversation{channel: uuid.NewString(), user: growthAsker.String()}
		}),
		requesting("create a session", request{
			method: http.MethodPost, path: "/api/messaging/sessions", status: http.StatusCreated,
			body: fmt.Sprintf(`{"agentId":"%s","userId":"%s"}`, growthAgent, growthAsker),
		}),
	}
}

// requesting is a request as an operation. Connections are made again for each turn: the program closes those that are idle for as
// long as others may take.
func requesting(name string, q request) operation {
	return operation{name: name, open: func(p *process) (func(int) error, error) {
		return func(times int) error {
			clients, err := connectRest(p.target().addr, min(restConns, times), q)
			if err != nil {
				return err
			}
			defer clients.close()
			return clients.send(int64(times))
		}, nil
	}}
}

// replied is a question to the first agent, and its answer.
func replied(ctx context.Context, name string, where func() conversation) operation {
	return operation{name: name, open: func(p *process) (func(int) error, error) {
		c := where()
		c.url, c.agent = p.url, growthAgent.String()
		return func(times int) error {
			for range times {
				text, err := c.ask(ctx, "I feel that this is an important question")
				if err == nil && text == "" {
					err = errors.New("a question was not answered")
				}
				if err != nil {
					return err
				}
			}
			return nil
		}, nil
	}}
}

// growDatabases fills one database to each of the sizes, and returns folders with a copy of each.
func growDatabases(ctx context.Context, progress io.Writer, dir string, given []string) ([]string, error) {
	var grown []string
	data := filepath.Join(dir, "data")
	for i, size := range growthSizes {
		begin, from := time.Now(), 0
		if i > 0 {
			from = growthSizes[i-1]
			earlier := filepath.Join(dir, strconv.Itoa(from))
			if err := os.CopyFS(earlier, os.DirFS(data)); err != nil {
				return nil, err
			}
			grown = append(grown, earlier)
		} else if err := fillData(ctx, data); err != nil { // which makes the tables
			return nil, err
		}
		if err := grow(ctx, data, given, from, size); err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "  %d messages in %.1f s\n", size, time.Since(begin).Seconds())
	}
	return append(grown, data), nil
}

// grow adds the messages behind number from, up to number to, and what comes with them. The words in [growthRows] for
// what is the same at each size are given.
func grow(ctx context.Context, data string, given []string, from, to int) (err error) {
	database, err := sql.Open("sqlite", "file:"+sqlitestore.Config{Dir: data}.Path()+"?_pragma=synchronous(OFF)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	words := strings.NewReplacer(append(given,
		"{from}", strconv.Itoa(from), "{to}", strconv.Itoa(to), "{agents}", strconv.Itoa(growthAgents(from)), "{more agents}", strconv.Itoa(growthAgents(to)-growthAgents(from)))...)
	begin, statements, _ := strings.Cut(growthRows, "\n\n")
	for statement := range strings.SplitSeq(statements, ";\n") {
		if _, err := database.ExecContext(ctx, words.Replace(begin+"\n"+statement)); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// growthWords are the words in [growthRows] for what is the same at each size. A message follows in each hundredth of
// a second since the first.
func growthWords(silent string) []string {
	now := time.Now()
	first := now.Add(-time.Duration(growthSizes[len(growthSizes)-1]) * 10 * time.Millisecond)
	return []string{
		"{id}", "printf('%08x-0000-7000-8000-%012x', ", "{at}", fmt.Sprintf("%d + 10 * i", first.UnixMilli()), "{end}", strconv.FormatInt(now.Add(24*time.Hour).UnixMilli(), 10),
		"{server}", messaging.DefaultServerID.String(), "{large}", growthLarge.String(), "{conversation}", growthConversation.String(), "{author}", growthAuthor.String(),
		"{asker}", growthAsker.String(), "{agent}", growthAgent.String(), "{waiting}", growthWaiting.String(), "{silent}", silent, "{text}", benchText,
	}
}

// growthAgents returns how many agents there are beside so many messages, which is a page of them at least.
func growthAgents(messages int) int {
	if messages == 0 {
		return 0
	}
	return max(messages/100, 2*restPage)
}

// growthSmall returns the id of one of the channels of ten messages, by the number that [growthRows] gives it. Every fifth has
// people only.
func growthSmall(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%08x-0000-7000-8000-%012x", 3, n))
}

// growthRows are the messages {from} to {to} and what comes with them. What precedes the empty line begins each statement.
//
//go:embed growth.sql
var growthRows string
