package client

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Documents returns a page of what an agent answers from, newest first. A limit of 0 means 50.
func (c *Client) Documents(ctx context.Context, agentID uuid.UUID, limit, offset int) (DocumentList, error) {
	return call[DocumentList](ctx, c, "listing documents", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListDocuments(ctx, agentID, &api.ListDocumentsParams{Limit: positive(limit), Offset: positive(offset)})
	})
}

// AddDocument stores a file for an agent to answer from. It is indexed in the background: see the status of [Client.Document]. What
// the agent has already is returned as it is. Like an upload, it is bounded by ctx alone, and is never repeated.
func (c *Client) AddDocument(ctx context.Context, agentID uuid.UUID, f File) (Document, error) {
	form := newForm("file", f, nil)
	return firstAdded(transfer[[]Document](ctx, "adding a document", func(ctx context.Context) (*http.Response, error) {
		return c.api.AddDocumentsWithBody(withoutRepeat(ctx), agentID, form.kind, form)
	}))
}

// AddText is AddDocument of a text, whose title may be empty.
func (c *Client) AddText(ctx context.Context, agentID uuid.UUID, title, content string) (Document, error) {
	return firstAdded(call[[]Document](ctx, c, "adding a text", func(ctx context.Context) (*http.Response, error) {
		return c.api.AddDocuments(ctx, agentID, api.DocumentText{Content: content, Title: text(title)})
	}))
}

func firstAdded(added []Document, err error) (Document, error) {
	if err != nil || len(added) == 0 {
		return Document{}, err
	}
	return added[0], nil
}

// Document returns how far a document of an agent is.
func (c *Client) Document(ctx context.Context, agentID, documentID uuid.UUID) (Document, error) {
	box, err := call[api.DocumentBox](ctx, c, "reading a document", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetDocument(ctx, agentID, documentID)
	})
	return box.Document, err
}

// DeleteDocument makes an agent forget a document.
func (c *Client) DeleteDocument(ctx context.Context, agentID, documentID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a document", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteDocument(ctx, agentID, documentID)
	})
}

// SearchKnowledge returns the passages of an agent's documents that fit a question best. A limit of 0 means 20.
func (c *Client) SearchKnowledge(ctx context.Context, agentID uuid.UUID, question string, limit int) ([]Passage, error) {
	found, err := call[api.KnowledgeFound](ctx, c, "searching knowledge", func(ctx context.Context) (*http.Response, error) {
		return c.api.SearchKnowledge(ctx, agentID, &api.SearchKnowledgeParams{Q: question, Limit: positive(limit)})
	})
	return found.Results, err
}
