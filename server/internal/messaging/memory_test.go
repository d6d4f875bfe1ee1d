package messaging_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

// recollection keeps a turn's message, and its reply under the id that it will have.
func recollection(turn messaging.Turn, room uuid.UUID) *messaging.Recollection {
	return &messaging.Recollection{
		RoomID: room, WorldID: uuid.NewSHA1(room, nil),
		Memories: []messaging.Memory{
			{ID: uuid.New(), MessageID: turn.MessageID, EntityID: turn.SenderID, Content: json.RawMessage(`{"text":"q\u0000"}`), Metadata: json.RawMessage(`{}`), CreatedAt: time.UnixMilli(7)},
			{ID: turn.ResponseID, MessageID: turn.ResponseID, EntityID: turn.AgentID, Content: json.RawMessage(`{"text":"a"}`), Metadata: json.RawMessage(`{}`)},
		},
	}
}

func stored(t testing.TB, b *messagingtest.Bench) []db.ListAgentMemoriesRow {
	t.Helper()
	var rows []db.ListAgentMemoriesRow
	err := b.Store.SystemView(t.Context(), func(q db.System) (err error) {
		rows, err = q.ListAgentMemories(t.Context(), db.ListAgentMemoriesParams{AgentID: b.Agent, TableName: "messages", ToTime: 1 << 60, LimitRows: 100})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTurnStoresWhatTheAgentKeeps(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c, room := b.DM(t), uuid.New()
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "q"})
	turn := b.Claim(t, 1)[0]
	reply, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "a"}, Recollection: recollection(turn, room),
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := stored(t, b)
	if len(rows) != 2 || rows[0].ID != turn.ResponseID || *rows[0].MessageID != reply.ID || !rows[0].CreatedAt.Time().Equal(reply.CreatedAt) ||
		*rows[1].MessageID != turn.MessageID || rows[1].CreatedAt != 7 || rows[1].RoomID != room || string(rows[1].Content) != `{"text":"q"}` {
		t.Errorf("memories %+v", rows)
	}
	err = b.Store.SystemView(t.Context(), func(q db.System) error {
		got, err := q.GetRoom(t.Context(), db.GetRoomParams{ID: room, AgentID: b.Agent})
		if err == nil && (*got.Room.ChannelID != c.ID || *got.WorldName != "Default Server" || *got.ChannelName != c.Name) {
			t.Errorf("room %+v", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "q2"})
	turn = b.Claim(t, 1)[0]
	silent := recollection(turn, room)
	if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{Status: messaging.TurnIgnored, Recollection: silent}); err != nil {
		t.Fatal(err)
	}
	if rows := stored(t, b); len(rows) != 3 {
		t.Errorf("%d memories after silence, want 3", len(rows))
	}
	if err := b.DeleteMessage(t.Context(), b.Who, c.ID, reply.ID); err != nil {
		t.Fatal(err)
	}
	if rows := stored(t, b); len(rows) != 2 {
		t.Errorf("%d memories after deleting a message, want 2", len(rows))
	}
	if err := b.ClearChannel(t.Context(), b.Who, c.ID); err != nil {
		t.Fatal(err)
	}
	if rows := stored(t, b); len(rows) != 0 {
		t.Errorf("%d memories of a cleared channel", len(rows))
	}
}

func TestCancelledTurnLeavesNoMemory(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	p := b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "q"})
	turn := b.Claim(t, 1)[0]
	if err := b.DeleteMessage(t.Context(), b.Who, c.ID, p.Message.ID); err != nil {
		t.Fatal(err)
	}
	_, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{
		Status: messaging.TurnReplied, Reply: &messaging.Reply{Content: "a"}, Recollection: recollection(turn, uuid.New()),
	})
	messagingtest.WantCode(t, err, apierr.Conflict)
	if rows := stored(t, b); len(rows) != 0 {
		t.Errorf("memories %+v", rows)
	}
}

