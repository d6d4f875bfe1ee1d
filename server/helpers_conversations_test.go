package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

// dm returns the channel of a new person and the default agent.
func (n *node) dm() (channel, user uuid.UUID) {
	n.t.Helper()
	user = uuid.New()
	return n.dmBetween(n.agent().ID, user), user
}

// dmBetween returns the channel of an agent and a person.
func (n *node) dmBetween(agent, user uuid.UUID) uuid.UUID {
	n.t.Helper()
	sides := &api.GetDMChannelParams{TargetUserID: &agent, CurrentUserID: &user}
	return data[api.Channel](n.read(n.api().GetDMChannel(n.t.Context(), sides)).want(200)).ID
}

// createChannel creates a channel.
func (n *node) createChannel(body api.CreateChannelRequest) answer {
	n.t.Helper()
	return n.read(n.api().CreateChannel(n.t.Context(), body))
}

// group returns a new channel with the given participants.
func (n *node) group(participants ...uuid.UUID) uuid.UUID {
	n.t.Helper()
	body := api.CreateChannelRequest{Name: "Group", MessageServerID: new(uuid.Nil), ParticipantCentralUserIds: participants}
	return data[api.ChannelCreated](n.createChannel(body).want(201)).ID
}

// createMessageServer creates a message server for a kind of platform.
func (n *node) createMessageServer(platform string) answer {
	n.t.Helper()
	return n.read(n.api().CreateMessageServer(n.t.Context(), api.CreateMessageServerRequest{Name: "Chats", SourceType: platform}))
}

// messageServer returns a new message server for Telegram.
func (n *node) messageServer() uuid.UUID {
	n.t.Helper()
	return data[api.MessageServerCreated](n.createMessageServer("telegram").want(201)).ID
}

// post posts a message.
func (n *node) post(channel uuid.UUID, body api.PostMessageRequest) answer {
	n.t.Helper()
	return n.read(n.api().PostMessage(n.t.Context(), channel, nil, body))
}

// submit brings a message of another server.
func (n *node) submit(body api.SubmitMessageRequest) answer {
	n.t.Helper()
	return n.read(n.api().SubmitMessage(n.t.Context(), body))
}

// action brings a message about an action.
func (n *node) action(body api.SubmitMessageRequest) answer {
	n.t.Helper()
	return n.read(n.api().CreateAction(n.t.Context(), body))
}

// changeAction changes a message about an action.
func (n *node) changeAction(id uuid.UUID, to api.ActionPatch) answer {
	n.t.Helper()
	return n.read(n.api().UpdateAction(n.t.Context(), id, to))
}

// edit changes the text of a message.
func (n *node) edit(id uuid.UUID, text string) answer {
	n.t.Helper()
	return n.read(n.api().UpdateMessage(n.t.Context(), id, nil, api.MessagePatch{Content: text}))
}

// ingest brings messages of another platform.
func (n *node) ingest(body api.IngestRequest) answer {
	n.t.Helper()
	return n.read(n.api().IngestExternal(n.t.Context(), body))
}

// say posts a message and waits for nothing.
func (n *node) say(channel, author uuid.UUID, text string) api.Message {
	n.t.Helper()
	return data[api.Message](n.post(channel, api.PostMessageRequest{AuthorID: &author, Content: &text}).want(201))
}

// ask posts a message over the http transport and returns the whole answer.
func (n *node) ask(channel, user uuid.UUID, text string) answer {
	n.t.Helper()
	return n.post(channel, api.PostMessageRequest{
		AuthorID: &user, Content: &text, MessageServerID: new(uuid.Nil), Transport: new(api.TransportHTTP),
	})
}

// stream posts a message over the sse transport and returns the events up to the end.
func (n *node) stream(channel, user uuid.UUID, text string) []sseEvent {
	n.t.Helper()
	return readSSE(n.t, n.post(channel, api.PostMessageRequest{
		AuthorID: &user, Content: &text, MessageServerID: new(uuid.Nil), Transport: new(api.TransportSse),
	}).want(200).body)
}

