package storetest

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

func testServers(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("kept as given", func(t *testing.T) {
		f := setup(t)
		arg := db.InsertMessageServerParams{
			ID: uuid.New(), Name: "Büro 🏢", SourceType: "discord", SourceID: new("42"),
			Metadata: dbtype.JSON(`{}`), CreatedAt: start, UpdatedAt: start + 1,
		}
		want := alike[db.MessageServer](arg)
		if diff := cmp.Diff(want, updated(t, f, db.System.InsertMessageServer, arg)); diff != "" {
			t.Errorf("inserted (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, viewed(t, f, db.System.GetMessageServer, arg.ID)); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
	})

	t.Run("ensured once", func(t *testing.T) {
		f := setup(t)
		for _, name := range []string{"first", "second"} {
			f.update(t, func(ctx context.Context, q db.System) error {
				return q.EnsureMessageServer(ctx, db.EnsureMessageServerParams{
					Name: name, SourceType: "eliza", Metadata: dbtype.JSON("{}"), CreatedAt: start, UpdatedAt: start,
				})
			})
		}
		if got := viewed(t, f, db.System.GetMessageServer, uuid.Nil); got.Name != "first" {
			t.Errorf("name = %q, want the first one to stay", got.Name)
		}
	})

	t.Run("listed by age", func(t *testing.T) {
		f := setup(t)
		var want []uuid.UUID
		for _, age := range []dbtype.Millis{2, 1, 3} {
			arg := db.InsertMessageServerParams{ID: uuid.New(), Name: "s", SourceType: "t", Metadata: dbtype.JSON("{}"), CreatedAt: start - age, UpdatedAt: start}
			want = append(want, updated(t, f, db.System.InsertMessageServer, arg).ID)
		}
		want = []uuid.UUID{want[2], want[0], want[1]}
		f.view(t, func(ctx context.Context, q db.System) error {
			servers, err := q.ListMessageServers(ctx)
			got := make([]uuid.UUID, len(servers))
			for i, server := range servers {
				got[i] = server.ID
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("servers (-want +got):\n%s", diff)
			}
			return err
		})
	})

	t.Run("agents attached and detached", func(t *testing.T) {
		f := setup(t)
		server, ann, bob := f.server(t), f.agent(t, "Ann"), f.agent(t, "Bob")
		for _, step := range []struct {
			agent uuid.UUID
			want  int64
		}{{ann, 1}, {bob, 1}, {ann, 0}} {
			if got := updated(t, f, db.System.AddServerAgent, db.AddServerAgentParams{MessageServerID: server, AgentID: step.agent}); got != step.want {
				t.Errorf("AddServerAgent changed %d rows, want %d", got, step.want)
			}
		}
		want := []uuid.UUID{ann, bob}
		slices.SortFunc(want, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		if diff := cmp.Diff(want, viewed(t, f, db.System.ListServerAgents, server)); diff != "" {
			t.Errorf("agents (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]uuid.UUID{server}, viewed(t, f, db.System.ListAgentServers, ann)); diff != "" {
			t.Errorf("servers (-want +got):\n%s", diff)
		}
		remove := db.RemoveServerAgentParams{MessageServerID: server, AgentID: ann}
		if first, second := updated(t, f, db.System.RemoveServerAgent, remove), updated(t, f, db.System.RemoveServerAgent, remove); first != 1 || second != 0 {
			t.Errorf("RemoveServerAgent changed %d, then %d rows, want 1, then 0", first, second)
		}
		if got := viewed(t, f, db.System.ListAgentServers, ann); len(got) != 0 || got == nil {
			t.Errorf("servers of a detached agent = %#v, want an empty list", got)
		}
	})
}
