package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// halfSaid is a server whose agent is in the middle of an answer: "One," was shown, and no more comes until gate is closed.
type halfSaid struct {
	*node
	channel, user uuid.UUID
	question      string // the id of the message
	conn          *websocket.Conn
	events        []socketEvent // since then
	response      string        // the id of the reply to be
	gate, left    chan struct{} // left: the server has let go of the model
}

// halfway starts such a server, whose user asks over Socket.IO.
func halfway(t *testing.T, answers ...modeltest.Script) *halfSaid {
	t.Helper()
	h := &halfSaid{gate: make(chan struct{}), left: make(chan struct{})}
	first := modeltest.Script{
		Chunks: []string{"<response><actions>REPLY</actions><text>One, ", "two.</text></response>"},
		Gates:  map[int]<-chan struct{}{1: h.gate}, Left: h.left,
	}
	answers = append([]modeltest.Script{first}, answers...)
	scripts := make(chan modeltest.Script, len(answers))
	for _, s := range answers {
		scripts <- s
	}
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return <-scripts })
	h.node = start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
	h.channel, h.user = h.dm()
	h.conn = h.listen(h.channel, h.user)
	h.emit(h.conn, "send_message", map[string]any{"channelId": h.channel, "senderId": h.user, "message": "count"})
	for h.response == "" {
		switch e := readEvent(t, h.conn); e.name {
		case "messageAck":
			h.question = e.MessageID
		case "messageStreamChunk":
			h.response = e.MessageID
		}
	}
	return h
}

// completed reads events until the message was dealt with.
func (h *halfSaid) completed(message string) socketEvent {
	h.t.Helper()
	for {
		e := readEvent(h.t, h.conn)
		h.events = append(h.events, e)
		if e.name == "messageComplete" && e.MessageID == message {
			return e
		}
	}
}

// count returns how many events of a name came.
func (h *halfSaid) count(name string) int {
	n := 0
	for _, e := range h.events {
		if e.name == name {
			n++
		}
	}
	return n
}

// cancelAnswer cancels the answer to a message.
func (n *node) cancelAnswer(channel uuid.UUID, message string) answer {
	n.t.Helper()
	return n.read(n.api().CancelAnswer(n.t.Context(), channel, uuid.MustParse(message)))
}

// outcomes are those of the runs in an answer.
func outcomes(a answer) (list []string) {
	for _, r := range data[api.Cancellation](a.want(http.StatusOK)).Runs {
		list = append(list, string(r.Outcome))
	}
	return list
}

