package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// patience bounds every wait for the server.
const patience = 30 * time.Second

// build makes the binary in dir.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "elizad")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "github.com/elizad/elizad/cmd/elizad")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building the binary: %w", err)
	}
	return binary, nil
}

// process is a running elizad.
type process struct {
	cmd    *exec.Cmd
	url    string
	output sync.WaitGroup
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs binary on the data in dir and returns when it has said where it listens.
func start(ctx context.Context, binary, dir string, env ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, binary, "serve", "--port", "0", "--data-dir", dir, "--no-rate-limit")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the binary: %w", err)
	}
	p := &process{cmd: cmd}
	found := make(chan string, 1)
	p.output.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if url := listening.FindString(lines.Text()); url != "" {
				select {
				case found <- url:
				default:
				}
			}
		}
	})
	select {
	case p.url = <-found:
		return p, nil
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("the server said nowhere to reach it within %s", patience)
	}
}

// stop ends the process politely and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping the server: %w", err)
	}
	return p.cmd.Wait()
}

// kill ends the process without waiting for what it has begun.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("killing the server: %w", err)
	}
	_ = p.cmd.Wait() // says that it was killed
	return nil
}

// target returns the process as what is measured.
func (p *process) target() target {
	return target{addr: strings.TrimPrefix(p.url, "http://"), pid: p.cmd.Process.Pid}
}

// resident returns the resident memory of the process, in MB.
func (p *process) resident() (float64, error) { return resident(strconv.Itoa(p.cmd.Process.Pid)) }

// resident returns the resident memory of a process, which may be "self", in MB.
func resident(pid string) (float64, error) {
	raw, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, fmt.Errorf("reading the process's memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("the process has no VmRSS")
}

// healthy waits for the first 200 of the health check.
func (p *process) healthy(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if status, err := call(ctx, http.MethodGet, p.url+"/healthz", nil, nil); err == nil && status == http.StatusOK {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("not healthy within %s", patience)
}

// conversation is a channel between a new person and the default agent.
type conversation struct {
	url, channel, user, agent string
}

const eliza = "b850bc30-45f8-0041-a00a-83df46d8555d"

func (p *process) conversation() conversation {
	return conversation{url: p.url, channel: uuid.NewString(), user: uuid.NewString(), agent: eliza}
}

// ask sends a message and returns the agent's answer.
func (c conversation) ask(ctx context.Context, text string) (string, error) {
	var out struct {
		AgentResponse struct{ Text string }
	}
	status, err := call(ctx, http.MethodPost, c.url+"/api/messaging/channels/"+c.channel+"/messages", map[string]any{
		"author_id": c.user, "content": text, "transport": "http", "metadata": map[string]any{"isDm": true, "targetUserId": c.agent},
	}, &out)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("status %d", status)
	}
	return out.AgentResponse.Text, err
}

func call(ctx context.Context, method, url string, body, out any) (int, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, fmt.Errorf("encoding a request: %w", err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || out == nil || resp.StatusCode >= http.StatusMultipleChoices {
		return resp.StatusCode, err
	}
	return resp.StatusCode, json.Unmarshal(raw, out)
}
