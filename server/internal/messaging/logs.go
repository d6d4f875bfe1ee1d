package messaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/store"
)

// AgentLogEntry is an entry of a turn's log, with what one needs to know of the turn.
type AgentLogEntry struct {
	TurnLogEntry
	ID        uuid.UUID // of the entry; stable
	TurnID    uuid.UUID
	AgentID   uuid.UUID
	ChannelID uuid.UUID
	MessageID uuid.UUID
	SenderID  uuid.UUID
}

// LogQuery selects entries of an agent's log.
type LogQuery struct {
	ChannelID *uuid.UUID // or the agent's room for it
	Kind      string     // as Kind returns it; "" for all
	Exclude   []string   // kinds, or parts of model types in either case
	Search    string     // a part of the kind or the data, in either case
	From, To  *time.Time
	Limit     int // at most 1000
	Offset    int
}

const (
	maxLogs     = 1000
	logScanned  = 10_000 // how many entries are looked at for one answer
	logBatch    = 500
	modelPrefix = "useModel:"
)

// Kind is the name under which readers of agent logs know entries of this type.
func (e TurnLogEntry) Kind() string {
	switch e.Type {
	case LogRunStarted, LogRunEnded:
		return "run_event"
	case LogActionStarted:
		return "action_event"
	case LogActionCompleted:
		return "action"
	case LogModelUsed:
		return modelPrefix + e.modelType()
	case LogEvaluated:
		return "evaluator"
	default:
		return strings.ToLower(e.Type)
	}
}

func (e TurnLogEntry) modelType() string {
	var data struct {
		ModelType string `json:"modelType"`
	}
	_ = json.Unmarshal(e.Data, &data) // what can't be read has none
	return data.ModelType
}

// Logs returns entries of an agent's log, newest first, and whether there are more. Filters by kind and text look at the
// newest ten thousand entries that the others let through. An unknown agent is NOT_FOUND.
func (s *Service) Logs(ctx context.Context, who auth.Identity, agentID uuid.UUID, query LogQuery) (out []AgentLogEntry, more bool, err error) {
	limit, offset := min(query.Limit, maxLogs), min(max(query.Offset, 0), math.MaxInt32)
	if limit <= 0 {
		return nil, false, nil
	}
	filtered := query.Kind != "" || len(query.Exclude) > 0 || query.Search != ""
	err = store.View(ctx, s.store, who.Scope(), "reading an agent's log", func(q db.Scoped) error {
		if err := mustAgent(ctx, q, agentID); err != nil {
			return err
		}
		var err error
		if query.ChannelID, err = channelOfRoom(ctx, q, agentID, query.ChannelID); err != nil {
			return err
		}
		if !filtered {
			out, err = readLog(ctx, q, agentID, query, limit+1, offset)
			return err
		}
		for read := 0; read < logScanned && len(out) <= offset+limit; read += logBatch {
			batch, err := readLog(ctx, q, agentID, query, logBatch, read)
			if err != nil {
				return err
			}
			last := len(batch) < logBatch
			out = append(out, slices.DeleteFunc(batch, func(e AgentLogEntry) bool { return !query.fits(e) })...)
			if last {
				break
			}
		}
		out = out[min(offset, len(out)):]
		return nil
	})
	if more = len(out) > limit; more {
		out = out[:limit]
	}
	return out, more, err
}

// readLog reads a page of the log with the filters that the database has.
func readLog(ctx context.Context, q db.Scoped, agentID uuid.UUID, query LogQuery, limit, offset int) ([]AgentLogEntry, error) {
	page := db.ListAgentLogParams{
		AgentID: agentID, FromTime: 0, ToTime: dbtype.Millis(math.MaxInt64), LimitRows: int64(limit), OffsetRows: int64(offset),
	}
	if query.From != nil {
		page.FromTime = dbtype.MillisOf(*query.From)
	}
	if query.To != nil {
		page.ToTime = dbtype.MillisOf(*query.To)
	}
	var out []AgentLogEntry
	if query.ChannelID == nil {
		rows, err := q.ListAgentLog(ctx, page)
		for _, r := range rows {
			out = append(out, agentLogEntryOf(r))
		}
		return out, err
	}
	rows, err := q.ListChannelLog(ctx, db.ListChannelLogParams{
		ChannelID: *query.ChannelID, AgentID: agentID, FromTime: page.FromTime, ToTime: page.ToTime,
		LimitRows: page.LimitRows, OffsetRows: page.OffsetRows,
	})
	for _, r := range rows {
		out = append(out, agentLogEntryOf(db.ListAgentLogRow(r)))
	}
	return out, err
}

