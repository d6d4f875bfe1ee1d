package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// What a person submits is a question, in every spelling in which clients say so; what an agent says, or somebody in an
// agent's manner, is not.
func TestSubmissionsOfPeopleAreAnswered(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agent().ID
	for name, tt := range map[string]struct {
		body   map[string]any
		agent  bool
		source string
	}{
		"as documented":   {map[string]any{"source_type": "user_message", "raw_message": map[string]any{"text": "Hello"}}, false, "user_message"},
		"from a chat":     {map[string]any{"source_type": "client_chat"}, false, "client_chat"},
		"from a program":  {map[string]any{"sourceType": "api", "rawMessage": map[string]any{"text": "Hello"}}, false, "api"},
		"without source":  {map[string]any{}, false, "eliza_gui"},
		"as an answer":    {map[string]any{"source_type": "agent_response"}, true, "agent_response"},
		"as an action":    {map[string]any{"source_type": "agent_action"}, true, "agent_action"},
		"by an agent":     {map[string]any{"author_id": agent}, true, "agent_response"},
		"by a chat agent": {map[string]any{"author_id": agent, "source_type": "client_chat"}, true, "client_chat"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := uuid.NewString()
			channel := n.group(agent, user)
			body := map[string]any{"channel_id": channel, "server_id": uuid.Nil, "author_id": user, "content": "Hello"}
			for k, v := range tt.body {
				body[k] = v
			}
			m := data[wireMessage](n.do("POST", "/api/messaging/submit", body).want(201))
			if m.SourceType != tt.source {
				t.Errorf("source %q, want %q", m.SourceType, tt.source)
			}
			if tt.agent {
				// A question that comes after it is the first that is answered.
				n.ask(channel, user, "Who are you?").want(201)
			}
			eventually(t, "an answer", func() bool { return len(n.history(channel)) > 1 })
			for _, h := range n.history(channel) {
				if tt.agent && h.InReplyToRootMessageID == m.ID {
					t.Errorf("an agent answered what an agent said: %+v", h)
				}
				if !tt.agent && h.AuthorID == agent && h.InReplyToRootMessageID != m.ID {
					t.Errorf("the answer is to %q", h.InReplyToRootMessageID)
				}
			}
		})
	}
}

// Channels of types that we don't know are made all the same, and the answer holds them in both places.
func TestChannelsOfAnyType(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir()).bare()
	type channel struct {
		ID, Name, Type, Topic string
		Metadata              map[string]any
	}
	type created struct {
		channel
		Channel channel
	}
	for _, tt := range []struct {
		asked, metadata any
		want            string
		kept            any
	}{
		{"text", nil, "GROUP", nil}, {"voice", nil, "VOICE_GROUP", nil}, {"dm", nil, "DM", nil}, {"group", nil, "GROUP", nil}, {"Feed", nil, "FEED", nil},
		{"game", nil, "GROUP", "game"}, {2, nil, "GROUP", 2.0}, {0.5, nil, "GROUP", 0.5}, {"", nil, "GROUP", ""}, {nil, nil, "GROUP", nil},
		{nil, map[string]any{"isDm": true}, "DM", nil}, {"game", map[string]any{"isDm": true}, "DM", "game"}, {"text", map[string]any{"isDm": true}, "GROUP", nil},
	} {
		for _, path := range []string{"/channels", "/central-channels", "/group-channels"} {
			body := map[string]any{"name": "Room", "serverId": uuid.Nil, "description": "about rooms", "type": tt.asked, "metadata": tt.metadata}
			got := data[created](n.do("POST", "/api/messaging"+path, body).want(201))
			if got.Type != tt.want || got.Topic != "about rooms" || cmp.Diff(tt.kept, got.Metadata["requestedType"]) != "" {
				t.Errorf("%s %v: %+v", path, tt.asked, got.channel)
			}
			if diff := cmp.Diff(got.channel, got.Channel); diff != "" {
				t.Errorf("%s: data and data.channel differ\n%s", path, diff)
			}
		}
	}
	for _, bad := range []any{true, []string{"text"}, map[string]any{}} {
		clearError(t, "type", n.do("POST", "/api/messaging/channels", map[string]any{"name": "Room", "type": bad}), http.StatusBadRequest, "")
	}
}

// Direct channels are found by the names that older clients give the two sides.
func TestDirectChannelsOfOlderClients(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent, user := n.agent().ID, uuid.NewString()
	want := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?targetUserId="+agent+"&currentUserId="+user, nil).want(200)).ID
	for _, query := range []string{
		"participantIds=" + agent + "," + user, "participantIds=" + user + "%2C" + agent, "participantIds=" + strings.ToUpper(user) + ",%20" + agent,
		"userId1=" + user + "&userId2=" + agent, "userId1=" + agent + "&currentUserId=" + user, "participantIds=" + agent + "&currentUserId=" + user,
	} {
		if got := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?"+query, nil).want(200)).ID; got != want {
			t.Errorf("%s: channel %s, want %s", query, got, want)
		}
	}
	if got := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?participantIds="+agent, nil, "X-Entity-Id", user).want(200)).ID; got != want {
		t.Errorf("with the caller: channel %s, want %s", got, want)
	}
	for _, query := range []string{"", "participantIds=", "participantIds=" + agent, "participantIds=x,y", "participantIds=" + agent + "," + user + "," + user, "userId1=" + agent, "userId2=" + agent} {
		clearError(t, query, n.do("GET", "/api/messaging/dm-channel?"+query, nil), http.StatusBadRequest, "")
	}
}

// Attachments that no agent could see are refused with their place, over REST and sockets.
func TestAttachmentsOfAWrongForm(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	path := "/api/messaging/channels/" + channel + "/messages"
	for _, tt := range []struct {
		attachments any
		place       string
	}{
		{5, "attachments must be a list of files"}, {true, "attachments must be a list of files"},
		{[]any{map[string]any{"url": "x"}, 7}, "attachments[1] must be an object with a url"}, {[]any{map[string]any{"url": 7}}, "attachments[0].url must be a text"},
		{[]any{map[string]any{"url": "x", "title": []int{}}}, "attachments[0].title must be a text"}, {[]any{map[string]any{}}, "attachments[0] needs a url"},
		{[]any{[]any{}}, "attachments[0] must be an object with a url"}, {map[string]any{"id": "1"}, "attachments[0] needs a url"},
	} {
		for place, body := range map[string]map[string]any{
			tt.place:               {"author_id": user, "content": "x", "attachments": tt.attachments},
			"metadata." + tt.place: {"author_id": user, "content": "x", "metadata": map[string]any{"attachments": tt.attachments}},
		} {
			a := n.do("POST", path, body)
			clearError(t, place, a, http.StatusBadRequest, "VALIDATION_ERROR")
			if e := into[wireError](a); !strings.HasPrefix(e.Error.Message, place) {
				t.Errorf("message %q, want %q", e.Error.Message, place)
			}
		}
	}
	clearError(t, "a text", n.do("POST", path, map[string]any{"author_id": user, "content": "x", "attachments": "cat.png"}), http.StatusBadRequest, "VALIDATION_ERROR")
	if got := n.history(channel); len(got) > 0 {
		t.Errorf("stored %+v", got)
	}
	for _, fine := range []any{
		map[string]any{"url": "https://example.org/a.png"}, []any{"https://example.org/a.png"}, []any{},
		[]any{map[string]any{"id": 1, "url": "https://example.org/a.png", "contentType": nil, "size": 4}}, nil,
	} {
		n.do("POST", path, map[string]any{"author_id": user, "content": "x", "attachments": fine}).want(201)
	}
}
