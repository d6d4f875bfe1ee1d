package storetest

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

func testKnowledge(t *testing.T, setup func(t *testing.T) *fixture) {
	document := func(t *testing.T, f *fixture, agent uuid.UUID, place, source string) db.InsertDocumentParams {
		t.Helper()
		d := db.InsertDocumentParams{
			ID: uuid.New(), AgentID: agent, Source: source, Place: place, Title: place, MediaType: "text/plain", Hash: "h", Size: 3, Status: "queued",
			CreatedAt: start, UpdatedAt: start,
		}
		if n := updated(t, f, db.System.InsertDocument, d); n != 1 {
			t.Fatalf("%d documents stored", n)
		}
		done(t, f, db.System.InsertDocumentContent, db.InsertDocumentContentParams{DocumentID: d.ID, Content: []byte("abc")})
		return d
	}
	passage := func(t *testing.T, f *fixture, d db.InsertDocumentParams, position int64, terms string) {
		t.Helper()
		done(t, f, db.System.InsertPassage, db.InsertPassageParams{
			DocumentID: d.ID, AgentID: d.AgentID, Position: position, Heading: "H", Content: "It says: " + terms, Terms: terms, Embedding: []byte{1, 2, 3, 4}, EmbeddingSpace: "s",
		})
	}

	t.Run("stored once in a place", func(t *testing.T) {
		f := setup(t)
		agent := f.agent(t, "a")
		d := document(t, f, agent, "a.md", "folder")
		again := d
		again.ID = uuid.New()
		if n := updated(t, f, db.System.InsertDocument, again); n != 0 {
			t.Error("stored twice")
		}
		document(t, f, agent, "a.md", "upload")
		document(t, f, f.agent(t, "b"), "a.md", "folder")
		if got := viewed(t, f, db.System.ListDocuments, db.ListDocumentsParams{AgentID: agent, LimitRows: 9}); len(got) != 2 {
			t.Errorf("listed %+v", got)
		}
		if got := viewed(t, f, db.System.MeasureDocuments, agent); got.Documents != 2 || got.Waiting != 6 || got.Passages != 0 {
			t.Errorf("measured %+v", got)
		}
		if got := viewed(t, f, db.System.ListCharacterDocuments, agent); len(got) != 1 || got[0].ID != d.ID {
			t.Errorf("of the character: %+v", got)
		}
		if got := viewed(t, f, db.System.ListKnowingAgents, db.ListKnowingAgentsParams{PageSize: 9}); len(got) != 2 || !slices.Contains(got, agent) {
			t.Errorf("knowing: %v", got)
		}
	})

	t.Run("claimed, advanced, finished", func(t *testing.T) {
		f := setup(t)
		d := document(t, f, f.agent(t, "a"), "a.md", "folder")
		claim := db.ClaimDocumentParams{Now: start + 1, LeaseUntil: start + 10}
		row := updated(t, f, db.System.ClaimDocument, claim)
		if row.ID != d.ID || row.Status != "indexing" || row.Attempts != 1 {
			t.Fatalf("claimed %+v", row)
		}
		err := f.SystemUpdate(t.Context(), func(q db.System) error {
			_, err := q.ClaimDocument(t.Context(), claim)
			return err
		})
		if !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("claimed twice: %v", err)
		}
		claim.Now = start + 11
		if row = updated(t, f, db.System.ClaimDocument, claim); row.Attempts != 2 {
			t.Errorf("after the lease: %+v", row)
		}
		done(t, f, db.System.RequeueDocuments, start+12)
		if row = updated(t, f, db.System.ClaimDocument, claim); row.Attempts != 3 {
			t.Errorf("given back: %+v", row)
		}
		advance := db.AdvanceDocumentParams{ID: d.ID, Hash: "h", Attempt: 2, Passages: 4, Indexed: 2, LeaseUntil: start + 20, UpdatedAt: start + 12}
		if n := updated(t, f, db.System.AdvanceDocument, advance); n != 0 {
			t.Error("advanced by an earlier attempt")
		}
		if advance.Attempt = 3; updated(t, f, db.System.AdvanceDocument, advance) != 1 {
			t.Error("not advanced")
		}
		finish := db.FinishDocumentParams{ID: d.ID, Hash: "other", Attempt: 3, Status: "failed", Reason: "It is damaged", Passages: 4, UpdatedAt: start + 13}
		if n := updated(t, f, db.System.FinishDocument, finish); n != 0 {
			t.Error("finished with another content")
		}
		if finish.Hash = "h"; updated(t, f, db.System.FinishDocument, finish) != 1 {
			t.Error("not finished")
		}
		got := viewed(t, f, db.System.GetDocument, db.GetDocumentParams{ID: d.ID, AgentID: d.AgentID})
		if got.Status != "failed" || got.Passages != 4 || got.Indexed != 4 {
			t.Errorf("finished as %+v", got)
		}
		if got := viewed(t, f, db.System.ListUnusedDocuments, db.ListUnusedDocumentsParams{AgentID: d.AgentID, LimitRows: 3}); len(got) != 1 || got[0].Reason != "It is damaged" {
			t.Errorf("can't be used: %+v", got)
		}
		if got := viewed(t, f, db.System.GetDocumentContent, d.ID); string(got) != "abc" {
			t.Errorf("content %q", got)
		}
	})

	t.Run("passages are found and forgotten", func(t *testing.T) {
		f := setup(t)
		d, other := document(t, f, f.agent(t, "a"), "a", "upload"), document(t, f, f.agent(t, "b"), "b", "upload")
		if viewed(t, f, db.System.HasPassages, d.AgentID) {
			t.Error("there are passages")
		}
		passage(t, f, d, 0, "the pump needs oil")
		passage(t, f, d, 1, "oil oil oil")
		passage(t, f, d, 2, "東京 京の")
		passage(t, f, other, 0, "oil of others")
		search := func(agent uuid.UUID, words string) (positions []int64) {
			t.Helper()
			for _, number := range viewed(t, f, db.System.SearchPassages, db.SearchPassagesParams{AgentID: agent, Words: words, LimitRows: 9}) {
				p := viewed(t, f, db.System.GetPassage, db.GetPassageParams{Number: number, AgentID: agent})
				positions = append(positions, p.Position)
			}
			return positions
		}
		if got := search(d.AgentID, `"oil" OR "nothing"`); !slices.Equal(got, []int64{1, 0}) {
			t.Errorf("oil: %v", got)
		}
		if got := search(d.AgentID, `"京の" OR "b"`); !slices.Equal(got, []int64{2}) {
			t.Errorf("of a script without spaces: %v", got)
		}
		if got := search(d.AgentID, `"others"`); got != nil {
			t.Errorf("of others: %v", got)
		}
		scan := db.ScanPassagesParams{AgentID: d.AgentID, EmbeddingSpace: "s", LimitRows: 2}
		page := viewed(t, f, db.System.ScanPassages, scan)
		if scan.AfterNumber = page[1].Number; len(page) != 2 || len(viewed(t, f, db.System.ScanPassages, scan)) != 1 || len(page[0].Embedding) != 4 {
			t.Errorf("scanned %+v", page)
		}
		if updated(t, f, db.System.DeleteDocument, db.DeleteDocumentParams{ID: d.ID, AgentID: other.AgentID}) != 0 {
			t.Error("deleted by another agent")
		}
		if updated(t, f, db.System.DeleteDocument, db.DeleteDocumentParams{ID: d.ID, AgentID: d.AgentID}) != 1 {
			t.Error("not deleted")
		}
		if got := viewed(t, f, db.System.SearchPassages, db.SearchPassagesParams{AgentID: d.AgentID, Words: `"oil"`, LimitRows: 9}); len(got) != 0 {
			t.Errorf("after deletion: %v", got)
		}
		done(t, f, db.System.DeletePassages, other.ID)
		if viewed(t, f, db.System.HasPassages, other.AgentID) {
			t.Error("passages are left")
		}
	})
}
