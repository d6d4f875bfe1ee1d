package httpx

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// Compress returns a middleware that sends responses in gzip to clients that accept it, except small ones, those of types that
// are compressed already, and event streams, whose events must not wait in a compressor or a proxy.
func Compress() Middleware {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.EnableZstd(false),
		gzhttp.ContentTypeFilter(func(contentType string) bool {
			return !isPacked(contentType) && !strings.HasPrefix(contentType, "text/event-stream") && gzhttp.DefaultContentTypeFilter(contentType)
		}),
	)
	if err != nil {
		panic(fmt.Sprintf("httpx: options of the compressor: %v", err)) // they are constants
	}
	return func(next http.Handler) http.Handler {
		compressed := wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.Header["Accept-Encoding"]) > 0 {
				compressed.ServeHTTP(w, r)
				return
			}
			w.Header().Add("Vary", "Accept-Encoding") // as the wrapper says, too
			next.ServeHTTP(w, r)
		})
	}
}

// isPacked reports whether a type is a compressed one by nature. Compressing it again would cost time, and the ranges that
// players ask for.
func isPacked(contentType string) bool {
	for _, packed := range []string{"image/", "audio/", "video/", "application/pdf", "application/octet-stream"} {
		if strings.HasPrefix(contentType, packed) {
			return contentType != "image/svg+xml"
		}
	}
	return false
}
