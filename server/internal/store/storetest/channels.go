package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/store"
)

func testChannels(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("kept as given", func(t *testing.T) {
		f := setup(t)
		arg := newChannel(f.server(t), "general")
		arg.SourceType, arg.SourceID, arg.Topic = new("discord"), new("c-1"), new("")
		arg.CreatedBy, arg.UpdatedAt = new(uuid.New()), start+1
		if got := updated(t, f, db.System.InsertChannel, arg); got != 1 {
			t.Fatalf("InsertChannel changed %d rows, want 1", got)
		}
		want := db.Channel{
			ID: arg.ID, MessageServerID: arg.MessageServerID, Name: arg.Name, Type: arg.Type, SourceType: arg.SourceType,
			SourceID: arg.SourceID, Topic: arg.Topic, Metadata: arg.Metadata, TurnPolicy: arg.TurnPolicy, CreatedBy: arg.CreatedBy,
			CreatedAt: arg.CreatedAt, UpdatedAt: arg.UpdatedAt, Tenant: store.DefaultTenant,
		}
		if diff := cmp.Diff(want, viewed(t, f, db.System.GetChannel, arg.ID)); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
	})

	t.Run("one direct channel per pair", func(t *testing.T) {
		f := setup(t)
		server, other := f.server(t), f.server(t)
		first := newChannel(server, "dm")
		first.PairKey = new("a:b")
		second := newChannel(server, "dm")
		second.PairKey = new("a:b")
		elsewhere := newChannel(other, "dm")
		elsewhere.PairKey = new("a:b")
		for _, step := range []struct {
			arg  db.InsertChannelParams
			want int64
		}{{first, 1}, {second, 0}, {elsewhere, 1}, {first, 0}} {
			if got := updated(t, f, db.System.InsertChannel, step.arg); got != step.want {
				t.Errorf("InsertChannel changed %d rows, want %d", got, step.want)
			}
		}
		got := viewed(t, f, db.System.GetPairChannel, db.GetPairChannelParams{MessageServerID: server, PairKey: new("a:b")})
		if got.ID != first.ID {
			t.Errorf("channel of the pair = %s, want the first, %s", got.ID, first.ID)
		}
	})

	t.Run("listed by last use, internal ones on request", func(t *testing.T) {
		f := setup(t)
		server := f.server(t)
		for i, name := range []string{"old", "session-1", "job-1", "dialogue-1", "Session-talk", "new", "my-session-1"} {
			arg := newChannel(server, name)
			arg.UpdatedAt = start + dbtype.Millis(i)
			updated(t, f, db.System.InsertChannel, arg)
		}
		updated(t, f, db.System.InsertChannel, newChannel(f.server(t), "elsewhere"))
		for _, tt := range []struct {
			name string
			arg  db.ListServerChannelsParams
			want []string
		}{
			{"without", db.ListServerChannelsParams{LimitRows: 10}, []string{"my-session-1", "new", "Session-talk", "old"}},
			{"with", db.ListServerChannelsParams{LimitRows: 10, IncludeInternal: true}, []string{"my-session-1", "new", "Session-talk", "dialogue-1", "job-1", "session-1", "old"}},
			{"a page", db.ListServerChannelsParams{LimitRows: 2, OffsetRows: 1}, []string{"new", "Session-talk"}},
			{"past the end", db.ListServerChannelsParams{LimitRows: 2, OffsetRows: 9}, []string{}},
		} {
			tt.arg.MessageServerID = server
			names := []string{}
			for _, channel := range viewed(t, f, db.System.ListServerChannels, tt.arg) {
				names = append(names, channel.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})

	t.Run("changed, with a clock that only goes forward", func(t *testing.T) {
		f := setup(t)
		id := f.channel(t, f.server(t))
		change := db.UpdateChannelParams{ID: id, Name: "renamed", Topic: new("news"), Metadata: dbtype.JSON(`{"a":1}`), TurnPolicy: "latest", UpdatedAt: start + 10}
		got := updated(t, f, db.System.UpdateChannel, change)
		if got.Name != "renamed" || *got.Topic != "news" || got.TurnPolicy != "latest" || got.UpdatedAt != start+10 {
			t.Errorf("after the change: %+v", got)
		}
		change.Topic, change.UpdatedAt = nil, start
		got = updated(t, f, db.System.UpdateChannel, change)
		if got.Topic != nil || got.UpdatedAt != start+10 {
			t.Errorf("topic, updated = %v, %d, want none, %d", got.Topic, got.UpdatedAt, start+10)
		}
	})

	t.Run("taken along by its deletion", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "Ann")
		channel := f.channel(t, f.server(t), agent)
		message := f.post(t, channel, uuid.New(), "hello", start)
		turn := f.turn(t, agent, message)
		if first, second := updated(t, f, db.System.DeleteChannel, channel), updated(t, f, db.System.DeleteChannel, channel); first != 1 || second != 0 {
			t.Errorf("DeleteChannel changed %d, then %d rows, want 1, then 0", first, second)
		}
		for what, err := range map[string]error{
			"message": failing(t, f, db.System.GetMessage, message.ID),
			"turn":    failing(t, f, db.System.GetTurn, turn.ID),
		} {
			if !apierr.IsCode(err, apierr.NotFound) {
				t.Errorf("%s: %v, want NOT_FOUND", what, err)
			}
		}
		if got := viewed(t, f, db.System.ListParticipants, channel); len(got) != 0 {
			t.Errorf("participants stay: %v", got)
		}
	})
}
