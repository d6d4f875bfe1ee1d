package storetest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

func testParticipants(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("in the order in which they joined", func(t *testing.T) {
		f := setup(t)
		want := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
		channel := f.channel(t, f.server(t), want...)
		if got := updated(t, f, db.System.AddParticipant, db.AddParticipantParams{ChannelID: channel, EntityID: want[0], JoinedAt: start + 100}); got != 0 {
			t.Errorf("joining again changed %d rows, want 0", got)
		}
		if diff := cmp.Diff(want, viewed(t, f, db.System.ListParticipants, channel)); diff != "" {
			t.Errorf("participants (-want +got):\n%s", diff)
		}
	})

	t.Run("none in an unknown channel", func(t *testing.T) {
		f := setup(t)
		if got := viewed(t, f, db.System.ListParticipants, uuid.New()); got == nil || len(got) != 0 {
			t.Errorf("participants = %#v, want an empty list", got)
		}
	})

	t.Run("removed", func(t *testing.T) {
		f := setup(t)
		ann, bob, cem := uuid.New(), uuid.New(), uuid.New()
		channel := f.channel(t, f.server(t), ann, bob, cem)
		remove := db.RemoveParticipantParams{ChannelID: channel, EntityID: bob}
		if first, second := updated(t, f, db.System.RemoveParticipant, remove), updated(t, f, db.System.RemoveParticipant, remove); first != 1 || second != 0 {
			t.Errorf("RemoveParticipant changed %d, then %d rows, want 1, then 0", first, second)
		}
		if diff := cmp.Diff([]uuid.UUID{ann, cem}, viewed(t, f, db.System.ListParticipants, channel)); diff != "" {
			t.Errorf("after one left (-want +got):\n%s", diff)
		}
		f.update(t, func(ctx context.Context, q db.System) error { return q.RemoveParticipants(ctx, channel) })
		if got := viewed(t, f, db.System.ListParticipants, channel); len(got) != 0 {
			t.Errorf("after all left: %v", got)
		}
	})

	t.Run("state", func(t *testing.T) {
		f := setup(t)
		ann := uuid.New()
		channel := f.channel(t, f.server(t), ann)
		want := []db.ListChannelMembersRow{{EntityID: ann}}
		if diff := cmp.Diff(want, viewed(t, f, db.System.ListChannelMembers, channel)); diff != "" {
			t.Errorf("at first (-want +got):\n%s", diff)
		}
		updated(t, f, db.System.SetParticipantState, db.SetParticipantStateParams{ChannelID: channel, EntityID: ann, State: "MUTED"})
		want[0].State = "MUTED"
		if diff := cmp.Diff(want, viewed(t, f, db.System.ListChannelMembers, channel)); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}
		if got := updated(t, f, db.System.SetParticipantState, db.SetParticipantStateParams{ChannelID: channel, EntityID: uuid.New(), State: "MUTED"}); got != 0 {
			t.Errorf("a stranger's state changed %d rows", got)
		}
	})

	t.Run("the agents among them, and what they lack", func(t *testing.T) {
		f := setup(t)
		server := f.server(t)
		ready, stopped, detached := f.agent(t, "Ready"), f.agent(t, "Stopped"), f.agent(t, "Detached")
		person := uuid.New()
		channel := f.channel(t, server, person, stopped, ready, detached)
		for _, agent := range []uuid.UUID{ready, stopped} {
			updated(t, f, db.System.AddServerAgent, db.AddServerAgentParams{MessageServerID: server, AgentID: agent})
		}
		updated(t, f, db.System.AddServerAgent, db.AddServerAgentParams{MessageServerID: f.server(t), AgentID: detached})
		updated(t, f, db.System.SetAgentRunning, db.SetAgentRunningParams{ID: stopped, Running: false})
		want := []db.ListChannelAgentsRow{
			{ID: stopped, Name: "Stopped", Attached: true},
			{ID: ready, Name: "Ready", Running: true, Attached: true},
			{ID: detached, Name: "Detached", Running: true},
		}
		if diff := cmp.Diff(want, viewed(t, f, db.System.ListChannelAgents, channel)); diff != "" {
			t.Errorf("agents (-want +got):\n%s", diff)
		}
		members := []db.ListChannelMembersRow{
			{EntityID: person},
			{EntityID: stopped, Name: new("Stopped"), Running: new(false), Attached: true},
			{EntityID: ready, Name: new("Ready"), Running: new(true), Attached: true},
			{EntityID: detached, Name: new("Detached"), Running: new(true)},
		}
		if diff := cmp.Diff(members, viewed(t, f, db.System.ListChannelMembers, channel)); diff != "" {
			t.Errorf("everybody (-want +got):\n%s", diff)
		}
	})

	t.Run("a channel as one of its agents finds it", func(t *testing.T) {
		f := setup(t)
		ada, channel := f.agent(t, "Ada"), f.channel(t, f.server(t), uuid.New())
		got := viewed(t, f, db.System.GetAgentChannel, db.GetAgentChannelParams{AgentID: ada, ChannelID: channel})
		row := viewed(t, f, db.System.GetAgent, ada)
		want := db.GetAgentChannelRow{Channel: viewed(t, f, db.System.GetChannel, channel), Version: row.Version, Running: row.Running}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, gone := range []db.GetAgentChannelParams{{AgentID: uuid.New(), ChannelID: channel}, {AgentID: ada, ChannelID: uuid.New()}} {
			if err := failing(t, f, db.System.GetAgentChannel, gone); !apierr.IsCode(err, apierr.NotFound) {
				t.Errorf("%v: %v, want NOT_FOUND", gone, err)
			}
		}
	})
}
