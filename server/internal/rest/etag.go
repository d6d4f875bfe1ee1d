package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/jsontext"
)

// etag returns the entity tag of an answer's data: equal data have equal tags, and other data others.
func etag(data any) string {
	const size = 12 // bytes of the sum: enough that two versions of one thing never meet
	sum := sha256.Sum256(jsontext.Encode(data))
	return `"` + hex.EncodeToString(sum[:size]) + `"`
}

// ifMatch returns the check that the If-Match header of a request asks for: that the thing to be changed still looks as one
// of the header's tags has it. show is how an answer shows the thing. Without the header there is nothing to check.
func ifMatch[T, W any](header *string, show func(T) (W, error)) func(T) error {
	wanted := strings.TrimSpace(deref(header))
	if wanted == "" || wanted == "*" {
		return nil
	}
	return func(now T) error {
		w, err := show(now)
		if err != nil {
			return err
		}
		current := etag(w)
		for tag := range strings.SplitSeq(wanted, ",") {
			if strings.TrimSpace(tag) == current {
				return nil
			}
		}
		return apierr.New(apierr.PreconditionFailed, "It has been changed since; read it again").WithDetails("Its ETag is " + current)
	}
}
