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

// The faults that callers are told apart; every other error of an engine is FaultOther.
const (
	FaultOther       Fault = iota
	FaultUnique            // a row with this key exists already
	FaultReference         // a row refers to one that doesn't exist
	FaultText              // a text holds something that the engine cannot store
	FaultNumber            // a number is beyond what the engine can store
	FaultTimeout           // the engine stopped the statement for taking too long
	FaultUnavailable       // the engine can't be reached, or has no room for another caller
)

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
	switch classify(err) {
	case FaultUnique:
		return apierr.Wrap(err, apierr.Conflict, "It already exists")
	case FaultReference:
		return apierr.Wrap(err, apierr.NotFound, "It refers to something that does not exist")
	case FaultText:
		return apierr.Wrap(err, apierr.ValidationFailed, "A text holds a character that cannot be stored")
	case FaultNumber:
		return apierr.Wrap(err, apierr.ValidationFailed, "A number is too large or too precise to be stored")
	case FaultUnavailable:
		return apierr.Wrap(err, apierr.Unavailable, "The database is not available at the moment; try again")
	case FaultTimeout:
		return apierr.Wrap(err, apierr.Timeout, "The database took too long")
	default:
		return fmt.Errorf("using the database: %w", err)
	}
}
