// Package openaierr shows failures in the form of OpenAI's interface, to callers of the routes that speak it.
package openaierr

import (
	"net/http"
	"strings"

	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
)

// Serves reports whether the failures of a path have this form.
func Serves(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }

// Of returns a failure in OpenAI's form. Details that are JSON pointers name the field that is wrong.
func Of(err error) api.OpenAIError {
	e := apierr.From(err)
	out := api.OpenAIError{Error: api.OpenAIErrorDetail{
		Message: e.Message, Type: typeOf(e.Code), Code: codeOf(e.Code), Param: nullable.NewNullNullable[string](),
	}}
	first, _, _ := strings.Cut(e.Details, "; ")
	first, _, _ = strings.Cut(first, ": ") // what belongs there is in the message
	switch pointer, isPointer := strings.CutPrefix(first, "/"); {
	case isPointer:
		out.Error.Param.Set(strings.ReplaceAll(pointer, "/", "."))
	case strings.Contains(e.Details, " "): // a sentence, and not a word for programs
		out.Error.Message += ". " + e.Details
	}
	return out
}

// AsksAgain reports whether another try of a request that failed so would ask the agent once more.
func AsksAgain(code apierr.Code) bool {
	return code == apierr.ModelFailed || code == apierr.Timeout || code == apierr.Internal
}

// typeOf returns the class of a failure as OpenAI names it.
func typeOf(code apierr.Code) string {
	switch status := code.Status(); {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= http.StatusInternalServerError:
		return "server_error"
	default:
		return "invalid_request_error"
	}
}

// codeOf returns a code as OpenAI names it, if clients look for that, and else our own as OpenAI would write it.
func codeOf(code apierr.Code) string {
	switch code {
	case apierr.Unauthorized:
		return "invalid_api_key"
	case apierr.AgentNotFound:
		return "model_not_found"
	default:
		return strings.ToLower(string(code))
	}
}
