package apierr

import "syscall"

// What Windows says when the machine has run out of something.
var (
	noRoom    = []error{syscall.Errno(112), syscall.Errno(39)} // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL
	noFiles   = []error{syscall.Errno(4)}                      // ERROR_TOO_MANY_OPEN_FILES
	noWriting = []error{syscall.Errno(19)}                     // ERROR_WRITE_PROTECT
)
