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
	"regexp"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/elizad/elizad/server/apierr"
)

const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotency-Replayed"

	maxIdempotencyKey = 255      // bytes
	maxReplay         = 64 << 10 // bytes of an answer that is kept
	keepTimeout       = 10 * time.Second
)

// ErrAtWork is in the error of a claim when another request holds the key at this moment.
var ErrAtWork = errors.New("a request with this key is at work")

// Answers keeps the answers to requests that carried an idempotency key. Keys belong to the caller that ctx names, or, where it
// names none, to the network.
type Answers interface {
	// Claim reserves a key for a request. It returns the answer that the request got before, if it did; otherwise the caller
	// must Keep its answer or Release the claim. When the key was used for another request, or is in use at this moment
	// ([ErrAtWork]), the error is a CONFLICT.
	Claim(ctx context.Context, network, key, fingerprint string) (Claim, *Answer, error)
}

// Claim is a key that a request at work has reserved.
type Claim interface {
	Keep(ctx context.Context, a Answer) error
	Release(ctx context.Context) error
}

// Answer is a response as it was sent, or, with the status of a CONFLICT, the error to answer instead: see [Idempotent].
type Answer struct {
	Status int
	Header map[string]string // what belongs to the answer, and not to the moment
	Body   []byte
	Digest string // of the form that it answers; empty for other bodies, which are compared before
}

// Idempotent lets operations of the contract that take an Idempotency-Key have their effect once. The answer to the first that
// succeeds is kept, and given to those that ask again; a failure leaves no trace. Nor does an answer that the caller did not
// wait for. Of an answer of more than 64 KiB it keeps what was made, for a CONFLICT that says so, unless the operation finds
// a repetition by itself: then it is asked again. It must run where chi has found the route.
func Idempotent(known Contract, answers Answers) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := r.Header.Get(idempotencyHeader)
			if key == "" || r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			op := known.of(r)
			if op == nil || !op.once {
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
			claim, before, err := answers.Claim(r.Context(), ClientNetwork(r), key, fingerprint)
			switch {
			case err != nil:
				if errors.Is(err, ErrAtWork) {
					w.Header().Set("Retry-After", "1")
				}
				WriteError(w, r, err)
			case before != nil:
				before.replay(w, r)
			default:
				first(claim, op, next, w, r)
			}
		})
	}
}

// first serves a request and keeps its answer.
func first(claim Claim, op *operation, next http.Handler, w http.ResponseWriter, r *http.Request) {
	form := newFormDigest(r)
	if form != nil {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, form), r.Body}
	}
	recorder := &recorder{limit: maxReplay}
	wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	wrapped.Tee(recorder)
	settled := false
	settle := func(succeeded bool) {
		// The caller may be gone and the server stopping: neither is a reason to forget what was done.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepTimeout)
		defer cancel()
		settled = true
		err := error(nil)
		if succeeded && !(recorder.full && op.findsRepetition) {
			err = claim.Keep(ctx, answerOf(wrapped, recorder, form))
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
	if form != nil {
		_, _ = io.Copy(io.Discard, r.Body) // what was left unread belongs to the form, too; an error was the handler's to report
	}
	status := wrapped.Status()
	settle((status == 0 || status/100 == 2) && r.Context().Err() == nil)
}

// keptHeaders are the parts of a header that belong to the answer.
func keptHeaders() []string {
	return []string{"Content-Type", "Etag", "Link", "X-Total-Count", "Location", "Content-Disposition"}
}

func answerOf(w middleware.WrapResponseWriter, body *recorder, form *formDigest) Answer {
	a := Answer{Status: w.Status(), Header: map[string]string{}, Body: body.Bytes(), Digest: form.sum()}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if body.full {
		a.Status, a.Body = http.StatusConflict, fmt.Appendf(nil, "The first attempt was answered with %d%s", a.Status, madeIn(a.Body))
		return a
	}
	for _, name := range keptHeaders() {
		if value := w.Header().Get(name); value != "" {
			a.Header[name] = value
		}
	}
	return a
}

var anID = regexp.MustCompile(`"id":"([0-9a-f-]{36})"`)

// madeIn returns what was made, from the beginning of an answer.
func madeIn(answer []byte) string {
	if id := anID.FindSubmatch(answer); id != nil {
		return ", and made " + string(id[1])
	}
	return ""
}

func (a *Answer) replay(w http.ResponseWriter, r *http.Request) {
	form := newFormDigest(r)
	if form != nil { // a caller in the middle of an upload would not read the answer either
		if _, err := io.Copy(form, r.Body); err != nil {
			WriteError(w, r, RequestError(err))
			return
		}
	}
	switch {
	case a.Digest != form.sum():
		WriteError(w, r, anotherRequest())
	case a.Status == http.StatusConflict:
		WriteError(w, r, apierr.New(apierr.Conflict, "This request was carried out before, and its answer was too long to be kept").WithDetails(string(a.Body)))
	default:
		for name, value := range a.Header {
			w.Header().Set(name, value)
		}
		w.Header().Set(replayedHeader, "true")
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body) // fails when the caller has left
	}
}

// anotherRequest is what a key is refused with that was used before.
func anotherRequest() error {
	return apierr.New(apierr.Conflict, "The Idempotency-Key was used for another request")
}

// recorder keeps the beginning of an answer.
type recorder struct {
	bytes.Buffer
	limit int
	full  bool // something is missing
}

func (r *recorder) Write(p []byte) (int, error) {
	room := max(r.limit-r.Len(), 0)
	if r.full = r.full || len(p) > room; r.full {
		_, _ = r.Buffer.Write(p[:min(room, len(p))]) // a buffer never fails
		return len(p), nil
	}
	return r.Buffer.Write(p)
}

// fingerprintOf distinguishes requests, except forms, which are too large to be read twice: those have a digest.
func fingerprintOf(r *http.Request) (string, error) {
	sum := sha256.New()
	_, _ = io.WriteString(sum, r.Method+" "+r.URL.RequestURI()+"\n") // a hash never fails
	if isUpload(mediaType(r)) {
		return hex.EncodeToString(sum.Sum(nil)), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", RequestError(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, _ = sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil)), nil
}
