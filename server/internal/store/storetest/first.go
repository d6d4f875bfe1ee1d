package storetest

import (
	"context"
	"embed"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

//go:embed testdata/first.*.sql
var first embed.FS

// FirstRelease returns a script that makes a database as the first release left it, with rows, on an empty one of the
// given engine. Every later release must be able to open it: a test runs the script, opens the store, which migrates it,
// and calls [CheckFirstRelease].
func FirstRelease(t testing.TB, engine string) string {
	t.Helper()
	var script strings.Builder
	for _, name := range []string{engine, "rows"} {
		part, err := first.ReadFile("testdata/first." + name + ".sql")
		if err != nil {
			t.Fatalf("reading the first release: %v", err)
		}
		script.Write(part)
	}
	return script.String()
}

// CheckFirstRelease checks that the rows of [FirstRelease] mean what they meant, and that the store can be written to.
func CheckFirstRelease(t *testing.T, s store.System) {
	t.Helper()
	id := func(kind string, n string) uuid.UUID {
		return uuid.MustParse("0" + kind + "000000-0000-4000-8000-00000000000" + n)
	}
	const epoch dbtype.Millis = 1_700_000_000_000
	agent, channel, message, reply, turn, author := id("a", "1"), id("c", "1"), id("b", "1"), id("b", "2"), id("d", "1"), id("e", "1")
	f := &fixture{System: s}
	same := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmp.Transformer("meaning", func(j dbtype.JSON) any {
			if j == nil {
				return nil
			}
			return decoded(t, j)
		})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	same("message server", db.MessageServer{
		Name: "Default Server", SourceType: "eliza_default", Metadata: dbtype.JSON("{}"), CreatedAt: epoch + 1, UpdatedAt: epoch + 2, Tenant: store.DefaultTenant,
	}, viewed(t, f, db.System.GetMessageServer, uuid.Nil))
	same("agent", db.Agent{
		ID: agent, Name: "Eliza", Character: dbtype.JSON(`{"name":"Eliza"}`), Secrets: dbtype.JSON(`{"KEY":"sealed"}`),
		Enabled: true, Running: true, Version: 3, CreatedAt: epoch + 1, UpdatedAt: epoch + 3, Tenant: store.DefaultTenant,
	}, viewed(t, f, db.System.GetAgent, agent))
	same("server's agents", []uuid.UUID{agent}, viewed(t, f, db.System.ListServerAgents, uuid.Nil))
	same("channel", db.Channel{
		ID: channel, Name: "general", Type: "DM", Topic: new("all sorts"), Metadata: dbtype.JSON(`{"a":1}`), TurnPolicy: "queue",
		PairKey: new("x:y"), CreatedBy: new(author), LastSeq: 2, CreatedAt: epoch + 1, UpdatedAt: epoch + 5, Tenant: store.DefaultTenant,
	}, viewed(t, f, db.System.GetChannel, channel))
	same("participants", []db.ListChannelMembersRow{
		{EntityID: agent, State: "FOLLOWED", Name: new("Eliza"), Running: new(true), Attached: true},
	}, viewed(t, f, db.System.ListChannelMembers, channel))
	same("messages", []db.Message{
		{ID: message, ChannelID: channel, Seq: 1, AuthorID: author, AuthorName: "Ann", Content: "hello", RawMessage: dbtype.JSON(`{"text":"hello"}`),
			SourceType: "client_chat", SourceID: new("c1"), Metadata: dbtype.JSON("{}"), CreatedAt: epoch + 4, UpdatedAt: epoch + 4, Tenant: store.DefaultTenant},
		{ID: reply, ChannelID: channel, Seq: 2, AuthorID: agent, AuthorName: "Eliza", Content: "hi", InReplyTo: new(message),
			SourceType: "agent_response", Metadata: dbtype.JSON("{}"), Unhandled: new("NO_OTHER"), CreatedAt: epoch + 5, UpdatedAt: epoch + 5, Tenant: store.DefaultTenant},
	}, viewed(t, f, db.System.ListMessagesFromSeq, db.ListMessagesFromSeqParams{ChannelID: channel, LimitRows: 9}))
	same("turn", db.Turn{
		ID: turn, AgentID: agent, ChannelID: channel, MessageID: message, SenderID: author, Seq: 1, ResponseID: id("f", "1"), Status: "replied",
		Reason: "RULE", Detail: "Because.", ReplyID: new(reply), CharacterVersion: 3, Attempts: 1, QueuedAt: epoch + 4,
		StartedAt: new(epoch + 4), EndedAt: new(epoch + 5), Tenant: store.DefaultTenant,
	}, viewed(t, f, db.System.GetTurn, turn))
	same("log", []db.TurnEvent{{TurnID: turn, Type: "RUN_STARTED", At: epoch + 4, Data: dbtype.JSON("{}"), AgentID: agent, Tenant: store.DefaultTenant}}, viewed(t, f, db.System.ListTurnEvents, turn))
	same("the agent's own room", db.GetRoomRow{
		Room: db.Room{
			ID: agent, AgentID: agent, WorldID: &agent, MessageServerID: &agent, Name: new("Eliza"), Type: "SELF", Source: "elizaos",
			CreatedAt: epoch + 1, UpdatedAt: epoch + 1, Tenant: store.DefaultTenant,
		},
		WorldName: new("Eliza's World"),
	}, viewed(t, f, db.System.GetRoom, db.GetRoomParams{ID: agent, AgentID: agent}))

	f.update(t, func(ctx context.Context, q db.System) error {
		posted, err := post(ctx, q, newMessage(channel, author, "still here"), epoch)
		if posted.Seq != 3 {
			t.Errorf("the next message got number %d, want 3", posted.Seq)
		}
		return err
	})
}
