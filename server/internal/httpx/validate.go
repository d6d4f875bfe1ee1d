package httpx

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/server/apierr"
)

// Validator returns a middleware that refuses requests which don't fit the contract: parameters and bodies, by their schemas.
// It must run where chi has found the route, for the operation is looked up by method and route pattern; a route that the
// contract doesn't have passes. A request that passes carries the validated body as a value, which generated handlers bind.
// Bodies of uploads aren't read. For the cost see BenchmarkValidator.
func Validator(known Contract) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			route := chi.RouteContext(r.Context())
			if route == nil {
				next.ServeHTTP(w, r)
				return
			}
			op := known.of(r)
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
// message names what is wrong and says what belongs there; the details give the places as JSON pointers. No value is repeated.
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
	invalid := func(want string) error {
		return apierr.New(code, "The %s parameter %q is invalid: it %s", err.Parameter.In, err.Parameter.Name, want).WithDetails(want)
	}
	switch {
	case errors.Is(err.Err, openapi3filter.ErrInvalidRequired):
		return apierr.Wrap(err.Err, code, "The %s parameter %q is missing", err.Parameter.In, err.Parameter.Name)
	case errors.Is(err.Err, openapi3filter.ErrInvalidEmptyValue):
		return invalid("must not be empty")
	}
	if schemaErr, ok := errors.AsType[*openapi3.SchemaError](err.Err); ok {
		return invalid(want(innermost(schemaErr)))
	}
	if schema := err.Parameter.Schema; schema != nil && schema.Value != nil {
		return invalid("must be " + kindOf(schema.Value))
	}
	return apierr.New(code, "The %s parameter %q is invalid", err.Parameter.In, err.Parameter.Name)
}

func bodyError(err *openapi3filter.RequestError) error {
	if schemaErr, ok := errors.AsType[*openapi3.SchemaError](err.Err); ok {
		return refuseBody(err, schemaErr)
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
		return apierr.New(apierr.InvalidRequest, "The request body is not readable")
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
