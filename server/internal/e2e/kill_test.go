package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// TestKill ends the server as a power cut would in the middle of everything: a turn that is being answered, with clients that
// wait for it; a webhook that is being called; a file that is being uploaded; two sessions. What was promised before holds
// after.
func TestKill(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, env []string) {
		v, h := newVendor(t), newReceiver(t)
		dir := t.TempDir()
		env = append(env, "OPENAI_BASE_URL="+v.url, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_SMALL_MODEL=m",
			"SESSION_MIN_TIMEOUT_MINUTES=1", "ELIZAD_WEBHOOK_ALLOW=127.0.0.1")
		p := start(t, dir, env...)
		short, long := p.session(1), p.session(45)
		files := p.files(dir)
		announced := p.job(map[string]any{"content": "Tell the others", "callbackUrl": h.url, "callbackSecret": "hush"})
		receive(t, "the announcement", h.called) // and don't answer it
		running := p.job(map[string]any{"content": slowQuestion, "timeoutMs": 120_000})
		receive(t, "the question", v.asked) // and don't answer it
		waiting := p.wait(running)
		asked := p.question()
		receive(t, "another question", v.asked)
		letGo := p.sendHalf(dir)
		p.kill()
		letGo()
		if err := receive(t, "the end of the asking", asked.answered); err == nil {
			t.Error("a client that waited for its answer got one")
		}
		if err := receive(t, "the end of the waiting", waiting); err == nil {
			t.Error("a client that waited for the job got an end before there was one")
		}
		h.open.Store(true)
		v.open.Store(true)

		again := start(t, dir, env...)
		t.Run("file", func(t *testing.T) { files.check(again.within(t)) })
		t.Run("session", func(t *testing.T) { long.check(again.within(t)) })
		t.Run("job", func(t *testing.T) { t.Parallel(); again.within(t).checkAnswered(running) })
		t.Run("question", func(t *testing.T) { t.Parallel(); asked.check(again.within(t)) })
		t.Run("webhook", func(t *testing.T) { t.Parallel(); again.within(t).checkAnnounced(announced, h) })
		t.Run("end of a session", func(t *testing.T) { t.Parallel(); short.checkEnd(again.within(t)) })
	})
}

// within returns the process for a subtest.
func (p *process) within(t *testing.T) *process {
	q := *p
	q.t = t
	return &q
}

// slowQuestion is a question that the vendor's model doesn't answer until it is opened.
const slowQuestion = "What is the meaning of all this?"

// vendor is a model over HTTP.
type vendor struct {
	url   string
	asked chan struct{} // receives when the slow question is asked while the model is closed
	open  atomic.Bool
}

func newVendor(t *testing.T) *vendor {
	v := &vendor{asked: make(chan struct{}, 1)}
	v.url = modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		if !v.open.Load() && strings.Contains(r.Prompt(), slowQuestion) {
			v.asked <- struct{}{}
			return modeltest.Script{Chunks: []string{"<response><text>Well, "}, Ending: modeltest.Hang}
		}
		return modeltest.Frame("So it is.")
	}).URL
	return v
}

// receiver is the webhook to which the ends of jobs are announced.
type receiver struct {
	url    string
	called chan announcement
	open   atomic.Bool // until then, calls are not answered
}

type announcement struct {
	id   string
	body []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{called: make(chan announcement, 9)}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body) // a killed client sends nothing more
		r.called <- announcement{req.Header.Get("webhook-id"), body}
		if !r.open.Load() {
			<-req.Context().Done()
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	r.url = server.URL
	return r
}

// A job, as far as it matters here.
type job struct {
	JobID, Status, ChannelID, Error string
	Result                          struct{ Message struct{ ID, Content string } }
	Callback                        struct {
		Status   string
		Attempts int
	}
}

func (p *process) job(body map[string]any) string {
	p.t.Helper()
	body["userId"] = uuid.NewString()
	var j job
	p.call(201, "POST", "/api/messaging/jobs", body, &j)
	return j.JobID
}

// wait waits for the end of a job, in the background, and reports the result of the waiting.
func (p *process) wait(id string) <-chan error {
	done := make(chan error, 1)
	sent := make(chan struct{})
	go func() {
		close(sent)
		_, err := p.try(context.WithoutCancel(p.t.Context()), "GET", "/api/messaging/jobs/"+id, nil, &job{}, "Prefer", "wait=60")
		done <- err
	}()
	<-sent
	return done
}

