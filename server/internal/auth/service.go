package auth

import "net/http"

// HeaderServiceSecret carries the secret by which a part of the system that runs elsewhere, such as an agent of its own,
// shows that it is one.
const HeaderServiceSecret = "X-Internal-Service-Secret"

// Services marks the callers that bring one of the secrets as services. Without any secret nobody is marked. It belongs
// inside of [Middleware].
func Services(secrets Keys) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if !secrets.Required() {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if secret := r.Header.Get(HeaderServiceSecret); secret != "" && secrets.Allow(secret) {
				who := FromContext(r.Context())
				who.Service = true
				r = r.WithContext(NewContext(r.Context(), who))
			}
			next.ServeHTTP(w, r)
		})
	}
}
