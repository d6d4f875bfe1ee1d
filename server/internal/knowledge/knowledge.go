// Package knowledge keeps the documents of agents and finds passages in them (agent runtime §13).
//
// A document is stored at once, and indexed in the background: its text is found, cut into passages, and each passage is kept
// with its words and its vector. What waits is in the database, so that a restart takes it up again. What a character names is
// brought in line with the character whenever that changes, and at every start.
package knowledge

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/extract"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

// Source is where a document comes from.
type Source string

// The sources of documents.
const (
	FromCharacter Source = "character" // a text in the character
	FromFolder    Source = "folder"    // a file that the character names
	FromUpload    Source = "upload"
)

// Status is how far a document is.
type Status string

// The states of documents.
const (
	Queued      Status = "queued"
	Indexing    Status = "indexing"
	Ready       Status = "ready"
	Unsupported Status = "unsupported" // its kind can't be read
	Failed      Status = "failed"
)

// Document is a document of an agent.
type Document struct {
	ID        uuid.UUID
	AgentID   uuid.UUID
	Source    Source
	Title     string
	MediaType string
	Hash      string // SHA-256 of the content, in hexadecimal; empty for a file that could not be read
	Size      int64
	Status    Status
	Reason    string // why it can't be used, or only in part
	Passages  int    // that it is cut into; 0 before that is known
	Indexed   int    // of them
	CreatedAt time.Time
	UpdatedAt time.Time
}

const (
	// MaxSize is how many bytes a document may have.
	MaxSize = 16 << 20

	maxWaiting  = 64 << 20 // bytes of an agent's documents that wait to be indexed
	maxPassages = 20_000   // of an agent
	maxTitle    = 200      // characters
)

// Config is what a Service is made of. Store is required.
type Config struct {
	Store  store.System
	Dir    string           // that files of characters are below; empty: they name none
	Most   int              // documents of one agent; 0: no limit
	Logger *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
}

// Service keeps documents. It is safe for concurrent use.
type Service struct {
	cfg     Config
	extract *extract.Reader
	wake    chan struct{}
	stop    context.CancelFunc
	worker  sync.WaitGroup

	mu      sync.Mutex
	changed map[uuid.UUID]struct{} // agents whose characters are to be looked at
}

// New returns a service that indexes nothing before it is started.
func New(cfg Config) *Service {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg, extract: extract.NewReader(cfg.Logger), wake: make(chan struct{}, 1), changed: map[uuid.UUID]struct{}{}}
}

// Start begins to index what waits, and to bring documents in line with the characters.
func (s *Service) Start(ctx context.Context) error {
	if s.cfg.Store.Exclusive() { // what is being indexed is left of a process that is gone
		err := store.SystemUpdate(ctx, s.cfg.Store, "taking documents up again", func(q db.System) error { return q.RequeueDocuments(ctx, s.now()) })
		if err != nil {
			return err
		}
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.worker.Go(func() { lifecycle.Persist(ctx, s.cfg.Logger, "the indexing of documents", func() { s.work(ctx) }) })
	return nil
}

// Stop ends what Start began. What is not indexed yet is taken up again by the next start.
func (s *Service) Stop(ctx context.Context) error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	return lifecycle.Await(ctx, s.worker.Wait)
}

// Changed says that an agent is new or has another character.
func (s *Service) Changed(agentID uuid.UUID) {
	s.mu.Lock()
	s.changed[agentID] = struct{}{}
	s.mu.Unlock()
	s.hint()
}

// hint wakes the worker up.
func (s *Service) hint() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Service) now() dbtype.Millis { return dbtype.MillisOf(s.cfg.Now()) }

// Upload is a document that a caller brings.
type Upload struct {
	Name      string
	MediaType string // as the caller says; may be empty
	Content   []byte
}

