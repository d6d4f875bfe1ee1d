package sqlitestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/elizad/elizad/server/internal/filelock"
)

// holder is the content of a lock file: the process that holds it. It is information for people; the lock is the kernel's, and
// ends with the process however that ends.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Log     string    `json:"log,omitempty"` // the file beside the database that must be there at the next start
}

// lockFile locks the file at path for this process without waiting, and writes the holder into it.
func lockFile(path string) (_ *os.File, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data directory: %w", err)
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	switch err := filelock.Lock(file); {
	case errors.Is(err, filelock.ErrLocked):
		return nil, fmt.Errorf("the data directory %s is in use by %s: stop that process, or set ELIZAD_DATA_DIR to another directory",
			filepath.Dir(path), readHolder(file))
	case err != nil:
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := checkLog(path, file); err != nil {
		return nil, err
	}
	return file, noteLog(file, "")
}

// noteLog writes the holder of a lock file, and the name of the write-ahead log that must be found at the next start unless this
// process ends cleanly.
func noteLog(file *os.File, log string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	content, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second), Log: log})
	if err != nil {
		return fmt.Errorf("describing the holder of the data directory: %w", err)
	}
	content = append(content, '\n')
	// In this order, so that another process that reads it meanwhile finds a holder, and no empty file.
	if err := errors.Join(writeAt(file, content), file.Truncate(int64(len(content)))); err != nil {
		return fmt.Errorf("writing the lock of the data directory: %w", err)
	}
	return nil
}

func writeAt(file *os.File, content []byte) error {
	_, err := file.WriteAt(content, 0)
	return err
}

// checkLog returns an error when the process that held the lock before was killed, and the write-ahead log that it left
// behind is gone: it may have held most of what was stored, and the database looks whole without it.
func checkLog(path string, file *os.File) error {
	before, ok := parseHolder(file)
	if !ok || before.Log == "" {
		return nil
	}
	log := filepath.Join(filepath.Dir(path), filepath.Base(before.Log))
	if _, err := os.Stat(log); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%s is missing: the server was not stopped cleanly, and this file holds what it stored last. "+
		"Put it back, or restore a backup; to start without what it held, remove %s", log, path)
}

// readHolder describes the holder of a lock file. It may be between taking the lock and writing its name.
func readHolder(file *os.File) string {
	h, ok := parseHolder(file)
	if !ok {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Started.Format(time.RFC3339))
}

func parseHolder(file *os.File) (h holder, ok bool) {
	err := json.NewDecoder(io.NewSectionReader(file, 0, 4096)).Decode(&h) // an end of what stood there before doesn't matter
	return h, err == nil
}

// unlockFile empties the lock file and releases it. The file stays: removing it would let a process that has just opened
// it lock a file that the next one doesn't see.
func unlockFile(file *os.File) error {
	return errors.Join(file.Truncate(0), filelock.Unlock(file), file.Close())
}
