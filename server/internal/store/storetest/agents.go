package storetest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
)

func testAgents(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("character kept as given", func(t *testing.T) {
		f := setup(t)
		arg := newAgent("Eliza")
		arg.Character = dbtype.JSON(`{"b": [1, 2.5, "\u00e9 \\ \" 🙂"], "a": null, "deep": {"x": {"y": []}}}`)
		arg.Enabled = false
		inserted := updated(t, f, db.System.InsertAgent, arg)
		got := viewed(t, f, db.System.GetAgent, arg.ID)
		if diff := cmp.Diff(inserted, got); diff != "" {
			t.Errorf("read differs from inserted (-inserted +read):\n%s", diff)
		}
		if diff := cmp.Diff(decoded(t, arg.Character), decoded(t, got.Character)); diff != "" {
			t.Errorf("character (-want +got):\n%s", diff)
		}
		if got.Version != 1 || got.Enabled || !got.Running {
			t.Errorf("version, enabled, running = %d, %t, %t, want 1, false, true", got.Version, got.Enabled, got.Running)
		}
	})

	t.Run("listed by name in byte order", func(t *testing.T) {
		f := setup(t)
		for _, name := range []string{"b", "B", "é", "a", "_", "A"} {
			f.agent(t, name)
		}
		f.view(t, func(ctx context.Context, q db.System) error {
			agents, err := q.ListAgents(ctx)
			var names []string
			for _, agent := range agents {
				names = append(names, agent.Name)
			}
			if diff := cmp.Diff([]string{"A", "B", "_", "a", "b", "é"}, names); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			heads, headsErr := q.ListAgentHeads(ctx)
			for i, head := range heads {
				a := agents[i]
				want := db.ListAgentHeadsRow{
					ID: a.ID, Name: a.Name, Enabled: a.Enabled, Running: a.Running, Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
				}
				if diff := cmp.Diff(want, head); diff != "" {
					t.Errorf("head (-want +got):\n%s", diff)
				}
				one, err := q.GetAgentHead(ctx, a.ID)
				if want := (db.GetAgentHeadRow{Name: a.Name, Running: a.Running, Version: a.Version}); err != nil || one != want {
					t.Errorf("head of one = %+v, %v, want %+v", one, err, want)
				}
			}
			if len(heads) != len(agents) || headsErr != nil {
				t.Errorf("%d heads of %d agents, %v", len(heads), len(agents), headsErr)
			}
			if running, err := q.CountRunningAgents(ctx); err != nil || running != 6 {
				t.Errorf("CountRunningAgents = %d, %v, want 6", running, err)
			}
			count, countErr := q.CountAgents(ctx)
			if count != 6 || countErr != nil {
				t.Errorf("CountAgents = %d, %v, want 6", count, countErr)
			}
			return err
		})
	})

	t.Run("changed only from the version that was read", func(t *testing.T) {
		f := setup(t)
		id := f.agent(t, "Ann")
		change := db.UpdateAgentParams{
			ID: id, Version: 1, Name: "Anna", Character: dbtype.JSON(`{"bio":"long"}`), Secrets: dbtype.JSON(`{"KEY":"sealed"}`),
			UpdatedAt: start + 5,
		}
		got := updated(t, f, db.System.UpdateAgent, change)
		if got.Version != 2 || got.Name != "Anna" || got.Enabled || got.UpdatedAt != start+5 || got.CreatedAt != start {
			t.Errorf("after the change: %+v", got)
		}
		if err := failing(t, f, db.System.UpdateAgent, change); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("the same change again: %v, want NOT_FOUND", err)
		}
	})

	t.Run("started and stopped without a new version", func(t *testing.T) {
		f := setup(t)
		id := f.agent(t, "Ann")
		got := updated(t, f, db.System.SetAgentRunning, db.SetAgentRunningParams{ID: id, Running: false})
		if got.Running || got.Version != 1 {
			t.Errorf("running, version = %t, %d, want false, 1", got.Running, got.Version)
		}
	})

	t.Run("what an id stands for", func(t *testing.T) {
		f := setup(t)
		agent, user := f.agent(t, "Ann"), uuid.New()
		server := f.server(t)
		channel := f.channel(t, server, agent, user)
		message := f.post(t, channel, uuid.New(), "hello", start)
		f.post(t, channel, agent, "hi", start+1)
		p := f.place(t)
		what := func(id uuid.UUID) string { return viewed(t, f, db.System.WhatHasID, id) }
		for want, id := range map[string]uuid.UUID{
			"": uuid.New(), "participant": user, "author": message.AuthorID, "channel": channel, "message server": server, "room": p.room, "world": p.world,
		} {
			if got := what(id); got != want {
				t.Errorf("the id of a %q is that of a %q", want, got)
			}
		}
		updated(t, f, db.System.DeleteAgent, agent)
		if got := what(agent); got != "participant" {
			t.Errorf("without a note: %q", got)
		}
		for range 2 {
			exec(t, f, db.System.NoteFormerAgent, db.NoteFormerAgentParams{ID: agent, DeletedAt: start})
		}
		if got := what(agent); got != "" {
			t.Errorf("one who was an agent is a %q", got)
		}
	})

	t.Run("taken along by its deletion", func(t *testing.T) {
		f := setup(t)
		server, agent := f.server(t), f.agent(t, "Ann")
		channel := f.channel(t, server, agent)
		updated(t, f, db.System.AddServerAgent, db.AddServerAgentParams{MessageServerID: server, AgentID: agent})
		message := f.post(t, channel, uuid.New(), "hello", start)
		turn := f.turn(t, agent, message)
		if got := updated(t, f, db.System.DeleteAgent, agent); got != 1 {
			t.Fatalf("DeleteAgent changed %d rows, want 1", got)
		}
		if got := viewed(t, f, db.System.ListServerAgents, server); len(got) != 0 {
			t.Errorf("still attached: %v", got)
		}
		if err := failing(t, f, db.System.GetTurn, turn.ID); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("its turn: %v, want NOT_FOUND", err)
		}
		if got := viewed(t, f, db.System.GetMessage, message.ID); got.Content != "hello" {
			t.Errorf("the message it was given is gone: %+v", got)
		}
	})
}

// decoded returns the meaning of a document: its spelling is the engine's.
func decoded(t *testing.T, document dbtype.JSON) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatalf("stored JSON %q: %v", document, err)
	}
	return value
}
