package media

import (
	"context"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
)

// Attached opens the file of an address that came with a message in a channel to an agent, which the caller must close. Found is
// false for what is no address of a file here. With private, only files of that channel and of that agent are opened: the author
// of the message may know the addresses of others. Errors are as of [Service.File].
func (s *Service) Attached(ctx context.Context, who auth.Identity, channelID, agentID uuid.UUID, address string, private bool) (file *File, found bool, err error) {
	o, name, ok := parseURL(address)
	if !ok {
		return nil, false, nil
	}
	theirs := o.Area == ChannelUploads && o.ID == channelID || o.Area != ChannelUploads && o.ID == agentID
	if private && !theirs {
		return nil, true, errMissing()
	}
	file, err = s.File(ctx, who, o, name)
	return file, true, err
}

// parseURL reads the URL path of a file.
func parseURL(address string) (o Owner, name string, ok bool) {
	address, _, _ = strings.Cut(address, "?")
	rest, ok := strings.CutPrefix(address, "/media/")
	if !ok {
		return o, "", false
	}
	for _, area := range []Area{ChannelUploads, AgentUploads, Generated} {
		place, found := strings.CutPrefix(rest, string(area)+"/")
		if !found {
			continue
		}
		owner, name, _ := strings.Cut(place, "/")
		id, err := uuid.Parse(owner)
		if err != nil {
			return o, "", false
		}
		if name, err = url.PathUnescape(name); err != nil {
			return o, "", false
		}
		return Owner{area, id}, name, true
	}
	return o, "", false
}

// Type returns the file's media type.
func (f *File) Type() string {
	if kind, known := kindOf(path.Ext(f.info.Name())); known {
		return kind.MIME
	}
	return "application/octet-stream"
}

// Size returns how many bytes the file has.
func (f *File) Size() int64 { return f.info.Size() }

var _ io.ReaderAt = (*File)(nil)

// ReadAt implements [io.ReaderAt].
func (f *File) ReadAt(p []byte, offset int64) (int, error) { return f.file.ReadAt(p, offset) }
