// Package address reads the addresses of models as people write them.
package address

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
)

// commonCalls are the paths of single calls below a base URL, as they are copied from examples; the longest of those that end alike
// first.
var commonCalls = []string{
	"/chat/completions", "/completions", "/responses", "/messages", "/models", "/embeddings",
	"/audio/transcriptions", "/audio/translations", "/audio/speech",
}

// Parse reads a base URL as people write it. A missing scheme becomes http for this machine, IP addresses and
// bare names, and https elsewhere. A URL without a path gets /v1; one that names the path of a call is cut back to its base;
// any other path is taken as given, because vendors put the API below other paths.
func Parse(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("it is empty")
	}
	if !strings.Contains(text, "://") {
		text = defaultScheme(text) + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("it is not a URL") // the parser's own text quotes the URL, which may hold a password
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the scheme %q is neither http nor https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("it names no host")
	}
	u.Path, u.RawPath, u.Fragment = cmp.Or(WithoutCall(u.Path), "/v1"), "", ""
	return u, nil
}

// Versioned returns the address of an API that has its version in its path: one that ends without gets /v1. An address that
// can't be read is returned as it is.
func Versioned(text string) string {
	u, err := Parse(text)
	if err != nil {
		return text
	}
	if last := path.Base(u.Path); len(last) < 2 || last[0] != 'v' || last[1] < '0' || last[1] > '9' {
		u = u.JoinPath("v1")
	}
	return u.String()
}

// WithoutCall returns a path without slashes at its end and without the path of a call: of one of those given, or, where none
// is, of those that the APIs of models have in common.
func WithoutCall(text string, calls ...string) string {
	if len(calls) == 0 {
		calls = commonCalls
	}
	text = strings.TrimRight(text, "/")
	for _, call := range calls {
		if base, found := strings.CutSuffix(text, call); found {
			return strings.TrimRight(base, "/")
		}
	}
	return text
}

// defaultScheme returns the scheme for a base URL that has none.
func defaultScheme(text string) string {
	host, _, _ := strings.Cut(text, "/")
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil || !strings.Contains(host, ".") {
		return "http"
	}
	return "https"
}
