package httpx

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

// Access returns a middleware that refuses callers whose credentials lack the scope that the contract asks for. An operation
// without a rule is refused to all callers. It must run where chi has found the route, outside everything that has responses.
func Access(known Contract) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			op := known.of(r)
			if op == nil || !op.ruled {
				WriteError(w, r, apierr.New(apierr.Forbidden, "Nothing says who may do this"))
				return
			}
			if err := auth.FromContext(r.Context()).Scopes().Require(op.scopes); err != nil {
				WriteError(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// accessTo returns the scopes that a caller needs for an operation; ruled is false if nothing says so.
func accessTo(op *openapi3.Operation) (scopes auth.Scopes, ruled bool) {
	rule, ok := api.Access(op.OperationID)
	if !ok {
		return 0, false
	}
	scopes, err := auth.ParseScopes(string(rule.Scope))
	return scopes, err == nil
}
