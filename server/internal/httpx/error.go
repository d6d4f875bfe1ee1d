package httpx

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/openaierr"
)

// failure is the body of every error.
type failure struct {
	Success bool        `json:"success"` // false
	Error   failureBody `json:"error"`
}

type failureBody struct {
	Code    apierr.Code `json:"code"`
	Message string      `json:"message"`
	Details string      `json:"details,omitempty"`
}

// problem is the same as RFC 9457 writes it.
type problem struct {
	Type      string      `json:"type"`
	Title     string      `json:"title"`
	Status    int         `json:"status"`
	Detail    string      `json:"detail"`
	Code      apierr.Code `json:"code"`
	Details   string      `json:"details,omitempty"`
	RequestID string      `json:"requestId,omitempty"`
}

// WriteError answers a request with an error: its code, message and details, and nothing of its cause, which goes to the log
// with the line that [Watch] writes for the request. The form is {"success":false,"error":{…}}, or problem details (RFC 9457)
// if the caller prefers them; on the routes of OpenAI's interface it is OpenAI's. When the response has begun already, the error is only logged.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	e := apierr.From(err)
	if e == nil {
		return
	}
	rec := recordOf(r.Context())
	if rec != nil {
		rec.err, rec.failed = e, r
		if rec.begun() {
			return
		}
	}
	status := e.Code.Status()
	header := w.Header()
	header.Del("Content-Length") // what a handler had announced
	header.Del("Content-Encoding")
	header.Del("ETag")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" {
		header["Www-Authenticate"] = []string{`ApiKey realm="elizad"`, `Bearer realm="elizad"`}
	}
	if status == http.StatusTooManyRequests && header.Get("Retry-After") == "" {
		wait := 1
		if blocked, ok := errors.AsType[*auth.BlockedError](err); ok {
			wait = blocked.RetryAfter()
		}
		header.Set("Retry-After", strconv.Itoa(wait))
	}

	var body any = failure{Error: failureBody{Code: e.Code, Message: e.Message, Details: e.Details}}
	contentType := "application/json; charset=utf-8"
	switch {
	case openaierr.Serves(r.URL.Path):
		body = openaierr.Of(e)
		if openaierr.AsksAgain(e.Code) {
			header.Set("X-Should-Retry", "false")
		}
	case prefersProblem(r.Header.Values("Accept")):
		body = problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message,
			Code: e.Code, Details: e.Details, RequestID: RequestIDFrom(r.Context()),
		}
		contentType = "application/problem+json"
	}
	header.Set("Content-Type", contentType)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone; the failure can't be reported
}

// NotFound answers that no route has the path of the request.
func NotFound(w http.ResponseWriter, r *http.Request) {
	WriteError(w, r, apierr.New(apierr.NotFound, "API endpoint not found").WithDetails(r.Method+" "+r.URL.Path))
}

// prefersProblem reports whether an Accept header names problem details, and ranks plain JSON no higher.
func prefersProblem(accept []string) bool {
	problemQ, jsonQ := 0.0, 0.0
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			mediaType, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil {
					q = 0
				}
			}
			switch mediaType {
			case "application/problem+json":
				problemQ = max(problemQ, q)
			case "application/json":
				jsonQ = max(jsonQ, q)
			}
		}
	}
	return problemQ > 0 && problemQ >= jsonQ
}
