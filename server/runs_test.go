package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// What a list shows as the beginning of a run is what it is found by.
func TestRunsAreFoundByTheirBeginning(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	type runList struct {
		Runs []struct {
			RunID     string
			StartedAt int64
		}
		Total int
	}
	for _, text := range []string{"One", "Two", "Three", "Four"} {
		n.ask(channel, user, text).want(201)
	}
	list := func(query string) runList {
		t.Helper()
		return data[runList](n.do("GET", "/api/agents/"+n.agentID().String()+"/runs?roomId="+channel.String()+query, nil).want(200))
	}
	all := list("")
	if len(all.Runs) != 4 {
		t.Fatalf("runs %+v", all)
	}
	for _, run := range all.Runs {
		found := list(fmt.Sprintf("&from=%d&to=%d", run.StartedAt, run.StartedAt))
		if len(found.Runs) == 0 || found.Runs[0].StartedAt != run.StartedAt || found.Total != len(found.Runs) {
			t.Errorf("the run %+v is not found by its beginning: %+v", run, found)
		}
	}
}

func TestRunsOfARoom(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(201)
	room := agent.UUIDFor(id, channel.String()).String()
	type run struct {
		RunID, RoomID, ChannelID, Status, MessageID string
		DurationMs                                  *int64
		Counts                                      struct{ Actions, ModelCalls, Errors, Evaluators int }
	}
	for query, want := range map[string]int{"": 1, "?roomId=" + channel.String(): 1, "?roomId=" + room: 1, "?roomId=" + uuid.NewString(): 0} {
		list := data[struct {
			Runs    []run
			Total   int
			HasMore bool
		}](n.do("GET", "/api/agents/"+id.String()+"/runs"+query, nil).want(200))
		if len(list.Runs) != want || list.Total != want || list.HasMore {
			t.Errorf("%s: %+v", query, list)
			continue
		}
		for _, r := range list.Runs {
			if r.RoomID != room || r.ChannelID != channel.String() || r.DurationMs == nil || r.Counts.ModelCalls == 0 || r.Status != "completed" {
				t.Errorf("%s: %+v", query, r)
			}
			path := "/api/agents/" + id.String() + "/runs/" + r.RunID + "?roomId=" + channel.String()
			detail := data[struct {
				Summary run
				Events  []struct {
					Type      string
					Timestamp int64
					Data      map[string]any
				}
			}](n.do("GET", path, nil).want(200))
			n.do("GET", path, nil, "If-None-Match", n.do("GET", path, nil).header.Get("ETag")).want(http.StatusNotModified)
			first, last := detail.Events[0], detail.Events[len(detail.Events)-1]
			if detail.Summary != r && detail.Summary.RunID != r.RunID || first.Type != "RUN_STARTED" || first.Data["messageId"] != r.MessageID || last.Type != "RUN_ENDED" ||
				last.Data["status"] != "completed" || last.Data["durationMs"] == nil {
				t.Errorf("detail %+v", detail)
			}
		}
	}
}

// What makes a run fail counts once: as the call that failed, not as the run's end too.
func TestAFailedCallIsOneError(t *testing.T) {
	t.Parallel()
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Fail(http.StatusUnauthorized, "no") })
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key", "OPENAI_LARGE_MODEL=m", "OPENAI_SMALL_MODEL=m")
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(http.StatusBadGateway)
	runs := data[struct {
		Runs []struct {
			Status string
			Counts struct{ ModelCalls, Errors int }
		}
	}](n.do("GET", "/api/agents/"+n.agentID().String()+"/runs", nil).want(200)).Runs
	if len(runs) != 1 || runs[0].Status != "error" || runs[0].Counts.Errors != 1 || runs[0].Counts.ModelCalls != 1 {
		t.Errorf("runs %+v", runs)
	}
}