// checkAnswered checks that a job ends with an answer, for a client that comes back to wait for it, and that it was answered
// once.
func (p *process) checkAnswered(id string) {
	var j job
	eventually(p.t, "the end of the job", func() bool {
		p.call(200, "GET", "/api/messaging/jobs/"+id, nil, &j, "Prefer", "wait=30")
		return j.Status != "processing"
	})
	history := p.history(j.ChannelID)
	if j.Status != "completed" || len(history) != 2 || history[0].ID != j.Result.Message.ID || history[0].Content != "So it is." || history[1].Content != slowQuestion {
		p.t.Errorf("the job is %+v, its channel holds %+v", j, history)
	}
}

// question is a message whose sender waits for the answer, and asks again under the same key.
type question struct {
	channel  string
	body     map[string]any
	key      string
	answered <-chan error
}

// question asks the slow question in the background.
func (p *process) question() *question {
	p.t.Helper()
	user := uuid.NewString()
	var channel struct{ Data struct{ ID string } }
	p.call(200, "GET", "/api/messaging/dm-channel?targetUserId="+p.agent()+"&currentUserId="+user, nil, &channel)
	answered := make(chan error, 1)
	q := &question{channel.Data.ID, map[string]any{"author_id": user, "content": slowQuestion, "transport": "http"}, uuid.NewString(), answered}
	go func() {
		_, err := q.ask(context.WithoutCancel(p.t.Context()), p, nil)
		answered <- err
	}()
	return q
}

func (q *question) ask(ctx context.Context, p *process, into any) (status int, err error) {
	return p.try(ctx, "POST", "/api/messaging/channels/"+q.channel+"/messages", q.body, into, "Idempotency-Key", q.key)
}

// check asks again until there is an answer: the key is held for a moment for the process that was killed.
func (q *question) check(p *process) {
	var got struct{ AgentResponse struct{ Text string } }
	eventually(p.t, "the answer", func() bool {
		status, err := q.ask(p.t.Context(), p, &got)
		if err != nil || status != http.StatusCreated && status != http.StatusConflict {
			p.t.Fatalf("status %d, %v", status, err)
		}
		return status == http.StatusCreated
	})
	if history := p.history(q.channel); len(history) != 2 || got.AgentResponse.Text != "So it is." {
		p.t.Errorf("answered with %q, the channel holds %+v", got.AgentResponse.Text, history)
	}
}

// checkAnnounced checks that the end of a job that was being announced is announced again, as the same event.
func (p *process) checkAnnounced(id string, h *receiver) {
	a := receive(p.t, "the announcement", h.called)
	var event struct {
		Type string
		Data job
	}
	if err := json.Unmarshal(a.body, &event); err != nil || a.id != id || event.Type != "job.completed" || event.Data.Result.Message.Content != "So it is." {
		p.t.Errorf("announced %s as %s: %v", a.body, a.id, err)
	}
	var j job
	eventually(p.t, "the note of delivery", func() bool {
		p.call(200, "GET", "/api/messaging/jobs/"+id, nil, &j)
		return j.Callback.Status == "delivered"
	})
	if j.Callback.Attempts != 2 {
		p.t.Errorf("delivered after %d attempts, want 2", j.Callback.Attempts)
	}
}

// A session, with its state before the kill.
type session struct {
	path   string
	shown  map[string]any
	posted []any
	expiry time.Time
}

// session begins a session that ends some minutes after its last message, or one minute after its beginning, and posts a
// message in it.
func (p *process) session(minutes int) *session {
	p.t.Helper()
	var made struct{ SessionID string }
	p.call(201, "POST", "/api/messaging/sessions", map[string]any{
		"agentId": p.agent(), "userId": uuid.NewString(), "metadata": map[string]any{"page": "help"},
		"timeoutConfig": map[string]any{"timeoutMinutes": minutes, "autoRenew": minutes > 1, "warningThresholdMinutes": 1},
	}, &made)
	s := &session{path: "/api/messaging/sessions/" + made.SessionID}
	p.call(201, "POST", s.path+"/messages", map[string]any{"content": "Hello", "transport": "http"}, nil)
	s.shown, s.posted, s.expiry = s.read(p)
	if len(s.posted) != 2 {
		p.t.Fatalf("the session holds %v", s.posted)
	}
	return s
}

func (s *session) read(p *process) (shown map[string]any, posted []any, expiry time.Time) {
	p.t.Helper()
	p.call(200, "GET", s.path, nil, &shown)
	delete(shown, "timeRemaining") // it is the time that must pass
	expiry, err := time.Parse(time.RFC3339, shown["expiresAt"].(string))
	if err != nil {
		p.t.Fatal(err)
	}
	var history struct{ Messages []any }
	p.call(200, "GET", s.path+"/messages", nil, &history)
	return shown, history.Messages, expiry
}