// An answer is cancelled in whichever way and by whichever name its client knows it: the model is left, what was shown is the reply,
// and everybody hears of it, once.
func TestCancelAnswer(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(h *halfSaid){
		"by the message, over REST": func(h *halfSaid) { h.as(h.user).cancelAnswer(h.channel, h.question).want(http.StatusOK) },
		"by the reply, over REST":   func(h *halfSaid) { h.as(h.user).cancelAnswer(h.channel, h.response).want(http.StatusOK) },
		"by the run, over REST": func(h *halfSaid) {
			run := h.runs(h.agentID(), api.ListRunsParams{}).Runs[0]
			h.read(h.api().CancelRun(h.t.Context(), h.agentID(), run.RunID)).want(http.StatusOK)
		},
		"over Socket.IO": func(h *halfSaid) {
			h.emit(h.conn, "cancel_answer", map[string]any{"channelId": h.channel, "messageId": h.question})
		},
		"by the reply, over Socket.IO": func(h *halfSaid) {
			h.emit(h.conn, "cancel_answer", map[string]any{"roomId": h.channel, "messageId": h.response})
		},
		"over a plain WebSocket": func(h *halfSaid) {
			conn := h.plain(map[string]any{"type": "auth", "entityId": h.user})
			h.write(conn, string(jsonOf(map[string]any{"type": "cancel", "channelId": h.channel, "messageId": h.question})))
			for frame := ""; !strings.Contains(frame, `"cancelled"`); {
				if frame = h.hear(conn); frame == "" || strings.Contains(frame, `"error"`) {
					h.t.Fatalf("not confirmed: %s", frame)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := halfway(t)
			cancel(h)
			end := h.completed(h.question)
			<-h.left
			if end.Status != "cancelled" || end.Reason != "cancel_requested" || strings.Contains(string(end.payload), `"error"`) {
				t.Errorf("end %s", end.payload)
			}
			history := h.history(h.channel)
			if len(history) != 2 || history[0].Content != "One," || history[0].ID.String() != h.response {
				t.Fatalf("history %+v", history)
			}
			metadata := object(history[0].Metadata)
			if metadata["truncated"] != true || metadata["truncatedBy"] != "cancelled" || metadata["failure"] != nil {
				t.Errorf("metadata %s", history[0].Metadata)
			}
			if h.count("messageBroadcast") != 1 || h.count("messageStreamError") != 0 {
				t.Errorf("events %+v", h.events)
			}
			if got := outcomes(h.as(h.user).cancelAnswer(h.channel, h.question)); !slices.Equal(got, []string{"cancelled"}) {
				t.Errorf("cancelled again: %v", got)
			}
			if got := outcomes(h.as(h.user).cancelAnswer(h.channel, h.response)); !slices.Equal(got, []string{"cancelled"}) {
				t.Errorf("cancelled again, by the reply: %v", got)
			}
			h.as(h.user).edit(uuid.MustParse(h.question), "counted") // no more events come of it before that of the edit
			for e := readEvent(t, h.conn); e.name != "messageUpdated"; e = readEvent(t, h.conn) {
				if e.name == "messageComplete" {
					t.Errorf("completed again: %s", e.payload)
				}
			}
		})
	}
}

// Who waits for an answer that somebody cancels gets what there is of it.
func TestCancelEndsWaiting(t *testing.T) {
	t.Parallel()
	for _, transport := range []api.Transport{api.TransportHTTP, api.TransportSse} {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			gate := make(chan struct{})
			m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
				return modeltest.Script{
					Chunks: []string{"<response><actions>REPLY</actions><text>One, ", "two.</text></response>"}, Gates: map[int]<-chan struct{}{1: gate},
				}
			})
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
			channel, user := n.dm()
			conn := n.listen(channel, user)
			waiting := make(chan answer, 1)
			go func() {
				waiting <- n.post(channel, api.PostMessageRequest{AuthorID: &user, Content: new("count"), Transport: &transport})
			}()
			e := readEvent(t, conn)
			for ; e.name != "messageStreamChunk"; e = readEvent(t, conn) {
				continue
			}
			n.as(user).cancelAnswer(channel, e.MessageID).want(http.StatusOK)
			a := <-waiting
			var end api.AgentResponse
			if transport == api.TransportSse {
				events := readSSE(t, a.body)
				last := events[len(events)-1]
				if err := json.Unmarshal(last.data, &end); err != nil || last.name != "done" {
					t.Fatalf("the last event is %s %s", last.name, last.data)
				}
			} else {
				end = *into[api.MessagePostedEnvelope](a.want(http.StatusCreated)).AgentResponse
			}
			if end.Outcome != api.RunOutcomeCancelled || end.Text != "One," {
				t.Errorf("end %+v", end)
			}
		})
	}
}

