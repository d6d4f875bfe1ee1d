package media

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime/multipart"
	"os"
	"path"
	"runtime"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/store"
)

// Upload is a file that has its place.
type Upload struct {
	URL          string // path on this server
	Name         string // last element of URL
	OriginalName string // as its sender called it
	Kind         Kind
	Size         int64
}

// Upload keeps the file of a form for an owner. Under a name once, which may be empty, the same file is kept once: a repetition
// of an upload that was not acknowledged replaces what it left. Errors: NOT_FOUND for an owner that isn't there, INVALID_REQUEST for a form
// without exactly one file, UNSUPPORTED_MEDIA_TYPE, FILE_TOO_LARGE, QUOTA_EXCEEDED.
func (s *Service) Upload(ctx context.Context, who auth.Identity, to Owner, once string, form *multipart.Reader) (Upload, error) {
	if err := s.find(ctx, who, to); err != nil { // before the file is sent in vain
		return Upload{}, err
	}
	in, err := s.receive(to.Area, form, uploadKind)
	if err != nil {
		return Upload{}, err
	}
	defer in.Discard()
	in.folder.keeping.RLock() // the database closes after this folder
	defer in.folder.keeping.RUnlock()
	name, err := s.keep(to, in, once)
	if err := in.folder.note(s.log, err); err != nil {
		return Upload{}, err
	}
	// The owner may have been deleted meanwhile, perhaps after its files were. That the sender has left or the database doesn't
	// answer says nothing about the owner: its files stay.
	if err := s.find(ctx, who, to); apierr.IsCode(err, apierr.NotFound) {
		_ = s.remove(to) // else they are never served
		return Upload{}, err
	} else if err != nil {
		_ = in.root.Remove(path.Join(to.ID.String(), name)) // no caller knows the file
		return Upload{}, err
	}
	return Upload{URL: fileurl.Path(to.Area, to.ID.String(), name), Name: name, OriginalName: in.Name, Kind: in.Kind, Size: in.Size}, nil
}

// Recording receives a form with a sound file, which the caller must discard. Errors are as of Upload, with
// INVALID_FILE_TYPE for what is no sound.
func (s *Service) Recording(form *multipart.Reader) (*Incoming, error) {
	return s.receive(AgentUploads, form, recordingKind)
}

func uploadKind(head []byte, name, declared string) (Kind, error) {
	kind, ok := sniff(head, name, declared)
	if !ok {
		return Kind{}, apierr.New(apierr.UnsupportedMediaType, "Invalid file type").
			WithDetails("Images (JPEG, PNG, GIF, WebP), sound (MP3, WAV, Ogg, WebM, MP4, AAC, FLAC), video (MP4, WebM), PDF, DOCX and plain text can be uploaded")
	}
	return kind, nil
}

func recordingKind(head []byte, _, _ string) (Kind, error) {
	kind, ok := sniff(head, "", "audio/*")
	if !ok || kind.Category != categoryAudio {
		return Kind{}, apierr.New(apierr.InvalidFileType, "Invalid audio file type").WithDetails("MP3, WAV, Ogg, WebM, MP4, AAC and FLAC are read")
	}
	return kind, nil
}

// find returns NOT_FOUND unless the owner is there for the caller.
func (s *Service) find(ctx context.Context, who auth.Identity, o Owner) error {
	return store.View(ctx, s.store, who.Scope(), "looking for the owner of a file", func(q db.Scoped) error {
		what, err := "Channel", error(nil)
		if o.Area == ChannelUploads {
			_, err = q.GetChannel(ctx, o.ID)
		} else {
			what = "Agent"
			_, err = q.GetAgentHead(ctx, o.ID)
		}
		return store.NotFound(err, "%s not found", what)
	})
}

// keep moves a received file to its owner under a name that can't be guessed, and returns the name. Once it is there it
// survives a crash.
func (s *Service) keep(o Owner, in *Incoming, once string) (name string, err error) {
	release, err := s.ledger.admit(o, in.Size, func() (int64, error) { return s.used(o) })
	if err != nil {
		return "", err
	}
	defer func() { release(err == nil) }()
	if err := in.file.Sync(); err != nil {
		return "", fmt.Errorf("keeping a file: %w", err)
	}
	root, dir := in.root, o.ID.String()
	if err := root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("keeping a file: %w", err)
	}
	if err := in.file.Close(); err != nil { // Windows moves no open files
		return "", fmt.Errorf("keeping a file: %w", err)
	}
	name = in.Kind.FileName(in.id(o, once).String())
	if err := root.Rename(in.path, path.Join(dir, name)); err != nil {
		return "", fmt.Errorf("keeping a file: %w", err)
	}
	in.file = nil // no longer incoming
	for _, changed := range []string{dir, "."} {
		if err := syncFolder(root, changed); err != nil {
			return "", fmt.Errorf("keeping a file: %w", err)
		}
	}
	if err := in.folder.isHere(root); err != nil { // it was moved meanwhile, and the file with it
		_ = root.Remove(path.Join(dir, name)) // no caller knows the file
		return "", fmt.Errorf("keeping a file: %w", err)
	}
	return name, nil
}

// id returns what the file is called: a name that can't be guessed and, where the file is to be kept once, the same again for the
// same content.
func (in *Incoming) id(o Owner, once string) uuid.UUID {
	if once == "" {
		return uuid.New()
	}
	return uuid.NewSHA1(o.ID, append(in.digest.Sum([]byte(once)), in.Kind.MIME...))
}

// syncFolder makes the names in a folder durable. Windows does so by itself and has no such call.
func syncFolder(root *os.Root, name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// used returns how many bytes an owner's files have.
func (s *Service) used(o Owner) (total int64, err error) {
	entries, err := fs.ReadDir(s.folders[o.Area].root.Load().FS(), o.ID.String())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("measuring the files of an owner: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else it was removed meanwhile
			total += info.Size()
		}
	}
	return total, nil
}

// remove deletes all files of an owner.
func (s *Service) remove(o Owner) error {
	if err := s.folders[o.Area].root.Load().RemoveAll(o.ID.String()); err != nil {
		return fmt.Errorf("removing the files of %s: %w", o.ID, err)
	}
	return nil
}
