// Package visits holds every query of both engines to the rows that it may visit, on data that misleads a planner: one
// author with everything, one channel with everything, everything in the last minute, and nearly all turns done. Its tests
// share nothing between goroutines and count much, so that they run without the race detector.
package visits_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/gen/unscoped"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/store"
)

// meter counts the work that a query makes an engine do.
type meter interface {
	// id returns the SQL expression of the id with a kind and a number, which is a SQL expression itself: see [numbered].
	id(kind int, number string) string
	// bytes returns the SQL expression of the bytes that spell a number.
	bytes(number string) string
	// exec runs a statement and commits it.
	exec(t *testing.T, statement string)
	// settle does what an engine does once its tables are filled.
	settle(t *testing.T)
	// count runs the one query that fn sends, rolls back its changes, and returns the engine's count of its work: rows visited
	// or steps of a virtual machine.
	count(t *testing.T, fn func(q unscoped.Querier) error) int
}

// The kinds of ids in the data. The kind of a parameter that is only called "id" follows from the name of the query.
const (
	anAgent = iota + 1
	aServer
	aChannel
	aMessage
	aTurn
	aUser
	aSession
	aJob
	aMemory
	aRoom
	aWorld
	somethingNew
	aKey
	aLogin
	aDocument
)

// numbered returns the id with a kind and a number.
func numbered(kind, number int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%08x-0000-7000-8000-%012x", kind, number))
}

// now is the instant of the counted queries. Everything happened within the minute before it.
const now dbtype.Millis = 1_900_000_000_000

