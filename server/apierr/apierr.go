// Package apierr is the one error type of elizad.
//
// Domain code creates an *Error with a Code and a sentence that a user may read; the cause, if any, is wrapped and stays
// inside. The edges (REST, Socket.IO, the Go client) translate it once: [Code.Status] is the only table between codes and
// HTTP statuses, and [From] turns any other error into an INTERNAL one whose text reveals nothing.
package apierr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Code names a class of failure on the wire, in upper snake case. Clients may branch on it.
type Code string

// The codes that callers see. A code that is not in the status table of [Code.Status] answers 500.
const (
	InvalidRequest       Code = "INVALID_REQUEST"        // the request does not fit the contract
	InvalidID            Code = "INVALID_ID"             // an identifier is not a UUID
	InvalidJSON          Code = "INVALID_JSON"           // the body is not well-formed JSON
	ValidationFailed     Code = "VALIDATION_ERROR"       // a value is refused by a rule of the domain
	BadRequest           Code = "BAD_REQUEST"            // the request makes no sense in the present state
	CreateFailed         Code = "CREATE_ERROR"           // an agent's character is refused
	UpdateFailed         Code = "UPDATE_ERROR"           // an agent's change is refused
	NoAgent              Code = "NO_AGENT"               // no agent in the channel can answer
	Unauthorized         Code = "UNAUTHORIZED"           // credentials are missing or wrong
	Forbidden            Code = "FORBIDDEN"              // known caller, refused
	NotFound             Code = "NOT_FOUND"              // no such thing, or none that the caller may see
	ServerNotFound       Code = "SERVER_NOT_FOUND"       // no such message server
	AgentNotFound        Code = "AGENT_NOT_FOUND"        // no such agent, or it doesn't run
	SessionNotFound      Code = "SESSION_NOT_FOUND"      // no such session
	SessionExpired       Code = "SESSION_EXPIRED"        // the session has ended
	MethodNotAllowed     Code = "METHOD_NOT_ALLOWED"     // the path exists, the method does not
	Conflict             Code = "CONFLICT"               // the thing exists already or is in the way
	PreconditionFailed   Code = "PRECONDITION_FAILED"    // the thing has changed since the caller looked
	TooSlow              Code = "REQUEST_TIMEOUT"        // the body doesn't come, or comes too slowly
	TooLarge             Code = "PAYLOAD_TOO_LARGE"      // the body exceeds the limit
	UnsupportedMediaType Code = "UNSUPPORTED_MEDIA_TYPE" // the body has a type that the route doesn't read
	RateLimited          Code = "RATE_LIMIT_EXCEEDED"    // too many requests
	QueueFull            Code = "QUEUE_FULL"             // an agent's mailbox is full
	Cancelled            Code = "CANCELLED"              // the caller went away
	Unavailable          Code = "UNAVAILABLE"            // the server is starting, stopping or overloaded
	Timeout              Code = "TIMEOUT"                // no answer in the time allowed
	ModelFailed          Code = "MODEL_ERROR"            // the model behind an agent failed
	StorageDamaged       Code = "STORAGE_DAMAGED"        // what was asked for lies in a damaged part of the database
	Internal             Code = "INTERNAL"               // everything else; details are in the server's log
)

// The codes of files and of plugins' routes.
const (
	InvalidFileType Code = "INVALID_FILE_TYPE"          // a recording is no sound that is known
	FileTooLarge    Code = "FILE_TOO_LARGE"             // an uploaded file exceeds the limit
	QuotaExceeded   Code = "QUOTA_EXCEEDED"             // there are as many of these things as there may be
	UploadsLimited  Code = "UPLOAD_RATE_LIMIT_EXCEEDED" // too many uploads
	InvalidAgentID  Code = "INVALID_AGENT_ID"           // the agent that a plugin is asked of is no UUID
)

