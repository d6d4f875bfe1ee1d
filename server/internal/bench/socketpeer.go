package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// peerCommand is the argument that makes this program the clients' process.
const peerCommand = "socket-peer"

// dialers is how many connections are made at a time.
const dialers = 64

// peerConfig says what the clients do.
type peerConfig struct {
	sockets int
	rooms   int // the sockets are spread over them; the first of each can send
	step    int // after how many deliveries they report
}

// socketPeer is the clients' process, as the server's sees it. It writes a line when all are connected, and a byte at each
// step; it is sent the number of events that each sender sends.
type socketPeer struct {
	cmd    *exec.Cmd
	input  io.WriteCloser
	output *bufio.Reader
}

func connectPeer(ctx context.Context, kind string, cfg peerConfig) (*socketServer, *socketPeer, error) {
	s, err := startSocketServer(kind)
	if err != nil {
		return nil, nil, err
	}
	p, err := startPeer(ctx, s, cfg)
	if err != nil {
		return nil, nil, errors.Join(err, s.stop())
	}
	return s, p, nil
}

// startPeer starts the clients and waits until they are connected.
func startPeer(ctx context.Context, s *socketServer, cfg peerConfig) (*socketPeer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &socketPeer{cmd: exec.CommandContext(ctx, self, peerCommand, "-addr", s.addr, "-kind", s.kind,
		"-sockets", strconv.Itoa(cfg.sockets), "-rooms", strconv.Itoa(cfg.rooms), "-step", strconv.Itoa(cfg.step))}
	p.cmd.Stderr = os.Stderr
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.output = bufio.NewReader(output)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the clients: %w", err)
	}
	if err := p.wait(); err != nil {
		p.stop()
		return nil, fmt.Errorf("connecting the clients: %w", err)
	}
	return p, nil
}

// wait waits for the next step.
func (p *socketPeer) wait() error {
	_, err := p.output.ReadByte()
	return err
}

// start makes each sender send so many events.
func (p *socketPeer) start(events int) error {
	_, err := fmt.Fprintln(p.input, events)
	return err
}

func (p *socketPeer) stop() {
	_ = p.input.Close() // tells the clients to end
	_ = p.cmd.Wait()    // their exit status is of no interest
}

// runPeer is the clients' process.
func runPeer(args []string) error {
	flags := flag.NewFlagSet(peerCommand, flag.ContinueOnError)
	var cfg peerConfig
	addr := flags.String("addr", "", "address of the server")
	kind := flags.String("kind", "", "kind of the server")
	flags.IntVar(&cfg.sockets, "sockets", 0, "number of connections")
	flags.IntVar(&cfg.rooms, "rooms", 1, "number of rooms")
	flags.IntVar(&cfg.step, "step", 1, "deliveries between reports")
	if err := flags.Parse(args); err != nil {
		return err
	}
	conns, err := dialAll(*addr, *kind, cfg)
	if err != nil {
		return err
	}
	seen := make([]chan struct{}, cfg.rooms) // tells a sender that its event is back
	var deliveries atomic.Int64
	for i, conn := range conns {
		var own chan struct{}
		if i < cfg.rooms {
			own = make(chan struct{}, 1)
			seen[i] = own
		}
		go func() {
			buf := make([]byte, len(readyFrame))
			for {
				if _, err := io.ReadFull(conn, buf); err != nil {
					return // the server has ended
				}
				if deliveries.Add(1)%int64(cfg.step) == 0 {
					_, _ = os.Stdout.Write([]byte{'.'}) // if there is no reader, the end is near
				}
				select {
				case own <- struct{}{}:
				default:
				}
			}
		}()
	}
	_, _ = os.Stdout.Write([]byte{'.'})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		events, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		for i := range cfg.rooms {
			go func() {
				for range events {
					if _, err := conns[i].Write(sentFrame); err != nil {
						return
					}
					<-seen[i]
				}
			}()
		}
	}
	return nil // the process ends, and with it whatever runs
}

// dialAll connects all clients, socket i in room i modulo the rooms.
func dialAll(addr, kind string, cfg peerConfig) ([]net.Conn, error) {
	conns := make([]net.Conn, cfg.sockets)
	errs := make([]error, dialers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			for errs[d] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(conns) {
					return
				}
				conns[i], errs[d] = dialSocket(addr, kind, i, strconv.Itoa(i%cfg.rooms))
			}
		})
	}
	wg.Wait()
	return conns, errors.Join(errs...)
}

// dialSocket opens a WebSocket, by hand so that it costs this process little, and joins the main namespace of Socket.IO.
func dialSocket(addr, kind string, i int, room string) (net.Conn, error) {
	// Each source address has its own ports, so that they do not run out.
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i%16))}}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to the server: %w", err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket&room=%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", room, addr)
	if err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, 512)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to an upgrade: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the upgrade was answered with %s", resp.Status)
	}
	if kind == kindSocketIO {
		if err := joinMain(conn, reader); err != nil {
			return nil, err
		}
	}
	return conn, conn.SetDeadline(time.Time{})
}

func joinMain(conn net.Conn, reader *bufio.Reader) error {
	for _, exchange := range []struct{ expect, send string }{{"0{", "\x81\x82\x00\x00\x00\x0040"}, {"40{", ""}} {
		packet, err := readPayload(reader)
		if err != nil {
			return fmt.Errorf("joining the namespace: %w", err)
		}
		if !strings.HasPrefix(packet, exchange.expect) {
			return fmt.Errorf("joining the namespace: the server said %q", packet)
		}
		if _, err := io.WriteString(conn, exchange.send); err != nil {
			return err
		}
	}
	return nil
}