// A turn that waits ends unsaid; the one before it goes on.
func TestCancelOfAWaitingTurn(t *testing.T) {
	t.Parallel()
	h := halfway(t)
	second := h.say(h.channel, h.user, "count again").ID.String()
	if got := outcomes(h.as(h.user).cancelAnswer(h.channel, second)); !slices.Equal(got, []string{"cancelled"}) {
		t.Errorf("the waiting turn is %v", got)
	}
	if end := h.completed(second); end.Status != "cancelled" {
		t.Errorf("end %s", end.payload)
	}
	close(h.gate)
	if end := h.completed(h.question); end.Status != "replied" {
		t.Errorf("end %s", end.payload)
	}
	var said []string
	for _, m := range h.history(h.channel) {
		said = append(said, m.Content)
	}
	if diff := cmp.Diff([]string{"One, two.", "count again", "count"}, said); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// What is cancelled before its first word leaves nothing, and the next message is answered.
func TestCancelBeforeTheFirstWord(t *testing.T) {
	t.Parallel()
	asked, left := make(chan struct{}, 1), make(chan struct{})
	answers := make(chan modeltest.Script, 2)
	answers <- modeltest.Script{Chunks: []string{"<response><thought>Well", "</thought>"}, Gates: map[int]<-chan struct{}{1: make(chan struct{})}, Left: left}
	answers <- modeltest.Frame("Yes.")
	m := modeltest.New(t, func(modeltest.Request) modeltest.Script {
		select {
		case asked <- struct{}{}:
		default:
		}
		return <-answers
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
	channel, user := n.dm()
	conn := n.listen(channel, user)
	question := n.say(channel, user, "count").ID.String()
	<-asked
	if got := outcomes(n.as(user).cancelAnswer(channel, question)); !slices.Equal(got, []string{"running"}) {
		t.Errorf("right after it: %v", got)
	}
	<-left
	for e := readEvent(t, conn); e.name != "messageComplete"; e = readEvent(t, conn) {
		continue
	}
	if h := n.history(channel); len(h) != 1 {
		t.Errorf("history %+v", h)
	}
	if got := into[api.MessagePostedEnvelope](n.ask(channel, user, "are you there?").want(http.StatusCreated)); got.AgentResponse.Text != "Yes." {
		t.Errorf("the next answer is %+v", got.AgentResponse)
	}
}

// Readers that leave cancel nothing.
func TestLeavingIsNoCancel(t *testing.T) {
	t.Parallel()
	h := halfway(t)
	_ = h.conn.CloseNow()
	h.conn = h.listen(h.channel, h.user)
	close(h.gate)
	if end := h.completed(h.question); end.Status != "replied" {
		t.Errorf("end %s", end.payload)
	}
}

// With isolation, another participant may not, and a stranger finds nothing.
func TestWhoMayCancelAnswers(t *testing.T) {
	t.Parallel()
	issuer, n := isolating(t)
	owner, guest, stranger := uuid.New(), uuid.New(), uuid.New()
	person := func(of uuid.UUID) *node { return n.bearing(issuer.sign(t, of.String(), time.Hour)) }
	channel := person(owner).group(owner, guest, n.agentID())
	question := person(owner).say(channel, owner, "hello").ID.String()
	clearError(t, "another participant", person(guest).cancelAnswer(channel, question), http.StatusForbidden, "FORBIDDEN")
	clearError(t, "a stranger", person(stranger).cancelAnswer(channel, question), http.StatusNotFound, "NOT_FOUND")
	person(owner).cancelAnswer(channel, question).want(http.StatusOK)
	n.keyed(rightKey).cancelAnswer(channel, question).want(http.StatusOK)
}

// Nobody learns of what is not there.
func TestNothingToCancel(t *testing.T) {
	t.Parallel()
	h := halfway(t)
	somewhere := h.group(h.user)
	for name, a := range map[string]answer{
		"a message of nobody":          h.as(h.user).cancelAnswer(h.channel, uuid.NewString()),
		"a message of another channel": h.as(h.user).cancelAnswer(somewhere, h.question),
		"a reply of another channel":   h.as(h.user).cancelAnswer(somewhere, h.response),
		"a run of nobody":              h.read(h.api().CancelRun(t.Context(), h.agentID(), uuid.New())),
		"a run of another agent": h.read(h.api().CancelRun(t.Context(), agent.ID("Nobody"),
			h.runs(h.agentID(), api.ListRunsParams{}).Runs[0].RunID)),
	} {
		clearError(t, name, a, http.StatusNotFound, "NOT_FOUND")
	}
	h.emit(h.conn, "cancel_answer", map[string]any{"channelId": h.channel})
	for e := readEvent(t, h.conn); e.name != "messageError"; e = readEvent(t, h.conn) {
		continue
	}
	close(h.gate)
	if end := h.completed(h.question); end.Status != "replied" {
		t.Errorf("end %s", end.payload)
	}
	if got := outcomes(h.as(h.user).cancelAnswer(h.channel, h.question)); !slices.Equal(got, []string{"replied"}) {
		t.Errorf("cancelled when it was over: %v", got)
	}
}
