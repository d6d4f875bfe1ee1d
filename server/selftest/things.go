package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// kind is a kind of thing. One of each is there at a time, made when it is first needed.
type kind string

// The kinds. Who is one is made with its caller, and the tag with the run.
const (
	owner    kind = "owner"
	friend   kind = "friend" // takes part in the owner's channel, and has no credential
	tag      kind = "tag"
	agent    kind = "agent"
	spare    kind = "spare"   // an agent that nothing else needs
	server   kind = "server"  // a message server
	group    kind = "group"   // another
	channel  kind = "channel" // the owner's, where no agent is
	talk     kind = "talk"    // the owner's with an agent
	bridge   kind = "bridge"  // the owner's with an agent, for what is brought from elsewhere
	message  kind = "message"
	action   kind = "action"  // a message about one
	file     kind = "file"    // the name of one in the channel
	picture  kind = "picture" // the name of one of the agent's
	session  kind = "session"
	job      kind = "job"
	room     kind = "room"
	world    kind = "world"
	memory   kind = "memory"
	document kind = "document"
	turn     kind = "run"
	entry    kind = "log"
	key      kind = "key"
)

// needs returns what a kind of thing is a part of, and is gone with.
func (k kind) needs() []kind {
	switch k {
	case channel, talk, bridge:
		return []kind{server}
	case message, file:
		return []kind{channel}
	case action:
		return []kind{bridge}
	case server:
		return []kind{agent}
	case session, job, room, world, memory, document, turn, entry, picture:
		return []kind{agent}
	}
	return nil
}

// isPrivate reports whether only the owner, and who sees everyone's, may know of a thing.
func (k kind) isPrivate() bool {
	return slices.Contains([]kind{owner, friend, channel, talk, bridge, message, action, file, session, job}, k)
}

// things are what the run made.
type things struct {
	tag    string
	client *client
	admin  caller
	word   string // in all that is the owner's

	owner, manager, service caller

	ids    map[kind]string
	keys   []string // by their ids
	hidden []string // words and ids that are the owner's
	count  int
}

func newThings(tag string, c *client, admin caller) *things {
	word := "canary" + strings.ReplaceAll(uuid.NewString(), "-", "")
	return &things{tag: tag, client: c, admin: admin, word: word, hidden: []string{word}, ids: map[kind]string{}}
}

// get returns the id of a thing of a kind, and makes one if there is none.
func (t *things) get(ctx context.Context, k kind) (string, error) {
	if id := t.ids[k]; id != "" {
		return id, nil
	}
	id, err := t.make(ctx, k)
	if err != nil {
		return "", fmt.Errorf("making a %s: %w", k, err)
	}
	t.ids[k] = id
	if k.isPrivate() {
		t.hidden = append(t.hidden, id)
	}
	return id, nil
}

// spend forgets a thing that was used up, and what was a part of it.
func (t *things) spend(k kind) {
	delete(t.ids, k)
	for other := range maps.Clone(t.ids) {
		if slices.Contains(other.needs(), k) {
			t.spend(other)
		}
	}
}

// blank matches the place of a thing in the text of a request.
var blank = regexp.MustCompile(`\{(\w+)\}`)

// fill puts the ids of things into their places in a text. me is whom the caller is.
func (t *things) fill(ctx context.Context, text string, me uuid.UUID) (string, error) {
	var failed error
	out := blank.ReplaceAllStringFunc(text, func(place string) string {
		switch name := place[1 : len(place)-1]; name {
		case "me":
			return me.String()
		case "word":
			return t.word
		case "new": // a name that nothing has
			t.count++
			return fmt.Sprintf("%s-%d", t.tag, t.count)
		default:
			id, err := t.get(ctx, kind(name))
			failed = errors.Join(failed, err)
			return id
		}
	})
	return out, failed
}

// ask sends a request with the ids of things in their places, and returns the answer if it is a success.
func (t *things) ask(ctx context.Context, who caller, method, target, body string) (answer, error) {
	q := request{method: method}
	var err error
	if q.target, err = t.fill(ctx, target, who.entity); err != nil {
		return answer{}, err
	}
	if body != "" {
		q.kind = "application/json"
		if q.body, err = t.fill(ctx, body, who.entity); err != nil {
			return answer{}, err
		}
	}
	return t.send(ctx, who, q)
}

