package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/lifecycle"
)

const (
	connectTime = 10 * time.Second // to connect and to list the tools
	listAge     = 5 * time.Minute  // after which tools are listed again
	firstPause  = time.Second      // before another try to connect; doubles
	longPause   = 5 * time.Minute

	maxAnswer      = 4 << 20 // bytes of one answer
	maxTools       = 64      // of one server
	maxDescription = 1000    // characters
	maxToolSchema  = 16 << 10
)

// Failures of servers, as owners read them.
var (
	errSilent      = errors.New("it did not answer in time")
	errUnreachable = errors.New("it could not be connected to, or speaks another protocol")
	errTooMany     = errors.New("too many servers are in use")
	errStopped     = errors.New("the server stops")
)

// server is a connection that is made when it is needed.
type server struct {
	service *Service
	config  Config

	mu         sync.Mutex
	session    *sdk.ClientSession // nil: not connected
	end        context.CancelFunc // of the session
	signs      *signs
	connecting chan struct{} // closed when that is over; nil: nobody tries
	tools      []sdk.Tool    // as they were listed last
	listed     time.Time     // zero: never
	problem    error         // of the last try
	failures   int           // in a row
	notBefore  time.Time     // the next try
	used       time.Time
}

// signs are what the way to a server shows of a session's end.
type signs struct {
	forgotten atomic.Bool // the server knows the session no more
	tooLong   atomic.Bool // an answer was too long
}

// connect returns the session, and makes it if there is none. It waits until ctx ends at most.
func (s *server) connect(ctx context.Context) (*sdk.ClientSession, error) {
	done := s.begin()
	s.mu.Lock()
	session := s.session
	s.mu.Unlock()
	if session != nil { // also while its tools are listed again
		return session, nil
	}
	select {
	case <-done:
	case <-ctx.Done():
		return nil, errSilent
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return nil, cmp.Or(s.problem, errStopped)
	}
	return s.session, nil
}

// begin begins to connect, if there is no connection and it is time for another try. What it returns is closed when that is
// over.
func (s *server) begin() <-chan struct{} {
	now, done := s.service.now(), make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = now
	stale := now.Sub(s.listed) > listAge
	switch {
	case s.connecting != nil:
		return s.connecting
	case s.session != nil && !stale, s.session == nil && now.Before(s.notBefore):
		close(done)
		return done
	}
	session := s.session
	if !s.service.spawn("a connection to an MCP server", func() {
		defer s.settle(done)
		if session != nil {
			s.relist(session)
			return
		}
		s.dial()
	}) {
		close(done)
		return done
	}
	s.connecting = done
	return done
}

// settle ends what begin began.
func (s *server) settle(done chan struct{}) {
	s.mu.Lock()
	s.connecting = nil
	s.mu.Unlock()
	close(done)
}

// dial connects and lists the tools.
func (s *server) dial() {
	life, end := context.WithCancel(s.service.life)
	late := time.AfterFunc(connectTime, func() {
		defer lifecycle.Contain(s.service.log, "the time-out of an MCP server")
		end()
	})
	seen := &signs{}
	session, tools, err := s.open(life, seen)
	if !late.Stop() && err == nil {
		err = errSilent
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		end()
		if session != nil {
			s.service.spawn("the end of an MCP session", func() { _ = session.Close() })
		}
		s.failed(err)
		return
	}
	s.session, s.end, s.signs, s.problem, s.failures = session, end, seen, nil, 0
	s.tools, s.listed = tools, s.service.now()
	s.service.log.Info("connected to an MCP server", "server", s.config.Name, "tools", len(tools))
	s.service.spawn("the watch over an MCP server", func() {
		_ = session.Wait() // how it ended doesn't matter
		s.drop(session)
	})
}

// failed notes a try that failed. The mutex is held.
func (s *server) failed(err error) {
	s.failures++
	s.notBefore = s.service.now().Add(min(firstPause<<min(s.failures-1, 16), longPause))
	s.problem = reason(err)
	s.service.log.Warn("an MCP server can't be used", "server", s.config.Name, "error", err, "again", s.notBefore)
}

// reason is what owners may know of a failure: not what an address has answered.
func reason(err error) error {
	if refusal, ok := egress.Reason(err); ok {
		return fmt.Errorf("its address %w", refusal)
	}
	if errors.Is(err, errTooLong) || errors.Is(err, errTooMany) || errors.Is(err, errStopped) {
		return err
	}
	if n, ok := errors.AsType[net.Error](err); errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errSilent) || ok && n.Timeout() {
		return errSilent
	}
	return errUnreachable
}

// open connects to the server and returns its tools.
func (s *server) open(ctx context.Context, seen *signs) (*sdk.ClientSession, []sdk.Tool, error) {
	transport, err := s.transport(seen)
	if err != nil {
		return nil, nil, err
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "elizad", Version: s.service.version}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting: %w", err)
	}
	tools, err := s.list(ctx, session)
	return session, tools, err
}

// list returns the tools that are allowed.
func (s *server) list(ctx context.Context, session *sdk.ClientSession) ([]sdk.Tool, error) {
	if capabilities := session.InitializeResult().Capabilities; capabilities != nil && capabilities.Tools == nil {
		return nil, nil
	}
	var out []sdk.Tool
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, fmt.Errorf("listing tools: %w", err)
		}
		if len(s.config.Allow) > 0 && !slices.Contains(s.config.Allow, tool.Name) {
			continue
		}
		if len(out) == maxTools {
			s.service.log.Warn("tools of an MCP server are left out", "server", s.config.Name, "most", maxTools)
			break
		}
		out = append(out, *tool)
	}
	return out, nil
}

