package httpx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"mime"
	"net/http"
)

// formDigest distinguishes forms while they are being received. The same form has another boundary each time it is sent: the
// boundary counts as one that is always the same.
type formDigest struct {
	hash     hash.Hash
	boundary []byte // with the dashes before it; empty: the body has none
	rest     []byte // what may be the beginning of a boundary
}

// newFormDigest returns a digest for the body of a request, or nil if it is no upload.
func newFormDigest(r *http.Request) *formDigest {
	if !isUpload(mediaType(r)) {
		return nil
	}
	d := &formDigest{hash: sha256.New()}
	if _, params, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil {
		d.boundary = []byte("--" + params["boundary"])
	}
	return d
}

// Write adds a piece of the body. It never fails.
func (d *formDigest) Write(p []byte) (int, error) {
	if len(d.boundary) == 0 {
		return d.hash.Write(p)
	}
	text := append(d.rest, p...)
	for {
		before, after, found := bytes.Cut(text, d.boundary)
		if !found {
			break
		}
		_, _ = d.hash.Write(before)
		_, _ = d.hash.Write([]byte("\x00boundary\x00"))
		text = after
	}
	safe := max(len(text)-len(d.boundary)+1, 0)
	_, _ = d.hash.Write(text[:safe])
	d.rest = append(d.rest[:0], text[safe:]...)
	return len(p), nil
}

// sum returns the digest of what was written; empty for no form.
func (d *formDigest) sum() string {
	if d == nil {
		return ""
	}
	_, _ = d.hash.Write(d.rest)
	d.rest = nil
	return hex.EncodeToString(d.hash.Sum(nil))
}