func (t *things) send(ctx context.Context, who caller, q request) (answer, error) {
	a, err := t.client.send(ctx, who, q)
	if err == nil && a.status/100 != 2 {
		err = fmt.Errorf("%s: %d: %s", q, a.status, a.message())
	}
	return a, err
}

// first returns what is at a path of the answer, or an error.
func first(a answer, err error, path ...any) (string, error) {
	if err != nil {
		return "", err
	}
	if id := a.text(path...); id != "" {
		return id, nil
	}
	return "", fmt.Errorf("the answer names none: %.300s", a.body)
}

// make makes a thing.
func (t *things) make(ctx context.Context, k kind) (string, error) {
	by := func(who caller, method, target, body string, path ...any) (string, error) {
		a, err := t.ask(ctx, who, method, target, body)
		return first(a, err, path...)
	}
	inChannel := func(name, with string) (string, error) {
		return by(t.owner, "POST", "/api/messaging/channels", `{"name":"{word} `+name+`","message_server_id":"{server}","participantCentralUserIds":["{owner}","`+with+`"]}`, "data", "id")
	}
	switch k {
	case tag:
		return t.tag, nil
	case owner:
		return t.owner.entity.String(), nil
	case friend:
		return uuid.NewString(), nil
	case agent, spare:
		id, err := by(t.manager, "POST", "/api/agents", `{"characterJson":{"name":"{new}","bio":["{tag}"],"settings":{"modelProvider":"builtin"}}}`, "data", "id")
		if err == nil {
			_, err = t.ask(ctx, t.manager, "POST", "/api/agents/"+id+"/start", "")
		}
		return id, err
	case server:
		id, err := by(t.admin, "POST", "/api/messaging/message-servers", `{"name":"{new}","sourceType":"selftest"}`, "data", "id")
		if err == nil {
			_, err = t.ask(ctx, t.admin, "POST", "/api/messaging/message-servers/"+id+"/agents", `{"agentId":"{agent}"}`)
		}
		return id, err
	case group:
		return by(t.admin, "POST", "/api/messaging/message-servers", `{"name":"{new}","sourceType":"selftest"}`, "data", "id")
	case channel:
		return inChannel("alone", "{friend}")
	case talk:
		return inChannel("talk", "{agent}")
	case bridge:
		return inChannel("bridge", "{agent}")
	case message:
		return by(t.owner, "POST", "/api/messaging/channels/{channel}/messages", `{"author_id":"{owner}","message_server_id":"{server}","content":"{word} {tag}"}`, "data", "id")
	case action:
		return by(t.service, "POST", "/api/messaging/action", `{"channel_id":"{bridge}","message_server_id":"{server}","author_id":"{friend}","content":"{word}"}`, "data", "id")
	case file:
		return t.upload(ctx, t.owner, "/api/messaging/channels/{channel}/upload-media")
	case picture:
		return t.upload(ctx, t.manager, "/api/media/agents/{agent}/upload-media")
	case session:
		id, err := by(t.owner, "POST", "/api/messaging/sessions", `{"agentId":"{agent}","userId":"{owner}","metadata":{"note":"{word}"}}`, "sessionId")
		if err == nil {
			_, err = t.ask(ctx, t.owner, "POST", "/api/messaging/sessions/"+id+"/messages", `{"content":"{word}","transport":"http"}`)
		}
		return id, err
	case job:
		id, err := by(t.owner, "POST", "/api/messaging/jobs", `{"userId":"{owner}","agentId":"{agent}","content":"{word}"}`, "jobId")
		if err == nil {
			_, err = t.send(ctx, t.owner, request{method: "GET", target: "/api/messaging/jobs/" + id, header: http.Header{"Prefer": {"wait=20"}}})
		}
		return id, err
	case room:
		return by(t.manager, "POST", "/api/agents/{agent}/rooms", `{"name":"{new}"}`, "data", "id")
	case world:
		return by(t.manager, "POST", "/api/agents/{agent}/worlds", `{"name":"{new}"}`, "data", "world", "id")
	case document:
		id, err := by(t.manager, "POST", "/api/agents/{agent}/plugins/knowledge/documents", `{"content":"{new}"}`, "data", 0, "id")
		if err != nil {
			return "", err
		}
		return id, t.indexed(ctx, id)
	case memory, turn, entry:
		if _, err := t.get(ctx, session); err != nil { // which an agent remembers
			return "", err
		}
		list := map[kind]string{memory: "memories", turn: "runs", entry: "logs"}[k]
		switch k {
		case memory:
			return by(t.manager, "GET", "/api/agents/{agent}/"+list, "", "data", "memories", 0, "id")
		case turn:
			return by(t.manager, "GET", "/api/agents/{agent}/"+list, "", "data", "runs", 0, "runId")
		default:
			return by(t.manager, "GET", "/api/agents/{agent}/"+list, "", "data", 0, "id")
		}
	case key:
		return t.newKeyID(ctx)
	}
	return "", errors.New("nothing says how")
}

