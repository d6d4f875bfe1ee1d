// Package instance gives a server an id that it keeps over restarts. Who finds that it has begun to live again may clean up
// what the life before left open, without asking how long ago that was.
package instance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/filelock"
)

// fileName is where the id is kept, in the data folder.
const fileName = "instance"

// Instance is a living server.
type Instance struct {
	ID uuid.UUID
	// Returned says that no other process lives under the id, so that what is stored under it is of an earlier one.
	Returned bool

	file *os.File
}

// Open begins a run of the server whose data is in a folder. Where another process lives there, the id is a new one, for this
// run alone. Close must be called.
func Open(dir string) (*Instance, error) {
	file, err := os.OpenFile(filepath.Join(dir, fileName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the instance's id: %w", err)
	}
	in, err := read(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the instance's id from %s: %w", file.Name(), err), file.Close())
	}
	return in, nil
}

func read(file *os.File) (*Instance, error) {
	if err := filelock.Lock(file); errors.Is(err, filelock.ErrLocked) {
		return &Instance{ID: uuid.New(), file: file}, nil
	} else if err != nil {
		return nil, err
	}
	const longest = 64
	text, err := io.ReadAll(io.LimitReader(file, longest))
	if err != nil {
		return nil, err
	}
	if id, err := uuid.Parse(strings.TrimSpace(string(text))); err == nil {
		return &Instance{ID: here(id), Returned: true, file: file}, nil
	}
	id := uuid.New() // there was none, or none that can be read
	if err := file.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := file.WriteAt([]byte(id.String()+"\n"), 0); err != nil {
		return nil, err
	}
	return &Instance{ID: here(id), Returned: true, file: file}, nil
}

// here returns the id on this machine: a copy of the folder elsewhere, as in an image of a container, is another instance.
func here(id uuid.UUID) uuid.UUID {
	host, err := os.Hostname()
	if err != nil {
		host = "" // of a machine without a name there are no copies
	}
	return uuid.NewSHA1(id, []byte(host))
}

// Close ends the life.
func (in *Instance) Close() error {
	var err error
	if in.Returned { // otherwise the lock is another process's
		err = filelock.Unlock(in.file)
	}
	return errors.Join(err, in.file.Close())
}
