package httpx

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 128 // characters; longer ones are not worth repeating in every log line
)

// record is what the middlewares know about one request. It is filled by the goroutine that serves the request. There is one
// for all of them, because each value of a context costs a copy of the request; and it is itself the context that has it.
type record struct {
	context.Context

	id       [1]string                     // as a header has it
	client   netip.Addr                    // found by ClientIP
	network  string                        // of client, once it has been asked for
	request  *http.Request                 // noted by ClientIP
	passedOn bool                          // by a proxy, as ClientIP found
	err      error                         // given to WriteError
	failed   *http.Request                 // the same, with what was known of it by then
	route    string                        // noted by Route
	response middleware.WrapResponseWriter // nil without Watch
}

// begun reports whether the response's header was sent.
func (rec *record) begun() bool { return rec.response != nil && rec.response.Status() != 0 }

type recordKey struct{}

// Value implements [context.Context].
func (rec *record) Value(key any) any {
	if _, ok := key.(recordKey); ok {
		return rec
	}
	return rec.Context.Value(key)
}

func recordOf(ctx context.Context) *record {
	rec, _ := ctx.Value(recordKey{}).(*record)
	return rec
}

// recorded returns the record of a request, and the request that has it in its context: a new one, where r has none.
func recorded(r *http.Request) (*record, *http.Request) {
	if rec := recordOf(r.Context()); rec != nil {
		return rec, r
	}
	rec := &record{Context: r.Context()}
	return rec, r.WithContext(rec)
}

// RequestID gives each request an id: the one in its X-Request-Id header if that is short and plain, else a new one. The
// response carries it in the same header.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !plainID(id) {
			id = newID()
		}
		rec, r := recorded(r)
		rec.id[0] = id
		w.Header()[requestIDHeader] = rec.id[:]
		next.ServeHTTP(w, r)
	})
}

// newID returns a random UUID. It names a request and guards nothing, so that it need not be hard to guess.
func newID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, of RFC 9562
	return id.String()
}

// RequestIDFrom returns the id of the request that ctx belongs to, or "" outside of requests.
func RequestIDFrom(ctx context.Context) string {
	if rec := recordOf(ctx); rec != nil {
		return rec.id[0]
	}
	return ""
}

// LogAttrs returns what a log line written on behalf of a request should say about it.
func LogAttrs(ctx context.Context) []slog.Attr {
	if id := RequestIDFrom(ctx); id != "" {
		return []slog.Attr{slog.String("requestId", id)}
	}
	return nil
}

func plainID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}
