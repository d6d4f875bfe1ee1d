package messaging

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// Pair is two entities whose DM is found by both.
type Pair struct{ lo, hi string }

// PairOf returns the pair of two entities, in whichever order they are named.
func PairOf(a, b uuid.UUID) Pair {
	p := Pair{a.String(), b.String()}
	if p.lo > p.hi {
		p.lo, p.hi = p.hi, p.lo
	}
	return p
}

// Key is what makes the channel of a pair the only one on its message server.
func (p Pair) Key() string { return p.lo + ":" + p.hi }

// Name is what the channel of a pair is called at first.
func (p Pair) Name() string { return dmPrefix + p.lo + "-" + p.hi }

// Heir is a pair in which one entity has taken the place of another.
type Heir struct {
	Pair
	before Pair
}

// Inherit reads the key of a pair and puts heir into the place of entity; ok is false if nobody else is left, or entity is not in it.
func Inherit(key string, entity, heir uuid.UUID) (h Heir, ok bool) {
	const id = len("00000000-0000-0000-0000-000000000000")
	if len(key) != 2*id+1 {
		return Heir{}, false
	}
	h.before = Pair{key[:id], key[id+1:]}
	other := h.before.lo
	if other == entity.String() {
		other = h.before.hi
	}
	with, err := uuid.Parse(other)
	if err != nil || with == heir || h.before != PairOf(entity, with) {
		return Heir{}, false
	}
	h.Pair = PairOf(heir, with)
	return h, true
}

// Rename returns what the pair's channel is called from now on: the same, if it was given a name.
func (h Heir) Rename(name string) string {
	if name == h.before.Name() {
		return h.Name()
	}
	return name
}

// About returns the metadata of the pair's channel, which name the two.
func (h Heir) About(metadata json.RawMessage) (json.RawMessage, error) {
	return jsontext.Overlay(metadata, jsontext.Encode(map[string]any{"user1": h.lo, "user2": h.hi}))
}
