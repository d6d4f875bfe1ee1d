package call

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/server/model"
)

// statusOverloaded is how Anthropic says that all of its customers have to wait.
const statusOverloaded = 529

// maxErrorBody is how much of an error answer is read.
const maxErrorBody = 64 << 10

// Forbidden is the error of a transport that does not go to an address, for any caller. Its text follows the name of the host.
type Forbidden interface {
	error
	Forbidden()
}

// ConnectionError explains why a call that got no complete answer failed. The end of ctx comes before everything else.
func (e *Endpoint) ConnectionError(ctx context.Context, w *Watch, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // its text quotes the URL, whose query may hold a secret
	}
	failure := &model.Error{Kind: model.Unavailable, Provider: e.cfg.Name, Err: err}
	host := e.url.Host
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	forbidden, isForbidden := errors.AsType[Forbidden](err)
	switch {
	case isForbidden:
		failure.Kind = model.Config
		failure.Message = fmt.Sprintf("%s %v; check %s.", host, forbidden, e.cfg.Settings.BaseURL)
	case w.silent():
		failure.Kind = model.Timeout
		failure.Err = errSilent
		failure.Message = fmt.Sprintf("The model at %s went silent.", host)
	case IsReadError(err):
		failure.Message = "The connection to the model ended in the middle of the answer."
	case untrusted:
		failure.Kind = model.Config
		failure.Message = fmt.Sprintf("The certificate of %s is not trusted; check %s.", host, e.cfg.Settings.BaseURL)
	default:
		failure.Message = fmt.Sprintf("No connection to the model at %s; check that it runs, and %s.", host, e.cfg.Settings.BaseURL)
	}
	return failure
}

// CutOff is the failure of an answer that ended before the model finished.
func CutOff() error {
	return &model.Error{Kind: model.Unavailable, Message: "The connection to the model ended in the middle of the answer.", Err: io.ErrUnexpectedEOF}
}

// StatusError explains an answer whose status isn't 200. The detail is what it said itself.
func (e *Endpoint) StatusError(resp *http.Response, body io.Reader, kind model.Kind) (Detail, error) {
	data, _ := io.ReadAll(io.LimitReader(body, maxErrorBody)) // an explanation that can't be read is done without
	said := parseDetail(data)
	failure := e.failure(resp.StatusCode, said, kind)
	failure.RetryAfter = wait(resp.Header, said, time.Now())
	return said, failure
}

// StreamError explains an error object that came in place of an answer or in the middle of one, under status 200.
func (e *Endpoint) StreamError(data []byte, kind model.Kind) (Detail, *model.Error) {
	said := parseDetail(data)
	status, err := strconv.Atoi(said.Code)
	if err != nil || status < 400 || status > 599 {
		status = statusOf(said)
	}
	failure := e.failure(status, said, kind)
	failure.RetryAfter = wait(nil, said, time.Now())
	return said, failure
}

// statusOf returns the HTTP status that stands for an error object without one.
func statusOf(said Detail) int {
	for _, word := range []string{said.Code, said.Kind} {
		switch word {
		case "overloaded_error":
			return statusOverloaded
		case "permission_error":
			return http.StatusForbidden
		case "billing_error":
			return http.StatusPaymentRequired
		case "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "too_many_requests":
			return http.StatusTooManyRequests
		case "insufficient_quota":
			return http.StatusPaymentRequired
		case "invalid_api_key", "authentication_error":
			return http.StatusUnauthorized
		case "model_not_found", "not_found_error", "NotFoundError":
			return http.StatusNotFound
		case "invalid_request_error", "BadRequestError", "context_length_exceeded", "INVALID_ARGUMENT", "unsupported_value", "unsupported_parameter":
			return http.StatusBadRequest
		}
	}
	return http.StatusServiceUnavailable
}

// failure is the one table from a status and its explanation to an error.
func (e *Endpoint) failure(status int, said Detail, kind model.Kind) *model.Error {
	names := e.cfg.Settings
	modelSetting := names.model(kind)
	failure := &model.Error{Status: status, Provider: e.cfg.Name}
	set := func(kind model.ErrorKind, format string, args ...any) {
		failure.Kind, failure.Message = kind, fmt.Sprintf(format, args...)
	}
	says := e.redact(said.Message)
	switch {
	case status == http.StatusUnauthorized, said.reason == "API_KEY_INVALID":
		says = "" // some endpoints quote parts of the key
		if e.cfg.Key == "" {
			set(model.Auth, "The model asks for a key; set %s.", names.APIKey)
		} else {
			set(model.Auth, "The model refuses the key; check %s.", names.APIKey)
		}
	case status == http.StatusPaymentRequired, said.Code == "insufficient_quota", spent(said.Message):
		set(model.Auth, "The account behind %s has no credit left.", names.APIKey)
	case status == http.StatusForbidden:
		set(model.Auth, "The key may not use model %q; check %s and %s.", e.Model(kind), names.APIKey, modelSetting)
	case status == http.StatusNotFound, said.Code == "model_not_found":
		set(model.Config, "Model %q was not found at %s; check %s and %s.", e.Model(kind), e.url.Host, modelSetting, names.BaseURL)
	case status == http.StatusMethodNotAllowed, status >= 300 && status < 400:
		set(model.Config, "There is no such API at %s; check %s.", e.url.Host, names.BaseURL)
	case status == http.StatusRequestTimeout:
		set(model.Timeout, "The model took too long.")
	case status == http.StatusTooManyRequests:
		set(model.RateLimit, "The model is busy, or its rate limit is used up.")
	case status == http.StatusConflict, status >= 500:
		set(model.Unavailable, "The model is not available at the moment.")
	case status >= 400:
		set(model.BadRequest, "The model refuses the request.")
	default:
		set(model.Protocol, "The endpoint answers with status %d; check %s.", status, names.BaseURL)
	}
	noAPI := status == http.StatusNotFound && said.Kind != "not_found_error" || status == http.StatusMethodNotAllowed
	if noAPI && e.cfg.Elsewhere != "" {
		failure.Message = strings.TrimSuffix(failure.Message, ".") + ": " + e.cfg.Elsewhere + "."
	}
	switch {
	case says == "":
	case e.cfg.Discreet:
		failure.Message += fmt.Sprintf(" It answers with status %d.", status)
	default:
		failure.Message += " It says: " + says
	}
	return failure
}

// spent reports whether an explanation is that of an account without credit, which some vendors answer under any status.
func spent(explanation string) bool {
	return strings.Contains(explanation, "credit balance is too low") || strings.Contains(explanation, "reached your specified API usage limits")
}

// redact removes the secrets of the configuration from text, and every word that looks like a key.
func (e *Endpoint) redact(text string) string {
	secrets := []string{e.cfg.Key}
	for _, values := range e.cfg.Headers {
		secrets = append(secrets, values...)
	}
	for _, secret := range secrets {
		if len(secret) >= 6 {
			text = strings.ReplaceAll(text, secret, "[key]")
		}
	}
	words := strings.Fields(text)
	for i, word := range words {
		if strings.Contains(word, "sk-") || strings.Contains(word, "***") {
			words[i] = "[key]"
		}
	}
	return clip(strings.Join(words, " "), 300)
}

// clip cuts text to n characters.
func clip(text string, n int) string {
	count := 0
	for i := range text {
		if count++; count > n {
			return text[:i] + "…"
		}
	}
	return text
}