// history is a server with n messages in its first channel, all by its first user and all answered but the last three, and as
// many turns that wait elsewhere, as much of everything else that stays: a planner that trusts the usual value of a column is
// misled by each of them.
// ID(kind, number) stands for an id, BYTES(i) for bytes, rows(n) for the numbers from 1 to n, ago(i, n) for an instant in the last minute.
const history = `
INSERT INTO message_servers SELECT ID(2, i), 's', 'x', NULL, '{}', 0, 0, 1 FROM rows(3);
INSERT INTO agents SELECT ID(1, i), 'a', '{}', '{}', true, i <= 10, 1, 0, 0, 1 FROM rows(20);
INSERT INTO message_server_agents SELECT ID(2, 1), ID(1, i), 1 FROM rows(20);
INSERT INTO channels (id, message_server_id, name, type, source_type, source_id, topic, metadata, turn_policy, pair_key, created_by, last_seq, created_at, updated_at, tenant)
SELECT ID(3, i), ID(2, 1), 'c', 'GROUP', CASE WHEN i % 3 = 0 THEN 'discord' END, CASE WHEN i % 3 = 0 THEN 'd' || i END, NULL, '{}', 'queue',
       CASE WHEN i % 2 = 1 THEN 'p' || i END, ID(6, 1), CASE WHEN i = 1 THEN {n} ELSE 5 END, ago(i, {n}/10), ago(i, {n}/10), 1 FROM rows({n}/10);
INSERT INTO channel_participants SELECT ID(3, i), ID(1, 1), '', 0, 1 FROM rows({n}/10);
INSERT INTO channel_participants SELECT ID(3, i), ID(6, 1), '', 0, 1 FROM rows({n}/10);
INSERT INTO channel_participants SELECT ID(3, 1), ID(1, i), '', 0, 1 FROM rows(5) WHERE i > 1;
INSERT INTO messages SELECT ID(4, i), ID(3, 1), i, ID(6, 1), 'U', 'word' || i || ' everywhere', NULL, NULL, 'x', 'm' || i, '{}', NULL, ago(i, {n}), ago(i, {n}), 1 FROM rows({n});
INSERT INTO messages SELECT ID(4, 1000000 + i), ID(3, 2 + i / 5), 1 + i % 5, ID(6, 1), 'U', 'hello', NULL, NULL, 'x', 'o' || i, '{}', NULL, ago(i, {n}/4), ago(i, {n}/4), 1 FROM rows({n}/4);
INSERT INTO turns SELECT ID(5, i), ID(1, 1), ID(3, 1), ID(4, i), ID(6, 1), i, ID(4, 3000000 + i), CASE WHEN i = {n} - 2 THEN 'running' WHEN i > {n} - 3 THEN 'queued' ELSE 'replied' END,
       '', '', NULL, 1, 1, CASE WHEN i = {n} - 2 THEN 'me' ELSE '' END, 0, ago(i, {n}), ago(i, {n}), CASE WHEN i <= {n} - 3 THEN ago(i, {n}) END, i = {n} - 2, 1, false FROM rows({n});
INSERT INTO turns SELECT ID(5, 1000000 + i), ID(1, 1), ID(3, 2 + i / 5), ID(4, 1000000 + i), ID(6, 1), i, ID(4, 4000000 + i), 'replied', '', '', NULL, 1, 1, '', 0, ago(i, {n}/4), ago(i, {n}/4), ago(i, {n}/4), true, 1, false FROM rows({n}/4);
INSERT INTO turns SELECT ID(5, 2000000 + i), ID(1, 3), ID(3, 1 + i % ({n}/10)), ID(4, 5000000 + i), ID(6, 1), 2000000 + i, ID(4, 6000000 + i), 'queued', '', '', NULL, 1, 0, '', 0, ago(i, {n}), NULL, NULL, i < {n}/10, 1, false FROM rows({n}/2) WHERE i % ({n}/10) > 0;
INSERT INTO turn_events SELECT ID(5, i), 0, 'RUN_STARTED', ago(i, {n}), '{}', ID(1, 1), 1 FROM rows({n});
INSERT INTO turn_events SELECT ID(5, i), 1, 'RUN_ENDED', ago(i, {n}), '{}', ID(1, 1), 1 FROM rows({n});
INSERT INTO turn_actions SELECT ID(5, i), 0, 'ROLL', '{}', ago(i, {n}), ago(i, {n}), false, '{}', 1 FROM rows({n});
INSERT INTO sessions SELECT ID(7, i), ID(1, 1), ID(6, 1), ID(3, 2000000 + i), '{}', 60000, 600000, 1000, true, 0, ago(i, {n}), ago(i, {n}), ago(i, {n}), ago(i, {n}) + CASE WHEN i % ({n}/20) = 0 THEN 600000 ELSE 0 END,
       ago(i, {n}) + CASE WHEN i % ({n}/20) = 0 THEN 600000 ELSE 0 END, NULL, CASE WHEN i % ({n}/20) <> 0 THEN ago(i, {n}) END, '', 1 FROM rows({n});
INSERT INTO jobs SELECT ID(8, i), ID(1, 1), ID(6, 1), ID(3, 3000000 + i), ID(4, i), 'x', '{}', CASE WHEN i % ({n}/20) = 0 THEN 'processing' ELSE 'completed' END, NULL, '', NULL, NULL, 0,
       CASE WHEN i % ({n}/5) = 0 THEN 1900000000001 END, '', ago(i, {n}), ago(i, {n}) + 600000, CASE WHEN i % ({n}/20) <> 0 THEN ago(i, {n}) END, 1 FROM rows({n});
INSERT INTO dialogues (channel_id, agent_id, user_id, message_id, name, heard, said, place, questions, created_at, expires_at, tenant)
SELECT ID(3, i), ID(1, 1), ID(6, 1), ID(4, i), BYTES(i), BYTES(i), BYTES(i), BYTES(i), 1, ago(i, {n}/10), CASE WHEN i % ({n}/20) = 0 THEN ago(i, {n}/10) ELSE 1900000600000 END, 1 FROM rows({n}/10) WHERE i <> 3;
INSERT INTO worlds SELECT ID(11, i), ID(1, 1), 'w', CASE WHEN i <= 3 THEN ID(2, i) END, '{}', 0, 0, 1 FROM rows({n}/20);
INSERT INTO world_agents SELECT ID(11, i), ID(1, 2), ID(1, 1), 1 FROM rows(10);
INSERT INTO rooms SELECT ID(10, i), ID(1, 1), ID(11, CASE WHEN i <= 5 THEN 1 ELSE 2 + i % 20 END), CASE WHEN i <= {n}/10 THEN ID(3, i) END, ID(2, 1), 'r', 'GROUP', 'x', '{}', ago(i, {n}/5), ago(i, {n}/5), 1 FROM rows({n}/5);
INSERT INTO memories SELECT ID(9, i), ID(1, 1), ID(6, 1), ID(10, 1), NULL, 'messages', '{}', '{}', ID(4, i), false, false, NULL, NULL, ago(i, {n}), ago(i, {n}), 1 FROM rows({n});
INSERT INTO memories SELECT ID(9, 1000000 + i), ID(1, 1), ID(6, 1), ID(10, 1), NULL, 'facts', '{}', '{}', NULL, false, false, NULL, NULL, ago(i, {n}), ago(i, {n}), 1 FROM rows({n});
INSERT INTO fact_sources (memory_id, message_id, agent_id, channel_id, tenant) SELECT ID(9, 1000000 + i), ID(4, i), ID(1, 1), ID(3, 1), 1 FROM rows({n});
INSERT INTO documents SELECT ID(15, i), ID(1, 1), CASE WHEN i % 2 = 0 THEN 'upload' ELSE 'folder' END, 'p' || i, 't', 'text/plain', 'h', 10, CASE WHEN i % ({n}/10) = 0 THEN 'failed' WHEN i = 7 THEN 'indexing' WHEN i % ({n}/10) = 1 THEN 'queued' ELSE 'ready' END,
       '', 5, 5, 1, CASE WHEN i = 7 THEN 0 ELSE 1900000600000 END, ago(i, {n}/10), ago(i, {n}/10), 1 FROM rows({n}/10);
INSERT INTO document_contents SELECT ID(15, i), BYTES(i), 1 FROM rows({n}/10) WHERE i <> 9;
INSERT INTO passages (document_id, agent_id, position, heading, content, terms, embedding, embedding_space, tenant)
SELECT ID(15, 1 + i % ({n}/10)), ID(1, 1), i, 'h', 'c', 'word' || i || CASE WHEN i % 50 = 0 THEN ' everywhere' ELSE '' END, BYTES(i), 's', 1 FROM rows({n});
INSERT INTO reflections (agent_id, channel_id, seq, tries, tenant) SELECT ID(1, 1), ID(3, i), 1, 0, 1 FROM rows({n}/10);
INSERT INTO forgotten_messages SELECT ID(4, i), ID(1, 1), 1 FROM rows({n}/10) WHERE i % 2 = 0;
INSERT INTO former_agents SELECT ID(1, 1000 + i), 0, 1 FROM rows({n}/10);
INSERT INTO agents_to_conceal SELECT ID(1, i), 1 FROM rows(5);
INSERT INTO secret_times (agent_id, name, changed_at, last_used_at, tenant) SELECT ID(1, i), 'n', 0, NULL, 1 FROM rows(20);
INSERT INTO idempotency_keys (entity_id, idempotency_key, fingerprint, claim, status, header, body, created_at, owner, tenant)
SELECT ID(6, 1), 'k' || i, '', ID(12, i), CASE WHEN i % ({n}/20) = 0 THEN 0 ELSE 201 END, '{}', '', ago(i, {n}), ID(12, 1), 1 FROM rows({n});
INSERT INTO api_keys (id, name, prefix, hash, scopes, created_at, expires_at, tenant)
SELECT ID(13, i), 'k', 'elz_', BYTES(i), 'read', ago(i, {n}/10), CASE WHEN i % 2 = 0 THEN 1900000600000 END, 1 FROM rows({n}/10);
INSERT INTO users (id, email, username, password, admin, created_at, tenant) SELECT ID(6, i), 'e' || i, 'u' || i, 'p', false, ago(i, {n}/10), 1 FROM rows({n}/10);
INSERT INTO logins (id, user_id, handle, secret, last_secret, refreshed_at, created_at, expires_at, ended_at, tenant)
SELECT ID(14, i), ID(6, CASE WHEN i <= 50 THEN 1 ELSE i / 10 END), BYTES(i), BYTES(i), BYTES(i), ago(i, {n}), ago(i, {n}), CASE WHEN i % ({n}/20) = 1 THEN ago(i, {n}) ELSE 1900000600000 END,
       CASE WHEN i % ({n}/20) = 0 THEN ago(i, {n}) END, 1 FROM rows({n});
INSERT INTO revocations (kind, subject, created_at, expires_at, tenant) SELECT 'token', 't' || i, ago(i, {n}/2), CASE WHEN i % ({n}/20) = 1 THEN ago(i, {n}/2) ELSE 1900000600000 END, 1 FROM rows({n}/2);
INSERT INTO revocations (kind, subject, created_at, expires_at, tenant) SELECT 'entity', 'e' || i, ago(i, {n}/2), 1900000600000, 1 FROM rows({n}/2);
INSERT INTO audit_entries SELECT i, ago(i, {n}), 0, 1, 'agent.change', 'updateAgent', 200, 'user', 'token', NULL, ID(6, 1), true, '192.0.2.1', ID(1, 1), NULL, '', 'r', BYTES(i), 1 FROM rows({n});
INSERT INTO usage_days SELECT 'agent', 1899936000000 - i * CAST(86400000 AS bigint), ID(1, 1), 'p', 'm', 1, 1, 1, 1, 1, 1, 1 FROM rows({n}/10);
INSERT INTO usage_days SELECT 'person', 1899936000000, ID(6, i), 'p', 'm', 1, 1, 1, 1, 1, 1, 1 FROM rows({n}/10);
INSERT INTO adoptions SELECT ID(2, i), ago(i, 2), 1 FROM rows(2);
INSERT INTO audit_chains (last_seq, last_hash, dropped_seq, dropped_hash, tenant) SELECT {n}, BYTES(i), 0, BYTES(i), 1 FROM rows(1)`