func TestLogOfAnAgent(t *testing.T) {
	t.Parallel()
	b := messagingtest.New(t)
	c := b.DM(t)
	entry := func(kind, data string) messaging.TurnLogEntry {
		return messaging.TurnLogEntry{Type: kind, At: time.UnixMilli(1000), Data: json.RawMessage(data)}
	}
	b.Say(t, messaging.Draft{ChannelID: c.ID, Content: "q"})
	turn := b.Claim(t, 1)[0]
	if _, err := b.FinishTurn(t.Context(), messagingtest.Worker, turn, messaging.Outcome{Status: messaging.TurnIgnored, Log: []messaging.TurnLogEntry{
		entry(messaging.LogRunStarted, `{}`), entry(messaging.LogModelUsed, `{"modelType":"TEXT_EMBEDDING"}`), entry(messaging.LogModelUsed, `{"modelType":"TEXT_LARGE"}`),
		entry(messaging.LogActionStarted, `{}`), entry(messaging.LogActionCompleted, `{"actionName":"Rest"}`), entry(messaging.LogRunEnded, `{}`),
	}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // at two times
		if err := b.AddTurnLog(t.Context(), turn, []messaging.TurnLogEntry{entry(messaging.LogEvaluated, `{"evaluatorName":"E"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	logs := func(query messaging.LogQuery) []messaging.AgentLogEntry {
		t.Helper()
		if query.Limit == 0 {
			query.Limit = 100
		}
		out, _, err := b.Logs(t.Context(), b.Who, b.Agent, query)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, tt := range map[string]struct {
		query messaging.LogQuery
		want  []string
	}{
		"all":                    {messaging.LogQuery{}, []string{"evaluator", "evaluator", "run_event", "action", "action_event", "useModel:TEXT_LARGE", "useModel:TEXT_EMBEDDING", "run_event"}},
		"a kind":                 {messaging.LogQuery{Kind: "useModel:TEXT_LARGE"}, []string{"useModel:TEXT_LARGE"}},
		"without kinds":          {messaging.LogQuery{Exclude: []string{"run_event", "evaluator", "embedding"}}, []string{"action", "action_event", "useModel:TEXT_LARGE"}},
		"without a whole kind":   {messaging.LogQuery{Kind: "useModel:TEXT_LARGE", Exclude: []string{"useModel:TEXT_LARGE"}}, nil},
		"a text":                 {messaging.LogQuery{Search: "rEST"}, []string{"action"}},
		"a filtered page":        {messaging.LogQuery{Exclude: []string{"evaluator"}, Limit: 2, Offset: 1}, []string{"action", "action_event"}},
		"a page beyond the end":  {messaging.LogQuery{Kind: "action", Offset: 5}, nil},
		"a page":                 {messaging.LogQuery{Limit: 2, Offset: 2}, []string{"run_event", "action"}},
		"the channel":            {messaging.LogQuery{ChannelID: &c.ID, Kind: "action"}, []string{"action"}},
		"another channel":        {messaging.LogQuery{ChannelID: new(uuid.New())}, nil},
		"later than everything":  {messaging.LogQuery{From: new(time.UnixMilli(1001))}, nil},
		"before everything":      {messaging.LogQuery{To: new(time.UnixMilli(999))}, nil},
		"at that very moment":    {messaging.LogQuery{From: new(time.UnixMilli(1000)), To: new(time.UnixMilli(1000)), Kind: "action"}, []string{"action"}},
		"nothing is asked for":   {messaging.LogQuery{Limit: -1}, nil},
		"an embedding by itself": {messaging.LogQuery{Search: "text_embedding"}, []string{"useModel:TEXT_EMBEDDING"}},
	} {
		var got []string
		for _, e := range logs(tt.query) {
			got = append(got, e.Kind())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	run, _, err := b.Run(t.Context(), b.Who, b.Agent, turn.ID)
	if err != nil || run.Counts != (messaging.Counts{Actions: 1, ModelCalls: 2, Evaluators: 2}) {
		t.Errorf("run %+v, %v", run, err)
	}
	action := logs(messaging.LogQuery{Kind: "action"})[0]
	ids := map[uuid.UUID]bool{}
	for _, e := range logs(messaging.LogQuery{}) {
		ids[e.ID] = true
	}
	if len(ids) != 8 {
		t.Errorf("%d ids of 8 entries", len(ids))
	}
	for range 2 {
		if err := b.DeleteLog(t.Context(), b.Who, b.Agent, action.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := logs(messaging.LogQuery{}); len(got) != 7 {
		t.Errorf("%d entries after deleting one of 8", len(got))
	}
	if got := logs(messaging.LogQuery{Kind: "action"}); len(got) != 0 {
		t.Errorf("a deleted entry: %+v", got)
	}
	if _, _, err := b.Logs(t.Context(), b.Who, uuid.New(), messaging.LogQuery{Limit: 1}); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("an unknown agent: %v", err)
	}
	if err := b.DeleteChannel(t.Context(), b.Who, c.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.AddTurnLog(t.Context(), turn, []messaging.TurnLogEntry{entry(messaging.LogEvaluated, `{}`)}); err != nil {
		t.Errorf("a turn that is gone: %v", err)
	}
}
