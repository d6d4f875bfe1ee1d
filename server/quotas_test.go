package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/settings"
)

func TestChannelsSessionsAndServersAreBounded(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxChannels, cfg.Limits.MaxSessions, cfg.Limits.MaxServers = 3, 2, 2
	n := startWith(t, cfg)
	full := func(what string, a answer, setting string) {
		t.Helper()
		if e := into[api.Error](a).Error; a.status != 413 || e.Code != "QUOTA_EXCEEDED" || !strings.Contains(deref(e.Details), setting) {
			t.Errorf("%s: status %d, %+v", what, a.status, e)
		}
	}
	agentID, user := n.agentID(), uuid.New()
	session := func() answer {
		return n.createSession(api.CreateSessionRequest{AgentID: agentID, UserID: user})
	}
	first := into[api.Session](session().want(201)).SessionID
	session().want(201)
	full("a session", session(), "ELIZAD_MAX_SESSIONS")
	n.read(n.api().DeleteSession(t.Context(), first)).want(200)
	session().want(201)

	// Those that the server makes by itself take nobody's place.
	for range 4 {
		n.dm()
		n.job(api.CreateJobRequest{UserID: user, Content: "Hello"})
	}
	create := func() answer {
		return n.createChannel(api.CreateChannelRequest{Name: "Group", ParticipantCentralUserIds: []uuid.UUID{user}})
	}
	channel := data[api.ChannelCreated](create().want(201)).ID
	create().want(201)
	mirror := data[api.MessageServerCreated](n.createMessageServer("session").want(201)).ID // a name is no way around
	full("a message server", n.createMessageServer("two"), "ELIZAD_MAX_MESSAGE_SERVERS")
	sync := func(ids ...string) answer {
		var list []api.SourceChannel
		for _, id := range ids {
			list = append(list, api.SourceChannel{SourceID: id, Name: id})
		}
		return n.read(n.api().SyncMessageServerChannels(t.Context(), mirror, api.SyncChannelsRequest{Channels: list}))
	}
	full("two mirrored channels", sync("a", "b"), "ELIZAD_MAX_CHANNELS")
	sync("a").want(200)
	sync("a").want(200) // it is there already
	full("a channel", create(), "ELIZAD_MAX_CHANNELS")
	somewhere := func() answer {
		return n.post(uuid.New(), api.PostMessageRequest{AuthorID: &user, Content: new("Hello")})
	}
	full("a channel made by its first message", somewhere(), "ELIZAD_MAX_CHANNELS")
	n.say(channel, user, "Who is there may go on")
	n.read(n.api().DeleteChannel(t.Context(), channel)).want(204)
	somewhere().want(201)
	full("a channel", create(), "ELIZAD_MAX_CHANNELS")
}

