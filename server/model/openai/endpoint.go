package openai

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// calls are the paths of single calls below a base URL, as they are copied from examples; the longest of those that end alike
// first.
var calls = []string{
	"/chat/completions", "/completions", "/responses", "/messages", "/models", "/embeddings",
	"/audio/transcriptions", "/audio/translations", "/audio/speech",
}

// ollamaCalls are those of Ollama's own API.
var ollamaCalls = []string{
	"/api/chat", "/api/generate", "/api/tags", "/api/embed", "/api/embeddings", "/api/show", "/api/pull", "/api/ps", "/api/version", "/api",
}

// parseBaseURL reads a base URL as people write it. A missing scheme becomes http for this machine, IP addresses and
// bare names, and https elsewhere. A URL without a path gets /v1; one that names the path of a call is cut back to its base;
// any other path is taken as given, because vendors put the API below other paths.
func parseBaseURL(text string) (*url.URL, error) {
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
	u.Path, u.RawPath, u.Fragment = cmp.Or(withoutCall(u.Path, calls), "/v1"), "", ""
	return u, nil
}

// withoutCall returns a path without slashes at its end and without the path of a call.
func withoutCall(path string, calls []string) string {
	path = strings.TrimRight(path, "/")
	for _, call := range calls {
		if base, found := strings.CutSuffix(path, call); found {
			return strings.TrimRight(base, "/")
		}
	}
	return path
}

// own reports whether a base URL is the vendor's own: for a service any on its host, over TLS where its own is; for a local
// server, on whose machine others listen too, its very address.
func (v Vendor) own(baseURL string) bool {
	theirs, err := parseBaseURL(baseURL)
	if err != nil {
		return false
	}
	home, err := parseBaseURL(v.BaseURL)
	if err != nil {
		return false
	}
	if v.Local {
		return theirs.String() == home.String()
	}
	return theirs.Scheme == home.Scheme && strings.EqualFold(strings.TrimSuffix(theirs.Host, ":443"), home.Host) && theirs.User == nil
}

// baseURL returns a base URL in the form that is connected to; one that can't be read as it is, for [New] to refuse. At a
// service's own host, a path that holds none of its API means the API.
func (v Vendor) baseURL(text string) string {
	if v.Name == "ollama" {
		text = ollamaBaseURL(text)
	}
	u, err := parseBaseURL(text)
	if err != nil {
		return text
	}
	if bare := []string{"/v1", "/v1beta", "/api", "/openai"}; v.own(text) && !v.Local && slices.Contains(bare, u.Path) {
		return v.BaseURL
	}
	return u.String()
}

// hostOf returns the host that a base URL leads to, for messages.
func hostOf(baseURL string) string {
	u, err := parseBaseURL(baseURL)
	if err != nil {
		return "no host"
	}
	return u.Host
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

// ollamaBaseURL turns any of the ways to name an Ollama server (its native API path, the address it listens on, a bare
// host) into the base URL of its OpenAI-compatible API.
func ollamaBaseURL(text string) string {
	text = withoutCall(withoutCall(strings.TrimSpace(text), calls), ollamaCalls)
	text = strings.TrimSuffix(text, "/v1")
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "http", text
	}
	hostport, path, hasPath := strings.Cut(rest, "/")
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), ""
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1" // an address to listen on, not one to connect to
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case !found:
		host = net.JoinHostPort(host, "11434")
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	if hasPath {
		host += "/" + path
	}
	return scheme + "://" + host + "/v1"
}
