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
	const m = "/api/messaging/"
	full := func(what string, a answer, setting string) {
		t.Helper()
		if e := into[api.Error](a).Error; a.status != 413 || e.Code != "QUOTA_EXCEEDED" || !strings.Contains(deref(e.Details), setting) {
			t.Errorf("%s: status %d, %+v", what, a.status, e)
		}
	}
	agentID, user := n.agentID(), uuid.NewString()
	session := func() answer {
		return n.do("POST", m+"sessions", map[string]any{"agentId": agentID, "userId": user})
	}
	first := into[api.Session](session().want(201)).SessionID
	session().want(201)
	full("a session", session(), "ELIZAD_MAX_SESSIONS")
	n.do("DELETE", m+"sessions/"+first.String(), nil).want(200)
	session().want(201)

	// Those that the server makes by itself take nobody's place.
	for range 4 {
		n.dm()
		n.do("POST", m+"jobs", map[string]any{"userId": user, "content": "Hello"}).want(201)
	}
	create := func() answer {
		return n.do("POST", m+"channels", map[string]any{"name": "Group", "message_server_id": uuid.Nil, "participantCentralUserIds": []string{user}})
	}
	channel := data[struct{ ID string }](create().want(201)).ID
	create().want(201)
	server := func(sourceType string) answer {
		return n.do("POST", m+"message-servers", map[string]any{"name": "Platform", "sourceType": sourceType})
	}
	mirror := data[struct{ Server struct{ ID string } }](server("session").want(201)).Server.ID // a name is no way around
	full("a message server", server("two"), "ELIZAD_MAX_MESSAGE_SERVERS")
	sync := func(ids ...string) answer {
		list := make([]any, len(ids))
		for i, id := range ids {
			list[i] = map[string]any{"sourceId": id, "name": id, "type": "GROUP"}
		}
		return n.do("POST", m+"message-servers/"+mirror+"/sync-channels", map[string]any{"channels": list})
	}
	full("two mirrored channels", sync("a", "b"), "ELIZAD_MAX_CHANNELS")
	sync("a").want(200)
	sync("a").want(200) // it is there already
	full("a channel", create(), "ELIZAD_MAX_CHANNELS")
	somewhere := func() answer {
		return n.do("POST", m+"channels/"+uuid.NewString()+"/messages", map[string]any{"author_id": user, "content": "Hello"})
	}
	full("a channel made by its first message", somewhere(), "ELIZAD_MAX_CHANNELS")
	n.say(channel, user, "Who is there may go on")
	n.do("DELETE", m+"channels/"+channel, nil)
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
	const m = "/api/messaging/"
	agentID := n.bring("Ann", nil)
	greedy, modest := uuid.NewString(), uuid.NewString()
	as := func(user string) []string { return []string{"X-Entity-Id", user} }
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
		make          func(user string) answer
	}{
		{"a channel", "ELIZAD_MAX_CHANNELS", 413, "QUOTA_EXCEEDED", func(user string) answer {
			return n.do("POST", m+"channels", map[string]any{"name": "x", "message_server_id": uuid.Nil, "participantCentralUserIds": []string{user}}, as(user)...)
		}},
		{"a DM", "ELIZAD_MAX_DMS", 413, "QUOTA_EXCEEDED", func(user string) answer {
			return n.do("GET", m+"dm-channel?currentUserId="+user+"&targetUserId="+uuid.NewString(), nil, as(user)...)
		}},
		{"a session", "ELIZAD_MAX_SESSIONS", 413, "QUOTA_EXCEEDED", func(user string) answer {
			return n.do("POST", m+"sessions", map[string]any{"agentId": agentID, "userId": user}, as(user)...)
		}},
		{"a job", "ELIZAD_MAX_JOBS", 429, "QUEUE_FULL", func(user string) answer {
			return n.do("POST", m+"jobs", map[string]any{"userId": user, "content": "Hello", "agentId": agentID}, as(user)...)
		}},
	} {
		for range 3 {
			if a := kind.make(greedy); a.status > 299 {
				t.Fatalf("%s: %d %s", kind.name, a.status, a.body)
			}
		}
		refused(kind.name+" of one caller", kind.make(greedy), kind.status, kind.code, "One caller may have 3", kind.setting)
		if a := kind.make(modest); a.status > 299 {
			t.Errorf("%s of another: %d %s", kind.name, a.status, a.body)
		}
		refused(kind.name+" of anybody", kind.make(modest), kind.status, kind.code, "There may be 4", kind.setting)
	}

	channel := data[struct{ Channels []struct{ ID string } }](n.do("GET", m+"message-servers/"+uuid.Nil.String()+"/channels", nil).want(200)).Channels[0].ID
	many := []string{uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()}
	refused("participants", n.do("PATCH", m+"channels/"+channel, map[string]any{"participantCentralUserIds": many}), 413, "QUOTA_EXCEEDED", "3 participants", "ELIZAD_MAX_PARTICIPANTS")
	n.do("PATCH", m+"channels/"+channel, map[string]any{"participantCentralUserIds": many[:3]}).want(200)
	refused("one more", n.do("POST", m+"channels/"+channel+"/agents", map[string]any{"agentId": agentID}), 413, "QUOTA_EXCEEDED", "3 participants", "ELIZAD_MAX_PARTICIPANTS")

	room := func() answer {
		return n.do("POST", "/api/memory/"+agentID+"/rooms", map[string]any{"name": "Room"})
	}
	made := 0
	for ; made < 5 && room().status == 201; made++ {
	}
	refused("a room", room(), 413, "QUOTA_EXCEEDED", "There may be 2 rooms", "ELIZAD_MAX_ROOMS")
	world := func() answer {
		return n.do("POST", "/api/agents/"+agentID+"/worlds", map[string]any{"name": "World"})
	}
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
	create := func(name, bio string) answer {
		return n.do("POST", "/api/agents", map[string]any{"characterJson": map[string]any{"name": name, "bio": bio}})
	}
	e := into[api.Error](create("Large", strings.Repeat("x", 256<<10)).want(413)).Error
	if e.Code != "PAYLOAD_TOO_LARGE" || !strings.Contains(e.Message, "262144") {
		t.Errorf("%+v", e)
	}
	id := data[struct{ ID string }](create("Two", strings.Repeat("x", 200<<10)).want(201)).ID
	create("Three", "x").want(201)
	e = into[api.Error](create("Four", "x").want(413)).Error
	if e.Code != "QUOTA_EXCEEDED" || !strings.Contains(deref(e.Details), "ELIZAD_MAX_AGENTS") {
		t.Errorf("%+v", e)
	}
	create("Three", "x").want(201) // it is there already
	n.do("PATCH", "/api/agents/"+id, map[string]any{"system": strings.Repeat("y", 100<<10)}).want(413)
	n.do("PATCH", "/api/agents/"+id, map[string]any{"system": "short"}).want(200)
	n.do("DELETE", "/api/agents/"+id, nil).want(204)
	create("Four", "x").want(201)
	if got := into[struct{ AgentCount int }](n.do("GET", "/api/server/health", nil).want(200)).AgentCount; got != 1 {
		t.Errorf("%d agents run", got)
	}
}
