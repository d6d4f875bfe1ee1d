// Package filelock locks files against other processes. A lock is the kernel's and ends with the process, however that ends.
package filelock

import "errors"

// ErrLocked is returned by [Lock] for a file that another process has locked.
var ErrLocked = errors.New("locked by another process")
