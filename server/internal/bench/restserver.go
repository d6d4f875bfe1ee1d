package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/internal/httpx"
)

// restServer is an HTTP server in this process.
type restServer struct {
	addr string
	stop func() error
}

// startElizad runs the whole server on the data in dir, as the program does without settings, but for the number of requests
// that one caller may make.
func startElizad(ctx context.Context, dir string) (*restServer, error) {
	cfg := server.DefaultConfig()
	cfg.Storage.Dir = dir
	cfg.Limits.RateLimit = false
	s, err := server.New(cfg, server.WithEnvironment(), server.WithLogger(slog.New(slog.DiscardHandler)), server.WithHeapFloor(server.HeapFloor))
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.Shutdown(ctx))
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	return &restServer{addr: listener.Addr().String(), stop: func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return errors.Join(s.Shutdown(ctx), <-served)
	}}, nil
}

// startBare runs a handler on net/http alone, with the settings of our server.
func startBare(handler http.Handler) (*restServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := httpx.NewServer(handler, slog.New(slog.DiscardHandler))
	var done sync.WaitGroup
	done.Go(func() { _ = s.Serve(listener) }) // ends with an error, always
	return &restServer{addr: listener.Addr().String(), stop: func() error {
		err := s.Close()
		done.Wait()
		return err
	}}, nil
}

// answer is what a server answered: what it takes to answer the same.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// answerOf asks a server for its answer to a request.
func answerOf(ctx context.Context, addr string, q request) (answer, error) {
	path := strings.ReplaceAll(q.path, numbered, channelID(0).String())
	r, err := http.NewRequestWithContext(ctx, q.method, "http://"+addr+path, strings.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	if resp.StatusCode != q.status {
		return answer{}, fmt.Errorf("%s %s was answered with %s: %.300s", q.method, path, resp.Status, body)
	}
	header := resp.Header.Clone()
	for _, own := range []string{"Date", "Connection"} { // net/http writes them
		header.Del(own)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	return answer{status: resp.StatusCode, header: header, body: body}, nil
}

// ServeHTTP answers the same, at the least possible cost.
func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // fails when the caller has left
}
