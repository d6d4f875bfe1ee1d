package httpx

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/elizad/elizad/server/apierr"
)

// MethodNotAllowed answers that the path of the request has routes, but none for its method, and names those it has in the
// Allow header, as HTTP demands; a path that has GET counts as having HEAD. It must be called by a chi router.
func MethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	if rctx := chi.RouteContext(r.Context()); rctx != nil && rctx.Routes != nil {
		for _, method := range []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		} {
			asked := method
			if asked == http.MethodHead { // which every GET route answers
				asked = http.MethodGet
			}
			if rctx.Routes.Match(chi.NewRouteContext(), asked, r.URL.Path) {
				allowed = append(allowed, method)
			}
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	WriteError(w, r, apierr.New(apierr.MethodNotAllowed, "This endpoint doesn't answer %s requests", r.Method))
}
