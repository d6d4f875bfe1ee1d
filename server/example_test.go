package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/elizad/elizad/server"
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
