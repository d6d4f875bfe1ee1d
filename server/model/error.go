package model

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrorKind is a class of model failure.
type ErrorKind string

// The classes of failure. Auth and Config last until a setting changes.
const (
	Auth        ErrorKind = "auth"        // the key is missing, wrong or not allowed to use the model
	Config      ErrorKind = "config"      // the endpoint or the model doesn't exist
	RateLimit   ErrorKind = "rate_limit"  // too many requests, or the quota is used up
	Unavailable ErrorKind = "unavailable" // no connection, or the provider failed
	BadRequest  ErrorKind = "bad_request" // the provider refuses this request
	Timeout     ErrorKind = "timeout"     // the provider went silent
	Protocol    ErrorKind = "protocol"    // the answer is not what the wire format allows
)

// Error is a failure of a model call.
type Error struct {
	Kind       ErrorKind
	Status     int           // HTTP status, 0 when there was none
	Provider   string        // name of the provider
	Message    string        // one sentence, safe to show to users; holds no secret
	RetryAfter time.Duration // how long the provider asks to wait; 0 when it didn't say
	Err        error         // the private cause; for logs and errors.Is
}

// Error returns the text for logs: who, what, and the cause.
func (e *Error) Error() string {
	text := e.Message
	if e.Provider != "" {
		text = e.Provider + ": " + text
	}
	if e.Err != nil {
		text = fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Misconfigured reports whether the failure will last until a setting is changed.
func (e *Error) Misconfigured() bool { return e.Kind == Auth || e.Kind == Config }

// Retryable reports whether the same call may succeed shortly (agent runtime §17.5). A provider that went silent is not
// asked again: its time-out has already used the time that the run has.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case RateLimit, Unavailable:
		return true
	case Timeout:
		return e.Status == http.StatusRequestTimeout
	default:
		return false
	}
}

// IsKind reports whether err is, or wraps, an *Error of the given kind.
func IsKind(err error, kind ErrorKind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}
