// Package chain links the entries of the audit log, so that whoever has them can tell whether one was changed, taken out or moved.
//
// The hash of an entry is SHA-256 over the 32 bytes of the hash before it, which are zeros for the first entry of a log, and the
// entry's fields in the order of [Entry]. Each field is a text, written as a netstring: its length in bytes in decimal, a colon, the
// text in UTF-8, a comma. Numbers are in decimal, a boolean is "true" or "false", an id has its common form in lower case, and what an
// entry doesn't have is the empty text.
//
// Whoever can write to the database can make a whole new chain. The chain shows that to those only who have kept the hash of an entry.
package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// Hash is that of an entry, and of all before it. The zero value is before the first entry.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads a hash in hexadecimal.
func ParseHash(text string) (h Hash, err error) {
	if raw, err := hex.DecodeString(text); err != nil || copy(h[:], raw) != len(h) || len(raw) != len(h) {
		return Hash{}, fmt.Errorf("%q is no hash: it must have %d hexadecimal digits", text, 2*len(h))
	}
	return h, nil
}

// Link is an entry's number and its hash.
type Link struct {
	Seq  int64
	Hash Hash
}

// Entry is what the hash of an entry is about.
type Entry struct {
	Seq       int64  // counts from 1
	At        int64  // in milliseconds since the Unix epoch
	Since     int64  // the same for the first of Times
	Times     int64  // how often it happened
	Action    string // what was done
	Operation string // of the contract
	Status    int64  // of the answer
	Kind      string // of the caller
	Proof     string // that the caller showed
	KeyID     string
	EntityID  string
	Proven    bool // the entity is
	Address   string
	TargetID  string // the thing that it was done to
	WithinID  string // what that is a part of
	Details   string
	RequestID string
}

// Hash returns the hash of an entry that follows another.
func (e *Entry) Hash(before Hash) Hash {
	var b bytes.Buffer
	b.Write(before[:])
	for _, text := range []string{
		decimal(e.Seq), decimal(e.At), decimal(e.Since), decimal(e.Times), e.Action, e.Operation, decimal(e.Status), e.Kind, e.Proof,
		e.KeyID, e.EntityID, strconv.FormatBool(e.Proven), e.Address, e.TargetID, e.WithinID, e.Details, e.RequestID,
	} {
		fmt.Fprintf(&b, "%d:%s,", len(text), text)
	}
	return sha256.Sum256(b.Bytes())
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// Break is a place where a chain does not hold.
type Break struct {
	Seq int64 // of the entry
	Why string
}

// Verifier checks a chain backwards, as lists of it come.
type Verifier struct {
	head    Link
	known   *Link
	last    *pending
	checked int64
	found   *Break // the one nearest to the begin so far
}

// pending is an entry whose hash can be checked when the one before is there.
type pending struct {
	Entry
	hash Hash
}

// NewVerifier returns a verifier of the chain that ends in head. known is an entry that somebody has kept the hash of; it may be nil.
func NewVerifier(head Link, known *Link) *Verifier {
	v := &Verifier{head: head, known: known}
	if known != nil && known.Seq > head.Seq {
		v.broken(head.Seq+1, "missing: the log is known to have been longer")
	}
	return v
}

// Next checks the next older entry, with the hash that it is said to have.
func (v *Verifier) Next(e Entry, hash Hash) {
	v.checked++
	v.follows(Link{e.Seq, hash})
	if v.known != nil && v.known.Seq == e.Seq && v.known.Hash != hash {
		v.broken(e.Seq, "changed: it is known by another hash")
	}
	v.last = &pending{e, hash}
}

// End checks the begin of the chain: before is the last entry that was dropped because it was old, or the zero value. It returns how
// many entries were checked, and the first that is broken; nil if none is.
func (v *Verifier) End(before Link) (checked int64, first *Break) {
	v.follows(before)
	if k := v.known; k != nil && k.Seq == before.Seq && k.Hash != before.Hash {
		v.broken(before.Seq, "changed: it is known by another hash")
	}
	return v.checked, v.found
}

// follows checks that the entry that came last follows one, or that the chain ends in that.
func (v *Verifier) follows(before Link) {
	switch last := v.last; {
	case last == nil && before.Seq < v.head.Seq:
		v.broken(before.Seq+1, "missing at the end of the log")
	case last == nil && before != v.head:
		v.broken(before.Seq, "not the last entry that the log says it has")
	case last == nil:
	case before.Seq >= last.Seq:
		v.broken(last.Seq, "out of order")
	case before.Seq < last.Seq-1:
		v.broken(before.Seq+1, "missing")
	case last.Hash(before.Hash) != last.hash:
		v.broken(last.Seq, "changed: its hash is not that of what it says")
	}
}

func (v *Verifier) broken(seq int64, why string) {
	if v.found == nil || seq <= v.found.Seq {
		v.found = &Break{seq, why}
	}
}
