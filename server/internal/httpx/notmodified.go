package httpx

import (
	"net/http"
	"strings"
)

// NotModified answers 304 to a GET or HEAD whose If-None-Match names the ETag that the response turns out to have. The
// handler has done its work then; what is saved is the way to the caller.
func NotModified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := r.Header.Get("If-None-Match")
		if known == "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&unmodified{ResponseWriter: w, known: known}, r)
	})
}

// unmodified turns a 200 with a known ETag into a 304 without a body.
type unmodified struct {
	http.ResponseWriter
	known   string
	decided bool
	silent  bool // the body is dropped
}

func (u *unmodified) WriteHeader(status int) {
	if status >= http.StatusOK && !u.decided {
		u.decided = true
		header := u.Header()
		if tag := header.Get("ETag"); status == http.StatusOK && tag != "" && namesTag(u.known, tag) {
			u.silent = true
			status = http.StatusNotModified
			header.Del("Content-Type")
			header.Del("Content-Length")
		}
	}
	u.ResponseWriter.WriteHeader(status)
}

func (u *unmodified) Write(p []byte) (int, error) {
	if !u.decided {
		u.WriteHeader(http.StatusOK)
	}
	if u.silent {
		return len(p), nil
	}
	return u.ResponseWriter.Write(p)
}

// Unwrap serves [http.ResponseController].
func (u *unmodified) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// namesTag reports whether a list of entity tags holds one, by the weak comparison that If-None-Match asks for.
func namesTag(list, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for known := range strings.SplitSeq(list, ",") {
		if known = strings.TrimSpace(known); known == "*" || strings.TrimPrefix(known, "W/") == tag {
			return true
		}
	}
	return false
}
