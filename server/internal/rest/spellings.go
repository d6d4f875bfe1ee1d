package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// The older names of body fields below /api/messaging, and what the contract calls them. Where several stand for one name,
// the first in the list wins.
var (
	oldNames = []spelling{
		{"server_id", "message_server_id"},
		{"messageServerId", "message_server_id"},
		{"serverId", "message_server_id"},
	}
	oldMessageNames = append([]spelling{
		{"authorId", "author_id"},
		{"rawMessage", "raw_message"},
		{"sourceType", "source_type"},
		{"inReplyToMessageId", "in_reply_to_message_id"},
		{"mode", "transport"},
		{"messageId", "clientMessageId"},
	}, oldNames...)
)

// submissionPaths are the routes of agents and bridges, below /api/messaging.
var submissionPaths = []string{"submit", "action", "ingest-external", "complete"}

// submissionNames are the older names in their bodies, which also name a channel and its author.
var submissionNames = append([]spelling{
	{"channelId", "channel_id"},
	{"agentId", "author_id"},
	{"authorId", "author_id"},
	{"rawMessage", "raw_message"},
	{"sourceType", "source_type"},
	{"inReplyToMessageId", "in_reply_to_message_id"},
}, oldNames...)

type spelling struct{ old, name string }

// oldSpellings returns a middleware that rewrites the bodies of requests below /api/messaging: old names become the
// contract's, and keys with null are dropped, since clients send null for what they don't have. What is no JSON object
// passes as it is, to be refused by who reads it.
func oldSpellings(fail func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !hasTolerantBody(r) {
				next.ServeHTTP(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				fail(w, r, bodyError(err))
				return
			}
			body = respell(body, namesFor(r.URL.Path))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			next.ServeHTTP(w, r)
		})
	}
}

func namesFor(path string) []spelling {
	root, _, _ := strings.Cut(strings.TrimPrefix(path, messagingPath), "/")
	switch {
	case slices.Contains(submissionPaths, root):
		return submissionNames
	case strings.HasSuffix(path, "/messages"):
		return oldMessageNames
	default:
		return oldNames
	}
}

// messagingPath is the path below which older spellings are read.
const messagingPath = "/api/messaging/"

// hasTolerantBody reports whether a request brings a JSON body to be rewritten. The parameters of a type don't count: an upload,
// whose boundary may be any word, must not be collected in memory.
func hasTolerantBody(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return (r.Method == http.MethodPost || r.Method == http.MethodPatch) &&
		strings.HasPrefix(r.URL.Path, messagingPath) &&
		strings.HasSuffix(strings.ToLower(strings.TrimSpace(kind)), "json")
}

// respell returns body with old names replaced and nulls dropped. Most bodies need neither, which a look at the bytes shows.
func respell(body []byte, names []spelling) []byte {
	isIn := func(s spelling) bool { return bytes.Contains(body, []byte(`"`+s.old+`"`)) }
	if !bytes.Contains(body, []byte("null")) && !slices.ContainsFunc(names, isIn) {
		return body
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return body
	}
	before, changed := len(fields), false
	for key, value := range fields {
		if string(value) == "null" {
			delete(fields, key)
		}
	}
	for _, s := range names {
		value, ok := fields[s.old]
		if !ok {
			continue
		}
		if _, taken := fields[s.name]; !taken {
			fields[s.name] = value
		}
		delete(fields, s.old)
		changed = true
	}
	if !changed && len(fields) == before {
		return body
	}
	out, err := json.Marshal(fields)
	if err != nil { // the parts were valid a moment ago
		return body
	}
	return out
}
