package server_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model"
)

// The whole server inside an application that has routes of its own.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "elizad-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	cfg := server.DefaultConfig()
	cfg.Storage.Dir = dir
	agents, err := server.New(cfg, server.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := agents.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = agents.Shutdown(ctx) }()

	mux := http.NewServeMux()
	mux.Handle("/", agents.Handler())
	mux.HandleFunc("/shop", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "open\n") })
	app := httptest.NewServer(mux)
	defer app.Close()

	for _, path := range []string{"/shop", "/healthz"} {
		resp, err := http.Get(app.URL + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(path, resp.StatusCode)
		_ = resp.Body.Close()
	}
	// Output:
	// /shop 200
	// /healthz 200
}

// parrot is a model of one's own: it repeats what was said last.
type parrot struct{}

func (parrot) Name() string            { return "parrot" }
func (parrot) Model(model.Kind) string { return "parrot-1" }

func (parrot) Generate(_ context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		text := "Say that again?"
		if req.State != nil {
			text = req.State.Text
		}
		_ = yield(model.Chunk{Text: "<response><actions>REPLY</actions><text>" + text + "</text></response>"}, nil) &&
			yield(model.Chunk{Done: &model.Done{FinishReason: model.FinishStop}}, nil)
	}
}

// A program with a model and an agent of its own, which it asks over HTTP, as anybody would.
func ExampleWithModel() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "elizad-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	cfg := server.DefaultConfig()
	cfg.Storage.Dir = dir
	srv, err := server.New(cfg,
		server.WithModel(parrot{}),
		server.WithAgents(agent.Character{Name: "Polly", Bio: agent.BioText("Repeats what it hears.")}),
		server.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Shutdown(ctx) }()
	app := httptest.NewServer(srv.Handler())
	defer app.Close()

	agents, err := srv.Agents().List(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := client.New(app.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range agents {
		answer, err := client.Reply(c.Ask(ctx, a.ID, "Pieces of eight!"))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s, by %s: %s\n", a.Name, a.Model, answer.Text)
	}
	// Output:
	// Polly, by parrot-1: Pieces of eight!
}
