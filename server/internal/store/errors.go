package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/elizad/elizad/server/apierr"
)

// Fault is what an engine's error code means for a caller.
type Fault int

// The faults that callers can distinguish; every other error of an engine is FaultOther.
const (
	FaultOther       Fault = iota
	FaultUnique            // a row with this key exists already
	FaultReference         // a row refers to one that doesn't exist
	FaultText              // a text holds something that the engine cannot store
	FaultNumber            // a number is beyond what the engine can store
	FaultSize              // a text is longer than the engine can take in
	FaultTimeout           // the engine stopped the statement for taking too long
	FaultUnavailable       // the engine can't be reached, or has no room for another caller
	FaultFull              // the disk is full
	FaultReadOnly          // the database can't be written to
	FaultDisk              // the disk reports errors
	FaultMissing           // the database's file is no longer where it was opened
	FaultLog               // what is stored would not survive the process: its log was removed
	FaultDamaged           // what was asked for lies in a part of the database that can't be read
)

// errLasts is the cause in the error of a fault that another caller met.
var errLasts = errors.New("the fault lasts")

// lasting reports whether a fault is the database's own, which other callers will meet, too.
func (f Fault) lasting() bool { return f >= FaultFull }

// String returns the word by which operators know the state of a database with this fault.
func (f Fault) String() string {
	switch f {
	case FaultFull:
		return "disk_full"
	case FaultReadOnly:
		return "read_only"
	case FaultDisk:
		return "disk_error"
	case FaultMissing:
		return "missing"
	case FaultLog:
		return "log_missing"
	case FaultDamaged:
		return "damaged"
	default:
		return "unreachable"
	}
}

// wrap returns the error that leaves the store for a fault that lasts.
func (f Fault) wrap(err error) error {
	err = &faultError{f, err}
	switch f {
	case FaultFull:
		return apierr.Wrap(err, apierr.Unavailable, "The server's disk is full; try again when there is room")
	case FaultReadOnly:
		return apierr.Wrap(err, apierr.Unavailable, "The database cannot be written to at the moment; try again later")
	case FaultDisk:
		return apierr.Wrap(err, apierr.Unavailable, "The server's disk reports an error; try again later")
	case FaultMissing:
		return apierr.Wrap(err, apierr.Unavailable, "The database was moved or removed while the server runs; nothing is stored until it is back")
	case FaultLog:
		return apierr.Wrap(err, apierr.Unavailable, "The log of the database was removed while the server runs; restart the server")
	default:
		return apierr.Wrap(err, apierr.StorageDamaged, "A part of the database is damaged; what lies in it must be restored from a backup")
	}
}

// faultError keeps the fault of an error for [FaultOf].
type faultError struct {
	fault Fault
	err   error
}

func (e *faultError) Error() string { return e.err.Error() }
func (e *faultError) Unwrap() error { return e.err }

// FaultOf returns the fault in an error of a store, [FaultOther] for one that is not about the database itself.
func FaultOf(err error) Fault {
	if e, ok := errors.AsType[*faultError](err); ok {
		return e.fault
	}
	return FaultOther
}

// ErrClosed is returned by the methods of a store after Close.
var ErrClosed error = apierr.New(apierr.Unavailable, "The server is shutting down")

// Translate turns an error from a transaction into the one that leaves the store, as [Store] describes. classify reads the
// engine's error codes; it never sees an error whose meaning is known without them.
func Translate(err error, classify func(error) Fault) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*apierr.Error](err); ok {
		return err
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return apierr.Wrap(err, apierr.NotFound, "Not found")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("waiting for the database: %w", err)
	}
	switch f := classify(err); f {
	case FaultUnique:
		return apierr.Wrap(err, apierr.Conflict, "It already exists")
	case FaultReference:
		return apierr.Wrap(err, apierr.NotFound, "It refers to something that does not exist")
	case FaultText:
		return apierr.Wrap(err, apierr.ValidationFailed, "A text holds a character that cannot be stored")
	case FaultNumber:
		return apierr.Wrap(err, apierr.ValidationFailed, "A number is too large or too precise to be stored")
	case FaultSize:
		return apierr.Wrap(err, apierr.ValidationFailed, "A text is longer than the database can take in")
	case FaultUnavailable:
		return apierr.Wrap(err, apierr.Unavailable, "The database is not available at the moment; try again")
	case FaultFull, FaultReadOnly, FaultDisk, FaultMissing, FaultLog, FaultDamaged:
		return f.wrap(err)
	case FaultTimeout:
		return apierr.Wrap(err, apierr.Timeout, "The database took too long")
	default:
		return fmt.Errorf("using the database: %w", err)
	}
}
