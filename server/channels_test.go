package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// Channels of types that we don't know are made all the same, and the answer holds them in both places. Sent raw, on paths and in
// words of older clients.
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

// Direct channels are found by the names that older clients give the two sides, which are sent raw.
func TestDirectChannelsOfOlderClients(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id, person := n.agentID(), uuid.New()
	agent, user, want := id.String(), person.String(), n.dmBetween(id, person)
	for _, query := range []string{
		"participantIds=" + agent + "," + user, "participantIds=" + user + "%2C" + agent, "participantIds=" + strings.ToUpper(user) + ",%20" + agent,
		"userId1=" + user + "&userId2=" + agent, "userId1=" + agent + "&currentUserId=" + user, "participantIds=" + agent + "&currentUserId=" + user,
	} {
		if got := data[api.Channel](n.do("GET", "/api/messaging/dm-channel?"+query, nil).want(200)).ID; got != want {
			t.Errorf("%s: channel %s, want %s", query, got, want)
		}
	}
	alone := &api.GetDMChannelParams{ParticipantIds: &agent}
	if got := data[api.Channel](n.read(n.as(person).api().GetDMChannel(t.Context(), alone)).want(200)).ID; got != want {
		t.Errorf("with the caller: channel %s, want %s", got, want)
	}
	for _, query := range []string{"", "participantIds=", "participantIds=" + agent, "participantIds=x,y", "participantIds=" + agent + "," + user + "," + user, "userId1=" + agent, "userId2=" + agent} {
		clearError(t, query, n.do("GET", "/api/messaging/dm-channel?"+query, nil), http.StatusBadRequest, "")
	}
}

func TestTitles(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	agent := n.agentID()
	channel := n.group()
	title := func(channel, agent uuid.UUID) answer {
		return n.read(n.api().GenerateChannelTitle(t.Context(), channel, nil, api.AgentRef{AgentID: agent}))
	}
	if got := data[api.ChannelTitle](title(channel, agent).want(200)); !got.Title.IsNull() || deref(got.Reason) == "" || got.ChannelID != channel {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"Good morning", "I dream about sailing ships", "They sail to far islands", "What does it mean?"} {
		n.say(channel, uuid.New(), text)
	}
	if got := data[api.ChannelTitle](title(channel, agent).want(200)); got.Title.IsNull() || got.Title.MustGet() == "" || got.Reason != nil {
		t.Errorf("%+v", got)
	}
	clearError(t, "unknown agent", title(channel, uuid.New()), http.StatusNotFound, "")
	clearError(t, "unknown channel", title(uuid.New(), agent), http.StatusNotFound, "")
	n.stopAgent(agent)
	clearError(t, "stopped agent", title(channel, agent), http.StatusNotFound, "")
}

func TestMessageServerIsDeleted(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	server := n.messageServer()
	channel := data[api.ChannelCreated](n.createChannel(api.CreateChannelRequest{Name: "C", MessageServerID: &server}).want(201)).ID
	remove := func(server uuid.UUID) answer { return n.read(n.api().DeleteMessageServer(t.Context(), server)) }
	if d := data[api.Done](remove(server).want(200)); !d.Success {
		t.Errorf("%+v", d)
	}
	clearError(t, "its channel", n.read(n.api().GetChannel(t.Context(), channel)), http.StatusNotFound, "")
	clearError(t, "again", remove(server), http.StatusNotFound, "SERVER_NOT_FOUND")
	clearError(t, "the current one", remove(uuid.Nil), http.StatusConflict, "CONFLICT")
}
