//go:build !unix && !windows

package apierr

// Elsewhere nothing is known of what the system says when the machine has run out of something.
var noRoom, noFiles, noWriting []error
