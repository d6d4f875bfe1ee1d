package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/elizad/elizad/server/internal/httpx"
)

// baselineCommand is the argument that makes this program a baseline.
const baselineCommand = "baseline"

// baseline is a server that does the least that the work of the product can be done with, in a separate process.
type baseline struct {
	target
	input io.Closer
	cmd   *exec.Cmd
}

// baselineConfig says what a baseline does: it answers every request with an answer that it has ready, after it has appended the
// request's body to a file, if configured to; or it passes frames on between WebSockets.
type baselineConfig struct {
	Status int
	Header http.Header
	Body   []byte
	File   string // bodies are appended to it, and are on the disk before the answer goes out
	Frame  []byte // what each socket of a room is sent, with a place for the mark of a message, for each frame that came from one
}

func startBaseline(ctx context.Context, dir string, cfg baselineConfig) (*baseline, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, "baseline-*.json")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(json.NewEncoder(file).Encode(cfg), file.Close()); err != nil {
		return nil, fmt.Errorf("writing the settings of a baseline: %w", err)
	}
	b := &baseline{cmd: exec.CommandContext(ctx, self, baselineCommand, "-config", file.Name())}
	b.cmd.Stderr = os.Stderr
	if b.input, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a baseline: %w", err)
	}
	addr, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading where the baseline listens: %w", err), b.stop())
	}
	b.target = target{addr: strings.TrimSpace(addr), pid: b.cmd.Process.Pid}
	return b, nil
}

func (b *baseline) stop() error {
	_ = b.input.Close() // tells it to end
	return b.cmd.Wait()
}

// runBaseline is the process of a baseline. It ends with its input.
func runBaseline(args []string) error {
	flags := flag.NewFlagSet(baselineCommand, flag.ContinueOnError)
	path := flags.String("config", "", "file with what to do, as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Clean(*path))
	if err != nil {
		return err
	}
	var cfg baselineConfig
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return err
	}
	ready := answer{status: cfg.Status, header: cfg.Header, body: cfg.Body}
	var handler http.Handler = ready
	switch {
	case cfg.Frame != nil:
		handler = &frameRooms{frame: cfg.Frame, mark: bytes.IndexByte(cfg.Frame, markSign), members: make(map[string][]net.Conn)}
	case cfg.File != "":
		file, err := os.OpenFile(cfg.File, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // each body has been synced
		handler = appending(file, ready)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := httpx.NewServer(handler, slog.New(slog.DiscardHandler))
	go func() { _ = s.Serve(listener) }() // until the process ends
	fmt.Println(listener.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// appending answers once the body of the request is on the disk.
func appending(file *os.File, ready answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = file.Write(append(body, '\n'))
		}
		if err == nil {
			err = file.Sync()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		ready.ServeHTTP(w, r)
	})
}

// frameRooms writes a ready frame to all sockets of a room for each frame that one of them sends. All it puts into it is the
// mark by which the sender knows its own.
type frameRooms struct {
	frame []byte
	mark  int // where the mark is in the frame

	mu      sync.Mutex
	members map[string][]net.Conn
}

func (f *frameRooms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	room := r.URL.Query().Get("room")
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"); err != nil {
		return
	}
	f.mu.Lock()
	f.members[room] = append(f.members[room], conn)
	f.mu.Unlock()
	go f.pass(room, bufio.NewReader(conn))
}

// pass passes on what comes from a socket until it ends.
func (f *frameRooms) pass(room string, reader *bufio.Reader) {
	frame := bytes.Clone(f.frame)
	for {
		payload, err := readFrame(reader)
		if err != nil {
			return
		}
		at := bytes.IndexByte(payload, markSign)
		if at < 0 || len(payload) < at+markSize {
			return
		}
		copy(frame[f.mark:], payload[at:at+markSize])
		f.mu.Lock()
		members := f.members[room]
		f.mu.Unlock()
		for _, conn := range members {
			if _, err := conn.Write(frame); err != nil {
				return
			}
		}
	}
}
