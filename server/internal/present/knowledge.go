package present

import (
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/knowledge"
)

// Document shows a document of an agent.
func Document(d knowledge.Document) api.Document {
	return api.Document{
		ID: d.ID, AgentID: d.AgentID, Source: api.DocumentSource(d.Source), Title: d.Title, MediaType: d.MediaType, Hash: d.Hash, Size: d.Size,
		Status: api.DocumentStatus(d.Status), Reason: Optional(d.Reason), Passages: d.Passages, Indexed: d.Indexed,
		CreatedAt: d.CreatedAt.UnixMilli(), UpdatedAt: d.UpdatedAt.UnixMilli(),
		Metadata: api.DocumentMetadata{Type: api.DocumentMetadataTypeDocument, Title: d.Title, Filename: d.Title, FileType: d.MediaType, FileSize: d.Size},
	}
}

// KnowledgePassage shows a passage that was found.
func KnowledgePassage(f knowledge.Found) api.KnowledgePassage {
	return api.KnowledgePassage{
		DocumentID: f.DocumentID, Title: f.Title, Source: api.KnowledgePassageSource(f.Source), Position: f.Position, Heading: f.Heading, Text: f.Text,
		Similarity: float32(f.Similarity),
	}
}
