package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
)

// Error is a failure that the server reported.
type Error struct {
	Status     int           // of the HTTP response; 200 for one in the middle of a stream, 0 for one on a socket
	Code       apierr.Code   // class of the failure, such as NOT_FOUND; empty if the response is not from an elizad
	Message    string        // a sentence for people
	Details    string        // more about it, or empty
	RequestID  string        // the request's id in the server's log, or empty
	RetryAfter time.Duration // when to try again; 0 if the server doesn't say
}

// Error returns the message with its details.
func (e *Error) Error() string {
	var about []string
	if e.Code != "" {
		about = append(about, string(e.Code))
	}
	if e.Status != 0 {
		about = append(about, fmt.Sprintf("HTTP %d", e.Status))
	}
	text := e.Message
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	if e.Details != "" {
		text += ": " + e.Details
	}
	return text
}

// IsNotFound reports whether err says that something doesn't exist, or that the caller may not see it.
func IsNotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == 0 && e.Code.Status() == http.StatusNotFound)
}

// IsCode reports whether err is a failure with a code, such as apierr.Conflict.
func IsCode(err error, code apierr.Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// errorOf reads the failure in a response. A response of something between the client and the server has no code.
func errorOf(resp *http.Response, body []byte) *Error {
	e := &Error{
		Status: resp.StatusCode, Message: "The server answered " + resp.Status,
		RequestID: resp.Header.Get("X-Request-Id"), RetryAfter: retryAfter(resp.Header, time.Now()),
	}
	var answer struct {
		Error struct {
			Code    apierr.Code
			Message string
			Details string
		}
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		e.Code, e.Message, e.Details = answer.Error.Code, answer.Error.Message, answer.Error.Details
	}
	return e
}