// grown lists the queries whose visits may grow with what is stored, and why. All others visit as much in a long history as in
// a short one.
var grown = map[string]string{
	"CountAPIKeys":           "all keys, of which there are a thousand at most",
	"CountAgentTurns":        "the total of a list",
	"DeleteDocument":         "all passages of the document",
	"DeletePassages":         "all passages of the document",
	"ListCharacterDocuments": "all documents of the agent, of which there are a thousand",
	"ListKnowingAgents":      "all agents, at the start",
	"ListUnusedDocuments":    "all documents of the agent, of which there are a thousand",
	"MeasureDocuments":       "all documents of the agent, of which there are a thousand",
	"RequeueDocuments":       "all that a dead process was indexing",
	"SearchPassages":         "all passages of the agent that have a word of the question",
	"CountAgentWorlds":       "all worlds, if another agent has most of them",
	"CountJobs":              "the jobs of a day, by status",
	"CountRevocations":       "all revocations, which are few",
	"ListEndedLogins":        "the logins that ended in the last minute",
	"ListNewRevocations":     "the revocations of the last minute",
	"CountUsers":             "all users",
	"CountSessions":          "the sessions of a day, by state",
	"DeleteAgent":            "all that is the agent's",
	"DeleteAgentMemories":    "all memories of the agent",
	"DeleteEndedAPIKey":      "all keys, of which there are a thousand at most",
	"DeleteChannel":          "all that is the channel's",
	"DeleteChannelMessages":  "all messages of the channel",
	"DeleteMessageServer":    "all that is the message server's",
	"DeleteRoomMemories":     "all memories in the room",
	"ForgetAgentMessages":    "all messages of the agent's channels",
	"ForgetRoomMessages":     "all messages of the channel",
	"ListServerChannelIDs":   "all channels of the message server",
	"ListWorlds":             "all worlds",

	"ListUnprovenEntities":  "all that take part in something, for the operator",
	"ProofOfEntity":         "the audit log, for the operator",
	"ListEntityPairs":       "all direct channels of one entity, for the operator",
	"DeleteOldUsage":        "what is old, once a day",
	"EndParticipation":      "all that is one entity's, for the operator",
	"HandOverParticipation": "all that is one entity's, for the operator",
	"HandOverChannels":      "all that is one entity's, for the operator",
	"HandOverMessages":      "all that is one entity's, for the operator",
	"HandOverTurns":         "all turns, for the operator",
	"HandOverSessions":      "all sessions, for the operator",
	"HandOverJobs":          "all that is one entity's, for the operator",
	"HandOverMemories":      "all memories, for the operator",
	"HandOverDialogues":     "all that is one entity's, for the operator",
	"ShiftDialogues":        "all dialogues",
	"ShiftSessions":         "the sessions of a day",
	"ShiftJobs":             "the jobs of a day",
}

