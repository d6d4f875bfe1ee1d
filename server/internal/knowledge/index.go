package knowledge

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/extract"
	"github.com/elizad/elizad/server/internal/similar"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	lookEvery   = 30 * time.Second // for documents that another process left
	lease       = 2 * time.Minute  // for which a document stays ours without news
	maxAttempts = 5                // at a document that is never finished: it may bring the server down
	indexBatch  = 32               // passages in one transaction, so that others don't wait for all
)

// work does what is to be done until ctx ends.
func (s *Service) work(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	if err := s.lookAtAll(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Logger.Warn("could not look for the knowledge of characters", "error", err)
	}
	for {
		for err := error(nil); err == nil && ctx.Err() == nil; {
			var done bool
			if done, err = s.step(ctx); err == nil && !done {
				break
			}
			if err != nil && ctx.Err() == nil {
				s.cfg.Logger.Warn("could not index documents", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
		}
	}
}

// lookAtAll has all agents looked at whose characters have knowledge.
func (s *Service) lookAtAll(ctx context.Context) error {
	const page = 100
	var after uuid.UUID
	for {
		var ids []uuid.UUID
		err := store.SystemView(ctx, s.cfg.Store, "looking for characters with knowledge", func(q db.System) (err error) {
			ids, err = q.ListKnowingAgents(ctx, db.ListKnowingAgentsParams{After: after, PageSize: page})
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			s.Changed(id)
		}
		if len(ids) < page {
			return nil
		}
		after = ids[page-1]
	}
}

// step does one thing: it looks at a character that changed, or indexes a document.
func (s *Service) step(ctx context.Context) (done bool, err error) {
	s.mu.Lock()
	var id uuid.UUID
	for id = range s.changed { // any
		break
	}
	s.mu.Unlock()
	if id == uuid.Nil {
		return s.indexNext(ctx)
	}
	s.mu.Lock()
	delete(s.changed, id) // a change from now on counts again
	s.mu.Unlock()
	if err := s.align(ctx, id); err != nil {
		s.mu.Lock()
		s.changed[id] = struct{}{}
		s.mu.Unlock()
		return false, err
	}
	return true, nil
}

// indexNext indexes the document that waits longest.
func (s *Service) indexNext(ctx context.Context) (done bool, err error) {
	var row db.Document
	var content []byte
	err = store.SystemUpdate(ctx, s.cfg.Store, "claiming a document", func(q db.System) error {
		var err error
		now := s.now()
		if row, err = q.ClaimDocument(ctx, db.ClaimDocumentParams{Now: now, LeaseUntil: leaseFrom(now)}); err != nil {
			return err
		}
		content, err = q.GetDocumentContent(ctx, row.ID)
		if errors.Is(err, sql.ErrNoRows) {
			content = nil
			return nil
		}
		return err
	})
	if apierr.IsCode(err, apierr.NotFound) { // none waits
		return false, nil
	} else if err != nil {
		return false, err
	}
	begin := s.cfg.Now()
	count, result, err := s.index(ctx, row, content)
	if err != nil {
		return false, fmt.Errorf("indexing document %s: %w", row.ID, err)
	}
	log := s.cfg.Logger.With("agentId", row.AgentID, "documentId", row.ID, "title", row.Title)
	if result.status == Ready {
		log.InfoContext(ctx, "document indexed", "passages", count, "ms", s.cfg.Now().Sub(begin).Milliseconds())
	} else {
		log.WarnContext(ctx, "document not indexed", "status", result.status, "reason", result.reason)
	}
	return true, s.finish(ctx, row, count, result)
}

func leaseFrom(now dbtype.Millis) dbtype.Millis { return now + dbtype.Millis(lease.Milliseconds()) }

// result is what became of a document.
type result struct {
	status Status
	reason string
}

func failed(format string, args ...any) result { return result{Failed, fmt.Sprintf(format, args...)} }

// index stores the passages of a document that was claimed. The error is a passing one, after which it is claimed again.
func (s *Service) index(ctx context.Context, row db.Document, content []byte) (passages int, _ result, err error) {
	switch {
	case row.Attempts > maxAttempts:
		return 0, failed("Its indexing was begun %d times and never finished", maxAttempts), nil
	case content == nil:
		return 0, failed("Its content is gone"), nil
	}
	text, err := s.extract.Read(ctx, row.MediaType, bytes.NewReader(content), int64(len(content)))
	if problem, ok := errors.AsType[extract.Problem](err); ok {
		if problem == extract.Unsupported {
			return 0, result{Unsupported, sentence(problem)}, nil
		}
		return 0, result{Failed, sentence(problem)}, nil
	} else if err != nil {
		return 0, result{}, err
	}
	parts := cut(text.Text)
	if len(parts) == 0 {
		return 0, failed("%s", sentence(extract.Textless)), nil
	}
	if full, err := s.store(ctx, row, parts); err != nil || full {
		return 0, failed("The agent has as many passages as it may have, %d", maxPassages), err
	}
	out := result{status: Ready}
	if text.Cut {
		out.reason = fmt.Sprintf("Only the first %d MiB of its text are indexed", extract.MaxText>>20)
	}
	return len(parts), out, nil
}

// store stores the passages of a document in place of those that an earlier attempt left. Full reports that there are too many.
func (s *Service) store(ctx context.Context, row db.Document, parts []passage) (full bool, err error) {
	err = store.SystemUpdate(ctx, s.cfg.Store, "beginning to index a document", func(q db.System) error {
		has, err := q.MeasureDocuments(ctx, row.AgentID)
		if err != nil {
			return err
		}
		if full = has.Passages-row.Passages+int64(len(parts)) > maxPassages; full {
			return nil
		}
		return q.DeletePassages(ctx, row.ID)
	})
	for batch := 0; batch < len(parts) && err == nil && !full; batch += indexBatch {
		some := parts[batch:min(batch+indexBatch, len(parts))]
		rows := make([]db.InsertPassageParams, len(some))
		for i, p := range some {
			about := strings.TrimSpace(p.heading + "\n" + p.text)
			rows[i] = db.InsertPassageParams{
				DocumentID: row.ID, AgentID: row.AgentID, Position: int64(batch + i), Heading: p.heading, Content: p.text,
				Terms: strings.Join(slices.Collect(similar.Terms(about)), " "), Embedding: similar.Encode(similar.Embed(about)), EmbeddingSpace: similar.Space,
			}
		}
		err = store.SystemUpdate(ctx, s.cfg.Store, "storing passages", func(q db.System) error {
			now := s.now()
			n, err := q.AdvanceDocument(ctx, db.AdvanceDocumentParams{
				ID: row.ID, Hash: row.Hash, Attempt: row.Attempts, Passages: int64(len(parts)), Indexed: int64(batch + len(some)), LeaseUntil: leaseFrom(now), UpdatedAt: now,
			})
			if err != nil {
				return err
			}
			if n == 0 {
				return errGone
			}
			for _, p := range rows {
				if err := q.InsertPassage(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if errors.Is(err, errGone) { // finish finds nothing either
		err = nil
	}
	return full, err
}

// errGone says that a document was deleted, or is another worker's now.
var errGone = errors.New("the document is gone")

// finish stores what became of a document, if it is still there, and drops its content.
func (s *Service) finish(ctx context.Context, row db.Document, passages int, r result) error {
	return store.SystemUpdate(ctx, s.cfg.Store, "finishing a document", func(q db.System) error {
		n, err := q.FinishDocument(ctx, db.FinishDocumentParams{
			ID: row.ID, Hash: row.Hash, Attempt: row.Attempts, Status: string(r.status), Reason: r.reason, Passages: int64(passages), UpdatedAt: s.now(),
		})
		if err != nil || n == 0 {
			return err
		}
		if r.status != Ready {
			if err := q.DeletePassages(ctx, row.ID); err != nil {
				return err
			}
		}
		return q.DeleteDocumentContent(ctx, row.ID)
	})
}
