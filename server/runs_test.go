package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/modeltest"
)

// What a list shows as the beginning of a run is what it is found by.
func TestRunsAreFoundByTheirBeginning(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, user := n.dm()
	for _, text := range []string{"One", "Two", "Three", "Four"} {
		n.ask(channel, user, text).want(201)
	}
	all := n.runs(n.agentID(), api.ListRunsParams{RoomID: &channel}).Runs
	if len(all) != 4 {
		t.Fatalf("runs %+v", all)
	}
	for _, run := range all {
		began := fmt.Sprint(run.StartedAt.MustGet())
		found := n.runs(n.agentID(), api.ListRunsParams{RoomID: &channel, From: &began, To: &began})
		if len(found.Runs) == 0 || found.Runs[0].StartedAt.MustGet() != run.StartedAt.MustGet() || found.Total != len(found.Runs) {
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
	room := agent.UUIDFor(id, channel.String())
	for _, tt := range []struct {
		room *uuid.UUID
		want int
	}{{nil, 1}, {&channel, 1}, {&room, 1}, {new(uuid.New()), 0}} {
		list := n.runs(id, api.ListRunsParams{RoomID: tt.room})
		if len(list.Runs) != tt.want || list.Total != tt.want || list.HasMore {
			t.Errorf("%v: %+v", tt.room, list)
			continue
		}
		for _, r := range list.Runs {
			if r.RoomID != room || r.ChannelID != channel || r.DurationMs.IsNull() || r.Counts.ModelCalls == 0 || r.Status != "completed" {
				t.Errorf("%v: %+v", tt.room, r)
			}
			get := func(n *node) answer {
				return n.read(n.api().GetRun(t.Context(), id, r.RunID, &api.GetRunParams{RoomID: &channel}))
			}
			a := get(n).want(200)
			get(n.with("If-None-Match", a.header.Get("ETag"))).want(http.StatusNotModified)
			detail := data[api.RunDetail](a)
			first, last := detail.Events[0], detail.Events[len(detail.Events)-1]
			end := object(last.Data)
			if detail.Summary.RunID != r.RunID || first.Type != "RUN_STARTED" || object(first.Data)["messageId"] != r.MessageID.String() || last.Type != "RUN_ENDED" ||
				end["status"] != "completed" || end["durationMs"] == nil {
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
	runs := n.runs(n.agentID(), api.ListRunsParams{}).Runs
	if len(runs) != 1 || runs[0].Status != "error" || runs[0].Counts.Errors != 1 || runs[0].Counts.ModelCalls != 1 {
		t.Errorf("runs %+v", runs)
	}
}
