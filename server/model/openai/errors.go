package openai

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

// maxErrorBody is how much of an error answer is read.
const maxErrorBody = 64 << 10

// Forbidden is the error of a transport that does not go to an address, for any caller. Its text follows the name of the host.
type Forbidden interface {
	error
	Forbidden()
}

// connectionError explains why a call that got no complete answer failed. The end of ctx comes before everything else.
func (c *Client) connectionError(ctx context.Context, call *watch, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // its text quotes the URL, whose query may hold a secret
	}
	failure := &model.Error{Kind: model.Unavailable, Provider: c.cfg.Name, Err: err}
	host := c.endpoint.Host
	_, reading := errors.AsType[*readError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	forbidden, isForbidden := errors.AsType[Forbidden](err)
	switch {
	case isForbidden:
		failure.Kind = model.Config
		failure.Message = fmt.Sprintf("%s %v; check %s.", host, forbidden, c.cfg.Settings.BaseURL)
	case call.silent():
		failure.Kind = model.Timeout
		failure.Err = errSilent
		failure.Message = fmt.Sprintf("The model at %s went silent.", host)
	case reading:
		failure.Message = "The connection to the model ended in the middle of the answer."
	case untrusted:
		failure.Kind = model.Config
		failure.Message = fmt.Sprintf("The certificate of %s is not trusted; check %s.", host, c.cfg.Settings.BaseURL)
	default:
		failure.Message = fmt.Sprintf("No connection to the model at %s; check that it runs, and %s.", host, c.cfg.Settings.BaseURL)
	}
	return failure
}

// statusError explains an answer whose status isn't 200. The detail is what it said itself.
func (c *Client) statusError(resp *http.Response, body io.Reader, kind model.Kind) (detail, error) {
	data, _ := io.ReadAll(io.LimitReader(body, maxErrorBody)) // an explanation that can't be read is done without
	said := parseDetail(data)
	failure := c.failure(resp.StatusCode, said, kind)
	failure.RetryAfter = wait(resp.Header, said, time.Now())
	return said, failure
}

// streamError explains an error object that came in place of an answer or in the middle of one, under status 200.
func (c *Client) streamError(data []byte, kind model.Kind) (detail, *model.Error) {
	said := parseDetail(data)
	status, err := strconv.Atoi(said.code)
	if err != nil || status < 400 || status > 599 {
		status = statusOf(said)
	}
	failure := c.failure(status, said, kind)
	failure.RetryAfter = wait(nil, said, time.Now())
	return said, failure
}

// statusOf returns the HTTP status that stands for an error object without one.
func statusOf(detail detail) int {
	for _, word := range []string{detail.code, detail.kind} {
		switch word {
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
func (c *Client) failure(status int, detail detail, kind model.Kind) *model.Error {
	names := c.cfg.Settings
	modelSetting := names.model(kind)
	failure := &model.Error{Status: status, Provider: c.cfg.Name}
	set := func(kind model.ErrorKind, format string, args ...any) {
		failure.Kind, failure.Message = kind, fmt.Sprintf(format, args...)
	}
	says := c.redact(detail.message)
	switch {
	case status == http.StatusUnauthorized, detail.reason == "API_KEY_INVALID":
		says = "" // some endpoints quote parts of the key
		if c.cfg.APIKey == "" {
			set(model.Auth, "The model asks for a key; set %s.", names.APIKey)
		} else {
			set(model.Auth, "The model refuses the key; check %s.", names.APIKey)
		}
	case status == http.StatusPaymentRequired, detail.code == "insufficient_quota":
		set(model.Auth, "The account behind %s has no credit left.", names.APIKey)
	case status == http.StatusForbidden:
		set(model.Auth, "The key may not use model %q; check %s and %s.", c.Model(kind), names.APIKey, modelSetting)
	case status == http.StatusNotFound, detail.code == "model_not_found":
		set(model.Config, "Model %q was not found at %s; check %s and %s.", c.Model(kind), c.endpoint.Host, modelSetting, names.BaseURL)
	case status == http.StatusMethodNotAllowed, status >= 300 && status < 400:
		set(model.Config, "There is no such API at %s; check %s.", c.endpoint.Host, names.BaseURL)
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
	switch {
	case says == "":
	case c.cfg.Discreet:
		failure.Message += fmt.Sprintf(" It answers with status %d.", status)
	default:
		failure.Message += " It says: " + says
	}
	return failure
}

// redact removes the secrets of the configuration from text, and every word that looks like a key.
func (c *Client) redact(text string) string {
	secrets := []string{c.cfg.APIKey}
	for _, values := range c.cfg.Headers {
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
