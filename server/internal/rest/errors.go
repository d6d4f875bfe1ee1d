package rest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
)

// paramError says in our terms why a path or query parameter was refused.
func paramError(err error) *apierr.Error {
	if e, ok := errors.AsType[*apiserver.InvalidParamFormatError](err); ok {
		// The error itself is no cause: it quotes the value, and causes are logged.
		if strings.HasSuffix(e.ParamName, "Id") {
			return apierr.New(apierr.InvalidID, "Invalid %s format: not a UUID", e.ParamName)
		}
		return apierr.New(apierr.InvalidRequest, "%s has a value of the wrong type", e.ParamName)
	}
	if e, ok := errors.AsType[*apiserver.RequiredParamError](err); ok {
		return apierr.Wrap(err, apierr.InvalidRequest, "%s is required", e.ParamName)
	}
	if e, ok := errors.AsType[*apiserver.TooManyValuesForParamError](err); ok {
		return apierr.Wrap(err, apierr.InvalidRequest, "%s was given more than once", e.ParamName)
	}
	return apierr.Wrap(err, apierr.InvalidRequest, "A parameter can't be read")
}

// bodyError says in our terms why a body could not be read.
func bodyError(err error) *apierr.Error {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return apierr.Wrap(err, apierr.TooLarge, "The body exceeds %d bytes", e.Limit)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return apierr.Wrap(err, apierr.InvalidRequest, "The body must not be a JSON %s", e.Value)
		}
		return apierr.Wrap(err, apierr.InvalidRequest, "%s must not be a JSON %s", e.Field, e.Value)
	}
	if errors.Is(err, http.ErrNotMultipart) || errors.Is(err, http.ErrMissingBoundary) {
		return apierr.Wrap(err, apierr.InvalidRequest, "The Content-Type of a form must name its boundary")
	}
	if errors.Is(err, io.EOF) {
		return apierr.Wrap(err, apierr.InvalidJSON, "A JSON body is required")
	}
	return apierr.Wrap(err, apierr.InvalidJSON, "The body is not valid JSON")
}