const (
	page  = 50 // rows that the counted queries ask for, where they ask for a number
	pages = 4  // for what a query joins, and for a few rows in no page
)

// circumstances are the values that a query is tried with.
type circumstances struct {
	name   string
	quiet  bool           // a channel and an agent where little happens
	viewer uuid.UUID      // who alone is to see what it finds; the zero UUID: everybody
	values map[string]any // by the names of parameters
}

// bind returns the queries as they are used in the circumstances.
func (c circumstances) bind(q unscoped.Querier) db.Scoped {
	if c.viewer == uuid.Nil {
		return db.NewSystem(q, store.DefaultTenant)
	}
	return db.NewScoped(q, db.Scope{Tenant: store.DefaultTenant, Viewer: c.viewer})
}

// narrowed reports whether a query finds less for a viewer than for everybody.
func narrowed(query string) bool {
	method, _ := reflect.TypeFor[unscoped.Querier]().MethodByName(query)
	for i := range method.Type.NumIn() {
		of := method.Type.In(i)
		if of.Kind() != reflect.Struct {
			continue
		}
		for _, name := range []string{"Viewer", "Everyone"} {
			if _, is := of.FieldByName(name); is {
				return true
			}
		}
	}
	return false
}

var (
	usual  = []circumstances{{}, {name: " elsewhere", quiet: true}}
	common = "everywhere" // a word of most messages
	// searches are further circumstances of the queries that find words.
	searches = []circumstances{
		{name: " for a common word", values: map[string]any{"Words": common}},
		{name: " for a common word elsewhere", quiet: true, values: map[string]any{"Words": common}},
		{name: " for a common word anywhere", values: map[string]any{"Words": common, "AnyChannel": true, "AnyAuthor": true}},
		{name: " for a common word of an author", values: map[string]any{"Words": common, "AnyChannel": true}},
	}
)