// Nobody gets all there is: one caller's share is three quarters, and what is made by asking alone is bounded like the rest.
func TestOneCallerLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxChannels, cfg.Limits.MaxDMs, cfg.Limits.MaxSessions, cfg.Limits.MaxJobs = 4, 4, 4, 4
	cfg.Limits.MaxParticipants, cfg.Limits.MaxRooms, cfg.Limits.MaxWorlds = 3, 2, 4
	model := newSink(t, func(_ http.ResponseWriter, r *http.Request) bool { // never answers, so that jobs stay under way
		if strings.HasSuffix(r.URL.Path, "/completions") {
			<-r.Context().Done()
			return true
		}
		return false
	})
	cfg.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=sk-of-nobody-0123456789", "LARGE_MODEL=m", "SMALL_MODEL=m"})
	n := startWith(t, cfg)
	agentID := n.bring("Ann", nil)
	greedy, modest := uuid.New(), uuid.New()
	refused := func(what string, a answer, status int, code, text, setting string) {
		t.Helper()
		if e := into[api.Error](a).Error; a.status != status || string(e.Code) != code || !strings.Contains(e.Message, text) || !strings.Contains(deref(e.Details), setting) {
			t.Errorf("%s: status %d, %+v", what, a.status, e)
		}
	}
	for _, kind := range []struct {
		name, setting string
		status        int
		code          string
		make          func(n *node, user uuid.UUID) answer
	}{
		{"a channel", "ELIZAD_MAX_CHANNELS", 413, "QUOTA_EXCEEDED", func(n *node, user uuid.UUID) answer {
			return n.createChannel(api.CreateChannelRequest{Name: "x", ParticipantCentralUserIds: []uuid.UUID{user}})
		}},
		{"a DM", "ELIZAD_MAX_DMS", 413, "QUOTA_EXCEEDED", func(n *node, user uuid.UUID) answer {
			return n.read(n.api().GetDMChannel(t.Context(), &api.GetDMChannelParams{CurrentUserID: &user, TargetUserID: new(uuid.New())}))
		}},
		{"a session", "ELIZAD_MAX_SESSIONS", 413, "QUOTA_EXCEEDED", func(n *node, user uuid.UUID) answer {
			return n.createSession(api.CreateSessionRequest{AgentID: agentID, UserID: user})
		}},
		{"a job", "ELIZAD_MAX_JOBS", 429, "QUEUE_FULL", func(n *node, user uuid.UUID) answer {
			return n.createJob(api.CreateJobRequest{AgentID: &agentID, UserID: user, Content: "Hello"})
		}},
	} {
		for range 3 {
			if a := kind.make(n.as(greedy), greedy); a.status > 299 {
				t.Fatalf("%s: %d %s", kind.name, a.status, a.body)
			}
		}
		refused(kind.name+" of one caller", kind.make(n.as(greedy), greedy), kind.status, kind.code, "One caller may have 3", kind.setting)
		if a := kind.make(n.as(modest), modest); a.status > 299 {
			t.Errorf("%s of another: %d %s", kind.name, a.status, a.body)
		}
		refused(kind.name+" of anybody", kind.make(n.as(modest), modest), kind.status, kind.code, "There may be 4", kind.setting)
	}

	channel := data[api.ChannelList](n.read(n.api().ListChannels(t.Context(), uuid.Nil, nil)).want(200)).Channels[0].ID
	many := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New()}
	admit := func(who []uuid.UUID) answer {
		return n.read(n.api().UpdateChannel(t.Context(), channel, nil, api.ChannelPatch{ParticipantCentralUserIds: &who}))
	}
	refused("participants", admit(many), 413, "QUOTA_EXCEEDED", "3 participants", "ELIZAD_MAX_PARTICIPANTS")
	admit(many[:3]).want(200)
	joined := n.read(n.api().AddChannelAgent(t.Context(), channel, api.AgentRef{AgentID: agentID}))
	refused("one more", joined, 413, "QUOTA_EXCEEDED", "3 participants", "ELIZAD_MAX_PARTICIPANTS")

	room := func() answer { return n.createRoom(agentID, api.CreateRoomRequest{Name: new("Room")}) }
	made := 0
	for ; made < 5 && room().status == 201; made++ {
	}
	refused("a room", room(), 413, "QUOTA_EXCEEDED", "There may be 2 rooms", "ELIZAD_MAX_ROOMS")
	world := func() answer { return n.createWorld(agentID, api.CreateWorldRequest{Name: new("World")}) }
	for range 5 {
		world()
	}
	refused("a world", world(), 413, "QUOTA_EXCEEDED", "There may be 4 worlds", "ELIZAD_MAX_WORLDS")
	if made == 0 {
		t.Error("no room could be made")
	}
}

func TestAgentsAreBounded(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxAgents = 3
	n := startWith(t, cfg)
	create := func(name, bio string) answer { return n.createAgent(map[string]any{"name": name, "bio": bio}) }
	e := into[api.Error](create("Large", strings.Repeat("x", 256<<10)).want(413)).Error
	if e.Code != "PAYLOAD_TOO_LARGE" || !strings.Contains(e.Message, "262144") {
		t.Errorf("%+v", e)
	}
	id := data[api.AgentCreated](create("Two", strings.Repeat("x", 200<<10)).want(201)).ID
	create("Three", "x").want(201)
	e = into[api.Error](create("Four", "x").want(413)).Error
	if e.Code != "QUOTA_EXCEEDED" || !strings.Contains(deref(e.Details), "ELIZAD_MAX_AGENTS") {
		t.Errorf("%+v", e)
	}
	create("Three", "x").want(201) // it is there already
	n.changeAgent(id, map[string]any{"system": strings.Repeat("y", 100<<10)}).want(413)
	n.changeAgent(id, map[string]any{"system": "short"}).want(200)
	n.read(n.api().DeleteAgent(t.Context(), id)).want(204)
	create("Four", "x").want(201)
	if got := into[api.Health](n.read(n.api().GetServerHealth(t.Context())).want(200)).AgentCount; got != 1 {
		t.Errorf("%d agents run", got)
	}
}
