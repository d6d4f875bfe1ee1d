package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Servers under different names share a database and see nothing of each other. The one without a name keeps what it had.
func TestServersShareADatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	under := func(name string) *node {
		cfg := testConfig(t)
		cfg.Storage.Dir, cfg.Storage.ServerID = dir, name
		return startWith(t, cfg)
	}
	find := func(n *node, words string) []api.Message {
		t.Helper()
		return data[api.MessageSearch](n.read(n.api().SearchMessages(t.Context(), api.SearchMessagesRequest{Query: &words})).want(200)).Messages
	}

	n := under("")
	home := n.agent().ID
	user := uuid.New()
	channel := n.dmBetween(home, user)
	n.ask(channel, user, "Where is the heron?").want(201)
	before := n.history(channel)
	n.stop()

	n = under("branch office")
	eliza := n.agent().ID
	if eliza == home {
		t.Error("two tenants' agents of one name have one id")
	}
	for what, ask := range map[string]func(id uuid.UUID) (*http.Response, error){
		"agent":        func(id uuid.UUID) (*http.Response, error) { return n.api().GetAgent(t.Context(), id) },
		"channel":      func(id uuid.UUID) (*http.Response, error) { return n.api().GetChannel(t.Context(), id) },
		"participants": func(id uuid.UUID) (*http.Response, error) { return n.api().ListChannelParticipants(t.Context(), id) },
		"messages":     func(id uuid.UUID) (*http.Response, error) { return n.api().ClearChannel(t.Context(), id) },
	} {
		theirs, nobodys := n.read(ask(map[bool]uuid.UUID{true: home, false: channel}[what == "agent"])), n.read(ask(uuid.New()))
		if theirs.status != nobodys.status || len(theirs.body) != len(nobodys.body) {
			t.Errorf("the other's %s: status %d: %s; of an id that nobody has: %d: %s", what, theirs.status, theirs.body, nobodys.status, nobodys.body)
		}
	}
	if a := n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: new("Me, too")}); a.status < 400 || a.status >= 500 {
		t.Errorf("a message to the other's channel: status %d: %s", a.status, a.body)
	}
	if found := find(n, "heron"); len(found) > 0 {
		t.Errorf("a search finds the other's %+v", found)
	}
	own := n.dmBetween(eliza, user)
	n.ask(own, user, "Where is the egret?").want(201) // names the server by the zero id, as clients do
	if found := find(n, "egret"); len(found) == 0 {
		t.Error("a search doesn't find its own")
	}
	mine := n.history(own)
	n.stop()

	n = under("")
	if diff := cmp.Diff(before, n.history(channel)); diff != "" {
		t.Errorf("the first server's messages (-before +after):\n%s", diff)
	}
	if found := find(n, "egret"); len(found) > 0 {
		t.Errorf("a search finds the other's %+v", found)
	}
	n.stop()

	n = under("branch office")
	if diff := cmp.Diff(mine, n.history(own)); diff != "" {
		t.Errorf("the second server's messages (-before +after):\n%s", diff)
	}
}
