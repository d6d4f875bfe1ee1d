package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

func TestPathsInAnySpelling(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame"
	n := startWith(t, cfg).bare()
	id := n.agentID()
	key := []string{"X-API-KEY", "open sesame"}
	for path, status := range map[string]int{
		"/API/Agents": 200, "/api/agents/": 200, "/Api/agents/" + strings.ToUpper(id) + "/": 200, "/api/AGENTS/Worlds": 200, "/api/Memory/" + id + "/Rooms/": 200,
		"/api/messaging/SESSIONS/Health": 200, "/api/messaging/Central-Servers/": 200, "/API/runtime/Ping": 200,
		"//api/agents": 200, "//API//Agents/": 200, "/api//messaging///sessions/health": 200, "//api/runtime//ping": 200,
		"/API/nowhere": 404, "/api/agents//": 404, "//api/agents//": 404,
	} {
		if a := n.do("GET", path, nil, key...); a.status != status || !strings.Contains(a.header.Get("Content-Type"), "json") {
			t.Errorf("%s: %d of type %s, want %d: %.200s", path, a.status, a.header.Get("Content-Type"), status, a.body)
		}
		if a := n.do("GET", path, nil); status == 200 && a.status != 401 {
			t.Errorf("%s without the key: %d %.200s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/healthz/", "/HealthZ", "/Health/"} {
		if a := n.do("GET", path, nil).want(200); !strings.Contains(a.header.Get("Content-Type"), "json") {
			t.Errorf("%s is answered with %s", path, a.header.Get("Content-Type"))
		}
	}
	file := data[wireUpload](n.do("POST", "/API/media/agents/"+id+"/Upload-Media/", pictureForm(), append(key, "Content-Type", pictureType())...).want(200))
	n.do("GET", strings.Replace(file.URL, "/media/uploads/agents", "/Media/Uploads/agents", 1), nil).want(200)
}

// pictureForm returns a form with a picture, whose type is pictureType.
func pictureForm() []byte {
	body, _ := form(formPart{"file", "a.png", "image/png", pngBytes})
	boundary := strings.SplitN(string(body), "\r\n", 2)[0]
	return []byte(strings.ReplaceAll(string(body), boundary, "--x"))
}

func pictureType() string { return "multipart/form-data; boundary=x" }

func TestUpperCaseIDStartsTheSameAgent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agent().ID
	n.do("POST", "/api/agents/"+strings.ToUpper(id)+"/start", nil).want(200)
	n.do("POST", "/api/agents/"+strings.ToUpper(id)+"/stop", nil).want(200)
	if list := data[struct{ Agents []wireAgent }](n.do("GET", "/api/agents", nil).want(200)).Agents; len(list) != 1 || list[0].Status != "inactive" {
		t.Errorf("agents %+v", list)
	}
}

func TestAgentsDoNotReachWhatIsOthers(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	mine := n.agent().ID
	channel, user := n.dm()
	other := data[wireAgent](n.do("POST", "/api/agents", map[string]any{"name": "Ada", "bio": "Counts."}).want(201)).ID
	n.do("POST", "/api/agents/"+other+"/start", nil).want(200)
	n.ask(channel, user, "Hello").want(201)
	log := n.logs(mine, "limit=50")
	memory := data[struct{ Memories []struct{ ID string } }](n.do("GET", "/api/memory/"+mine+"/memories", nil).want(200)).Memories[0].ID
	run := data[struct{ Runs []struct{ RunID string } }](n.do("GET", "/api/agents/"+mine+"/runs", nil).want(200)).Runs[0].RunID
	if got := n.logs(other, "limit=50"); len(got) != 0 || len(log) == 0 {
		t.Errorf("the other's log has %d entries", len(got))
	}
	clearError(t, "its run", n.do("GET", "/api/agents/"+other+"/runs/"+run, nil), 404, "NOT_FOUND")
	clearError(t, "changing its memory", n.do("PATCH", "/api/memory/"+other+"/memories/"+memory, map[string]any{"content": map[string]any{"text": "no"}}), 404, "NOT_FOUND")
	n.do("DELETE", "/api/memory/"+other+"/memories/"+memory, nil).want(200)
	n.do("DELETE", "/api/agents/"+other+"/logs/"+log[0].ID, nil).want(204)
	if after := n.logs(mine, "limit=50"); len(after) != len(log) {
		t.Errorf("%d of %d entries are left", len(after), len(log))
	}
	if left := n.memories("/api/memory/" + mine + "/memories"); len(left.Memories) != 2 {
		t.Errorf("%d memories are left", len(left.Memories))
	}
}

func TestCharacterComesBackWhole(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), "OPENAI_API_KEY=sk-of-the-process")
	id := data[wireAgent](n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{
		"name": "Ada", "bio": "A whole sentence.", "templates": map[string]any{"messageHandlerTemplate": "Be {{name}}."}, "secrets": map[string]any{"TOKEN": "secret-value"},
	}}).want(201)).ID
	n.do("POST", "/api/agents/"+id+"/start", nil).want(200)
	a := n.do("GET", "/api/agents/"+id, nil).want(200)
	got := data[struct {
		Templates  map[string]string
		SecretKeys []string
		Settings   struct{ Secrets map[string]string }
	}](a)
	if diff := cmp.Diff(map[string]string{"messageHandlerTemplate": "Be {{name}}."}, got.Templates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"TOKEN"}, got.SecretKeys); diff != "" || len(got.Settings.Secrets) != 1 {
		t.Errorf("the process's environment is the agent's: %s", a.body)
	}
	for _, secret := range []string{"secret-value", "sk-of-the-process"} {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("%q is shown: %s", secret, a.body)
		}
	}
	clearError(t, "a file of the server", n.do("POST", "/api/agents", map[string]any{"characterPath": "/etc/hostname"}), 400, "CREATE_ERROR")
}

