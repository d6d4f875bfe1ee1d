package httpx

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/server/apierr"
)

// Validator returns a middleware that refuses requests which don't fit the contract: parameters and bodies, by their schemas.
// It must run where chi has found the route, for the operation is looked up by method and route pattern; a route that the
// contract doesn't have passes. A request that passes carries the validated body as a value, which generated handlers bind.
// Bodies of uploads aren't read. For the cost see BenchmarkValidator.
func Validator(doc *openapi3.T) Middleware {
	known := operations(doc)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			route := chi.RouteContext(r.Context())
			if route == nil {
				next.ServeHTTP(w, r)
				return
			}
			op := known[operationName{r.Method, route.RoutePattern()}]
			if op == nil || op.empty {
				next.ServeHTTP(w, r)
				return
			}
			kind := mediaType(r)
			if hasBody(r) && op.accepts != nil && !op.reads(kind) { // before a large one is read
				WriteError(w, r, unsupported(kind, op.accepts...))
				return
			}
			err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
				Request: r, PathParams: pathParams(r, route), Route: op.route, Options: op.optionsFor(kind),
			})
			if err != nil {
				WriteError(w, r, RequestError(err))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// pathParams returns what chi found in the path, decoded.
func pathParams(r *http.Request, route *chi.Context) map[string]string {
	params := make(map[string]string, len(route.URLParams.Keys))
	for i, key := range route.URLParams.Keys {
		value := route.URLParams.Values[i]
		if r.URL.RawPath != "" { // then chi matched the path in its encoded form
			if decoded, err := url.PathUnescape(value); err == nil {
				value = decoded
			}
		}
		params[key] = value
	}
	return params
}

// RequestError explains why a request could not be read: as the validator says, or as reading and decoding its body say. The
// message says which part is wrong; the details give the place as a JSON pointer and the reason, and never repeat a value.
// Any other error stays what it is.
func RequestError(err error) error {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(e.Limit)
	}
	if e, ok := errors.AsType[*openapi3filter.RequestError](err); ok {
		if e.Parameter != nil {
			return parameterError(e)
		}
		if e.RequestBody != nil {
			return bodyError(e)
		}
		return apierr.Wrap(err, apierr.InvalidRequest, "The request does not fit the contract").WithDetails(e.Reason)
	}
	if e := malformedJSON(err); e != nil {
		return e
	}
	return err
}

func parameterError(err *openapi3filter.RequestError) error {
	code := apierr.InvalidRequest
	if schema := err.Parameter.Schema; schema != nil && schema.Value != nil && schema.Value.Format == "uuid" {
		code = apierr.InvalidID
	}
	e := apierr.Wrap(err.Err, code, "The %s parameter %q is invalid", err.Parameter.In, err.Parameter.Name)
	switch {
	case errors.Is(err.Err, openapi3filter.ErrInvalidRequired):
		return apierr.Wrap(err.Err, code, "The %s parameter %q is missing", err.Parameter.In, err.Parameter.Name)
	case errors.Is(err.Err, openapi3filter.ErrInvalidEmptyValue):
		return e.WithDetails("must not be empty")
	}
	if schemaErr, ok := errors.AsType[*openapi3.SchemaError](err.Err); ok {
		return e.WithDetails(reason(schemaErr))
	}
	if parseErr, ok := errors.AsType[*openapi3filter.ParseError](err.Err); ok && parseErr.Reason != "" {
		return e.WithDetails(parseErr.Reason)
	}
	return e
}

func bodyError(err *openapi3filter.RequestError) error {
	if schemaErr, ok := errors.AsType[*openapi3.SchemaError](err.Err); ok {
		at := "/" + strings.Join(schemaErr.JSONPointer(), "/")
		return apierr.Wrap(err.Err, apierr.InvalidRequest, "The request body does not fit the contract").WithDetails(at + ": " + reason(schemaErr))
	}
	switch {
	case err.Err == nil: // the one fault that the validator reports without a cause
		return unsupported(mediaType(err.Input.Request), jsonType)
	case errors.Is(err.Err, openapi3filter.ErrInvalidRequired):
		return apierr.Wrap(err.Err, apierr.InvalidRequest, "The request has no body")
	}
	if e := malformedJSON(err.Err); e != nil {
		return e
	}
	if _, ok := errors.AsType[*openapi3filter.ParseError](err.Err); ok {
		return apierr.Wrap(err.Err, apierr.InvalidRequest, "The request body is not readable")
	}
	return err.Err // the connection broke
}

// malformedJSON returns an error for a body that is no JSON, or nil if err says something else.
func malformedJSON(err error) error {
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case isSyntax:
		return apierr.Wrap(err, apierr.InvalidJSON, "The request body is not well-formed JSON").WithDetails(syntax.Error())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return apierr.Wrap(err, apierr.InvalidJSON, "The request body is not well-formed JSON").WithDetails("it ends too early")
	}
	return nil
}

// reason returns the innermost explanation of a schema error: where several schemas were tried, that of the last.
func reason(err *openapi3.SchemaError) string {
	if inner, ok := errors.AsType[*openapi3.SchemaError](err.Origin); ok && err.SchemaField != "oneOf" && err.SchemaField != "anyOf" {
		return reason(inner)
	}
	if err.SchemaField == "format" && err.Schema != nil && err.Schema.Format == "uuid" {
		return "must be a UUID"
	}
	if err.Reason == "" {
		return "does not fit " + err.SchemaField
	}
	return err.Reason
}
