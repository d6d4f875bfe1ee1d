package knowledge

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/similar"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	maxQuery    = 8_000 // bytes of a question that are read
	maxTerms    = 32    // of a question that are looked for
	candidates  = 40    // of each ranking
	scanPage    = 512   // vectors that are read at once
	maxSearched = 50    // passages that a search returns
)

// Found is a passage that was found.
type Found struct {
	DocumentID uuid.UUID
	Title      string // of the document
	Source     Source
	Position   int    // in the document, from 0
	Heading    string // the headings above it
	Text       string
	Similarity float64 // of its vector to the question's
}

// Search is Recall for a caller, to whom an agent that isn't there is NOT_FOUND.
func (s *Service) Search(ctx context.Context, who auth.Identity, agentID uuid.UUID, question string, limit int) ([]Found, error) {
	err := store.View(ctx, s.cfg.Store, who.Scope(), "searching knowledge", func(q db.Scoped) error {
		_, err := q.GetAgentHead(ctx, agentID)
		return store.NotFound(err, "Agent not found")
	})
	if err != nil {
		return nil, err
	}
	return s.Recall(ctx, who, agentID, question, limit)
}

// Recall returns the passages of an agent that fit a question best: those that share words with it and those whose vectors are
// similar, merged by their ranks.
func (s *Service) Recall(ctx context.Context, who auth.Identity, agentID uuid.UUID, question string, limit int) (found []Found, err error) {
	question = strings.ToValidUTF8(question[:min(len(question), maxQuery)], "")
	err = store.View(ctx, s.cfg.Store, who.Scope(), "searching knowledge", func(q db.Scoped) error {
		found = nil
		if any, err := q.HasPassages(ctx, agentID); err != nil || !any {
			return err
		}
		byWords, err := searchWords(ctx, q, agentID, question)
		if err != nil {
			return err
		}
		vector := similar.Embed(question)
		byVector, err := searchVectors(ctx, q, agentID, vector)
		if err != nil {
			return err
		}
		for _, number := range similar.Fuse(byWords, byVector) {
			if len(found) >= min(limit, maxSearched) {
				break
			}
			p, err := q.GetPassage(ctx, db.GetPassageParams{Number: number, AgentID: agentID})
			if errors.Is(err, sql.ErrNoRows) { // deleted meanwhile
				continue
			} else if err != nil {
				return err
			}
			f := Found{
				DocumentID: p.DocumentID, Title: p.Title, Source: Source(p.Source), Position: int(p.Position), Heading: p.Heading, Text: p.Content,
			}
			if p.EmbeddingSpace == similar.Space {
				f.Similarity = similar.Cosine(vector, similar.Decode(p.Embedding))
			}
			found = append(found, f)
		}
		return nil
	})
	return found, err
}

// searchWords ranks the passages that have words of the question.
func searchWords(ctx context.Context, q db.Scoped, agentID uuid.UUID, question string) ([]int64, error) {
	var words []string
	seen := map[string]bool{}
	for term := range similar.Terms(question) {
		if len(words) == maxTerms {
			break
		}
		if !seen[term] {
			seen[term] = true
			words = append(words, `"`+term+`"`)
		}
	}
	if len(words) == 0 {
		return nil, nil
	}
	return q.SearchPassages(ctx, db.SearchPassagesParams{AgentID: agentID, Words: strings.Join(words, " OR "), LimitRows: candidates})
}

// searchVectors ranks the passages whose vectors are similar enough. It reads all of the agent's, a page at a time.
func searchVectors(ctx context.Context, q db.Scoped, agentID uuid.UUID, vector []float32) ([]int64, error) {
	best := similar.NewBest[int64](candidates)
	for after := int64(0); ; {
		rows, err := q.ScanPassages(ctx, db.ScanPassagesParams{AgentID: agentID, AfterNumber: after, EmbeddingSpace: similar.Space, LimitRows: scanPage})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if score := similar.Cosine(vector, similar.Decode(row.Embedding)); score >= similar.Threshold {
				best.Offer(row.Number, score)
			}
		}
		if len(rows) < scanPage {
			return best.IDs(), nil
		}
		after = rows[scanPage-1].Number
	}
}