// A character that comes from an ElizaOS server brings its secrets as that server sealed them.
func TestSecretsOfAnOriginalServer(t *testing.T) {
	t.Parallel()
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("It is raining.") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL)
	sealed := map[string]any{"secrets": map[string]any{"OPENAI_API_KEY": "dabf52d6aacc1a780eda3223bf42bc80:ac89a86dc748c8cd1cb5433db883939d"}} // "v", with the usual salt
	id := data[wireAgent](n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{"name": "Ada", "bio": "Counts.", "settings": sealed}}).want(201)).ID
	n.do("POST", "/api/agents/"+id+"/start", nil).want(200)
	channel := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+id+"&currentUserId="+somebody, nil).want(200)).ID
	n.ask(channel, somebody, "Hello").want(201)
	if got := m.Requests()[0].Header.Get("Authorization"); got != "Bearer v" {
		t.Errorf("the model was asked with %q", got)
	}
	foreign := map[string]any{"secrets": map[string]any{"K": "dabf52d6aacc1a780eda3223bf42bc80:00112233445566778899aabbccddeeff"}}
	clearError(t, "another salt, in a new agent", n.do("POST", "/api/agents", map[string]any{"agent": map[string]any{"name": "Bob", "bio": "x", "settings": foreign}}), 400, "CREATE_ERROR")
	clearError(t, "another salt, in a change", n.do("PATCH", "/api/agents/"+id, map[string]any{"settings": foreign}), 400, "UPDATE_ERROR")
}

func TestRoomsMadeAtOnceAreDifferent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agent().ID
	var mu sync.Mutex
	var all sync.WaitGroup
	ids := map[string]bool{}
	for range 8 {
		all.Go(func() {
			room := data[wireRoom](n.do("POST", "/api/agents/"+id+"/rooms", map[string]any{"name": "R"}).want(201)).ID
			world := data[struct{ World struct{ ID string } }](n.do("POST", "/api/agents/"+id+"/worlds", map[string]any{"name": "W"}).want(201)).World.ID
			mu.Lock()
			defer mu.Unlock()
			ids[room], ids[world] = true, true
		})
	}
	all.Wait()
	if len(ids) != 16 {
		t.Errorf("%d different ids of 16", len(ids))
	}
}

// The limit of requests is for callers: agents do their work however many there were.
func TestAgentsAreNotLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.RateLimit, cfg.Limits.APIMax = true, 40
	n := startWith(t, cfg)
	channel, user := n.dm()
	posted := 0
	for a := (answer{}); a.status != http.StatusTooManyRequests; posted++ {
		a = n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{"author_id": user, "content": fmt.Sprint("Hello ", posted)})
	}
	posted-- // the last was refused
	agent := n.agentID()
	n.stop()
	cfg.Limits.RateLimit = false
	n = startWith(t, cfg)
	eventually(t, "the last answer", func() bool {
		count := 0
		for _, m := range n.history(channel) {
			if m.AuthorID == agent {
				count++
			}
		}
		return count == posted
	})
}