func circumstancesOf(query string) []circumstances {
	all := slices.Clone(usual)
	if query == "SearchMessages" || query == "CountFoundMessages" {
		all = append(all, searches...)
	}
	if narrowed(query) {
		viewer := numbered(anAgent, 2) // takes part in one channel
		if strings.Contains(query, "User") {
			viewer = numbered(aUser, 1) // asks for its own
		}
		for _, c := range slices.Clone(all) {
			c.name, c.viewer = c.name+" for one viewer", viewer
			all = append(all, c)
		}
	}
	return all
}

// arguments fills the parameters of a query by their names.
func arguments(query string, c circumstances) func(name string, t reflect.Type) (reflect.Value, error) {
	channel, agent, message := 1, 1, 100
	if c.quiet {
		channel, agent, message = 2, 2, 1000001
	}
	kinds := []struct {
		word         string
		kind, number int
	}{
		{"APIKey", aKey, 1}, {"ServerWorld", aServer, 1}, {"World", aWorld, 1}, {"Room", aRoom, 1}, {"Memory", aMemory, 1}, {"Callback", aJob, 100}, {"Job", aJob, 100},
		{"Session", aSession, 200}, {"Turn", aTurn, message}, {"MessageServer", aServer, 1}, {"Message", aMessage, message},
		{"Channel", aChannel, channel}, {"NextSeq", aChannel, channel}, {"Agent", anAgent, agent}, {"WhatHasID", aMemory, 5}, {"Login", aLogin, 100}, {"Document", aDocument, 7}, {"Passages", aDocument, 7}, {"User", aUser, 1},
	}
	values := map[string][]any{
		"AgentID": {numbered(anAgent, agent)}, "OwnerID": {numbered(anAgent, 1)}, "ChannelID": {numbered(aChannel, channel)}, "MessageServerID": {numbered(aServer, 1)},
		"MessageID": {numbered(aMessage, message)}, "AuthorID": {numbered(aUser, 1)}, "UserID": {numbered(aUser, 1)}, "Caller": {numbered(aUser, 1)}, "SenderID": {numbered(aUser, 1)}, "EntityID": {numbered(aUser, 1)},
		"MemoryID": {numbered(aMemory, 1000001)}, "RoomID": {numbered(aRoom, 1)}, "WorldID": {numbered(aWorld, 1)}, "TurnID": {numbered(aTurn, 100)}, "FirstTurn": {numbered(aTurn, 100)}, "LastTurn": {numbered(aTurn, 100)},
		"HeirID": {numbered(somethingNew, 3)}, "ServerID": {numbered(aServer, 1)}, "AdoptedAt": {now},
		"ResponseID": {numbered(somethingNew, 2)}, "ReplyID": {numbered(somethingNew, 2)}, "Claim": {numbered(somethingNew, 100)}, "Owner": {numbered(somethingNew, 1), "me"},
		"CreatedBy": {numbered(aUser, 1)}, "InReplyTo": {numbered(aMessage, 1)}, "After": {numbered(anAgent, 0), dbtype.Millis(0)},

		"Now": {now}, "UpdatedAt": {now}, "CreatedAt": {now}, "EndedAt": {now}, "QueuedAt": {now}, "JoinedAt": {now}, "ExpiresAt": {now}, "DeletedAt": {now}, "At": {now},
		"DueAt": {now}, "RetryAt": {now}, "LeaseUntil": {now}, "ActiveAt": {now}, "RenewedAt": {now}, "WarnedAt": {now}, "Until": {now}, "UntilTime": {now}, "FromTime": {dbtype.Millis(0)}, "ToTime": {now},
		"Before": {now}, "Since": {now - 120_000}, "LastUsedAt": {now}, "RevokedAt": {now}, "ChangedAt": {now},

		"Email": {"e7"}, "Username": {"u7"}, "Password": {"p"}, "OldPassword": {"p"}, "Admin": {true}, "DisabledAt": {now}, "Handle": {[]byte("new")}, "Secret": {[]byte("new")}, "OldSecret": {[]byte("7")},
		"Day": {dbtype.Millis(1_899_936_000_000)}, "SubjectID": {numbered(aUser, 1)}, "Provider": {"p"}, "Model": {"m"}, "Calls": {1}, "InputTokens": {1}, "OutputTokens": {1},
		"CachedTokens": {1}, "Cost": {1}, "UnpricedCalls": {1},
		"LoginID": {numbered(aLogin, 7)}, "KeepRows": {49}, "Subject": {"new"}, "TokenID": {"t7"}, "Entity": {"e7"},

		"DocumentID": {numbered(aDocument, 8)}, "Title": {"t"}, "MediaType": {"text/plain"}, "Size": {1}, "Passages": {5}, "Indexed": {5}, "Heading": {"h"}, "Terms": {"new"},
		"Number": {7}, "AfterNumber": {0},
		"LimitRows": {page}, "MaxRows": {page}, "PageSize": {page}, "AtMost": {page}, "MaxTurns": {16}, "MaxPerSender": {12}, "AfterSender": {numbered(aUser, 0)}, "OffsetRows": {0},
		"UpToSeq": {1_000_000}, "BeforeSeq": {1_000_000}, "AfterSeq": {1}, "Seq": {5_000_000}, "Position": {7}, "Attempt": {0}, "Tries": {0}, "CharacterVersion": {1}, "Version": {1},
		"TimeoutMs": {60_000}, "MaxDurationMs": {600_000}, "WarningMs": {1_000}, "RenewalCount": {0}, "By": {1},
		"AnyChannel": {false}, "AnyAuthor": {false}, "AnyUser": {false}, "WithEmbedding": {false}, "IncludeInternal": {true}, "QueuedOnly": {false}, "ByHand": {true},
		"AutoRenew": {true}, "Enabled": {true}, "Running": {true}, "Edited": {true}, "IsUnique": {false},

		"Status": {"completed", 201}, "NewStatus": {"cancelled"}, "StatusGroup": {""}, "TableName": {"messages"}, "OnlyTable": {""}, "SearchText": {""}, "ContentText": {"x"},
		"SourceType": {"discord"}, "SourceID": {"d3"}, "PairKey": {"p1"}, "Words": {"word7"}, "IdempotencyKey": {"k100"}, "Content": {"hello", dbtype.JSON(`{}`)},
		"Name": {"n"}, "AuthorName": {"n"}, "Type": {"GROUP"}, "Source": {"x"}, "State": {""}, "Topic": {""}, "TurnPolicy": {"queue"}, "Fingerprint": {""}, "Digest": {""},
		"Reason": {""}, "Detail": {""}, "EndReason": {""}, "Error": {""}, "CallbackError": {""}, "CallbackURL": {"http://localhost"}, "EmbeddingSpace": {""}, "Unhandled": {"x"},
		"Failed": {false}, "Parameters": {"{}"}, "LimitTurns": {16},
		"Times": {1}, "Action": {"agent"}, "Operation": {"updateAgent"}, "Kind": {"user"}, "Proof": {"token"}, "KeyID": {numbered(aKey, 1)}, "Proven": {true}, "Address": {""}, "TargetID": {numbered(anAgent, agent)},
		"WithinID": {numbered(anAgent, agent)}, "Details": {""}, "RequestID": {""}, "WhoID": {numbered(aUser, 1)}, "AnyAction": {true}, "Anybody": {true}, "AnyTarget": {true},
		"Metadata": {dbtype.JSON(`{}`)}, "Character": {dbtype.JSON(`{}`)}, "Secrets": {dbtype.JSON(`{}`)}, "RawMessage": {dbtype.JSON(`{}`)}, "Header": {dbtype.JSON(`{}`)},
		"Result": {dbtype.JSON(`{}`), "{}"}, "Data": {dbtype.JSON(`{}`)}, "CallbackSecret": {dbtype.JSON(`{}`)}, "Body": {[]byte("x")}, "Embedding": {[]byte(nil)}, "Hash": {[]byte("7")}, "Prefix": {"elz_"}, "Heard": {[]byte("7")}, "Said": {[]byte("7")}, "Place": {[]byte("7"), "new"}, "Questions": {2}, "LastMessageID": {numbered(aMessage, message)}, "Scopes": {"read"},
	}
	special := map[string]map[string]any{
		"FindClientMessage":     {"SourceID": "nothing", "Content": "nothing"},
		"InsertSession":         {"ChannelID": numbered(somethingNew, 9)},
		"InsertDialogue":        {"ChannelID": numbered(aChannel, 3), "MessageID": numbered(somethingNew, 9), "Name": []byte("7")},
		"ContinueDialogue":      {"MessageID": numbered(somethingNew, 9)},
		"FindNamedDialogue":     {"Name": []byte("7")},
		"ForgetUserDialogue":    {"ID": numbered(aUser, 1)},
		"InsertMessageServer":   {"SourceID": "new"},
		"InsertChannel":         {"SourceID": "new", "PairKey": "new"},
		"InsertTurn":            {"MessageID": numbered(somethingNew, 9)},
		"InsertJob":             {"MessageID": numbered(somethingNew, 9)},
		"InsertMemory":          {"MessageID": numbered(aMessage, 1000002)},
		"InsertIdempotencyKey":  {"IdempotencyKey": "new"},
		"InsertUser":            {"Email": "new"},
		"FindUser":              {"Owner": "e7"},
		"InsertAPIKey":          {"Hash": []byte("new")},
		"UpsertSourceChannel":   {"SourceID": "new"},
		"AddParticipant":        {"EntityID": numbered(somethingNew, 9)},
		"AgentConcealed":        {"ID": numbered(anAgent, agent)},
		"InsertDocument":        {"Status": "queued", "Hash": "new"},
		"InsertDocumentContent": {"DocumentID": numbered(aDocument, 9), "Content": []byte("x")},
		"InsertPassage":         {"Position": 1_000_000, "Embedding": []byte("x"), "Content": "c"},
		"AdvanceDocument":       {"Hash": "h", "Attempt": 1},
		"FinishDocument":        {"Hash": "h", "Attempt": 1},
		"ScanPassages":          {"EmbeddingSpace": "s"},

		"UpsertUsage":    {"Kind": "person"},
		"SumUsage":       {"Kind": "person"},
		"DeleteOldUsage": {"Kind": "person", "Before": dbtype.Millis(1_899_936_000_000)},

		"ProofOfEntity":    {"ID": numbered(aUser, 1)},
		"ListEntityPairs":  {"ID": numbered(aUser, 1)},
		"EndParticipation": {"ID": numbered(aUser, 1)},
		"ChangePair":       {"ID": numbered(aChannel, channel), "PairKey": "new"},

		"DeleteAgentMemories":             {"ID": numbered(anAgent, agent)},
		"DeleteChannelMessages":           {"ID": numbered(aChannel, channel)},
		"DeleteOwnersOpenIdempotencyKeys": {"ID": numbered(somethingNew, 1)},
		"ForgetAgentMessages":             {"ID": numbered(anAgent, agent)},
		"GetFirstRunningAgent":            {"ID": numbered(aServer, 1)},
		"ListSecretTimes":                 {"ID": numbered(anAgent, agent)},
		"ListAgentServers":                {"ID": numbered(anAgent, agent)},
		"ListMessageTurns":                {"ID": numbered(aMessage, message)},
		"ListParticipants":                {"ID": numbered(aChannel, channel)},
		"ListServerAgents":                {"ID": numbered(aServer, 1)},
		"ListServerChannelIDs":            {"ID": numbered(aServer, 1)},
		"NextLogPosition":                 {"ID": numbered(aTurn, message)},
		"RemoveParticipants":              {"ID": numbered(aChannel, channel)},
		"NoteFormerAgent":                 {"ID": numbered(somethingNew, 9)},
	}
	isNew := regexp.MustCompile(`^(Insert|Ensure|Upsert|NoteFormer)`).MatchString(query)
	return func(name string, t reflect.Type) (reflect.Value, error) {
		candidates := values[name]
		if name == "ID" {
			for _, k := range kinds {
				if strings.Contains(query, k.word) {
					candidates = []any{numbered(k.kind, k.number)}
					break
				}
			}
			if isNew {
				candidates = []any{numbered(somethingNew, 9)}
			}
		}
		if v, ok := special[query][name]; ok {
			candidates = []any{v}
		}
		if v, ok := c.values[name]; ok {
			candidates = []any{v}
		}
		for _, candidate := range candidates {
			v := reflect.ValueOf(candidate)
			switch {
			case v.Type() == t:
				return v, nil
			case v.Kind() == reflect.Int && t.Kind() == reflect.Int64:
				return v.Convert(t), nil
			case t.Kind() == reflect.Pointer && v.Type() == t.Elem():
				p := reflect.New(t.Elem())
				p.Elem().Set(v)
				return p, nil
			}
		}
		return reflect.Value{}, fmt.Errorf("%s: no value for %s %s: give it one", query, name, t)
	}
}

