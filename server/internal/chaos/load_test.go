package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

const (
	writers = 4                      // users, each of which talks to the agent in its own channel
	pause   = 100 * time.Millisecond // of each client between two requests
)

// load is a set of clients that talk to a server, whatever happens to it: each repeats its request under the same key until it
// is acknowledged.
type load struct {
	m     *machine
	agent string

	endsCount bool // of sessions and jobs: none may occur

	end     context.CancelFunc
	running sync.WaitGroup
	acked   atomic.Int64

	mu         sync.Mutex
	channels   map[string]map[string]acknowledged // what was acknowledged, by channel and id
	jobs       []string
	sessions   []string
	files      map[string]string // contents by address
	unanswered int               // uploads that were given up before a response; each may have left its file, or not
	refused    map[string]int    // refusals by code
}

// acknowledged is a message that was acknowledged.
type acknowledged struct {
	seq     int64
	content string
}

// newLoad starts to talk to the first agent.
func newLoad(m *machine) *load {
	m.t.Helper()
	var list struct {
		Data struct{ Agents []struct{ ID string } }
	}
	m.must(200, "GET", "/api/agents", nil, &list)
	l := &load{m: m, agent: list.Data.Agents[0].ID, endsCount: true, channels: map[string]map[string]acknowledged{}, files: map[string]string{}, refused: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	l.end = cancel
	m.t.Cleanup(l.finish)
	for range writers {
		user := uuid.NewString()
		var channel struct{ Data struct{ ID string } }
		m.must(200, "GET", "/api/messaging/dm-channel?targetUserId="+l.agent+"&currentUserId="+user, nil, &channel)
		l.channels[channel.Data.ID] = map[string]acknowledged{}
		l.repeat(ctx, func() { l.say(ctx, channel.Data.ID, user) })
	}
	l.repeat(ctx, func() { l.job(ctx) })
	l.repeat(ctx, func() { l.session(ctx) })
	l.repeat(ctx, func() { l.upload(ctx) })
	return l
}

func (l *load) repeat(ctx context.Context, do func()) {
	l.running.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for ctx.Err() == nil {
			do()
			<-tick.C
		}
	})
}

// finish lets every client complete what it has begun, and stops.
func (l *load) finish() {
	l.end()
	l.running.Wait()
}

// more waits until a number of further requests were acknowledged.
func (l *load) more(n int64) {
	l.m.t.Helper()
	want := l.acked.Load() + n
	eventually(l.m.t, "the clients are served", func() bool { return l.acked.Load() >= want })
}

// callUntilAcknowledged repeats a request until it is acknowledged, or until the clients stop, and reports whether it was.
func (l *load) callUntilAcknowledged(ctx context.Context, path string, body, into any) bool {
	key := uuid.NewString()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		var answer []byte
		status, err := l.m.call(context.WithoutCancel(ctx), http.MethodPost, path, body, &answer, "Idempotency-Key", key)
		if err == nil && status < 300 {
			if err := json.Unmarshal(answer, into); err != nil {
				l.m.t.Errorf("%s: %v", path, err)
			}
			l.acked.Add(1)
			return true
		}
		if err == nil {
			l.refuse(path, status, answer)
		}
		if ctx.Err() != nil {
			return false // it may be there or not; nothing was acknowledged
		}
		<-tick.C
	}
}

func (l *load) refuse(path string, status int, answer []byte) {
	var r refusal
	if err := json.Unmarshal(answer, &r); err != nil || r.Error.Code == "" || r.Error.Message == "" || status < 400 {
		l.m.t.Errorf("%s is refused with status %d and no words: %s", path, status, answer)
	}
	switch r.Error.Code {
	case "UNAVAILABLE", "TIMEOUT", "CONFLICT": // transient faults, and a key that is held for a request that they broke off
	case "QUEUE_FULL": // users who don't wait for answers may be faster than the agent
	default:
		l.m.t.Errorf("%s is refused with %+v, which is no transient fault", path, r.Error)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[r.Error.Code]++
}

func (l *load) say(ctx context.Context, channel, user string) {
	content := "Hello, this is " + uuid.NewString()
	var answer struct {
		UserMessage struct {
			ID  string
			Seq int64
		}
	}
	if !l.callUntilAcknowledged(ctx, "/api/messaging/channels/"+channel+"/messages", map[string]any{"author_id": user, "content": content}, &answer) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, twice := l.channels[channel][answer.UserMessage.ID]; twice {
		l.m.t.Errorf("%q and %q were acknowledged as one message", before.content, content)
	}
	l.channels[channel][answer.UserMessage.ID] = acknowledged{answer.UserMessage.Seq, content}
}

func (l *load) job(ctx context.Context) {
	var answer struct{ JobID string }
	body := map[string]any{"content": "Do it", "userId": uuid.NewString(), "timeoutMs": 300_000}
	if l.callUntilAcknowledged(ctx, "/api/messaging/jobs", body, &answer) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.jobs = append(l.jobs, answer.JobID)
	}
}

func (l *load) session(ctx context.Context) {
	var answer struct{ SessionID string }
	if l.callUntilAcknowledged(ctx, "/api/messaging/sessions", map[string]any{"agentId": l.agent, "userId": uuid.NewString()}, &answer) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sessions = append(l.sessions, answer.SessionID)
	}
}

