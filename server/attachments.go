package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/attachment"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/media"
)

const (
	attachmentConns = 16
	attachmentTime  = 15 * time.Second
)

// newAttachments returns what reads the attachments of messages for agents.
func (s *Server) newAttachments() *attachment.Reader {
	files := attachedFiles{s.parts.media, s.parts.guard.Isolates()}
	return attachment.NewReader(files, s.parts.egress.Client(attachmentConns, attachmentTime), s.parts.egress.Check, s.log)
}

// attachedFiles are the files of this server, as agents have them. With isolation, an agent has what belongs to the channel, and what
// belongs to itself.
type attachedFiles struct {
	media   *media.Service
	private bool
}

// Attached implements [attachment.Files].
func (f attachedFiles) Attached(ctx context.Context, channelID, agentID uuid.UUID, address string) (attachment.File, bool, error) {
	file, found, err := f.media.Attached(ctx, auth.System(), channelID, agentID, address, f.private)
	if err != nil || !found {
		return nil, found, err
	}
	return file, true, nil
}
