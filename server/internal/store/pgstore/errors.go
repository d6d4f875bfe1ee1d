package pgstore

import (
	"errors"

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
	outOfRange           = "22003" // numeric_value_out_of_range: 1e200000 in JSON
	queryCanceled        = "57014" // by statement_timeout; a cancelled context is recognised before
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
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
	case outOfRange:
		return store.FaultNumber
	case queryCanceled:
		return store.FaultTimeout
	default:
		return store.FaultOther
	}
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