// Add stores a document for an agent, to be indexed soon. The same content is stored once: added is false when it is there
// already. Errors: NOT_FOUND for an agent that isn't there, FILE_TOO_LARGE, QUOTA_EXCEEDED.
func (s *Service) Add(ctx context.Context, who auth.Identity, agentID uuid.UUID, u Upload) (d Document, added bool, err error) {
	if len(u.Content) > MaxSize {
		return Document{}, false, apierr.New(apierr.FileTooLarge, "The document has %d bytes, and may have %d", len(u.Content), MaxSize)
	}
	if len(u.Content) == 0 {
		return Document{}, false, apierr.New(apierr.ValidationFailed, "The document is empty")
	}
	hash := hashOf(u.Content)
	title := shorten(names.Clean(u.Name), maxTitle)
	if title == "" {
		title = titleOf(string(u.Content))
	}
	row := s.rowOf(agentID, FromUpload, hash, title, mediaTypeOf(u.Name, u.MediaType, u.Content), hash, len(u.Content))
	err = store.Update(ctx, s.cfg.Store, who.Scope(), "adding a document", func(q db.Scoped) error {
		added = false
		if _, err := q.GetAgentHead(ctx, agentID); err != nil {
			return store.NotFound(err, "Agent not found")
		}
		known, err := q.GetDocument(ctx, db.GetDocumentParams{ID: row.ID, AgentID: agentID})
		if err == nil {
			d = documentOf(known)
			return nil
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := s.admit(ctx, q, agentID, len(u.Content)); err != nil {
			return err
		}
		if err := insert(ctx, q, row, u.Content); err != nil {
			return err
		}
		added = true
		if known, err = q.GetDocument(ctx, db.GetDocumentParams{ID: row.ID, AgentID: agentID}); err != nil {
			return err
		}
		d = documentOf(known)
		return audit.Within(ctx, q, row.ID, "")
	})
	if err != nil {
		return Document{}, false, err
	}
	s.hint()
	return d, added, nil
}

// admit refuses a document that would be one too many, or more than can wait.
func (s *Service) admit(ctx context.Context, q db.Scoped, agentID uuid.UUID, size int) error {
	has, err := q.MeasureDocuments(ctx, agentID)
	switch {
	case err != nil:
		return err
	case s.cfg.Most > 0 && has.Documents >= int64(s.cfg.Most):
		return apierr.New(apierr.QuotaExceeded, "There may be %d documents of one agent, and this one has as many", s.cfg.Most).
			WithDetails("Delete some, or raise ELIZAD_MAX_DOCUMENTS (--max-documents)")
	case has.Waiting+int64(size) > maxWaiting:
		return apierr.New(apierr.QuotaExceeded, "Too many documents of this agent wait to be indexed; try again later")
	}
	return nil
}

// rowOf returns the row of a document that waits to be indexed. Its id follows from its place.
func (s *Service) rowOf(agentID uuid.UUID, source Source, place, title, mediaType, hash string, size int) db.InsertDocumentParams {
	now := s.now()
	row := db.InsertDocumentParams{
		ID: agent.UUIDFor(agentID, "document "+string(source)+" "+place), AgentID: agentID, Source: string(source), Place: place, Title: title, MediaType: mediaType,
		Hash: hash, Size: int64(size), Status: string(Queued), CreatedAt: now, UpdatedAt: now,
	}
	if !extract.Supports(mediaType) {
		row.Status, row.Reason = string(Unsupported), sentence(extract.Unsupported)
	}
	return row
}

// insert stores a document, with its content if it is to be indexed.
func insert(ctx context.Context, q db.Scoped, row db.InsertDocumentParams, content []byte) error {
	n, err := q.InsertDocument(ctx, row)
	if err != nil || n == 0 || row.Status != string(Queued) {
		return err
	}
	return q.InsertDocumentContent(ctx, db.InsertDocumentContentParams{DocumentID: row.ID, Content: content})
}

// Get returns a document of an agent.
func (s *Service) Get(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) (d Document, err error) {
	err = store.View(ctx, s.cfg.Store, who.Scope(), "reading a document", func(q db.Scoped) error {
		row, err := q.GetDocument(ctx, db.GetDocumentParams{ID: id, AgentID: agentID})
		d = documentOf(row)
		return store.NotFound(err, "Document not found")
	})
	return d, err
}

const maxPage = 200 // documents

// List returns documents of an agent, the newest first, and whether there are more. A limit of 0 means 50.
func (s *Service) List(ctx context.Context, who auth.Identity, agentID uuid.UUID, limit, offset int) (list []Document, more bool, err error) {
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, maxPage)
	err = store.View(ctx, s.cfg.Store, who.Scope(), "listing documents", func(q db.Scoped) error {
		if _, err := q.GetAgentHead(ctx, agentID); err != nil {
			return store.NotFound(err, "Agent not found")
		}
		rows, err := q.ListDocuments(ctx, db.ListDocumentsParams{AgentID: agentID, LimitRows: int64(limit) + 1, OffsetRows: int64(max(offset, 0))})
		more = len(rows) > limit
		list = make([]Document, 0, len(rows))
		for _, row := range rows[:min(limit, len(rows))] {
			list = append(list, documentOf(row))
		}
		return err
	})
	return list, more, err
}

// Delete removes a document, which the agent forgets. One that its character names comes back at the next start, or when the
// character changes, unless it is taken out there.
func (s *Service) Delete(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) error {
	return store.Update(ctx, s.cfg.Store, who.Scope(), "deleting a document", func(q db.Scoped) error {
		n, err := q.DeleteDocument(ctx, db.DeleteDocumentParams{ID: id, AgentID: agentID})
		if err == nil && n == 0 {
			return apierr.New(apierr.NotFound, "Document not found")
		} else if err != nil {
			return err
		}
		return audit.Within(ctx, q, id, "")
	})
}

func documentOf(row db.Document) Document {
	if row.Size == 0 {
		row.Hash = "" // of why there is no content
	}
	return Document{
		ID: row.ID, AgentID: row.AgentID, Source: Source(row.Source), Title: row.Title, MediaType: row.MediaType, Hash: row.Hash, Size: row.Size,
		Status: Status(row.Status), Reason: row.Reason, Passages: int(row.Passages), Indexed: int(row.Indexed),
		CreatedAt: row.CreatedAt.Time(), UpdatedAt: row.UpdatedAt.Time(),
	}
}
