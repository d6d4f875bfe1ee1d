// Package storetest holds every [store.Store] to the same behaviour: one file per topic, run against each engine.
package storetest

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// Run runs the suite. open returns a new, empty store without other users, and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.System) {
	topics := []struct {
		name string
		test func(t *testing.T, setup func(t *testing.T) *fixture)
	}{
		{"servers", testServers},
		{"agents", testAgents},
		{"channels", testChannels},
		{"participants", testParticipants},
		{"messages", testMessages},
		{"search", testSearch},
		{"viewers", testViewers},
		{"mirrors", testMirrors},
		{"idempotency", testIdempotency},
		{"turns", testTurns},
		{"claims", testClaims},
		{"heads", testHeads},
		{"runs", testRuns},
		{"logs", testLogs},
		{"memories", testMemories},
		{"knowledge", testKnowledge},
		{"sessions", testSessions},
		{"jobs", testJobs},
		{"dialogues", testDialogues},
		{"keys", testKeys},
		{"secrets", testSecrets},
		{"usage", testUsage},
		{"users", testUsers},
		{"audit", testAudit},
		{"transactions", testTransactions},
		{"errors", testErrors},
		{"concurrency", testConcurrency},
	}
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			topic.test(t, func(t *testing.T) *fixture {
				t.Helper()
				t.Parallel()
				return &fixture{System: open(t)}
			})
		})
	}
}

// start is the instant at which the tests' stories begin. They tell time by adding milliseconds to it.
const start dbtype.Millis = 1_800_000_000_123

// fixture is a store with short ways to fill it. Its methods that take a *testing.T end the test on an error.
type fixture struct {
	store.System
}

// alike returns a T with the fields of v that it has, too, in the default tenant: the row that arguments make, or the other way round.
func alike[T any](v any) T {
	var out T
	from, to := reflect.ValueOf(v), reflect.ValueOf(&out).Elem()
	for i := range to.NumField() {
		if f := from.FieldByName(to.Type().Field(i).Name); f.IsValid() {
			to.Field(i).Set(f)
		} else if to.Type().Field(i).Name == "Tenant" {
			to.Field(i).SetInt(store.DefaultTenant)
		}
	}
	return out
}

