package httpx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/apierr"
)

const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotency-Replayed"

	maxIdempotencyKey = 255     // bytes
	maxReplay         = 4 << 20 // bytes of an answer that is kept
	keepTimeout       = 10 * time.Second
)

// ErrAtWork is in the error of a claim when another request holds the key at this moment.
var ErrAtWork = errors.New("a request with this key is at work")

// Answers keeps the answers to requests that carried an idempotency key. Keys belong to the caller that ctx names.
type Answers interface {
	// Claim reserves a key for a request. It returns the answer that the request got before, if it did; otherwise the caller
	// must Keep its answer or Release the claim. When the key was used for another request, or is in use at this moment
	// ([ErrAtWork]), the error is a CONFLICT.
	Claim(ctx context.Context, key, fingerprint string) (Claim, *Answer, error)
}

// Claim is a key that a request at work has reserved.
type Claim interface {
	Keep(ctx context.Context, a Answer) error
	Release(ctx context.Context) error
}

// Answer is a response as it was sent.
type Answer struct {
	Status int
	Header map[string]string // what belongs to the answer, and not to the moment
	Body   []byte
}

// Idempotent lets a POST with an Idempotency-Key have its effect once. The answer to the first that succeeds is kept, and
// given to those that ask again; a failure leaves no trace. An answer of more than 4 MiB, or one that the caller did not stay
// to hear, is not kept either: routes that must not act twice then know a repetition by the key.
func Idempotent(answers Answers) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var key string
			if r.Method == http.MethodPost {
				key = r.Header.Get(idempotencyHeader)
			}
			if key == "" {
				next.ServeHTTP(w, r)
				return
			}
			if len(key) > maxIdempotencyKey {
				WriteError(w, r, apierr.New(apierr.InvalidRequest, "The Idempotency-Key is longer than %d bytes", maxIdempotencyKey))
				return
			}
			fingerprint, err := fingerprintOf(r)
			if err != nil {
				WriteError(w, r, err)
				return
			}
			claim, before, err := answers.Claim(r.Context(), key, fingerprint)
			switch {
			case err != nil:
				if errors.Is(err, ErrAtWork) {
					w.Header().Set("Retry-After", "1")
				}
				WriteError(w, r, err)
			case before != nil:
				_, _ = io.Copy(io.Discard, r.Body) // a caller in the middle of an upload would not hear the answer
				before.replay(w)
			default:
				first(claim, next, w, r)
			}
		})
	}
}

// first serves a request and keeps its answer.
func first(claim Claim, next http.Handler, w http.ResponseWriter, r *http.Request) {
	recorder := &recorder{limit: maxReplay}
	wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	wrapped.Tee(recorder)
	settled := false
	settle := func(keep bool) {
		// The caller may be gone and the server stopping: neither is a reason to forget what was done.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepTimeout)
		defer cancel()
		settled = true
		err := error(nil)
		if keep {
			err = claim.Keep(ctx, answerOf(wrapped, recorder))
		} else {
			err = claim.Release(ctx)
		}
		if rec := recordOf(r.Context()); err != nil && rec != nil && rec.err == nil {
			rec.err = apierr.From(err) // for the log
		}
	}
	defer func() {
		if !settled { // a panic is on its way
			settle(false)
		}
	}()
	next.ServeHTTP(wrapped, r)
	status := wrapped.Status()
	settle((status == 0 || status/100 == 2) && !recorder.full && r.Context().Err() == nil)
}

// keptHeaders are the parts of a header that belong to the answer.
func keptHeaders() []string {
	return []string{"Content-Type", "Etag", "Link", "X-Total-Count", "Location", "Content-Disposition"}
}

func answerOf(w middleware.WrapResponseWriter, body *recorder) Answer {
	a := Answer{Status: w.Status(), Header: map[string]string{}, Body: body.Bytes()}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	for _, name := range keptHeaders() {
		if value := w.Header().Get(name); value != "" {
			a.Header[name] = value
		}
	}
	return a
}

func (a *Answer) replay(w http.ResponseWriter) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // fails when the caller has left
}

// recorder keeps the beginning of an answer.
type recorder struct {
	bytes.Buffer
	limit int
	full  bool // something is missing
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.full = r.full || r.Len()+len(p) > r.limit; r.full {
		return len(p), nil
	}
	return r.Buffer.Write(p)
}

// fingerprintOf tells requests apart. Uploads are told apart by their size alone: they are too large to be read twice, and the
// same form has another boundary each time.
func fingerprintOf(r *http.Request) (string, error) {
	sum := sha256.New()
	_, _ = io.WriteString(sum, r.Method+" "+r.URL.RequestURI()+"\n") // a hash never fails
	if isUpload(mediaType(r)) {
		_, _ = fmt.Fprint(sum, r.ContentLength)
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
	body, err := io.ReadAll(r.Body)
	if tooMuch, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return "", tooLarge(tooMuch.Limit)
	} else if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, _ = sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil)), nil
}
