package auth

import (
	"net/http"

	"github.com/elizad/elizad/server/apierr"
)

// HeaderServiceSecret carries the secret by which a part of the system that runs elsewhere, such as a separate agent,
// shows that it is one.
const HeaderServiceSecret = "X-Internal-Service-Secret"

// Services marks the callers that bring one of the secrets as services, and refuses those that bring a wrong one. Without any
// secret no request is marked. It belongs inside of [Middleware].
func Services(guard Guard, caller Caller, fail ErrorWriter) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if !guard.Required() {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if secret := r.Header.Get(HeaderServiceSecret); secret != "" && guarded(r) {
				if err := guard.Check(caller(r), secret); err != nil {
					refuse(w, r, err, fail, apierr.Wrap(err, apierr.Unauthorized, "Invalid %s header", HeaderServiceSecret))
					return
				}
				who := FromContext(r.Context())
				who.kind, who.scopes, who.proof = Service, who.scopes|ScopeService, ByServiceSecret
				r = r.WithContext(NewContext(r.Context(), who.Named(claimed(r))))
			}
			next.ServeHTTP(w, r)
		})
	}
}
