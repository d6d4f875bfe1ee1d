//go:build !unix

package engineio

import (
	"net"
	"sync"
	"syscall"
)

// attempt stands for a write that does not wait, which this platform does not have: every session has its own writer.
type attempt struct{ joined, out []byte }

func (a *attempt) init() {}

func (a *attempt) on(syscall.RawConn) (int, error) { return 0, nil }

func rawConn(net.Conn) syscall.RawConn { return nil }

// arrival stands for a read with a buffer that is taken when something arrives.
type arrival struct{}

func (a *arrival) init(*sync.Pool) {}

func (a *arrival) take([]byte) int { return 0 }

func (a *arrival) read(syscall.RawConn, []byte) (int, error) { return 0, nil }