func TestWrongKeysAreCounted(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Security.AuthToken = "open sesame"
	cfg.Limits.RateLimit, cfg.Limits.APIMax = true, 3
	n := startWith(t, cfg)
	for range 3 {
		clearError(t, "a guess", n.do("GET", "/api/agents", nil, "X-API-KEY", "guess"), http.StatusUnauthorized, "UNAUTHORIZED")
	}
	clearError(t, "a guess too many", n.do("GET", "/api/agents", nil, "X-API-KEY", "open sesame"), http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED")
}

// TestStreamsEnd holds the order of events in a stream: the message, any number of pieces, one end. The pieces make up the
// text and have the id of the reply, which everybody finds in the channel.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script  modeltest.Script
		end     string
		actions []string
		stored  int
	}{
		"answered": {modeltest.Frame("Streams carry words one by one."), "done", []string{"REPLY"}, 2},
		"nothing":  {modeltest.Say("<response><thought>Fine.</thought><actions>NONE</actions><providers></providers><text></text></response>"), "done", []string{"NONE"}, 1},
		"ignored":  {modeltest.Say("<response><thought>Not for me.</thought><actions>IGNORE</actions><providers></providers><text></text></response>"), "done", []string{"IGNORE"}, 1},
		"failed":   {modeltest.Fail(401, "Incorrect API key provided"), "error", nil, 2},
	} {
		for _, path := range []string{"channels", "sessions"} {
			t.Run(name+" in "+path, func(t *testing.T) {
				t.Parallel()
				m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return tt.script })
				n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
				b := newBook(n)
				channel, user := n.dm()
				url := "/api/messaging/channels/" + channel + "/messages"
				if path == "sessions" {
					s := n.session(nil)
					channel, url = s.ChannelID, sessionsPath+"/"+s.SessionID+"/messages"
				}
				events := readSSE(t, n.do("POST", url, map[string]any{"author_id": user, "content": "Hello", "transport": "sse"}).want(200).body)
				var names, ids []string
				text := ""
				for i, e := range events {
					b.checkEvent(e)
					var piece struct {
						MessageID, Chunk string
						Index            int
					}
					if err := json.Unmarshal(e.data, &piece); err != nil {
						t.Fatal(err)
					}
					if e.name == "chunk" {
						ids, text = append(ids, piece.MessageID), text+piece.Chunk
						if piece.Index != i-1 {
							t.Errorf("piece %d has the index %d", i-1, piece.Index)
						}
						continue
					}
					names = append(names, e.name)
				}
				if diff := cmp.Diff([]string{"user_message", tt.end}, names); diff != "" || events[0].name != "user_message" || events[len(events)-1].name != tt.end {
					t.Fatalf("events %+v", events)
				}
				var done struct {
					Text, ResponseID string
					Actions          []string
				}
				if err := json.Unmarshal(events[len(events)-1].data, &done); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.actions, done.Actions); diff != "" || text != done.Text {
					t.Errorf("pieces %q, end %+v", text, done)
				}
				for _, id := range ids {
					if id != done.ResponseID {
						t.Errorf("a piece of %s in the stream of %s", id, done.ResponseID)
					}
				}
				h := n.history(channel)
				if len(h) != tt.stored || tt.stored == 2 && tt.end == "done" && h[0].ID != done.ResponseID {
					t.Errorf("history %+v", h)
				}
			})
		}
	}
}

