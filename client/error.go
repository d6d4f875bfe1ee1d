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
	Status     int           // of the HTTP answer; 200 for one in the middle of a stream, 0 for one on a socket
	Code       apierr.Code   // class of the failure, such as NOT_FOUND; empty if the answer was no server's of ours
	Message    string        // a sentence for people
	Details    string        // more about it, or empty
	RequestID  string        // what the server's log calls the request, or empty
	RetryAfter time.Duration // when the server wants to be asked again; 0 if it doesn't say
}

// Error returns the message with what is known beside it.
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

// IsNotFound reports whether err says that there is no such thing, or none that the caller may see.
func IsNotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == 0 && e.Code.Status() == http.StatusNotFound)
}

// IsCode reports whether err is a failure with a code, such as apierr.Conflict.
func IsCode(err error, code apierr.Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// errorOf reads the failure out of an answer. An answer of something between the client and the server has no code.
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
