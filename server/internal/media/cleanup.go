package media

import (
	"context"
	"io/fs"
	"iter"
	"path"
	"time"

	"github.com/google/uuid"
)

// abandonedAfter is the age at which a file that is still incoming was left behind by a server that died.
const abandonedAfter = 24 * time.Hour

// Start removes what dead servers left half received, and from now on the uploads of the channels that deleted yields, in
// the background until Close. Uploads of a channel whose deletion was missed stay on disk and are never served.
func (s *Service) Start(ctx context.Context, deleted func(context.Context) iter.Seq[uuid.UUID]) {
	ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.cleaning.Go(func() {
		for area := range s.folders {
			s.removeAbandoned(area)
		}
		for id := range deleted(ctx) {
			if err := s.remove(Owner{ChannelUploads, id}); err != nil {
				s.log.WarnContext(ctx, "uploads of a deleted channel not removed", "channelId", id, "error", err)
			}
		}
	})
}

func (s *Service) removeAbandoned(area Area) {
	root := s.folders[area].root
	entries, err := fs.ReadDir(root.FS(), incomingFolder)
	if err != nil {
		return // nothing was ever received here
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < abandonedAfter {
			continue
		}
		if err := root.Remove(path.Join(incomingFolder, e.Name())); err != nil {
			s.log.Warn("file left behind by another server not removed", "error", err)
		}
	}
}
