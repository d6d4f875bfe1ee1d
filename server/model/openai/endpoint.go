package openai

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// parseBaseURL reads a base URL as people write it. A missing scheme becomes http for this machine, IP addresses and
// bare names, and https elsewhere. A URL without a path gets /v1; one that names the chat-completions path itself is cut
// back to its base; any other path is taken as given, because vendors put the API below paths of their own.
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
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions")
	if path == "" {
		path = "/v1"
	}
	u.Path, u.RawPath, u.Fragment = path, "", ""
	return u, nil
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
	text = strings.TrimRight(strings.TrimSpace(text), "/")
	text = strings.TrimSuffix(strings.TrimSuffix(text, "/api"), "/v1")
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
