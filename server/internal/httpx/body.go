package httpx

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/config"
)

// formOverhead is what a multipart form may add to the file inside.
const formOverhead = 64 << 10

// LimitBody bounds the size of request bodies: that of JSON by one limit, that of uploads by another. A body that announces
// too much is refused at once; one that turns out to be too large ends the reading with *http.MaxBytesError, and one that
// breaks off, or isn't framed as HTTP wants it, with an INVALID_REQUEST: whoever reads it, that is the caller's fault.
func LimitBody(limits config.Limits) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body == http.NoBody {
				next.ServeHTTP(w, r)
				return
			}
			limit, upload := limits.MaxBody, isUpload(mediaType(r))
			if upload {
				limit = limits.MaxUpload + formOverhead
			}
			switch tooMuch := r.ContentLength > limit; {
			case tooMuch && upload:
				WriteError(w, r, fileTooLarge(limits.MaxUpload))
				return
			case tooMuch:
				WriteError(w, r, tooLarge(limit))
				return
			}
			r.Body = requestBody{http.MaxBytesReader(w, r.Body, limit)}
			next.ServeHTTP(w, r)
		})
	}
}

// requestBody tells readers of a body what went wrong in terms of the API.
type requestBody struct{ io.ReadCloser }

func (b requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, err
	}
	return n, apierr.Wrap(err, apierr.InvalidRequest, "The request body can't be read to its end")
}

func tooLarge(limit int64) *apierr.Error {
	return apierr.New(apierr.TooLarge, "The request body is larger than %d bytes", limit)
}

// fileTooLarge is what an upload is refused with, also where its size is found out later.
func fileTooLarge(limit int64) *apierr.Error {
	return apierr.New(apierr.FileTooLarge, "File too large").WithDetails(fmt.Sprintf("A file may have %d bytes", limit))
}

// RequireMediaType refuses bodies of types that no route reads. Among them is what an HTML form can send across origins.
func RequireMediaType(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			if kind := mediaType(r); hasBody(r) && !isJSON(kind) && !isUpload(kind) {
				WriteError(w, r, unsupported(kind, jsonType))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// hasBody reports whether a request has a body. A chunked one has the length -1.
func hasBody(r *http.Request) bool { return r.ContentLength != 0 }

const jsonType = "application/json"

// unsupported refuses a body of some type, and says which types are read.
func unsupported(kind string, accepted ...string) *apierr.Error {
	send := "Send " + strings.Join(accepted, " or ")
	if kind == "" {
		return apierr.New(apierr.UnsupportedMediaType, "The request body has no Content-Type").WithDetails(send)
	}
	return apierr.New(apierr.UnsupportedMediaType, "This endpoint doesn't read bodies of type %s", kind).WithDetails(send)
}

// mediaType returns the type of a request's body without parameters, in lower case.
func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind, _, _ = strings.Cut(r.Header.Get("Content-Type"), ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	return kind
}

func isJSON(kind string) bool {
	return kind == jsonType || (strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

func isUpload(kind string) bool {
	return kind == "multipart/form-data" || kind == "application/octet-stream"
}
