package messaging

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
)

// factTable is the kind of memories that facts are, as clients name it.
const factTable = "facts"

const (
	// maxFacts is how many facts an agent keeps about an entity; the oldest go.
	maxFacts = 500
	// maxFactsRead is how many of an entity, and of a channel, an agent has at hand in a turn.
	maxFactsRead = 500
	// maxFactsDropped is how many are removed at once beyond maxFacts, which is more than a turn adds.
	maxFactsDropped = 100
)

// FactKind says how a fact is meant.
type FactKind string

// The kinds of facts.
const (
	KindFact    FactKind = "fact"    // holds until corrected
	KindOpinion FactKind = "opinion" // is what somebody thinks
	KindStatus  FactKind = "status"  // holds for now
)

// Fact is what an agent keeps about an entity, in a sentence.
type Fact struct {
	ID         uuid.UUID // made when it is kept
	EntityID   uuid.UUID // whom it is about
	EntityName string    // as it was shown then; may be empty
	Claim      string
	Topic      string // a newer fact about the entity of the same topic takes its place; empty: it stands beside all others
	Kind       FactKind
	Confidence float64     // 0 to 1
	Sources    []uuid.UUID // the messages that told it, of a new one
	UpdatedAt  time.Time   // when it was told last
}

// factData is what the metadata of a fact's memory hold, beside what clients write there.
type factData struct {
	Type       string   `json:"type"`
	EntityName string   `json:"entityName,omitempty"`
	Kind       FactKind `json:"kind"`
	Topic      string   `json:"topic,omitempty"`
	Confidence float64  `json:"confidence"`
}

// Facts are what an agent may speak of in a channel.
type Facts struct {
	OfSender []Fact // told by the author of the turn's message about themselves, wherever; newest first
	OfRoom   []Fact // told in the channel, without those; newest first
}

// turnFacts returns what the agent of turn t keeps that it may speak of there: what its sender told it, in whichever channel, and what
// it was told in the turn's own.
func turnFacts(ctx context.Context, q db.System, t Turn) (out Facts, err error) {
	own, err := q.ListEntityFacts(ctx, db.ListEntityFactsParams{AgentID: t.AgentID, EntityID: t.SenderID, LimitRows: maxFactsRead})
	if err != nil {
		return out, err
	}
	here, err := q.ListChannelFacts(ctx, db.ListChannelFactsParams{AgentID: t.AgentID, ChannelID: t.ChannelID, LimitRows: maxFactsRead})
	if err != nil {
		return out, err
	}
	known := make(map[uuid.UUID]bool, len(own))
	for _, r := range own {
		known[r.ID] = true
		out.OfSender = append(out.OfSender, factOf(db.ListChannelFactsRow(r)))
	}
	for _, r := range here {
		if !known[r.ID] {
			known[r.ID] = true
			out.OfRoom = append(out.OfRoom, factOf(r))
		}
	}
	return out, nil
}

// factOf reads a fact. Clients may have changed its memory: what can't be read is left out.
func factOf(r db.ListChannelFactsRow) Fact {
	var content struct{ Text string }
	var data factData
	_ = json.Unmarshal(r.Content, &content)
	_ = json.Unmarshal(r.Metadata, &data)
	return Fact{
		ID: r.ID, EntityID: r.EntityID, EntityName: data.EntityName, Claim: content.Text, Topic: data.Topic, Kind: data.Kind, Confidence: data.Confidence, UpdatedAt: r.UpdatedAt.Time(),
	}
}

// NormalClaim returns a claim as it is compared with others: the letters and digits of its words, in lower case.
func NormalClaim(claim string) string {
	words := strings.FieldsFunc(strings.ToLower(claim), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	return strings.Join(words, " ")
}

// id is the same for facts of which the newer takes the place of the older.
func (f Fact) id(agentID uuid.UUID) uuid.UUID {
	about := "claim " + NormalClaim(f.Claim)
	if f.Topic != "" {
		about = "topic " + NormalClaim(f.Topic)
	}
	return uuid.NewSHA1(agentID, append(f.EntityID[:], about...))
}

// keepFacts stores facts that messages of a room have told.
func (s *Service) keepFacts(ctx context.Context, q db.Scoped, agentID uuid.UUID, r Recollection) error {
	entities := map[uuid.UUID]bool{}
	for _, f := range r.Facts {
		f.ID = f.id(agentID)
		if err := s.keepFact(ctx, q, agentID, r, f); err != nil {
			return err
		}
		entities[f.EntityID] = true
	}
	for id := range entities {
		old, err := q.ListOldFacts(ctx, db.ListOldFactsParams{AgentID: agentID, EntityID: id, KeepRows: maxFacts, LimitRows: maxFactsDropped})
		if err != nil {
			return err
		}
		for _, id := range old {
			if _, err := q.DeleteMemory(ctx, db.DeleteMemoryParams{ID: id, AgentID: agentID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepFact stores one. Told again in the same words it gets a further source; in others it takes the place of what was there, and none
// of its sources, whose channels were not told the new words.
func (s *Service) keepFact(ctx context.Context, q db.Scoped, agentID uuid.UUID, r Recollection, f Fact) error {
	content, err := json.Marshal(map[string]string{"text": f.Claim})
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(factData{Type: "custom", EntityName: f.EntityName, Kind: f.Kind, Topic: f.Topic, Confidence: f.Confidence})
	if err != nil {
		return err
	}
	at := s.millis()
	before, err := q.GetMemoryForUpdate(ctx, db.GetMemoryForUpdateParams{ID: f.ID, AgentID: agentID})
	same := err == nil && NormalClaim(factOf(db.ListChannelFactsRow{Content: before.Content, Metadata: before.Metadata}).Claim) == NormalClaim(f.Claim)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case same:
		_, err = q.UpdateMemory(ctx, db.UpdateMemoryParams{
			ID: f.ID, AgentID: agentID, Content: dbtype.JSON(content), Metadata: dbtype.JSON(metadata), Embedding: before.Embedding,
			EmbeddingSpace: before.EmbeddingSpace, UpdatedAt: max(at, before.UpdatedAt),
		})
	default:
		if err == nil {
			if _, err := q.DeleteMemory(ctx, db.DeleteMemoryParams{ID: f.ID, AgentID: agentID}); err != nil {
				return err
			}
		}
		_, err = q.InsertMemory(ctx, db.InsertMemoryParams{
			ID: f.ID, AgentID: agentID, EntityID: f.EntityID, RoomID: r.RoomID, WorldID: &r.WorldID, TableName: factTable,
			Content: dbtype.JSON(content), Metadata: dbtype.JSON(metadata), IsUnique: true, CreatedAt: at, UpdatedAt: at,
		})
	}
	if err != nil {
		return err
	}
	var told int64
	for _, id := range f.Sources {
		n, err := q.InsertFactSource(ctx, db.InsertFactSourceParams{MemoryID: f.ID, MessageID: id, AgentID: agentID})
		if err != nil {
			return err
		}
		told += n
	}
	if told == 0 && !same { // the messages are gone, and with them what they told
		_, err = q.DeleteMemory(ctx, db.DeleteMemoryParams{ID: f.ID, AgentID: agentID})
	}
	return err
}
