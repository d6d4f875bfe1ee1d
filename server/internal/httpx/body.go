package httpx

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

// formOverhead is what a multipart form may add to the file inside.
const formOverhead = 64 << 10

// LimitBody bounds the size of request bodies: that of JSON by one limit, that of uploads by another. A body that announces
// too much is refused at once, and one that comes too slowly is a REQUEST_TIMEOUT; one that turns out to be too large ends the reading with *http.MaxBytesError, and one that
// breaks off, or isn't framed as HTTP wants it, with an INVALID_REQUEST: for every reader, that is the caller's fault.
func LimitBody(limits settings.Limits) Middleware {
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
			r.Body = &requestBody{ReadCloser: newPaced(w, http.MaxBytesReader(w, r.Body, limit), upload), text: !upload}
			next.ServeHTTP(w, r)
		})
	}
}

// requestBody returns errors to readers of a body in terms of the API. It passes over the mark that some programs begin a
// text with, which no JSON has.
type requestBody struct {
	io.ReadCloser
	text  bool // it may begin with a mark
	first [3]byte
	head  []byte // of first, what is to be read yet
}

const byteOrderMark = "\uFEFF"

func (b *requestBody) Read(p []byte) (int, error) {
	if b.text && len(p) > 0 {
		b.text = false
		n, err := io.ReadFull(b.ReadCloser, b.first[:])
		if b.head = b.first[:n]; string(b.head) == byteOrderMark {
			b.head = nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, fault(err)
		}
	}
	if len(b.head) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	n, err := b.ReadCloser.Read(p)
	return n, fault(err)
}

// fault is an error of a body in terms of the API.
func fault(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return apierr.Wrap(err, apierr.TooSlow, "The request body came too slowly").
			WithDetails(fmt.Sprintf("All of it within %v, and of an upload %d more bytes with each second after that", bodyTimeout, uploadRate))
	}
	return apierr.Wrap(err, apierr.InvalidRequest, "The request body can't be read to its end")
}

func tooLarge(limit int64) *apierr.Error {
	return apierr.New(apierr.TooLarge, "The request body is larger than %d bytes", limit)
}

// fileTooLarge is what an upload is refused with, even where its size is found out later.
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