// upload uploads a file with the word in it, and returns its name.
func (t *things) upload(ctx context.Context, who caller, target string) (string, error) {
	target, err := t.fill(ctx, target, who.entity)
	if err != nil {
		return "", err
	}
	body, contentType := form("a.txt", "text/plain", t.word)
	a, err := t.send(ctx, who, request{method: "POST", target: target, body: body, kind: contentType})
	address, err := first(a, err, "data", "url")
	address, _, _ = strings.Cut(address, "?") // without its signature
	return address[strings.LastIndex(address, "/")+1:], err
}

// newKey makes a key.
func (t *things) newKey(ctx context.Context, name, scope string, entity uuid.UUID) (string, error) {
	wanted := map[string]any{"name": t.tag + " " + name, "scopes": []string{scope}}
	if entity != uuid.Nil {
		wanted["entityId"] = entity
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return "", err
	}
	a, err := t.send(ctx, t.admin, request{method: "POST", target: "/api/keys", body: string(body), kind: "application/json"})
	secret, err := first(a, err, "data", "key")
	if err != nil {
		return "", fmt.Errorf("making a key with the scope %s: %w", scope, err)
	}
	t.keys = append(t.keys, a.text("data", "apiKey", "id"))
	return secret, nil
}

func (t *things) newKeyID(ctx context.Context) (string, error) {
	if _, err := t.newKey(ctx, "thing", "read", uuid.Nil); err != nil {
		return "", err
	}
	return t.keys[len(t.keys)-1], nil
}

// look returns where somebody who sees everyone's finds what a thing is.
func (k kind) look() []string {
	switch k {
	case channel, talk, bridge:
		c := "/api/messaging/channels/{" + string(k) + "}"
		return []string{c + "/details", c + "/messages", c + "/participants"}
	case message, action:
		return []string{"/api/messaging/messages/{" + string(k) + "}"}
	case file:
		return []string{"/media/uploads/channels/{channel}/{file}"}
	case picture:
		return []string{"/media/uploads/agents/{agent}/{picture}"}
	case session:
		return []string{"/api/messaging/sessions/{session}", "/api/messaging/sessions/{session}/messages"}
	case job:
		return []string{"/api/messaging/jobs/{job}"}
	case agent, spare:
		return []string{"/api/agents/{" + string(k) + "}", "/api/agents/{" + string(k) + "}/memories"}
	case room:
		return []string{"/api/agents/{agent}/rooms/{room}"}
	case server, group:
		s := "/api/messaging/message-servers/{" + string(k) + "}"
		return []string{s + "/agents"}
	case key:
		return []string{"/api/keys/{key}"}
	case turn:
		return []string{"/api/agents/{agent}/runs/{run}"}
	case document:
		return []string{"/api/agents/{agent}/plugins/knowledge/documents/{document}"}
	}
	return nil
}

// passing matches members that change by themselves.
var passing = regexp.MustCompile(`"(timeRemaining|isNearExpiration|lastUsedAt|queueDepth|uptime|timestamp)":[^,}]*`)

// quietTime is how long the agent may take to end what it was asked before.
const quietTime = 30 * time.Second