// hold limits every query to the work of a few pages of rows, the same in a short history and in a long one. open returns an
// engine with an empty database, row is what its count is at most for one row, and extra is what some queries, or some in
// certain circumstances, may do beside that on this engine.
func hold(t *testing.T, row int, extra map[string]int, open func(t *testing.T) meter) {
	const few, many = 1_000, 10_000
	short, long := open(t), open(t)
	fill(t, short, few)
	fill(t, long, many)
	querier := reflect.TypeFor[db.System]()
	for i := range querier.NumMethod() {
		method := querier.Method(i)
		for _, c := range circumstancesOf(method.Name) {
			call := func(q unscoped.Querier) error {
				_, err := run(t, method, c, c.bind(q))
				return err
			}
			of := method.Name + c.name
			less, more := short.count(t, call), long.count(t, call)
			allowed := max(extra[method.Name], extra[of])
			t.Logf("%-40s %6d %6d", of, less, more)
			if _, ok := grown[method.Name]; ok {
				continue
			}
			if more > less+less/4+row+allowed {
				t.Errorf("%s does %d with a history of %d and %d with one of %d", of, less, few, more, many)
			}
			if more > pages*page*row+allowed {
				t.Errorf("%s does %d, where %d rows are asked for", of, more, page)
			}
		}
	}
	for name := range grown {
		if _, ok := querier.MethodByName(name); !ok {
			t.Errorf("there is no query %s", name)
		}
	}
}

