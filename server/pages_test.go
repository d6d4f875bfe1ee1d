package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// The Link headers of a list lead to everything that was there at its beginning, once, with the filters of the first request;
// what comes in between moves no page. Links are followed as they are, from paths that are sent raw.
func TestLinksLeadThroughLists(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agentID()
	channel, user := n.dm()
	job := func() { // to its end: by then the agent has a room for it
		n.endedJob(n.job(api.CreateJobRequest{UserID: user, AgentID: &agent, Content: "Hello"}).JobID)
	}
	session := func() { n.sessionOf(user) }
	for i := range 5 {
		n.ask(channel, user, fmt.Sprintf("Question %d?", i)).want(201)
		job()
		session()
		n.createRoom(agent, api.CreateRoomRequest{Name: new(fmt.Sprint("Room ", i))}).want(201)
	}
	more := func() { n.ask(channel, user, "One more?").want(201) }
	for name, tt := range map[string]struct {
		path  string
		key   string // of the ids
		least int
		grow  func() // makes the list longer at its beginning
	}{
		"runs":          {"/api/agents/" + agent.String() + "/runs?roomId=" + channel.String(), "runId", 5, more},
		"log":           {"/api/agents/" + agent.String() + "/logs?type=run_event&roomId=" + channel.String(), "id", 10, more},
		"memories":      {"/api/agents/" + agent.String() + "/memories?channelId=" + channel.String(), "id", 10, more},
		"room memories": {"/api/agents/" + agent.String() + "/rooms/" + channel.String() + "/memories?tableName=messages", "id", 10, more},
		"rooms":         {"/api/agents/" + agent.String() + "/rooms?", "id", 6, nil},
		"jobs":          {jobsPath + "?", "jobId", 5, job},
		"jobs done":     {jobsPath + "?status=completed", "jobId", 5, job},
		"sessions":      {sessionsPath + "?", "sessionId", 5, session},
	} {
		ids := regexp.MustCompile(`"` + tt.key + `":"([^"]+)"`)
		read := func(a answer) (out []string) {
			for _, m := range ids.FindAllSubmatch(a.body, -1) {
				out = append(out, string(m[1]))
			}
			return out
		}
		want := read(n.do("GET", tt.path+"&limit=100", nil).want(200))
		if len(want) < tt.least {
			t.Errorf("%s: %d entries", name, len(want))
		}
		var got []string
		pages := 0
		for path := tt.path + "&limit=3"; path != ""; pages++ {
			a := n.do("GET", path, nil).want(200)
			got = append(got, read(a)...)
			path = nextPage(t, path, a)
			if pages == 0 && tt.grow != nil {
				tt.grow()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || pages < (len(want)+2)/3 || pages > (len(want)+2)/3+1 { // the last may be empty
			t.Errorf("%s in %d pages: %s", name, pages, diff)
		}
		for _, cursor := range []string{"o9", "YjEyMw", "dTEuMg.", uuid.NewString()} {
			clearError(t, name+" "+cursor, n.do("GET", tt.path+"&cursor="+cursor, nil), http.StatusBadRequest, "")
		}
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel := n.group()
	for i := range 5 {
		n.say(channel, uuid.New(), fmt.Sprint(i+1))
	}
	var got []string
	path := "/api/messaging/channels/" + channel.String() + "/messages?limit=2"
	var newest *string
	for path != "" {
		a := n.do("GET", path, nil).want(200) // as the link before it says
		p := data[api.MessageList](a)
		for _, m := range p.Messages {
			got = append(got, m.Content)
		}
		if newest == nil {
			newest = p.Cursors.Prev
			n.say(channel, uuid.New(), "6") // moves no page
		}
		path = nextPage(t, path, a)
	}
	if diff := cmp.Diff([]string{"5", "4", "3", "2", "1"}, got); diff != "" {
		t.Error(diff)
	}
	at := func(cursor *string) answer {
		return n.read(n.api().ListMessages(t.Context(), channel, &api.ListMessagesParams{Cursor: cursor}))
	}
	after := data[api.MessageList](at(newest).want(200))
	if len(after.Messages) != 1 || after.Messages[0].Content != "6" {
		t.Errorf("newer %+v", after)
	}
	still := data[api.MessageList](at(after.Cursors.Prev).want(200))
	if len(still.Messages) != 0 || deref(still.Cursors.Prev) != deref(after.Cursors.Prev) {
		t.Errorf("nothing newer: %+v", still)
	}
	clearError(t, "a made-up cursor", at(new("abc")), http.StatusBadRequest, "")
}

func TestTotalsAndPagesOfLists(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	var want, got []uuid.UUID
	for range 3 {
		want = append(want, n.group())
	}
	list := func(cursor *string) (answer, api.ChannelList) {
		a := n.read(n.api().ListChannels(t.Context(), uuid.Nil, &api.ListChannelsParams{Limit: new("2"), Cursor: cursor})).want(200)
		return a, data[api.ChannelList](a)
	}
	first, begun := list(nil)
	second, rest := list(begun.NextCursor)
	for _, c := range append(begun.Channels, rest.Channels...) {
		got = append(got, c.ID)
	}
	for _, ids := range [][]uuid.UUID{want, got} { // channels of one millisecond are in no order that is promised
		slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	}
	if diff := cmp.Diff(want, got); diff != "" || first.header.Get("X-Total-Count") != "3" || second.header.Get("Link") != "" || rest.NextCursor != nil {
		t.Errorf("%v %v %s", first.header, second.header, diff)
	}
	if !strings.Contains(first.header.Get("Link"), `rel="next"`) {
		t.Errorf("Link %q", first.header.Get("Link"))
	}
	for _, list := range []struct {
		name, total string
		answer      answer
	}{
		{"agents", "1", n.read(n.api().ListAgents(t.Context()))},
		{"message servers", "1", n.read(n.api().ListMessageServers(t.Context()))},
		{"runs", "0", n.read(n.api().ListRuns(t.Context(), n.agentID(), nil))},
	} {
		if got := list.answer.want(200).header.Get("X-Total-Count"); got != list.total {
			t.Errorf("%s: X-Total-Count %q", list.name, got)
		}
	}
}