// settle waits until the agent deals with nothing any more: with the end of each run, conversations and memories change.
func (t *things) settle(ctx context.Context) error {
	return t.await(ctx, "/api/agents/{agent}/runs?status=started&limit=1", "the agent does not end its runs", func(a answer) bool {
		return len(items(a, "data", "runs")) == 0
	})
}

// indexed waits until a document changes by itself no more.
func (t *things) indexed(ctx context.Context, id string) error {
	return t.await(ctx, "/api/agents/{agent}/plugins/knowledge/documents/"+id, "a document is not indexed", func(a answer) bool {
		status := a.text("data", "document", "status")
		return status != "queued" && status != "indexing"
	})
}

// await reads what is at target until it is as it is to be. problem says what is wrong when that takes too long.
func (t *things) await(ctx context.Context, target, problem string, done func(a answer) bool) error {
	limited, cancel := context.WithTimeoutCause(ctx, quietTime, fmt.Errorf("%s within %s", problem, quietTime))
	defer cancel()
	for {
		target, err := t.fill(ctx, target, uuid.Nil)
		if err != nil {
			return err
		}
		a, err := t.client.send(ctx, t.admin, request{method: "GET", target: target})
		if err != nil || done(a) {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-limited.Done():
			return context.Cause(limited)
		}
	}
}

// state returns what somebody who sees everyone's finds of some things.
func (t *things) state(ctx context.Context, kinds []kind) (string, error) {
	if err := t.settle(ctx); err != nil {
		return "", err
	}
	var out strings.Builder
	for _, k := range kinds {
		for _, target := range k.look() {
			target, err := t.fill(ctx, target, uuid.Nil)
			if err != nil {
				return "", err
			}
			a, err := t.client.send(ctx, t.admin, request{method: "GET", target: target})
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&out, "%s: %d %s\n", target, a.status, passing.ReplaceAllString(a.body, ""))
		}
	}
	return out.String(), nil
}

// shown returns what of the owner's is in an answer and was not in the request; "" if there is nothing.
func (t *things) shown(q request, a answer) string {
	for _, word := range t.hidden {
		if strings.Contains(a.body, word) && !strings.Contains(q.target+q.body, word) {
			return word
		}
	}
	return ""
}

// remove removes all that was made. What is gone already is no error.
func (t *things) remove(ctx context.Context) error {
	var failed error
	drop := func(target string) {
		q := request{method: "DELETE", target: target}
		if a, err := t.client.send(ctx, t.admin, q); err != nil {
			failed = errors.Join(failed, err)
		} else if a.status/100 != 2 && a.status != http.StatusNotFound {
			failed = errors.Join(failed, fmt.Errorf("%s: %d: %s", q, a.status, a.message()))
		}
	}
	for _, list := range []struct {
		who             caller
		target, of, at  string
		id, name, named string
	}{
		{t.owner, "/api/messaging/sessions?limit=200", "", "sessions", "sessionId", "", "/api/messaging/sessions/"},
		{t.owner, "/api/messaging/message-servers/" + uuid.Nil.String() + "/channels?includeInternal=true&limit=200", "data", "channels", "id", "", "/api/messaging/channels/"},
		{t.admin, "/api/messaging/message-servers", "data", "messageServers", "id", "name", "/api/messaging/message-servers/"},
		{t.admin, "/api/agents", "data", "agents", "id", "name", "/api/agents/"},
	} {
		if list.who.base == "" { // nothing was made in its name
			continue
		}
		a, err := t.client.send(ctx, list.who, request{method: "GET", target: list.target})
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		for _, item := range items(a, list.of, list.at) {
			id, _ := item[list.id].(string)
			name, _ := item[list.name].(string)
			if id != "" && (list.name == "" || strings.HasPrefix(name, t.tag)) {
				drop(list.named + url.PathEscape(id))
			}
		}
	}
	for _, id := range t.keys {
		drop("/api/keys/" + id)
	}
	return failed
}

// items returns the objects of a list in an answer.
func items(a answer, path ...string) []map[string]any {
	var value any
	if json.Unmarshal([]byte(a.body), &value) != nil {
		return nil
	}
	for _, step := range path {
		if step == "" {
			continue
		}
		object, _ := value.(map[string]any)
		value = object[step]
	}
	list, _ := value.([]any)
	var out []map[string]any
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}