// parameter makes one parameter of a query, which is a struct or stands for itself.
func parameter(t *testing.T, query string, of reflect.Type, value func(string, reflect.Type) (reflect.Value, error)) reflect.Value {
	t.Helper()
	if of.Kind() != reflect.Struct {
		name := map[reflect.Type]string{reflect.TypeFor[int64](): "LimitRows", reflect.TypeFor[string](): "Owner", reflect.TypeFor[[]byte](): "Hash", reflect.TypeFor[*dbtype.Millis](): "Now", reflect.TypeFor[dbtype.Millis](): "Now"}[of]
		if of == reflect.TypeFor[uuid.UUID]() {
			name = "ID"
		}
		v, err := value(name, of)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	p := reflect.New(of).Elem()
	for i := range of.NumField() {
		v, err := value(of.Field(i).Name, of.Field(i).Type)
		if err != nil {
			t.Error(err)
			continue
		}
		p.Field(i).Set(v)
	}
	return p
}

// fill writes a history of n messages.
func fill(t *testing.T, m meter, n int) {
	t.Helper()
	ids := regexp.MustCompile(`ID\((\d+), ((?:[^()]|\([^()]*\))+)\)`)
	rows := regexp.MustCompile(`rows\(([^()]+)\)`)
	ago := regexp.MustCompile(`ago\(i, ([^()]+)\)`)
	for _, statement := range strings.Split(strings.ReplaceAll(history, "{n}", fmt.Sprint(n)), ";\n") {
		statement = rows.ReplaceAllString(statement, "(WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < $1) SELECT i FROM numbers) AS numbers")
		statement = ago.ReplaceAllString(statement, fmt.Sprintf("(%d + i * 60000 / ($1))", now-60_000))
		statement = ids.ReplaceAllStringFunc(statement, func(match string) string {
			parts := ids.FindStringSubmatch(match)
			kind, err := strconv.Atoi(parts[1])
			if err != nil {
				t.Fatal(err)
			}
			return m.id(kind, parts[2])
		})
		m.exec(t, strings.ReplaceAll(statement, "BYTES(i)", m.bytes("i")))
	}
	m.settle(t)
}
