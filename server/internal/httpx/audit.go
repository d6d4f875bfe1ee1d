package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
)

// auditTimeout bounds how long an answer waits for its entry in the audit log.
const auditTimeout = 10 * time.Second

// AuditLog is where [Audited] and [Refusals] write.
type AuditLog interface {
	Append(ctx context.Context, e audit.Entry) error
	Refused(network string, e audit.Entry)
}

// Audited returns a middleware that writes what the operations did that the contract wants in the audit log. The entry is stored before
// the answer is sent: nothing is acknowledged that is not in the log. Where it can't be stored the answer is UNAVAILABLE, although it was
// done. Requests that were refused or were wrong did nothing and are not written; [Refusals] counts the former. It belongs inside of
// everything that repeats answers. For other operations it costs one look into the contract.
func Audited(known Contract, log AuditLog) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			op := known.of(r)
			if op == nil || op.audit == "" {
				next.ServeHTTP(w, r)
				return
			}
			e := entryFor(op, r)
			e.Status = op.success
			r = r.WithContext(audit.NewContext(r.Context(), &e))
			a := &auditedWriter{ResponseWriter: w, request: r, entry: &e, log: log}
			returned := false
			defer func() {
				switch {
				case a.begun:
				case returned:
					a.WriteHeader(http.StatusOK) // as net/http would
				default: // a panic is on its way, and nobody knows what was done
					_ = a.append(http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(a, r)
			returned = true
		})
	}
}

// entryFor returns what a request says that it does. The things are those of its path: the last is the one that something is done to.
func entryFor(op *operation, r *http.Request) audit.Entry {
	e := audit.Entry{Who: auth.FromContext(r.Context()), Address: clientAddress(r.Context()), RequestID: RequestIDFrom(r.Context())}
	if op != nil {
		e.Action, e.Operation = op.audit, op.id
	}
	if route := chi.RouteContext(r.Context()); route != nil {
		for _, text := range route.URLParams.Values {
			if id, err := uuid.Parse(text); err == nil {
				e.Within, e.Target = e.Target, id
			}
		}
	}
	return e
}

// clientAddress returns the address of the caller; "" if it has none.
func clientAddress(ctx context.Context) string {
	if rec := recordOf(ctx); rec != nil && rec.client.IsValid() {
		return rec.client.String()
	}
	return ""
}

// auditedWriter writes an entry when the answer begins.
type auditedWriter struct {
	http.ResponseWriter
	request *http.Request
	entry   *audit.Entry
	log     AuditLog
	begun   bool
	failed  bool // the answer is another
}

// WriteHeader implements [http.ResponseWriter].
func (a *auditedWriter) WriteHeader(status int) {
	if a.begun || status < http.StatusOK {
		if !a.failed {
			a.ResponseWriter.WriteHeader(status)
		}
		return
	}
	a.begun = true
	if err := a.append(status); err != nil && status < http.StatusInternalServerError {
		a.failed = true
		WriteError(a.ResponseWriter, a.request, apierr.Wrap(err, apierr.Unavailable, "It was done, but could not be written to the audit log"))
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (a *auditedWriter) Write(p []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.failed {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// append stores the entry, unless nothing was done or it is stored. The caller may be gone by now.
func (a *auditedWriter) append(status int) error {
	if status/100 == 4 || status/100 == 2 && a.entry.Stored() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.request.Context()), auditTimeout)
	defer cancel()
	a.entry.Status = status
	if err := a.log.Append(ctx, *a.entry); err != nil {
		return fmt.Errorf("%s of %s by %s %s: %w", a.entry.Action, a.entry.Target, a.entry.Who.Kind(), a.entry.Address, err)
	}
	return nil
}

// Refusals returns a middleware that counts, for the audit log, the requests that are refused for their credentials or for what these
// allow. It belongs outside of authentication.
func Refusals(known Contract, log AuditLog) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			rec := recordOf(r.Context())
			if rec == nil || rec.err == nil {
				return
			}
			if status := refusalStatus(rec.err); status != 0 {
				op := known.meant(rec.failed)
				e := entryFor(op, rec.failed)
				e.Status = status
				log.Refused(ClientNetwork(r), e)
			}
		})
	}
}

// refusalStatus returns the status of an error that refuses a caller; 0 for others.
func refusalStatus(err error) int {
	if _, blocked := errors.AsType[*auth.BlockedError](err); blocked {
		return http.StatusTooManyRequests
	}
	switch status := apierr.From(err).Code.Status(); status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return status
	default:
		return 0
	}
}

// meant is [Contract.of] for a request that may not have come as far as the router.
func (c Contract) meant(r *http.Request) *operation {
	if op := c.of(r); op != nil {
		return op
	}
	route, found := chi.RouteContext(r.Context()), chi.NewRouteContext()
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if route == nil || route.Routes == nil || !route.Routes.Match(found, method, r.URL.Path) {
		return nil
	}
	return c[operationName{method, found.RoutePattern()}]
}
