package fileurl

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// window is how long the same addresses are handed out. What is handed out is good until the end of the next one: for a day at the
	// most, and half of one at the least.
	window = 12 * time.Hour

	// parameter is the name of a signature in the query of an address.
	parameter = "sig"

	macSize = 16 // bytes
)

// Why an address isn't good.
var (
	errNotSigned = errors.New("the address has no signature, or another's")
	errExpired   = errors.New("the address has expired")
)

// Signer signs addresses and verifies them. It is safe for concurrent use. A nil one leaves everything as it is.
type Signer struct {
	macs   []*sync.Pool // of hash.Hash, one for each key
	tenant uuid.UUID
	now    func() time.Time
}

// New returns what signs a tenant's addresses with the first of the keys, which are secret, and takes what any of them has signed.
func New(keys [][]byte, tenant uuid.UUID, now func() time.Time) *Signer {
	s := &Signer{tenant: tenant, now: now}
	for _, key := range keys {
		s.macs = append(s.macs, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	}
	return s
}

// Signed returns the address of a file, given by its path, with a signature. It is for those who may have the file. What is no such
// path is returned as it is.
func (s *Signer) Signed(path string) string {
	if s == nil {
		return path
	}
	if a, ok := parse(path); ok {
		return s.sign(a, path)
	}
	return path
}

// Check returns until when an address is good, of which path is the path as it was meant, without escapes, and query the query.
func (s *Signer) Check(path, query string) (until time.Time, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return time.Time{}, errNotSigned
	}
	a, ok := parse((&url.URL{Path: path}).EscapedPath())
	if !ok {
		return time.Time{}, errNotSigned
	}
	until, ok = s.verify(a, values.Get(parameter))
	switch {
	case !ok:
		return time.Time{}, errNotSigned
	case !s.now().Before(until):
		return time.Time{}, errExpired
	default:
		return until, nil
	}
}

// HasExpired reports whether an error of [Signer.Check] is for an address that was good once.
func (s *Signer) HasExpired(err error) bool { return errors.Is(err, errExpired) }

// sign returns the address of a file, of which path is the path.
func (s *Signer) sign(a address, path string) string {
	until := (s.now().Unix()/int64(window/time.Second) + 2) * int64(window/time.Second)
	out := append(append(make([]byte, 0, len(path)+64), path...), "?"+parameter+"="...)
	out = append(strconv.AppendInt(out, until, 10), '.')
	return string(base64.RawURLEncoding.AppendEncode(out, s.mac(s.macs[0], a, until)))
}

// verify returns until when a signature is good, or was; ok is false for one that was never made.
func (s *Signer) verify(a address, signature string) (until time.Time, ok bool) {
	seconds, code, found := strings.Cut(signature, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if !found || err != nil || strconv.FormatInt(n, 10) != seconds {
		return time.Time{}, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil {
		return time.Time{}, false
	}
	for _, macs := range s.macs {
		if hmac.Equal(mac, s.mac(macs, a, n)) {
			return time.Unix(n, 0), true
		}
	}
	return time.Time{}, false
}

// mac binds what an address is good for. All but the name has a fixed length, or a name that no other begins with.
func (s *Signer) mac(macs *sync.Pool, a address, until int64) []byte {
	h := macs.Get().(hash.Hash)
	defer macs.Put(h)
	h.Reset()
	text := binary.BigEndian.AppendUint64(append(make([]byte, 0, 128), s.tenant[:]...), uint64(until))
	text = append(append(append(text, a.area...), '/'), a.owner[:]...)
	_, _ = h.Write(append(text, a.name...)) // a hash takes everything
	return h.Sum(text[:0])[:macSize]
}