func (l *load) upload(ctx context.Context) {
	content := strings.Repeat(uuid.NewString()+"\n", 100)
	var answer struct{ Data struct{ URL string } }
	answered := l.callUntilAcknowledged(ctx, "/api/media/agents/"+l.agent+"/upload-media", []byte(content), &answer)
	l.mu.Lock()
	defer l.mu.Unlock()
	if answered {
		l.files[answer.Data.URL] = content
	} else {
		l.unanswered++
	}
}

// check stops the clients and checks every promise against what the server holds now.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.finish()
	for channel, acked := range l.channels {
		l.checkChannel(t, channel, acked)
	}
	for _, id := range l.jobs {
		eventually(t, "the end of a job", func() bool {
			var job struct{ Status, Error string }
			l.m.must(200, "GET", "/api/messaging/jobs/"+id, nil, &job)
			if job.Status == "failed" || job.Status == "timeout" && l.endsCount {
				t.Fatalf("a job failed: %+v", job)
			}
			return job.Status == "completed" || job.Status == "timeout"
		})
	}
	for _, id := range l.sessions {
		l.checkSession(t, id)
	}
	for url, content := range l.files {
		var got []byte
		if l.m.must(200, "GET", url, nil, &got); string(got) != content {
			t.Errorf("%s holds %d bytes that are not those that were sent", url, len(got))
		}
	}
	if kept, left := l.m.uploads(l.agent); kept < len(l.files) || kept > len(l.files)+l.unanswered || left > 0 {
		t.Errorf("%d files and %d parts of files are there after %d uploads that were acknowledged and %d that were given up", kept, left, len(l.files), l.unanswered)
	}
	t.Logf("%d requests acknowledged: %d jobs, %d sessions, %d files; refusals: %v", l.acked.Load(), len(l.jobs), len(l.sessions), len(l.files), l.refused)
}

// checkSession checks that a session goes on, and that what it reports is consistent.
func (l *load) checkSession(t *testing.T, id string) {
	t.Helper()
	var session struct {
		refusal
		CreatedAt, LastActivity, ExpiresAt time.Time
		TimeoutConfig                      struct{ MaxDurationMinutes float64 }
	}
	status, err := l.m.call(t.Context(), "GET", "/api/messaging/sessions/"+id, nil, &session)
	switch now := time.Now(); {
	case err != nil:
		t.Fatal(err)
	case session.Error.Code == "SESSION_EXPIRED" && !l.endsCount:
	case status != http.StatusOK:
		t.Errorf("a session is answered with %d %+v", status, session.Error)
	case session.CreatedAt.After(session.LastActivity), session.LastActivity.After(session.ExpiresAt), l.endsCount && session.LastActivity.After(now),
		session.ExpiresAt.Sub(session.CreatedAt).Minutes() > session.TimeoutConfig.MaxDurationMinutes:
		t.Errorf("at %s a session says %+v", now, session)
	}
}

// checkChannel checks that each acknowledged message is in a channel once, at its number, that no number is missing, and that
// each message of the user has one reply when all turns have ended.
func (l *load) checkChannel(t *testing.T, channel string, acked map[string]acknowledged) {
	t.Helper()
	var messages []message
	eventually(t, "every message is answered", func() bool {
		messages = l.history(t, channel)
		replies := 0
		for _, m := range messages {
			if m.AuthorID == l.agent {
				replies++
			}
		}
		return 2*replies >= len(messages)
	})
	byID, replies := map[string]message{}, map[string]int{}
	for i, m := range messages {
		if m.Seq != int64(i+1) {
			t.Fatalf("message %d of the channel has the number %d", i+1, m.Seq)
		}
		byID[m.ID] = m
		if m.AuthorID == l.agent {
			replies[m.InReplyToRootMessageID]++
		}
	}
	contents := map[string]int{}
	for _, m := range messages {
		contents[m.Content]++
		if n := replies[m.ID]; m.AuthorID != l.agent && n != 1 {
			t.Errorf("message %d has %d replies", m.Seq, n)
		}
	}
	for id, a := range acked {
		if m, ok := byID[id]; !ok || m.Content != a.content || m.Seq != a.seq {
			t.Errorf("acknowledged as number %d, but there is %+v", a.seq, m)
		}
		if n := contents[a.content]; n != 1 {
			t.Errorf("number %d was stored %d times", a.seq, n)
		}
	}
}

type message struct {
	ID, AuthorID, Content, InReplyToRootMessageID string
	Seq                                           int64
}

// history returns the messages of a channel, oldest first, up to the newest when it begins to read. Messages posted meanwhile
// shift the pages.
func (l *load) history(t *testing.T, channel string) (all []message) {
	t.Helper()
	const page = 100
	seen := map[string]bool{}
	for offset := 0; ; offset += page {
		var answer struct{ Data struct{ Messages []message } }
		l.m.must(200, "GET", fmt.Sprintf("/api/messaging/channels/%s/messages?limit=%d&offset=%d", channel, page, offset), nil, &answer)
		for _, m := range answer.Data.Messages {
			if !seen[m.ID] {
				seen[m.ID], all = true, append(all, m)
			}
		}
		if len(answer.Data.Messages) < page {
			slices.Reverse(all)
			return all
		}
	}
}
