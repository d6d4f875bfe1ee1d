// Package address reads the addresses of models as people write them.
package address

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
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

// WithoutCall returns a path without slashes at its end and without the path of a call: of one of those given, or, where none
// is, of those that the APIs of models have in common.
func WithoutCall(path string, calls ...string) string {
	if len(calls) == 0 {
		calls = commonCalls
	}
	path = strings.TrimRight(path, "/")
	for _, call := range calls {
		if base, found := strings.CutSuffix(path, call); found {
			return strings.TrimRight(base, "/")
		}
	}
	return path
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