// The codes of users, who register and log in.
const (
	InvalidEmail       Code = "INVALID_EMAIL"            // no address of the form that is needed
	InvalidUsername    Code = "INVALID_USERNAME"         // no name of the form that is needed
	InvalidPassword    Code = "INVALID_PASSWORD"         // too short or too long
	MissingCredentials Code = "MISSING_CREDENTIALS"      // an address or a password is missing
	EmailExists        Code = "EMAIL_EXISTS"             // another user has the address
	UsernameExists     Code = "USERNAME_EXISTS"          // another user has the name
	InvalidCredentials Code = "INVALID_CREDENTIALS"      // there is no such user, or the password is another
	InvalidToken       Code = "INVALID_TOKEN"            // a refresh token is none, or not good any more
	AuthLimited        Code = "AUTH_RATE_LIMIT_EXCEEDED" // too many attempts to log in
)

// statusClientClosed is nginx's status for a caller that left before the answer; it is never read.
const statusClientClosed = 499

// Status returns the HTTP status that c stands for.
func (c Code) Status() int {
	switch c {
	case InvalidRequest, InvalidID, InvalidJSON, ValidationFailed, BadRequest, CreateFailed, UpdateFailed, NoAgent, InvalidFileType, InvalidAgentID,
		InvalidEmail, InvalidUsername, InvalidPassword, MissingCredentials:
		return http.StatusBadRequest
	case Unauthorized, InvalidCredentials, InvalidToken:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case NotFound, ServerNotFound, AgentNotFound, SessionNotFound:
		return http.StatusNotFound
	case SessionExpired:
		return http.StatusGone
	case MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case Conflict, EmailExists, UsernameExists:
		return http.StatusConflict
	case TooSlow:
		return http.StatusRequestTimeout
	case PreconditionFailed:
		return http.StatusPreconditionFailed
	case TooLarge, FileTooLarge, QuotaExceeded:
		return http.StatusRequestEntityTooLarge
	case UnsupportedMediaType:
		return http.StatusUnsupportedMediaType
	case RateLimited, QueueFull, UploadsLimited, AuthLimited:
		return http.StatusTooManyRequests
	case Cancelled:
		return statusClientClosed
	case Unavailable:
		return http.StatusServiceUnavailable
	case Timeout:
		return http.StatusGatewayTimeout
	case ModelFailed:
		return http.StatusBadGateway
	default:
		return http.StatusInternalServerError
	}
}

// Error is a failure with a public and a private side.
type Error struct {
	Code    Code   // class, for programs
	Message string // one sentence for people; safe to show
	Details string // optional elaboration; safe to show
	cause   error  // what happened underneath; for logs only
}

// New returns an error with a code and a formatted public message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an error with a public message that keeps cause for logs and for errors.Is and errors.As.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), cause: cause}
}

// WithDetails returns a copy of e that carries details.
func (e *Error) WithDetails(details string) *Error {
	c := *e
	c.Details = details
	return &c
}

// Error returns the message for logs: public text first, then the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	cause := e.cause.Error()
	if cause == e.Message {
		return cause // the cause says it all
	}
	return e.Message + ": " + cause
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports a match for any *Error target with the same code, so that errors.Is(err, apierr.New(apierr.NotFound, "")) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// From returns err as an *Error. An error of another kind becomes CANCELLED or TIMEOUT when a context ended it, UNAVAILABLE
// when the machine has run out of something, and otherwise INTERNAL with a message that says nothing about its cause; nil
// stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Wrap(err, Cancelled, "The request was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return Wrap(err, Timeout, "The request took too long")
	case isAny(err, noRoom):
		return Wrap(err, Unavailable, "The server's disk is full; try again when there is room")
	case isAny(err, noFiles):
		return Wrap(err, Unavailable, "The server has too many files open; try again later")
	case isAny(err, noWriting):
		return Wrap(err, Unavailable, "The server's disk cannot be written to at the moment; try again later")
	default:
		return Wrap(err, Internal, "An internal error occurred")
	}
}

func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// IsCode reports whether err is, or wraps, an *Error with the given code.
func IsCode(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
