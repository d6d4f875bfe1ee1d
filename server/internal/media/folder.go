package media

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
)

// folder is where an area's files are. What is opened through its root can't be outside of it.
type folder struct {
	path string // absolute
	root atomic.Pointer[os.Root]

	keeping sync.RWMutex // held for reading while a file gets its place, and for writing by close
	failing atomic.Bool

	mu     sync.Mutex // held while another root is taken
	closed bool
	left   []string // parts of files that could not be removed, to be removed when files can be stored
}

func openFolder(path string) (*folder, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, err
	}
	f := &folder{path: abs}
	f.root.Store(root)
	return f, nil
}

// close waits for files that are getting their place. Later calls get errClosed.
func (f *folder) close() error {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return f.root.Load().Close()
}

// errClosed is the error of what is asked of files after Close.
var errClosed = apierr.New(apierr.Unavailable, "The server is shutting down")

// errElsewhere is the error of what would be written to a folder that no reader will find again.
var errElsewhere = errors.New("the folder is no longer where it was opened")

// isHere returns an error unless the folder's path still leads to root.
func (f *folder) isHere(root *os.Root) error {
	there, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errElsewhere, err)
	}
	here, err := root.Stat(".")
	if err != nil {
		return fmt.Errorf("%w: %w", errElsewhere, err)
	}
	if !os.SameFile(here, there) {
		return errElsewhere
	}
	return nil
}

// current returns the root that the folder's path leads to. An open folder stays usable when it is moved or removed, so a root
// that was opened once says nothing. Another folder in its place is taken for it, as it would be at the next start.
func (f *folder) current() (*os.Root, error) {
	if root := f.root.Load(); f.isHere(root) == nil {
		return root, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if root := f.root.Load(); f.isHere(root) == nil {
		return root, nil // another goroutine was faster
	}
	if f.closed {
		return nil, errClosed
	}
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errElsewhere, err)
	}
	f.root.Store(root) // the old one is closed when the last of its users have ended
	return root, nil
}

// Problem is why no file can be stored: an error for callers, with a word for operators.
type Problem struct {
	Word string // missing or not_writable
	err  *apierr.Error
}

// Error implements error.
func (p *Problem) Error() string { return p.err.Error() }

// Unwrap returns the error for callers.
func (p *Problem) Unwrap() error { return p.err }

// problemOf returns the problem with the folder behind an error, or nil if the error is about something else.
func problemOf(err error) *Problem {
	if errors.Is(err, errElsewhere) {
		return &Problem{"missing", apierr.Wrap(err, apierr.Unavailable, "The folder of uploads was moved or removed while the server runs; no file is stored until it is back")}
	}
	if errors.Is(err, fs.ErrPermission) {
		return &Problem{"not_writable", apierr.Wrap(err, apierr.Unavailable, "The server may not write to its folder of uploads; no file is stored until it may")}
	}
	if _, public := errors.AsType[*apierr.Error](err); public {
		return nil // it is about the request
	}
	if e := apierr.From(err); e.Code == apierr.Unavailable {
		return &Problem{"not_writable", e}
	}
	return nil
}

// note returns an error of storing a file as callers see it. It logs when a problem with a folder begins and when it is over.
func (f *folder) note(log *slog.Logger, err error) error {
	if err == nil {
		if f.failing.CompareAndSwap(true, false) {
			log.Info("files can be stored again", "folder", f.path)
		}
		f.removeLeft()
		return nil
	}
	if errors.Is(err, fs.ErrClosed) {
		return errClosed
	}
	problem := problemOf(err)
	if problem == nil {
		return err
	}
	if f.failing.CompareAndSwap(false, true) {
		log.Error("files can't be stored", "folder", f.path, "error", err)
	}
	return problem
}

// maxLeft is how many parts of files are remembered. The next start of the server removes all that are there.
const maxLeft = 1000

// remove removes a part of a file, or remembers it where that can't be done.
func (f *folder) remove(root *os.Root, name string) {
	if err := root.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.left) < maxLeft {
		f.left = append(f.left, name)
	}
}

// removeLeft removes what was left.
func (f *folder) removeLeft() {
	f.mu.Lock()
	left := f.left
	f.left = nil
	f.mu.Unlock()
	for _, name := range left {
		f.remove(f.root.Load(), name)
	}
}

// Check returns a [Trouble] when no files can be uploaded. It stores one to see.
func (s *Service) Check() error {
	for _, area := range []Area{AgentUploads, ChannelUploads} {
		f := s.folders[area]
		if err := f.note(s.log, s.try(f)); err != nil {
			return err
		}
	}
	return nil
}

// try stores a file, and removes it.
func (s *Service) try(f *folder) error {
	root, err := f.current()
	if err != nil {
		return err
	}
	name := path.Join(incomingFolder, s.instance+uuid.NewString())
	file, err := createIncoming(root, name)
	if err != nil {
		return err
	}
	defer f.remove(root, name)
	_, err = file.Write(make([]byte, 4096)) // an empty one needs no room
	return errors.Join(err, file.Close())
}
