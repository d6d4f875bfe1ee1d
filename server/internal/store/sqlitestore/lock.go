package sqlitestore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// errLocked is returned by lock for a file that another process has locked.
var errLocked = errors.New("locked by another process")

// holder is the content of a lock file: who has it. It is information for people; the lock itself is the kernel's, and
// ends with the process however that ends.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
}

// lockFile locks the file at path for this process without waiting, and writes into it who holds it.
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
	switch err := lock(file); {
	case errors.Is(err, errLocked):
		return nil, fmt.Errorf("the data directory %s is in use by %s: stop that process, or set ELIZAD_DATA_DIR to another directory",
			filepath.Dir(path), readHolder(file))
	case err != nil:
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	content, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil, fmt.Errorf("describing the holder of the data directory: %w", err)
	}
	if err := errors.Join(file.Truncate(0), writeAt(file, append(content, '\n'))); err != nil {
		return nil, fmt.Errorf("writing the lock of the data directory: %w", err)
	}
	return file, nil
}

func writeAt(file *os.File, content []byte) error {
	_, err := file.WriteAt(content, 0)
	return err
}

// readHolder describes who holds a lock file. The holder may be between taking the lock and writing its name.
func readHolder(file *os.File) string {
	var h holder
	content, err := io.ReadAll(io.LimitReader(file, 4096))
	if err != nil || json.Unmarshal(content, &h) != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Started.Format(time.RFC3339))
}

// unlockFile empties the lock file and lets go of it. The file stays: removing it would let a process that has just opened
// it lock a file that the next one doesn't see.
func unlockFile(file *os.File) error {
	return errors.Join(file.Truncate(0), file.Close())
}