// history returns the messages of a channel, the newest first.
func (n *node) history(channel uuid.UUID) []api.Message {
	n.t.Helper()
	messages := data[api.MessageList](n.read(n.api().ListMessages(n.t.Context(), channel, &api.ListMessagesParams{Limit: new("200")})).want(200)).Messages
	for _, m := range messages {
		n.checkAnswer(m)
	}
	return messages
}

// checkAnswer compares what the metadata of an agent's message mean with the contract. Everybody else's may hold anything.
func (n *node) checkAnswer(m api.Message) {
	n.t.Helper()
	if deref(m.SourceType) != "agent_response" {
		return
	}
	for member, schema := range map[string]string{"failure": "MessageFailure", "truncatedBy": "MessageTruncation", "sources": "MessageSources"} {
		value, ok := object(m.Metadata)[member]
		if !ok {
			continue
		}
		if err := contract(n.t).Components.Schemas[schema].Value.VisitJSON(value); err != nil {
			n.t.Errorf("metadata.%s of message %s: %v", member, m.ID, err)
		}
	}
}

// sessionsPath is where sessions are.
const sessionsPath = "/api/messaging/sessions"

// createSession begins a session.
func (n *node) createSession(body api.CreateSessionRequest) answer {
	n.t.Helper()
	return n.read(n.api().CreateSession(n.t.Context(), body))
}

// session begins a session of a new person with the default agent. The time-outs may be what older clients send.
func (n *node) session(timeouts map[string]any) api.Session {
	n.t.Helper()
	body := api.CreateSessionRequest{AgentID: n.agent().ID, UserID: uuid.New(), Metadata: jsonOf(map[string]any{"page": "help"})}
	if timeouts != nil {
		body.TimeoutConfig = jsonOf(timeouts)
	}
	return into[api.Session](n.createSession(body).want(201))
}

// sessionOf begins a session of a person with the default agent.
func (n *node) sessionOf(user uuid.UUID) api.Session {
	n.t.Helper()
	return into[api.Session](n.createSession(api.CreateSessionRequest{AgentID: n.agentID(), UserID: user}).want(201))
}

// askSession posts a message to a session over the http transport.
func (n *node) askSession(id uuid.UUID, text string) answer {
	n.t.Helper()
	return n.read(n.api().PostSessionMessage(n.t.Context(), id, nil, api.PostSessionMessageRequest{Content: text, Transport: new(api.TransportHTTP)}))
}

// jobsPath is where jobs are.
const jobsPath = "/api/messaging/jobs"

// createJob asks a job.
func (n *node) createJob(body api.CreateJobRequest) answer {
	n.t.Helper()
	return n.read(n.api().CreateJob(n.t.Context(), body))
}

// job asks a job, for a new person if the body names none.
func (n *node) job(body api.CreateJobRequest) api.JobCreated {
	n.t.Helper()
	if body.UserID == uuid.Nil {
		body.UserID = uuid.New()
	}
	return into[api.JobCreated](n.createJob(body).want(201))
}

// endedJob waits for the end of a job and returns it.
func (n *node) endedJob(id uuid.UUID) api.Job {
	n.t.Helper()
	return into[api.Job](n.read(n.api().GetJob(n.t.Context(), id, &api.GetJobParams{Prefer: new("wait=20")})).want(200))
}

// sseEvent is an event of a stream.
type sseEvent struct {
	name string
	data json.RawMessage
}

// readSSE returns the events of a stream that has ended.
func readSSE(t testing.TB, body []byte) []sseEvent {
	t.Helper()
	var out []sseEvent
	var e sseEvent
	for scanner := bufio.NewScanner(bytes.NewReader(body)); scanner.Scan(); {
		switch line := scanner.Text(); {
		case line == "" && e.name != "":
			out = append(out, e)
			e = sseEvent{}
		case strings.HasPrefix(line, "event: "):
			e.name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			e.data = json.RawMessage(line[len("data: "):])
		}
	}
	return out
}
