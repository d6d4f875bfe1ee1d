package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
)

// incomingFolder holds the files that are being sent. They become an owner's by being moved, which is all or nothing.
const incomingFolder = ".incoming"

// Incoming is a file that was received and belongs to nobody yet. It is gone when it is discarded.
type Incoming struct {
	Name   string // as its sender calls it, made harmless; for people only
	Kind   Kind
	Size   int64
	Fields map[string]string // what else the form says

	folder folder
	path   string
	file   *os.File
}

// Content returns the file from its beginning.
func (in *Incoming) Content() io.Reader { return io.NewSectionReader(in.file, 0, in.Size) }

// Discard removes the file, unless it was kept.
func (in *Incoming) Discard() {
	if in.file == nil {
		return
	}
	_ = in.file.Close()                // nobody reads what was written
	_ = in.folder.root.Remove(in.path) // a file that stays is cleaned up later
	in.file = nil
}

// receive reads a form and writes its file to disk as it comes.
func (s *Service) receive(area Area, form *multipart.Reader, kindOf func(head []byte, declared string) (Kind, error)) (_ *Incoming, err error) {
	in := &Incoming{folder: s.folders[area]}
	defer func() {
		if err != nil {
			in.Discard()
		}
	}()
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
		if in.Kind, err = kindOf(head[:n], part.Header.Get("Content-Type")); err != nil {
			return err
		}
		return in.write(io.MultiReader(bytes.NewReader(head[:n]), part), s.maxFile)
	})
	return in, err
}

// write copies content to a new file, at most limit bytes of it.
func (in *Incoming) write(content io.Reader, limit int64) error {
	root := in.folder.root
	if err := root.Mkdir(incomingFolder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("receiving a file: %w", err)
	}
	in.path = path.Join(incomingFolder, uuid.NewString())
	file, err := root.OpenFile(in.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("receiving a file: %w", err)
	}
	in.file = file
	source := &watched{Reader: io.LimitReader(content, limit+1)}
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

// watched remembers whether reading failed, which tells a sender's fault from the disk's.
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

// displayName makes a name harmless to show: the last element of a path, without control characters, and not too long.
func displayName(name string) string {
	const maxRunes = 200
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	switch name = strings.TrimSpace(name); name {
	case "", ".", "..", "undefined": // the last is how JavaScript spells the name of a file that has none
		return fileField
	}
	if runes := []rune(name); len(runes) > maxRunes {
		return string(runes[:maxRunes])
	}
	return name
}