func (f *fixture) update(t *testing.T, fn func(ctx context.Context, q db.System) error) {
	t.Helper()
	err := f.SystemUpdate(t.Context(), func(q db.System) error { return fn(t.Context(), q) })
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func (f *fixture) view(t *testing.T, fn func(ctx context.Context, q db.System) error) {
	t.Helper()
	err := f.SystemView(t.Context(), func(q db.System) error { return fn(t.Context(), q) })
	if err != nil {
		t.Fatalf("View: %v", err)
	}
}

// updated runs one query in a separate transaction.
func updated[A, R any](t *testing.T, f *fixture, query func(db.System, context.Context, A) (R, error), arg A) R {
	t.Helper()
	var result R
	f.update(t, func(ctx context.Context, q db.System) (err error) {
		result, err = query(q, ctx, arg)
		return err
	})
	return result
}

// viewed runs one query for reading.
func viewed[A, R any](t *testing.T, f *fixture, query func(db.System, context.Context, A) (R, error), arg A) R {
	t.Helper()
	var result R
	f.view(t, func(ctx context.Context, q db.System) (err error) {
		result, err = query(q, ctx, arg)
		return err
	})
	return result
}

// exec runs one query that returns nothing in a separate transaction.
func exec[A any](t *testing.T, f *fixture, query func(db.System, context.Context, A) error, arg A) {
	t.Helper()
	f.update(t, func(ctx context.Context, q db.System) error { return query(q, ctx, arg) })
}

// failing runs one query in a separate transaction and returns the error that leaves the store.
func failing[A, R any](t *testing.T, f *fixture, query func(db.System, context.Context, A) (R, error), arg A) error {
	t.Helper()
	return f.SystemUpdate(t.Context(), func(q db.System) error {
		_, err := query(q, t.Context(), arg)
		return err
	})
}

// server stores a message server.
func (f *fixture) server(t *testing.T) uuid.UUID {
	t.Helper()
	return updated(t, f, db.System.InsertMessageServer, db.InsertMessageServerParams{
		ID: uuid.New(), Name: "Office", SourceType: "test", Metadata: dbtype.JSON("{}"), CreatedAt: start, UpdatedAt: start,
	}).ID
}

// agent stores a running agent.
func (f *fixture) agent(t *testing.T, name string) uuid.UUID {
	t.Helper()
	return updated(t, f, db.System.InsertAgent, newAgent(name)).ID
}

func newAgent(name string) db.InsertAgentParams {
	return db.InsertAgentParams{
		ID: uuid.New(), Name: name, Character: dbtype.JSON(`{"bio":"short"}`), Secrets: dbtype.JSON("{}"),
		Enabled: true, Running: true, CreatedAt: start, UpdatedAt: start,
	}
}

// channel stores a channel with participants.
func (f *fixture) channel(t *testing.T, server uuid.UUID, participants ...uuid.UUID) uuid.UUID {
	t.Helper()
	arg := newChannel(server, "general")
	f.update(t, func(ctx context.Context, q db.System) error {
		if _, err := q.InsertChannel(ctx, arg); err != nil {
			return err
		}
		for i, entity := range participants {
			if _, err := q.AddParticipant(ctx, db.AddParticipantParams{ChannelID: arg.ID, EntityID: entity, JoinedAt: start + dbtype.Millis(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	return arg.ID
}

func newChannel(server uuid.UUID, name string) db.InsertChannelParams {
	return db.InsertChannelParams{
		ID: uuid.New(), MessageServerID: server, Name: name, Type: "GROUP", Metadata: dbtype.JSON("{}"),
		TurnPolicy: "queue", CreatedAt: start, UpdatedAt: start,
	}
}

// post stores a message the way messages are stored: with the channel's next number.
func (f *fixture) post(t *testing.T, channel, author uuid.UUID, content string, at dbtype.Millis) db.Message {
	t.Helper()
	var message db.Message
	f.update(t, func(ctx context.Context, q db.System) (err error) {
		message, err = post(ctx, q, newMessage(channel, author, content), at)
		return err
	})
	return message
}

func newMessage(channel, author uuid.UUID, content string) db.InsertMessageParams {
	return db.InsertMessageParams{
		ID: uuid.New(), ChannelID: channel, AuthorID: author, AuthorName: "Ann", Content: content,
		SourceType: "test", Metadata: dbtype.JSON("{}"),
	}
}

// post numbers and dates a message, and stores it.
func post(ctx context.Context, q db.System, message db.InsertMessageParams, at dbtype.Millis) (db.Message, error) {
	channel, err := q.NextSeq(ctx, db.NextSeqParams{ID: message.ChannelID, Now: at})
	if err != nil {
		return db.Message{}, err
	}
	message.Seq, message.CreatedAt, message.UpdatedAt = channel.LastSeq, channel.UpdatedAt, channel.UpdatedAt
	return insertMessage(q, ctx, message)
}

// turn queues a turn of agent for message.
func (f *fixture) turn(t *testing.T, agent uuid.UUID, message db.Message) db.Turn {
	t.Helper()
	return updated(t, f, insertTurn, newTurn(agent, message))
}

func newTurn(agent uuid.UUID, message db.Message) db.InsertTurnParams {
	return db.InsertTurnParams{
		ID: uuid.New(), AgentID: agent, ChannelID: message.ChannelID, MessageID: message.ID, SenderID: message.AuthorID,
		Seq: message.Seq, ResponseID: uuid.New(), QueuedAt: message.CreatedAt,
	}
}

// insertMessage stores a message and reads it.
func insertMessage(q db.System, ctx context.Context, message db.InsertMessageParams) (db.Message, error) {
	if err := q.InsertMessage(ctx, message); err != nil {
		return db.Message{}, err
	}
	return q.GetMessage(ctx, message.ID)
}

// insertTurn stores a turn and reads it.
func insertTurn(q db.System, ctx context.Context, turn db.InsertTurnParams) (db.Turn, error) {
	if err := q.InsertTurn(ctx, turn); err != nil {
		return db.Turn{}, err
	}
	return q.GetTurn(ctx, turn.ID)
}

// countAgents has the form of a query with an argument.
func countAgents(q db.System, ctx context.Context, _ struct{}) (int64, error) {
	return q.CountAgents(ctx)
}

// contents lists the texts of messages.
func contents(messages []db.Message) []string {
	texts := make([]string, len(messages))
	for i, message := range messages {
		texts[i] = message.Content
	}
	return texts
}