// A newer message that takes the place of one at work ends its stream, and says so.
func TestStreamOfASupersededMessageEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	m := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		asked <- struct{}{}
		if strings.Contains(r.Prompt(), "second") {
			return modeltest.Frame("The second it is.")
		}
		s := modeltest.Say("<response><thought>t</thought><actions>REPLY</actions><text>The fir")
		s.Ending = modeltest.Hang
		return s
	})
	cfg := testConfig(t)
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + m.URL, "OPENAI_API_KEY=key"})
	n := startWith(t, cfg)
	channel, user := n.dm()
	n.do("PATCH", "/api/messaging/channels/"+channel, map[string]any{"turnPolicy": "latest"}).want(200)
	url := "/api/messaging/channels/" + channel + "/messages"
	var first answer
	var all sync.WaitGroup
	all.Go(func() {
		first = n.do("POST", url, map[string]any{"author_id": user, "content": "first", "transport": "sse"})
	})
	<-asked
	n.do("POST", url, map[string]any{"author_id": user, "content": "second", "transport": "http"}).want(201)
	all.Wait()
	events := readSSE(t, first.want(200).body)
	last := events[len(events)-1]
	var done struct {
		Superseded bool
		Outcome    string
	}
	if err := json.Unmarshal(last.data, &done); err != nil || last.name != "done" || !done.Superseded || done.Outcome != "superseded" {
		t.Errorf("the stream ends with %s %s", last.name, last.data)
	}
}

// Who doesn't say who they are can go on with a stream as well.
func TestStreamOfNobodyInParticularIsResumed(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, _ := n.dm()
	path := "/api/messaging/channels/" + channel + "/messages"
	body := map[string]any{"content": "Hello", "transport": "sse"}
	whole := n.do("POST", path, body).want(200).body
	_, first, _ := strings.Cut(string(whole), "id: ")
	first, _, _ = strings.Cut(first, "\n")
	rest := readSSE(t, n.do("POST", path, body, "Last-Event-ID", first).want(200).body)
	if len(rest) == 0 || rest[0].name != "chunk" || rest[len(rest)-1].name != "done" {
		t.Errorf("the rest is %+v", rest)
	}
}

func TestUnknownParentOfAMessage(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	path := "/api/messaging/channels/" + n.group() + "/messages"
	clearError(t, "an unknown parent", n.do("POST", path, map[string]any{"content": "x", "in_reply_to_message_id": uuid.New()}), 400, "")
	clearError(t, "a name of an object's own", n.do("POST", path, map[string]any{"content": "x", "transport": "toString"}), 400, "")
}

// In a group an agent chooses whether to answer, but not when it is the one that is asked.
func TestAddressedAgentAnswersInAGroup(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	user, first := uuid.NewString(), n.agent().ID
	second := data[wireAgent](n.do("POST", "/api/agents", map[string]any{"name": "Ada", "bio": "Counts."}).want(201)).ID
	n.do("POST", "/api/agents/"+second+"/start", nil).want(200)
	group := n.group(user, first, second)
	for _, tt := range []struct{ target, answers, outcome, reason string }{
		{"", first, "ignored", "model_ignore"},
		{second, second, "replied", "addressed"},
		{first, first, "replied", "addressed"},
	} {
		for _, transport := range []string{"http", "sse"} {
			a := n.do("POST", "/api/messaging/channels/"+group+"/messages", map[string]any{
				"author_id": user, "content": "What a day", "transport": transport, "metadata": map[string]any{"targetAgentId": tt.target},
			})
			for _, part := range []string{`"outcome":"` + tt.outcome, `"reason":"` + tt.reason, `"agentId":"` + tt.answers} {
				if a.status/100 != 2 || !strings.Contains(string(a.body), part) {
					t.Errorf("%s to %q: no %s in %d %s", transport, tt.target, part, a.status, a.body)
				}
			}
		}
	}
	runs := data[struct{ Runs []struct{ Reason string } }](n.do("GET", "/api/agents/"+first+"/runs", nil).want(200)).Runs
	if len(runs) != 6 || runs[2].Reason != "addressed_other" { // newest first: two to the first, before them two to the second
		t.Errorf("the first agent's runs: %+v", runs)
	}
}

// Bridges that mirror the same channels at once don't get in each other's way.
func TestChannelsAreMirroredAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	server := data[struct{ ID string }](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "n", "sourceType": "s"}).want(201)).ID
	var forward []map[string]any
	for i := range 20 {
		forward = append(forward, map[string]any{"name": fmt.Sprint("c", i), "type": "GROUP", "sourceId": fmt.Sprint(i)})
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			list := [][]map[string]any{forward, backward}[i%2]
			if a := n.do("POST", "/api/messaging/message-servers/"+server+"/sync-channels", map[string]any{"channels": list}); a.status != http.StatusOK {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	all.Wait()
}
