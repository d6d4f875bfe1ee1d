package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// restPeerCommand is the argument that makes this program the process of the HTTP clients.
const restPeerCommand = "rest-peer"

// numbered is the placeholder in a request for the id of one of many channels.
const numbered = "{channel}"

// request is what the clients send, again and again, and what they must be answered with.
type request struct {
	method, path, body string
	status             int
}

// text returns the request as it is sent, and its place among those of other channels.
func (q request) text(host string, n int) []byte {
	path := strings.ReplaceAll(q.path, numbered, channelID(n).String())
	text := q.method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
	if q.body != "" {
		text += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(q.body)) + "\r\n"
	}
	return []byte(text + "\r\n" + q.body)
}

// channelID returns the id of channel n.
func channelID(n int) uuid.UUID { return benchID("channel", n) }

// benchID returns an id that both processes derive from a name and a number.
func benchID(of string, n int) uuid.UUID {
	return uuid.NewSHA1(uuid.Nil, []byte("bench "+of+" "+strconv.Itoa(n)))
}

// restPeer is the process of the HTTP clients, as the server's sees it. It keeps its connections open, is given how many
// requests to make, and writes a byte when they are answered.
type restPeer struct {
	cmd    *exec.Cmd
	input  io.WriteCloser
	output io.Reader
}

func startRestPeer(ctx context.Context, addr string, conns int, q request) (*restPeer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &restPeer{cmd: exec.CommandContext(ctx, self, restPeerCommand, "-addr", addr, "-conns", strconv.Itoa(conns),
		"-method", q.method, "-path", q.path, "-body", q.body, "-status", strconv.Itoa(q.status))}
	p.cmd.Stderr = os.Stderr
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.output, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the clients: %w", err)
	}
	return p, nil
}

// send lets the clients make so many requests and waits for the answers.
func (p *restPeer) send(requests int) error {
	if _, err := fmt.Fprintln(p.input, requests); err != nil {
		return fmt.Errorf("telling the clients to begin: %w", err)
	}
	if _, err := io.ReadFull(p.output, make([]byte, 1)); err != nil {
		return fmt.Errorf("waiting for the clients: %w", err)
	}
	return nil
}

func (p *restPeer) stop() {
	_ = p.input.Close() // tells the clients to end
	_ = p.cmd.Wait()    // their exit status is of no interest
}

// runRestPeer is the process of the HTTP clients.
func runRestPeer(args []string) error {
	flags := flag.NewFlagSet(restPeerCommand, flag.ContinueOnError)
	var q request
	addr := flags.String("addr", "", "address of the server")
	count := flags.Int("conns", 1, "number of connections")
	flags.StringVar(&q.method, "method", "", "method of the requests")
	flags.StringVar(&q.path, "path", "", "path of the requests")
	flags.StringVar(&q.body, "body", "", "body of the requests")
	flags.IntVar(&q.status, "status", http.StatusOK, "status of the answers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	clients, err := connectRest(*addr, *count, q)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		requests, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			return err
		}
		if err := clients.send(requests); err != nil {
			return err
		}
		_, _ = os.Stdout.Write([]byte{'.'}) // if there is no reader, the end is near
	}
	return nil
}

// restClients are connections that make the same request at the same time, those of many channels in turns.
type restClients struct {
	texts [][]byte
	conns []*restClient
	next  atomic.Int64
}

func connectRest(addr string, count int, q request) (*restClients, error) {
	c := &restClients{texts: [][]byte{q.text(addr, 0)}}
	if strings.Contains(q.path, numbered) {
		for n := 1; n < restChannels; n++ {
			c.texts = append(c.texts, q.text(addr, n))
		}
	}
	for range count {
		conn, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			c.close()
			return nil, fmt.Errorf("connecting to the server: %w", err)
		}
		c.conns = append(c.conns, &restClient{conn: conn, reader: bufio.NewReaderSize(conn, 32<<10), status: fmt.Appendf(nil, "HTTP/1.1 %d ", q.status)})
	}
	return c, nil
}

// send makes so many requests and returns when they are answered.
func (c *restClients) send(requests int64) error {
	var begun atomic.Int64
	errs := make([]error, len(c.conns))
	var wg sync.WaitGroup
	for i, conn := range c.conns {
		wg.Go(func() {
			for errs[i] == nil && begun.Add(1) <= requests {
				errs[i] = conn.ask(c.texts[int(c.next.Add(1))%len(c.texts)])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *restClients) close() {
	for _, conn := range c.conns {
		_ = conn.conn.Close()
	}
}

// restClient is one connection that is kept alive.
type restClient struct {
	conn   net.Conn
	reader *bufio.Reader
	status []byte // the beginning of the line that a good answer starts with
}

// ask sends a request and reads the answer: no more of it than is needed to know where it ends, because the clients share the
// machine with what is measured.
func (c *restClient) ask(text []byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.conn.Write(text); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	status, err := c.line()
	if err != nil {
		return err
	}
	answered, length, chunked := bytes.HasPrefix(status, c.status), int64(-1), false
	problem := string(status[:min(len(status), 40)])
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return fmt.Errorf("reading an answer: %w", err)
			}
		}
		chunked = chunked || string(line) == "Transfer-Encoding: chunked"
	}
	switch {
	case answered && chunked:
		return c.skipChunks()
	case length < 0:
		return fmt.Errorf("the server answered %s without a length", problem)
	case !answered:
		body, _ := io.ReadAll(io.LimitReader(c.reader, min(length, 1<<10)))
		return fmt.Errorf("the server answered %s: %s", problem, body)
	}
	if _, err := c.reader.Discard(int(length)); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	return nil
}

// skipChunks reads past a body that comes in chunks.
func (c *restClient) skipChunks() error {
	_, err := io.Copy(io.Discard, httputil.NewChunkedReader(c.reader))
	if err == nil {
		_, err = c.line() // which follows the last
	}
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	return nil
}

// line returns a line of the answer's head, until the next one is read.
func (c *restClient) line() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
