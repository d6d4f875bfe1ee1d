package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
)

type wireMessage struct {
	ID, AuthorID, ChannelID, Content, SourceType, InReplyToRootMessageID string
	Seq                                                                  int64
	RawMessage                                                           map[string]any
	Metadata                                                             map[string]any
}

// dm returns the channel of a new person and the default agent.
func (n *node) dm() (channel, user string) {
	n.t.Helper()
	user = uuid.NewString()
	c := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+n.agent().ID+"&currentUserId="+user, nil).want(200))
	return c.ID, user
}

// group returns a new channel with the given participants.
func (n *node) group(participants ...string) string {
	n.t.Helper()
	return data[struct{ ID string }](n.do("POST", "/api/messaging/channels", map[string]any{
		"name": "Group", "message_server_id": uuid.Nil, "participantCentralUserIds": participants,
	}).want(201)).ID
}

// say posts a message and waits for nothing.
func (n *node) say(channel, author, text string) wireMessage {
	n.t.Helper()
	return data[wireMessage](n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": author, "content": text,
	}).want(201))
}

// ask posts a message over the http transport and returns the whole answer.
func (n *node) ask(channel, user, text string) answer {
	n.t.Helper()
	return n.do("POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{
		"author_id": user, "content": text, "message_server_id": uuid.Nil, "transport": "http",
	})
}

// reply is an answer over the http transport.
type reply struct {
	Success       bool
	UserMessage   wireMessage
	AgentResponse struct {
		Text, ResponseID, InReplyTo, Thought string
		Actions                              []string
	}
}

// history returns the messages of a channel, the newest first.
func (n *node) history(channel string) []wireMessage {
	n.t.Helper()
	messages := data[struct{ Messages []wireMessage }](n.do("GET", "/api/messaging/channels/"+channel+"/messages?limit=200", nil).want(200)).Messages
	for _, m := range messages {
		n.checkAnswer(m)
	}
	return messages
}

// checkAnswer compares what the metadata of an agent's message mean with the contract. Everybody else's may hold anything.
func (n *node) checkAnswer(m wireMessage) {
	n.t.Helper()
	if m.SourceType != "agent_response" {
		return
	}
	for member, schema := range map[string]string{"failure": "MessageFailure", "truncatedBy": "MessageTruncation"} {
		value, ok := m.Metadata[member]
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

type wireSession struct {
	SessionID, ChannelID, AgentID, UserID, ExpiresAt string
	Metadata                                         map[string]any
	TimeoutConfig                                    struct {
		TimeoutMinutes, MaxDurationMinutes, WarningThresholdMinutes float64
		AutoRenew                                                   bool
	}
	RenewalCount     int
	TimeRemaining    int64
	IsNearExpiration bool
}

// session begins a session of a new person with the default agent.
func (n *node) session(config map[string]any) wireSession {
	n.t.Helper()
	body := map[string]any{"agentId": n.agent().ID, "userId": uuid.NewString(), "metadata": map[string]any{"page": "help"}}
	if config != nil {
		body["timeoutConfig"] = config
	}
	return into[wireSession](n.do("POST", sessionsPath, body).want(201))
}

// jobsPath is where jobs are.
const jobsPath = "/api/messaging/jobs"

type wireJob struct {
	JobID, Status, AgentID, UserID, ChannelID, Prompt, Error string
	CreatedAt, ExpiresAt, EndedAt                            int64
	Metadata                                                 map[string]any
	Result                                                   struct {
		Message          struct{ ID, Content, AuthorID string }
		ProcessingTimeMs int64
	}
	Callback struct {
		Status   string
		Attempts int
	}
}

// job asks a job of the default agent, for a new person if the body names none.
func (n *node) job(body map[string]any) wireJob {
	n.t.Helper()
	if body["userId"] == nil {
		body["userId"] = uuid.NewString()
	}
	return into[wireJob](n.do("POST", jobsPath, body).want(201))
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
