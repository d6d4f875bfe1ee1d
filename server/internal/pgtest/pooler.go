package pgtest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Pooled returns the address of a pooler before the database of a URL, which ends with the test. Its clients share a few
// connections, each for a transaction, so that what they set for a session or prepare may turn up for another. What they
// set when they connect is forgotten, as many hosts have it, or refused if it is among the parameters refused.
func Pooled(t testing.TB, databaseURL string, refused ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("a pooler for tests: %v", err)
	}
	p := &pooler{refused: refused, idle: make(chan *pgconn.HijackedConn, pooledConns)}
	for range pooledConns {
		conn, err := pgconn.Connect(t.Context(), databaseURL)
		if err != nil {
			t.Fatalf("a pooler for tests: %v", err)
		}
		hijacked, err := conn.Hijack()
		if err != nil {
			t.Fatalf("a pooler for tests: %v", err)
		}
		p.greeting = hijacked.ParameterStatuses
		p.idle <- hijacked
	}
	var serving sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				_ = p.serve(conn) // a client that leaves in disorder has its own errors
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		cancel()
		serving.Wait()
		close(p.idle)
		for conn := range p.idle {
			_ = conn.Conn.Close()
		}
	})
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatalf("a pooler for tests: %v", err)
	}
	u.Host, u.RawQuery = listener.Addr().String(), url.Values{"user": {u.Query().Get("user")}}.Encode()
	return u.String()
}

const (
	pooledConns = 4
	outside     = 'I' // of any transaction
)

type pooler struct {
	refused  []string
	idle     chan *pgconn.HijackedConn
	greeting map[string]string
}

// serve speaks with one client.
func (p *pooler) serve(conn net.Conn) error {
	client := pgproto3.NewBackend(conn, conn)
	if err := p.handshake(conn, client); err != nil {
		return err
	}
	var held *pgconn.HijackedConn
	defer func() {
		if held == nil {
			return
		}
		held.Frontend.Send(&pgproto3.Sync{})
		held.Frontend.Send(&pgproto3.Query{String: "ROLLBACK"})
		if held.Frontend.Flush() == nil && drain(held, 2) == nil {
			p.idle <- held
		}
	}()
	for {
		message, err := client.Receive()
		if err != nil {
			return err
		}
		if _, ends := message.(*pgproto3.Terminate); ends {
			return nil
		}
		if held == nil {
			held = <-p.idle
		}
		held.Frontend.Send(message)
		switch message.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
		default:
			continue
		}
		if err := held.Frontend.Flush(); err != nil {
			return err
		}
		status, err := answer(held, client)
		if err != nil {
			return err
		}
		if status == outside {
			p.idle <- held
			held = nil
		}
		if err := client.Flush(); err != nil {
			return err
		}
	}
}

// handshake lets a client in.
func (p *pooler) handshake(conn net.Conn, client *pgproto3.Backend) error {
	for {
		message, err := client.ReceiveStartupMessage()
		if err != nil {
			return err
		}
		start, ok := message.(*pgproto3.StartupMessage)
		if !ok { // it asks for encryption
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return err
			}
			continue
		}
		for _, name := range p.refused {
			if _, set := start.Parameters[name]; set {
				client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: " + name})
				return errors.Join(client.Flush(), errors.New("a parameter that is refused"))
			}
		}
		client.Send(&pgproto3.AuthenticationOk{})
		for name, value := range p.greeting {
			client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
		}
		client.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte("none")}) // of no process of the database
		client.Send(&pgproto3.ReadyForQuery{TxStatus: outside})
		return client.Flush()
	}
}

// answer passes on what the database says, up to where it is ready for more, and returns the state of the transaction.
func answer(from *pgconn.HijackedConn, to *pgproto3.Backend) (status byte, err error) {
	for {
		message, err := from.Frontend.Receive()
		if err != nil {
			return 0, err
		}
		to.Send(message)
		if ready, ok := message.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus, nil
		}
	}
}

// drain reads what the database says, up to where it is ready for more for so many times.
func drain(from *pgconn.HijackedConn, times int) error {
	for times > 0 {
		message, err := from.Frontend.Receive()
		if err != nil {
			return err
		}
		if _, ok := message.(*pgproto3.ReadyForQuery); ok {
			times--
		}
	}
	return nil
}
