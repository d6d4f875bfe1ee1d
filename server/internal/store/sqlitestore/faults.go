package sqlitestore

import (
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/elizad/elizad/server/internal/store"
)

// errMoved is the error of what would be written to a file that no reader will find again.
var errMoved = errors.New("the database's file is no longer where it was opened")

// classify reads SQLite's result codes: the extended ones of constraints, and the primary ones, which are the lower eight bits,
// of what is wrong with the file or the disk.
func classify(err error) store.Fault {
	if errors.Is(err, errMoved) {
		return store.FaultMissing
	}
	failure, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return store.FaultOther
	}
	switch failure.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return store.FaultUnique
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return store.FaultReference
	}
	switch failure.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return store.FaultFull
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return store.FaultDamaged
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return store.FaultReadOnly
	case sqlite3.SQLITE_IOERR:
		return store.FaultDisk
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return store.FaultUnavailable
	default:
		return store.FaultOther
	}
}

// isEngineError reports whether err comes from SQLite, not from the code around it.
func isEngineError(err error) bool {
	_, ok := errors.AsType[*sqlite.Error](err)
	return ok
}
