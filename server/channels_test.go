package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

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
	agent, user := n.agentID(), uuid.New()
	want := n.dmBetween(agent, user)
	for _, query := range []string{
		"participantIds=" + agent.String() + "," + user.String(), "participantIds=" + user.String() + "%2C" + agent.String(), "participantIds=" + strings.ToUpper(user.String()) + ",%20" + agent.String(),
		"userId1=" + user.String() + "&userId2=" + agent.String(), "userId1=" + agent.String() + "&currentUserId=" + user.String(), "participantIds=" + agent.String() + "&currentUserId=" + user.String(),
	} {
		if got := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?"+query, nil).want(200)).ID; got != want.String() {
			t.Errorf("%s: channel %s, want %s", query, got, want)
		}
	}
	if got := data[struct{ ID string }](n.do("GET", "/api/messaging/dm-channel?participantIds="+agent.String(), nil, "X-Entity-Id", user.String()).want(200)).ID; got != want.String() {
		t.Errorf("with the caller: channel %s, want %s", got, want)
	}
	for _, query := range []string{"", "participantIds=", "participantIds=" + agent.String(), "participantIds=x,y", "participantIds=" + agent.String() + "," + user.String() + "," + user.String(), "userId1=" + agent.String(), "userId2=" + agent.String()} {
		clearError(t, query, n.do("GET", "/api/messaging/dm-channel?"+query, nil), http.StatusBadRequest, "")
	}
}

func TestTitles(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agentID()
	channel := n.group()
	path := "/api/messaging/channels/" + channel.String() + "/generate-title"
	type title struct {
		Title     *string
		ChannelID string
		Reason    string
	}
	if got := data[title](n.do("POST", path, map[string]any{"agentId": agent}).want(200)); got.Title != nil || got.Reason == "" || got.ChannelID != channel.String() {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"Good morning", "I dream about sailing ships", "They sail to far islands", "What does it mean?"} {
		n.say(channel, uuid.New(), text)
	}
	if got := data[title](n.do("POST", path, map[string]any{"agentId": agent}).want(200)); got.Title == nil || *got.Title == "" || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	clearError(t, "unknown agent", n.do("POST", path, map[string]any{"agentId": uuid.New()}), http.StatusNotFound, "")
	clearError(t, "unknown channel", n.do("POST", "/api/messaging/channels/"+uuid.NewString()+"/generate-title", map[string]any{"agentId": agent}), http.StatusNotFound, "")
	n.stopAgent(agent)
	clearError(t, "stopped agent", n.do("POST", path, map[string]any{"agentId": agent}), http.StatusNotFound, "")
}

func TestMessageServerIsDeleted(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	server := data[api.MessageServerCreated](n.do("POST", "/api/messaging/message-servers", map[string]any{"name": "S", "sourceType": "x"}).want(201)).ID
	channel := data[struct{ ID string }](n.do("POST", "/api/messaging/channels", map[string]any{"name": "C", "message_server_id": server}).want(201)).ID
	if d := data[struct{ Success bool }](n.do("DELETE", "/api/messaging/message-servers/"+server.String(), nil).want(200)); !d.Success {
		t.Errorf("%+v", d)
	}
	clearError(t, "its channel", n.do("GET", "/api/messaging/channels/"+channel+"/details", nil), http.StatusNotFound, "")
	clearError(t, "again", n.do("DELETE", "/api/messaging/message-servers/"+server.String(), nil), http.StatusNotFound, "SERVER_NOT_FOUND")
	clearError(t, "the current one", n.do("DELETE", "/api/messaging/message-servers/"+uuid.Nil.String(), nil), http.StatusConflict, "CONFLICT")
}
