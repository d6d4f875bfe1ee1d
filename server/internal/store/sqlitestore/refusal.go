package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/elizad/elizad/server/internal/store"
)

// refusal adds to an error of opening a database its file, and what to do.
func refusal(path string, err error) error {
	advice := ""
	switch fault := classify(err); {
	case fault == store.FaultDamaged:
		advice = "The file is damaged or no database of elizad. Put a backup in its place, or move it and its -wal and -shm files away to begin with an empty database."
	case fault == store.FaultReadOnly, errors.Is(err, fs.ErrPermission):
		advice = "Let the user of the server write there, or choose another folder with ELIZAD_DATA_DIR (--data-dir)."
	case fault == store.FaultFull, errors.Is(err, syscall.ENOSPC):
		advice = "Make room on the disk, or choose another folder with ELIZAD_DATA_DIR (--data-dir)."
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		advice = "Choose a folder with ELIZAD_DATA_DIR (--data-dir), or a file with SQLITE_PATH (--sqlite-path)."
	default:
		return err
	}
	return fmt.Errorf("%s: %w\n%s", path, err, advice)
}