// relist lists the tools again. Those that are known stay until then, and if that fails.
func (s *server) relist(session *sdk.ClientSession) {
	ctx, cancel := context.WithTimeout(s.service.life, connectTime)
	defer cancel()
	tools, err := s.list(ctx, session)
	s.mu.Lock()
	s.listed = s.service.now()
	if err == nil {
		s.tools = tools
	}
	s.mu.Unlock()
	if err != nil {
		s.service.log.Warn("tools of an MCP server can't be listed", "server", s.config.Name, "error", err)
		s.drop(session)
	}
}

// drop ends a session, so that the next who needs one makes it anew.
func (s *server) drop(session *sdk.ClientSession) {
	s.mu.Lock()
	if s.session != session {
		s.mu.Unlock()
		return
	}
	end := s.end
	s.session, s.end = nil, nil
	s.mu.Unlock()
	if !s.service.spawn("the end of an MCP session", func() {
		defer end()
		_ = session.Close() // it is of no use any more
	}) {
		end()
	}
}

// close ends the connection.
func (s *server) close() {
	s.mu.Lock()
	session := s.session
	s.mu.Unlock()
	if session != nil {
		s.drop(session)
	}
}

// call calls a tool. A server that has forgotten the session, because it was started anew, is called again in another.
func (s *server) call(ctx context.Context, tool string, arguments json.RawMessage) (*sdk.CallToolResult, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.timeout())
	defer cancel()
	for again := true; ; again = false {
		session, err := s.connect(ctx)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		seen := s.signs
		s.mu.Unlock()
		result, err := session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: arguments})
		if err == nil {
			return result, nil
		}
		if ctx.Err() != nil {
			return nil, errSilent
		}
		_, answered := errors.AsType[*jsonrpc.Error](err)
		gone := seen.forgotten.Load() || errors.Is(err, sdk.ErrSessionMissing)
		if gone || !answered {
			s.drop(session)
		}
		if seen.tooLong.Load() {
			return nil, errTooLong
		}
		if !gone || !again {
			return nil, err
		}
	}
}

// transport returns the way to the server.
func (s *server) transport(seen *signs) (sdk.Transport, error) {
	c := s.config
	if c.Type == stdio {
		command := exec.Command(c.Command, c.Args...) //nolint:gosec,noctx // the operator names it, and closing the session ends it
		for _, name := range []string{"PATH", "HOME", "TMPDIR", "SystemRoot"} {
			if value, ok := os.LookupEnv(name); ok {
				command.Env = append(command.Env, name+"="+value)
			}
		}
		for name, value := range c.Env {
			command.Env = append(command.Env, name+"="+value)
		}
		return &sdk.CommandTransport{Command: command}, nil
	}
	client, err := s.client(seen)
	if err != nil {
		return nil, err
	}
	if c.Type == sse {
		return &sdk.SSEClientTransport{Endpoint: c.URL, HTTPClient: client, MaxEventSize: maxAnswer}, nil
	}
	return &sdk.StreamableClientTransport{Endpoint: c.URL, HTTPClient: client, MaxEventSize: maxAnswer, MaxRetries: -1, DisableStandaloneSSE: true}, nil
}

// client returns the HTTP client of the server. It follows no redirect.
func (s *server) client(seen *signs) (*http.Client, error) {
	transport := &http.Transport{ResponseHeaderTimeout: longestTime, MaxConnsPerHost: 8, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true}
	if !s.config.trusted {
		if err := s.service.checkAddress(s.config.URL); err != nil {
			return nil, err
		}
		transport = s.service.guard.Guarded(transport)
	}
	return &http.Client{
		Transport:     &bounded{next: transport, config: s.config, signs: seen},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded sends the headers of a server to its own address, and reads no more of an answer than it may have.
type bounded struct {
	next   http.RoundTripper
	config Config
	signs  *signs
}

// RoundTrip implements [http.RoundTripper].
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	own, err := http.NewRequest(http.MethodGet, b.config.URL, nil) //nolint:noctx // only its address is looked at
	if err != nil {
		return nil, err
	}
	if own.URL.Scheme == r.URL.Scheme && own.URL.Host == r.URL.Host {
		r = r.Clone(r.Context())
		for name, value := range b.config.Headers {
			r.Header.Set(name, value)
		}
	}
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusNotFound && r.Header.Get("Mcp-Session-Id") != "" {
		b.signs.forgotten.Store(true)
	}
	if r.Method == http.MethodPost { // the stream of an older server has no end
		response.Body = &limitedBody{ReadCloser: response.Body, left: maxAnswer, signs: b.signs}
	}
	return response, nil
}

// CloseIdleConnections lets go of connections that are not used.
func (b *bounded) CloseIdleConnections() {
	if t, ok := b.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// errTooLong is the failure of an answer that is longer than answers may be.
var errTooLong = fmt.Errorf("its answer has more than %d bytes", maxAnswer)

// limitedBody fails where an answer is too long.
type limitedBody struct {
	io.ReadCloser
	left  int
	signs *signs
}

func (l *limitedBody) Read(p []byte) (int, error) {
	if l.left <= 0 {
		l.signs.tooLong.Store(true)
		return 0, errTooLong
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