// check checks that a session has its earlier state, and goes on.
func (s *session) check(p *process) {
	shown, posted, _ := s.read(p)
	if diff := cmp.Diff(s.shown, shown); diff != "" {
		p.t.Errorf("the session (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(s.posted, posted); diff != "" {
		p.t.Errorf("its messages (-before +after):\n%s", diff)
	}
	p.call(201, "POST", s.path+"/messages", map[string]any{"content": "Are you still there?", "transport": "http"}, nil)
	shown, posted, expiry := s.read(p)
	if len(posted) != 4 || !expiry.After(s.expiry) || shown["renewalCount"] != 1+s.shown["renewalCount"].(float64) {
		p.t.Errorf("after another message: %v, %v", shown, posted)
	}
}

// checkEnd checks that a session ends in time, and then says so.
func (s *session) checkEnd(p *process) {
	const inaccuracy = time.Second
	eventually(p.t, "the end of the session", func() bool {
		var answer struct{ Error struct{ Code string } }
		asked := time.Now()
		status, err := p.try(p.t.Context(), "GET", s.path, nil, &answer)
		switch {
		case err != nil:
			p.t.Fatal(err)
		case status == http.StatusOK && asked.After(s.expiry.Add(inaccuracy)), status != http.StatusOK && time.Now().Before(s.expiry):
			p.t.Fatalf("status %d, %s after the end", status, asked.Sub(s.expiry))
		case status == http.StatusGone && answer.Error.Code != "SESSION_EXPIRED":
			p.t.Errorf("refused with %+v", answer)
		}
		return status == http.StatusGone
	})
	if status, _ := p.try(p.t.Context(), "POST", s.path+"/messages", map[string]any{"content": "Too late"}, &struct{}{}); status != http.StatusGone {
		p.t.Errorf("a message to a session that has ended: status %d", status)
	}
}

// files are uploads, by their addresses.
type files struct {
	folder  string // of the agent's
	uploads map[string][]byte
}

func (p *process) files(dir string) *files {
	p.t.Helper()
	agent := p.agent()
	var channel struct{ Data struct{ ID string } }
	p.call(200, "GET", "/api/messaging/dm-channel?targetUserId="+agent+"&currentUserId="+uuid.NewString(), nil, &channel)
	f := &files{folder: filepath.Join(dir, "uploads", "agents", agent), uploads: map[string][]byte{}}
	for i, path := range []string{"/api/media/agents/" + agent, "/api/media/channels/" + channel.Data.ID} {
		content := []byte(strings.Repeat(fmt.Sprintf("Line of file %d\n", i), 50_000))
		var upload struct{ Data struct{ URL string } }
		p.call(200, "POST", path+"/upload-media", content, &upload)
		f.uploads[upload.Data.URL] = content
	}
	return f
}

// check checks that the files are there, and no others, nor parts of any.
func (f *files) check(p *process) {
	for url, content := range f.uploads {
		var got []byte
		p.call(200, "GET", url, nil, &got)
		if !slices.Equal(got, content) {
			p.t.Errorf("%s: %d bytes are others than the %d that were sent", url, len(got), len(content))
		}
	}
	entries, err := os.ReadDir(f.folder)
	if err != nil || len(entries) != 1 {
		p.t.Errorf("the agent's folder holds %v, %v; want one file", entries, err)
	}
	if left := incoming(p.t, filepath.Dir(f.folder)); len(left) > 0 {
		p.t.Errorf("of what was being sent, %v is left", left)
	}
}

// incoming lists the files that are being received into a folder.
func incoming(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(folder, ".incoming"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// sendHalf begins to send a file to the agent and returns when some of it has arrived, with a function that ends the sending
// once the server is gone.
func (p *process) sendHalf(dir string) (letGo func()) {
	p.t.Helper()
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	r, err := http.NewRequestWithContext(context.WithoutCancel(p.t.Context()), "POST", p.url+"/api/media/agents/"+p.agent()+"/upload-media", reader)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
			p.t.Errorf("half a file is answered with status %d", resp.StatusCode)
		}
	}()
	part, err := form.CreateFormFile("file", "half.txt")
	if err == nil {
		_, err = io.WriteString(part, strings.Repeat("Half a line", 100_000))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "half the file", func() bool { return len(incoming(p.t, filepath.Join(dir, "uploads", "agents"))) > 0 })
	return func() {
		_ = writer.CloseWithError(io.ErrUnexpectedEOF) // always nil
		receive(p.t, "the end of the sending", gone)
	}
}
