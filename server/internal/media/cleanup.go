package media

import (
	"context"
	"io/fs"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/lifecycle"
)

// abandonedAfter is the age at which a file that is still incoming was left behind by another server, which died and has not
// returned.
const abandonedAfter = 24 * time.Hour

// Start removes what an earlier process of this server and other dead ones left half received, and from now on the uploads of the
// channels that deleted yields, in the background until Close. It must come before the first upload. Uploads of a channel whose
// deletion was missed stay on disk and are never served.
func (s *Service) Start(ctx context.Context, deleted func(context.Context) iter.Seq[uuid.UUID]) {
	for area := range s.folders {
		s.removeAbandoned(area)
	}
	ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.cleaning.Go(func() {
		defer lifecycle.Contain(s.log, "the removal of files")
		for id := range deleted(ctx) {
			if err := s.remove(Owner{ChannelUploads, id}); err != nil {
				s.log.WarnContext(ctx, "uploads of a deleted channel not removed", "channelId", id, "error", err)
			}
		}
	})
}

func (s *Service) removeAbandoned(area Area) {
	root := s.folders[area].root.Load()
	entries, err := fs.ReadDir(root.FS(), incomingFolder)
	if err != nil {
		return // nothing was ever received here
	}
	for _, e := range entries {
		if !s.abandoned(e) {
			continue
		}
		if err := root.Remove(path.Join(incomingFolder, e.Name())); err != nil {
			s.log.Warn("half received file not removed", "error", err)
		}
	}
}

func (s *Service) abandoned(e fs.DirEntry) bool {
	if strings.HasPrefix(e.Name(), s.instance) { // of an earlier life, as this one has received nothing yet
		return true
	}
	info, err := e.Info()
	return err == nil && time.Since(info.ModTime()) >= abandonedAfter
}
