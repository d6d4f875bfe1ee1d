//go:build unix

package apierr

import "syscall"

// What the system says when the machine has run out of something.
var (
	noRoom    = []error{syscall.ENOSPC, syscall.EDQUOT}
	noFiles   = []error{syscall.EMFILE, syscall.ENFILE}
	noWriting = []error{syscall.EROFS, syscall.EIO}
)
