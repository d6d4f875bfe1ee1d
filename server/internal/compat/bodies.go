package compat

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
)

// The older names of body fields below /api/messaging, and what the contract calls them. Where several stand for one name,
// the first in the list wins.
var (
	oldNames = []spelling{
		{"server_id", "message_server_id"},
		{"messageServerId", "message_server_id"},
		{"serverId", "message_server_id"},
		{"participantIds", participantsKey},
	}
	oldMessageNames = slices.Concat([]spelling{
		{"authorId", "author_id"},
		{"senderId", "author_id"},
		{"entityId", "author_id"},
		{"userId", "author_id"},
		{"mode", "transport"},
		{"messageId", "clientMessageId"},
		{"client_message_id", "clientMessageId"},
		{"text", "content"},
		{"message", "content"},
	}, messageNames, oldNames)

	// channelNames are those of a channel to be.
	channelNames = append([]spelling{
		{"participants", participantsKey},
		{"description", "topic"},
	}, oldNames...)

	// messageNames are what a message has on every way in.
	messageNames = []spelling{
		{"rawMessage", "raw_message"},
		{"sourceType", "source_type"},
		{"source", "source_type"},
		{"inReplyToMessageId", "in_reply_to_message_id"},
		{"inReplyTo", "in_reply_to_message_id"},
		{"in_reply_to", "in_reply_to_message_id"},
		{"authorDisplayName", "author_display_name"},
		{"authorName", "author_display_name"},
		{"senderName", "author_display_name"},
		{"displayName", "author_display_name"},
		{"mention_context", "mentionContext"},
	}
)

// submissionPaths are the routes of agents and bridges, below /api/messaging.
var submissionPaths = []string{"submit", "action", "complete"}

// ingestPaths are the routes of bridges, below /api/messaging.
var ingestPaths = []string{"ingest-external", "external-messages"}

var (
	// submissionNames are the older names in their bodies, which also name a channel and its author.
	submissionNames = slices.Concat([]spelling{
		{"channelId", "channel_id"},
		{"agentId", "author_id"},
		{"authorId", "author_id"},
	}, messageNames, oldNames)

	ingestNames = slices.Concat([]spelling{
		{"channelId", "channel_id"},
		{"roomId", "channel_id"},
		{"authorId", "author_id"},
		{"userId", "author_id"},
		{"entityId", "author_id"},
		{"text", "content"},
		{"message", "content"},
		{"sourceId", "source_id"},
		{"messageId", "source_id"},
	}, messageNames, oldNames)
)

// openaiNames are those that clients of OpenAI's interface have.
var openaiNames = []spelling{{"safety_identifier", "user"}}

// spelling is another name of a field, and the contract's.
type spelling struct{ old, name string }

// participantsKey is the contract's name of a channel's participants.
const participantsKey = "participantCentralUserIds"

// Bodies is a middleware that rewrites the JSON bodies of requests below /api/messaging and /v1: old names become the contract's, and keys
// with null are dropped, since clients send null for what they don't have. What is no JSON object, or can't be read to its end,
// passes as it is: its reader refuses it. It belongs behind whatever bounds bodies, and in front of the contract's validator.
func Bodies(next http.Handler) http.Handler {
	return Rewriting(hasTolerantBody, func(r *http.Request, body []byte) []byte {
		body = respell(body, namesFor(r.URL.Path))
		if slices.Contains(ingestPaths, strings.TrimPrefix(r.URL.Path, messagingPath)) {
			body = listed(body)
		}
		return body
	})(next)
}

// Rewriting returns a middleware that rewrites the bodies of those requests for which brings holds. What can't be read to its end
// passes as it is.
func Rewriting(brings func(*http.Request) bool, rewrite func(r *http.Request, body []byte) []byte) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !brings(r) {
				next.ServeHTTP(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				r.Body = broken{io.MultiReader(bytes.NewReader(body), failing{err}), r.Body}
				next.ServeHTTP(w, r)
				return
			}
			body = rewrite(r, body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			next.ServeHTTP(w, r)
		})
	}
}

// broken is a body that could not be read to its end.
type broken struct {
	io.Reader
	io.Closer
}

// failing is the end of a broken body.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func namesFor(path string) []spelling {
	root, _, _ := strings.Cut(strings.TrimPrefix(path, messagingPath), "/")
	switch {
	case strings.HasPrefix(path, openaiPath):
		return openaiNames
	case slices.Contains(submissionPaths, root):
		return submissionNames
	case slices.Contains(ingestPaths, root):
		return ingestNames
	case root == "channels" && path == messagingPath+root:
		return channelNames
	case strings.HasSuffix(path, "/messages"):
		return oldMessageNames
	default:
		return oldNames
	}
}

// hasTolerantBody reports whether a request brings a JSON body whose names are rewritten.
func hasTolerantBody(r *http.Request) bool {
	return r.Method != http.MethodPut && (strings.HasPrefix(r.URL.Path, messagingPath) || strings.HasPrefix(r.URL.Path, openaiPath)) && HasJSON(r)
}

// HasJSON reports whether a request brings a JSON body. The parameters of a type don't count: an upload, whose boundary may be any
// word, must not be collected in memory.
func HasJSON(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return (r.Method == http.MethodPost || r.Method == http.MethodPatch || r.Method == http.MethodPut) &&
		strings.HasSuffix(strings.ToLower(strings.TrimSpace(kind)), "json")
}

// respell returns body with old names replaced and nulls dropped. Most bodies need neither, which a look at the bytes shows.
func respell(body []byte, names []spelling) []byte {
	isIn := func(s spelling) bool { return bytes.Contains(body, []byte(`"`+s.old+`"`)) }
	if !bytes.Contains(body, []byte("null")) && !slices.ContainsFunc(names, isIn) {
		return body
	}
	fields := jsontext.ObjectOf(body)
	if fields == nil {
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
	return jsontext.Encode(fields)
}

// listed returns the body of a bridge that describes one message of its platform in the upper fields, under ids of the
// platform's own, as the list of one that the contract has. Any other body stays as it is.
func listed(body []byte) []byte {
	fields := jsontext.ObjectOf(body)
	_, hasList := fields["messages"]
	_, err := auth.ParseID(fields.Text("author_id"))
	if hasList || err == nil || fields["platform"] == nil || fields["author_id"] == nil {
		return body
	}
	one := jsontext.Object{}
	for name, value := range fields {
		switch name {
		case "author_id":
			one["authorId"] = value
		case "author_display_name":
			one["authorName"] = value
		case "source_id":
			one["id"] = value
		case "platform", "channel_id", "message_server_id":
			continue
		default:
			one[name] = value
		}
		delete(fields, name)
	}
	fields["messages"] = jsontext.Encode([]jsontext.Object{one})
	return jsontext.Encode(fields)
}
