//go:build unix

package engineio

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// attempt is a write that does not wait. A writer uses the same one for all connections, one after the other.
type attempt struct {
	joined []byte // frames that are written as one
	out    []byte
	n      int
	err    error
	write  func(fd uintptr) bool // what RawConn calls; made once, as it would be allocated each time
}

func (a *attempt) init() {
	a.write = func(fd uintptr) bool {
		for {
			a.n, a.err = syscall.Write(int(fd), a.out)
			if a.err != syscall.EINTR {
				return true // even if the kernel has no room: waiting is not our business
			}
		}
	}
}

// on writes to a connection as much of a.out as the kernel takes.
func (a *attempt) on(raw syscall.RawConn) (n int, err error) {
	a.n, a.err = 0, nil
	if err := raw.Write(a.write); err != nil {
		return 0, err
	}
	if a.err == syscall.EAGAIN {
		return 0, nil
	}
	return max(a.n, 0), a.err
}

// rawConn returns what writes that do not wait need, nil for connections that are not the kernel's own.
func rawConn(conn net.Conn) syscall.RawConn {
	switch conn := conn.(type) {
	case *net.TCPConn:
		return rawOf(conn)
	case *net.UnixConn:
		return rawOf(conn)
	}
	return nil
}

func rawOf(conn syscall.Conn) syscall.RawConn {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil // it is closed, which the first write will report
	}
	return raw
}

// arrival reads from a connection with a buffer that it has only while there is something in it: a connection on which nothing
// arrives, as on most, needs none.
type arrival struct {
	buffers *sync.Pool // of *[arrivedSize]byte
	buffer  *[arrivedSize]byte
	unread  []byte // part of buffer
	p       []byte // where to read to
	n       int
	err     error
	readNow func(fd uintptr) bool // what RawConn calls; made once, as it would be allocated each time
}

func (a *arrival) init(buffers *sync.Pool) {
	a.buffers = buffers
	a.readNow = a.attempt
}

// take moves what has arrived to p.
func (a *arrival) take(p []byte) int {
	n := copy(p, a.unread)
	if a.unread = a.unread[n:]; len(a.unread) == 0 {
		a.release()
	}
	return n
}

func (a *arrival) release() {
	if a.buffer != nil {
		a.buffers.Put(a.buffer)
		a.buffer, a.unread = nil, nil
	}
}

// read waits until something arrives and reads it, up to the length of p.
func (a *arrival) read(raw syscall.RawConn, p []byte) (n int, err error) {
	a.p = p
	err = raw.Read(a.readNow)
	a.p = nil
	switch {
	case err != nil:
		return 0, err
	case a.err != nil:
		return 0, os.NewSyscallError("read", a.err)
	case a.n == 0:
		return 0, io.EOF
	case a.buffer == nil:
		return a.n, nil
	}
	a.unread = a.buffer[:a.n]
	return a.take(p), nil
}

// attempt reads without waiting, and reports whether there was something to be read. What is at least as large as a buffer needs
// none.
func (a *arrival) attempt(fd uintptr) bool {
	to := a.p
	if len(to) < arrivedSize {
		a.buffer = a.buffers.Get().(*[arrivedSize]byte)
		to = a.buffer[:]
	}
	for {
		if a.n, a.err = syscall.Read(int(fd), to); a.err != syscall.EINTR {
			break
		}
	}
	if a.n <= 0 || a.err != nil {
		a.release()
	}
	return a.err != syscall.EAGAIN
}
