//go:build unix

package engineio

import (
	"net"
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
				return true // also if the kernel has no room: waiting is not our business
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
		return nil // it is closed, which the first write will tell
	}
	return raw
}
