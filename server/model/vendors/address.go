package vendors

import (
	"net"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/model/internal/address"
)

// ollamaCalls are those of Ollama's own API.
var ollamaCalls = []string{
	"/api/chat", "/api/generate", "/api/tags", "/api/embed", "/api/embeddings", "/api/show", "/api/pull", "/api/ps", "/api/version", "/api",
}

// own reports whether a base URL is the vendor's own: for a service any on its host, over TLS where its own is; for a local
// server, on whose machine others listen too, its very address.
func (v Vendor) own(baseURL string) bool {
	theirs, err := address.Parse(baseURL)
	if err != nil {
		return false
	}
	home, err := address.Parse(v.BaseURL)
	if err != nil {
		return false
	}
	if v.Local {
		return theirs.String() == home.String()
	}
	return theirs.Scheme == home.Scheme && strings.EqualFold(strings.TrimSuffix(theirs.Host, ":443"), home.Host) && theirs.User == nil
}

// baseURL returns a base URL in the form that is connected to; one that can't be read as it is, for the client to refuse. At a
// service's own host, a path that holds none of its API means the API.
func (v Vendor) baseURL(text string) string {
	if v.Name == "ollama" {
		text = ollamaBaseURL(text)
	}
	u, err := address.Parse(text)
	if err != nil {
		return text
	}
	if bare := []string{"/v1", "/v1beta", "/api", "/openai"}; v.own(text) && !v.Local && slices.Contains(bare, u.Path) {
		return v.BaseURL
	}
	return u.String()
}

// namesChat reports whether an address is that of a chat completion: whoever names it of a vendor that speaks another protocol
// wants this one spoken, as to a gateway that has no other.
func namesChat(text string) bool {
	path, _, _ := strings.Cut(text, "?")
	return strings.HasSuffix(strings.TrimRight(strings.TrimSpace(path), "/"), "/chat/completions")
}

// hostOf returns the host that a base URL leads to, for messages.
func hostOf(baseURL string) string {
	u, err := address.Parse(baseURL)
	if err != nil {
		return "no host"
	}
	return u.Host
}

// ollamaBaseURL turns any of the ways to name an Ollama server (its native API path, the address it listens on, a bare
// host) into the base URL of its OpenAI-compatible API.
func ollamaBaseURL(text string) string {
	text = address.WithoutCall(address.WithoutCall(strings.TrimSpace(text)), ollamaCalls...)
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
