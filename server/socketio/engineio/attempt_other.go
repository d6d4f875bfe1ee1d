//go:build !unix

package engineio

import (
	"net"
	"syscall"
)

// attempt stands for a write that does not wait, which this platform does not have: every session has a writer of its own.
type attempt struct{ joined, out []byte }

func (a *attempt) init() {}

func (a *attempt) on(syscall.RawConn) (int, error) { return 0, nil }

func rawConn(net.Conn) syscall.RawConn { return nil }
