package pgstore

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/elizad/elizad/server/internal/store"
)

// Codes of appendix A of the PostgreSQL manual.
const (
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	badText              = "22021" // character_not_in_repertoire: a NUL, or not UTF-8
	badJSONText          = "22P05" // untranslatable_character: \u0000 in JSON
	badSyntax            = "22P02" // invalid_text_representation: half of a surrogate pair in JSON
	badNumber            = "22003" // numeric_value_out_of_range: also in JSON
	queryCanceled        = "57014" // by statement_timeout; a cancelled context is recognised before
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	diskFull             = "53100"
	programLimitExceeded = "54000" // such as more words than a text index takes
	readOnlyTransaction  = "25006" // after a failover the server may be a standby
	ioError              = "58030"
	dataCorrupted        = "XX001"
	indexCorrupted       = "XX002"
	lockNotAvailable     = "55P03"
	idleTooLong          = "25P03" // idle_in_transaction_session_timeout: this process was suspended
	transactionTooLong   = "25P04"
)

// Classes of codes: their first characters.
const (
	connectionLost = "08"
	noResources    = "53"   // too many connections, a full disk
	stopping       = "57P0" // shutdown, crash, start
)

// code returns the SQLSTATE of an error from PostgreSQL, "" for any other.
func code(err error) string {
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failure.Code
	}
	return ""
}

func classify(err error) store.Fault {
	switch code(err) {
	case uniqueViolation:
		return store.FaultUnique
	case foreignKeyViolation:
		return store.FaultReference
	case badText, badJSONText, badSyntax:
		return store.FaultText
	case badNumber:
		return store.FaultNumber
	case programLimitExceeded:
		return store.FaultSize
	case queryCanceled, transactionTooLong:
		return store.FaultTimeout
	case diskFull:
		return store.FaultFull
	case readOnlyTransaction:
		return store.FaultReadOnly
	case ioError:
		return store.FaultDisk
	case dataCorrupted, indexCorrupted:
		return store.FaultDamaged
	case lockNotAvailable, idleTooLong:
		return store.FaultUnavailable
	}
	if unavailable(err) {
		return store.FaultUnavailable
	}
	return store.FaultOther
}

// unavailable reports whether an error says nothing about what was asked, only that it could not be asked now: there is no
// connection, or it broke; PostgreSQL starts, stops or has no room; or others got in the way to the last.
func unavailable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if c := code(err); c != "" {
		return retryable(err) || strings.HasPrefix(c, connectionLost) || strings.HasPrefix(c, noResources) || strings.HasPrefix(c, stopping)
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) || pgconn.SafeToRetry(err)
}

// overtaken reports whether a transaction failed over a row that others may have added or deleted after it looked.
func overtaken(err error) bool {
	c := code(err)
	return c == uniqueViolation || c == foreignKeyViolation
}

// retryable reports whether a transaction failed only because of others that ran at the same time.
func retryable(err error) bool {
	switch code(err) {
	case serializationFailure, deadlockDetected:
		return true
	default:
		return false
	}
}
