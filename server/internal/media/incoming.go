package media

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime/multipart"
	"os"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/names"
)

// incomingFolder holds the files that are being sent, under the id of the instance that receives them. They become an owner's
// by being moved, which is all or nothing.
const incomingFolder = ".incoming"

// Incoming is a file that was received and has no owner yet. It is gone when it is discarded.
type Incoming struct {
	Name   string // as its sender calls it, made harmless; for people only
	Kind   Kind
	Size   int64
	Fields map[string]string // what else the form says

	folder *folder
	root   *os.Root // of the folder when the file came
	path   string
	file   *os.File
	digest hash.Hash // of the content
}

// Content returns the file from its beginning.
func (in *Incoming) Content() io.Reader { return io.NewSectionReader(in.file, 0, in.Size) }

// Discard removes the file, unless it was kept.
func (in *Incoming) Discard() {
	if in.file == nil {
		return
	}
	_ = in.file.Close() // what was written won't be read
	in.folder.remove(in.root, in.path)
	in.file = nil
}

// receive reads a form and writes its file to disk as it comes.
func (s *Service) receive(area Area, form *multipart.Reader, kindOf func(head []byte, name, declared string) (Kind, error)) (_ *Incoming, err error) {
	in := &Incoming{folder: s.folders[area], path: path.Join(incomingFolder, s.instance+uuid.NewString())}
	defer func() {
		if err != nil {
			in.Discard()
			err = in.folder.note(s.log, err)
		}
	}()
	if in.root, err = in.folder.current(); err != nil { // before the file is sent in vain
		return nil, fmt.Errorf("receiving a file: %w", err)
	}
	in.Fields, err = readForm(form, func(part *multipart.Part) error {
		in.Name = displayName(part.FileName())
		head := make([]byte, sniffLength)
		n, err := io.ReadFull(part, head)
		switch {
		case err == io.EOF:
			return apierr.New(apierr.InvalidRequest, "The file is empty")
		case err != nil && err != io.ErrUnexpectedEOF: // a short file ends before the head is full
			return readError(err)
		}
		if in.Kind, err = kindOf(head[:n], in.Name, part.Header.Get("Content-Type")); err != nil {
			return err
		}
		return in.write(io.MultiReader(bytes.NewReader(head[:n]), part), s.maxFile)
	})
	return in, err
}

// write copies content to a new file, at most limit bytes of it.
func (in *Incoming) write(content io.Reader, limit int64) error {
	file, err := createIncoming(in.root, in.path)
	if err != nil {
		return fmt.Errorf("receiving a file: %w", err)
	}
	in.file, in.digest = file, sha256.New()
	source := &watched{Reader: io.TeeReader(io.LimitReader(content, limit+1), in.digest)}
	in.Size, err = io.Copy(file, source)
	switch {
	case source.err != nil:
		return readError(source.err)
	case err != nil:
		return fmt.Errorf("receiving a file: %w", err)
	case in.Size > limit:
		return apierr.New(apierr.FileTooLarge, "File too large").WithDetails(fmt.Sprintf("A file may have %d bytes", limit))
	}
	return nil
}

// createIncoming makes a file among those that are being sent.
func createIncoming(root *os.Root, name string) (*os.File, error) {
	if err := root.Mkdir(incomingFolder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// watched remembers whether reading failed, which distinguishes a sender's fault from the disk's.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// displayName makes a name harmless to show: the last element of a path, and not too long.
func displayName(name string) string {
	const maxRunes = 200
	switch name = names.Clean(name[strings.LastIndexAny(name, `/\`)+1:]); name {
	case "", ".", "..", "undefined": // the last is how JavaScript spells the name of a file that has none
		return fileField
	}
	if runes := []rune(name); len(runes) > maxRunes {
		return string(runes[:maxRunes])
	}
	return name
}
