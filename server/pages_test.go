package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

var nextLink = regexp.MustCompile(`<([^>]+)>; rel="next"`)

// nextPage returns the address of the page after a, which was asked for at path; empty after the last.
func nextPage(t *testing.T, path string, a answer) string {
	t.Helper()
	next := nextLink.FindStringSubmatch(a.header.Get("Link"))
	if next == nil {
		return ""
	}
	base, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	at, err := base.Parse(next[1])
	if err != nil {
		t.Fatal(err)
	}
	return at.String()
}

// The Link headers of a list lead to everything that was there at its beginning, once, with the filters of the first request;
// what comes in between moves no page.
func TestLinksLeadThroughLists(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agent().ID
	channel, user := n.dm()
	job := func() {
		job := into[wireJob](n.do("POST", jobsPath, map[string]any{"userId": user, "agentId": agent, "content": "Hello"}).want(201))
		n.do("GET", jobsPath+"/"+job.JobID, nil, "Prefer", "wait=20").want(200) // its end: by then the agent has a room for it
	}
	session := func() { n.do("POST", sessionsPath, map[string]any{"userId": user, "agentId": agent}).want(201) }
	for i := range 5 {
		n.ask(channel, user, fmt.Sprintf("Question %d?", i)).want(201)
		job()
		session()
		n.do("POST", "/api/agents/"+agent+"/rooms", map[string]any{"name": fmt.Sprint("Room ", i)}).want(201)
	}
	more := func() { n.ask(channel, user, "One more?").want(201) }
	for name, tt := range map[string]struct {
		path  string
		key   string // of the ids
		least int
		grow  func() // makes the list longer at its beginning
	}{
		"runs":          {"/api/agents/" + agent + "/runs?roomId=" + channel, "runId", 5, more},
		"log":           {"/api/agents/" + agent + "/logs?type=run_event&roomId=" + channel, "id", 10, more},
		"memories":      {"/api/agents/" + agent + "/memories?channelId=" + channel, "id", 10, more},
		"room memories": {"/api/agents/" + agent + "/rooms/" + channel + "/memories?tableName=messages", "id", 10, more},
		"rooms":         {"/api/agents/" + agent + "/rooms?", "id", 6, nil},
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