// fits reports whether an entry passes the filters by kind and text.
func (query LogQuery) fits(e AgentLogEntry) bool {
	kind := e.Kind()
	if query.Kind != "" && query.Kind != kind {
		return false
	}
	lower := strings.ToLower
	model, ofModel := strings.CutPrefix(lower(kind), lower(modelPrefix))
	for _, x := range query.Exclude {
		if x == kind || ofModel && x != "" && strings.Contains(model, lower(x)) {
			return false
		}
	}
	search := lower(query.Search)
	return strings.Contains(lower(kind), search) || bytes.Contains(bytes.ToLower(e.Data), []byte(search))
}

// DeleteLog removes an entry of an agent's log. One that isn't there is no error; one of another agent stays.
func (s *Service) DeleteLog(ctx context.Context, who auth.Identity, agentID, entryID uuid.UUID) error {
	first, last, position := turnsOfEntry(entryID)
	return store.Update(ctx, s.store, who.Scope(), "deleting a log entry", func(q db.Scoped) error {
		if err := mustAgent(ctx, q, agentID); err != nil {
			return err
		}
		_, err := q.DeleteLogEntry(ctx, db.DeleteLogEntryParams{AgentID: agentID, FirstTurn: first, LastTurn: last, Position: position})
		return err
	})
}

// positionAt is where the position begins in the id of a log entry.
const positionAt = 14

// entryID names an entry of a turn's log: the turn's own id, with the position in place of the last two bytes. The first
// fourteen are random enough to keep turns apart.
func entryID(turnID uuid.UUID, position int64) uuid.UUID {
	binary.BigEndian.PutUint16(turnID[positionAt:], uint16(position)) //nolint:gosec // logs are far shorter
	return turnID
}

// turnsOfEntry reads the id of an entry: the turn is the one between first and last.
func turnsOfEntry(id uuid.UUID) (first, last uuid.UUID, position int64) {
	position = int64(binary.BigEndian.Uint16(id[positionAt:]))
	return entryID(id, 0), entryID(id, math.MaxUint16), position
}

// AddTurnLog adds what happened after the end of a turn to its record. A turn that is gone is no error.
func (s *Service) AddTurnLog(ctx context.Context, t Turn, log []TurnLogEntry) error {
	if len(log) == 0 {
		return nil
	}
	err := store.SystemUpdate(ctx, s.store, "adding to the record of a turn", func(q db.System) error {
		next, err := q.NextLogPosition(ctx, t.ID)
		if err != nil {
			return err
		}
		return insertLog(ctx, q, t, next, log)
	})
	if apierr.IsCode(err, apierr.NotFound) {
		return nil
	}
	return err
}

// insertLog stores the entries of a turn's log from a position on.
func insertLog(ctx context.Context, q db.Scoped, t Turn, position int64, log []TurnLogEntry) error {
	for i, e := range log {
		if e.Data == nil {
			e.Data = json.RawMessage(`{}`)
		}
		if err := q.InsertTurnEvent(ctx, db.InsertTurnEventParams{
			TurnID: t.ID, AgentID: t.AgentID, Position: position + int64(i), Type: e.Type, At: dbtype.MillisOf(e.At),
			Data: dbtype.JSON(jsontext.DropNUL(e.Data)),
		}); err != nil {
			return err
		}
	}
	return nil
}

func logEntryOf(e db.TurnEvent) TurnLogEntry {
	return TurnLogEntry{Type: e.Type, At: e.At.Time(), Data: json.RawMessage(e.Data)}
}

func agentLogEntryOf(r db.ListAgentLogRow) AgentLogEntry {
	e := r.TurnEvent
	return AgentLogEntry{
		TurnLogEntry: logEntryOf(e), ID: entryID(e.TurnID, e.Position), TurnID: e.TurnID, AgentID: e.AgentID,
		ChannelID: r.ChannelID, MessageID: r.MessageID, SenderID: r.SenderID,
	}
}
