package rest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/runtime"
)

// An agent in the list is encoded as the contract's type would be.
func TestAgentsInListsAreTheSame(t *testing.T) {
	t.Parallel()
	for _, a := range []runtime.Summary{
		{},
		{
			ID: uuid.New(), Name: `"Eliza" <1>`, Bio: "line\nline", Enabled: true, Running: true,
			CreatedAt: time.UnixMilli(1795188790230), UpdatedAt: time.UnixMilli(1795188790231),
		},
	} {
		var listed, want any
		if err := json.Unmarshal(agentList{a}.appendTo(nil), &listed); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(jsontext.Encode(api.AgentListEnvelope{Success: true, Data: api.AgentList{Agents: []api.AgentListItem{agentListItem(&a)}}}), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, listed); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// agentListItem is an agent in the list, as the contract has it. It is here only to compare.
func agentListItem(a *runtime.Summary) api.AgentListItem {
	return api.AgentListItem{
		ID: a.ID, Name: a.Name, CharacterName: a.Name, Bio: a.Bio, Status: agentState(a.Running), Enabled: a.Enabled,
		CreatedAt: a.CreatedAt.UnixMilli(), UpdatedAt: a.UpdatedAt.UnixMilli(),
	}
}

func BenchmarkAgentList(b *testing.B) {
	list := make(agentList, 50)
	for i := range list {
		list[i] = runtime.Summary{
			ID: uuid.New(), Name: "Eliza", Bio: "A doctor who listens, and asks what you think of it yourself.", Enabled: true, Running: true,
			CreatedAt: time.Now(), UpdatedAt: time.Now(),
		}
	}
	b.Run("appended", func(b *testing.B) {
		var kept []byte
		b.ReportAllocs()
		for b.Loop() {
			kept = list.appendTo(kept[:0])
		}
	})
	b.Run("encoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			jsontext.Encode(api.AgentListEnvelope{Success: true, Data: api.AgentList{
				Agents: present.Each(list, func(a runtime.Summary) api.AgentListItem { return agentListItem(&a) }),
			}})
		}
	})
}
