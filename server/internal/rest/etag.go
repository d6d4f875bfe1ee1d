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

// shownTag returns the entity tag of what an answer shows, which changes with the addresses of files in it, too: what a client has kept
// ends with them. It begins as the tag of the thing, without them, does.
func shownTag(thing, shown any) string {
	const size = 8 // letters
	tag, sight := etag(thing), etag(shown)
	if tag == sight {
		return tag
	}
	return strings.TrimSuffix(tag, `"`) + "." + sight[1:1+size] + `"`
}

// thingTag returns the tag of the thing in a tag of [shownTag].
func thingTag(tag string) string {
	if thing, _, ok := strings.Cut(tag, "."); ok {
		return thing + `"`
	}
	return tag
}

// ifMatch returns the check that the If-Match header of a request asks for: that the thing to be changed still looks as one
// of the header's tags has it. show is how the thing looks without signatures. Without the header there is nothing to check.
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
			if thingTag(strings.TrimSpace(tag)) == current {
				return nil
			}
		}
		return apierr.New(apierr.PreconditionFailed, "It has been changed since; read it again").WithDetails("Its ETag is " + current)
	}
}
