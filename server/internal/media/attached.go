package media

import (
	"context"
	"io"
	"path"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/fileurl"
)

// Attached opens the file of an address that came with a message in a channel to an agent, which the caller must close. Found is
// false for what is no address of a file here. With private, only files of that channel and of that agent are opened: the author
// of the message may know the addresses of others. Errors are as of [Service.File].
func (s *Service) Attached(ctx context.Context, who auth.Identity, channelID, agentID uuid.UUID, address string, private bool) (file *File, found bool, err error) {
	area, owner, name, proven, ok := fileurl.Parse(address)
	if !ok {
		return nil, false, nil
	}
	theirs := area == ChannelUploads && owner == channelID || area != ChannelUploads && owner == agentID && proven
	if private && !theirs {
		return nil, true, errMissing()
	}
	file, err = s.File(ctx, who, Owner{area, owner}, name)
	return file, true, err
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
