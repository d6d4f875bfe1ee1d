// Package seal keeps secrets unreadable at rest.
//
// The secrets of one owner are sealed together into one record: every value is encrypted on its own with a data key made
// for the record, and the data key is encrypted with a master key (AES-256-GCM both times). The record names the master
// key it needs, so that several may be in use while keys are changed: records keep opening as long as their key is in the
// [Keys], and [Keys.Rewrap] moves one to the current key without touching the values. Values are bound to their owner and
// their name; neither can be exchanged without notice. Names are not secret.
//
// What this protects is a copy of the database without the key file, such as a backup or a stolen disk image. Whoever can
// read the key file and the database can read the secrets.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const (
	keySize = 32 // AES-256
	version = 1  // of the record format
)

// ErrUnknownKey is wrapped by the error of opening a record whose master key is not among the keys.
var ErrUnknownKey = errors.New("sealed with a key that this server does not have")

// Keys are master keys. The first seals; all of them open.
type Keys struct{ keys []masterKey }

type masterKey struct {
	id   string // derived from the key; safe to store and show
	raw  [keySize]byte
	aead cipher.AEAD
}

// record is the stored form. The zero record holds nothing.
type record struct {
	Version int               `json:"v,omitempty"`
	KeyID   string            `json:"kid,omitempty"` // master key of DataKey
	DataKey []byte            `json:"key,omitempty"` // sealed
	Values  map[string][]byte `json:"values,omitempty"`
}

// newKeys returns the keys made from raw ones; the first is the current key.
func newKeys(raw [][keySize]byte) *Keys {
	k := &Keys{}
	for _, key := range raw {
		sum := sha256.Sum256(key[:])
		k.keys = append(k.keys, masterKey{id: hex.EncodeToString(sum[:6]), raw: key, aead: newAEAD(key[:])})
	}
	return k
}

// Seal returns a record of values, in JSON, that only the same owner's [Keys.Open] accepts.
func (k *Keys) Seal(owner string, values map[string]string) ([]byte, error) {
	if len(values) == 0 {
		return []byte("{}"), nil
	}
	dataKey := random(keySize)
	data := newAEAD(dataKey)
	current := k.keys[0]
	rec := record{
		Version: version,
		KeyID:   current.id,
		DataKey: encrypt(current.aead, dataKey, owner),
		Values:  make(map[string][]byte, len(values)),
	}
	for name, value := range values {
		rec.Values[name] = encrypt(data, []byte(value), binding(owner, name))
	}
	out, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encoding sealed secrets: %w", err)
	}
	return out, nil
}

// Open returns the values of an owner's record. An empty record has none.
func (k *Keys) Open(owner string, sealed []byte) (map[string]string, error) {
	rec, err := parse(sealed)
	if err != nil || len(rec.Values) == 0 {
		return map[string]string{}, err
	}
	dataKey, err := k.dataKey(owner, rec)
	if err != nil {
		return nil, err
	}
	data := newAEAD(dataKey)
	values := make(map[string]string, len(rec.Values))
	for name, box := range rec.Values {
		value, err := decrypt(data, box, binding(owner, name))
		if err != nil {
			return nil, fmt.Errorf("opening secret %q: %w", name, err)
		}
		values[name] = string(value)
	}
	return values, nil
}

// Rewrap returns the record under the current master key, and whether it had another one.
func (k *Keys) Rewrap(owner string, sealed []byte) ([]byte, bool, error) {
	rec, err := parse(sealed)
	if err != nil || len(rec.Values) == 0 || rec.KeyID == k.keys[0].id {
		return sealed, false, err
	}
	dataKey, err := k.dataKey(owner, rec)
	if err != nil {
		return sealed, false, err
	}
	rec.KeyID = k.keys[0].id
	rec.DataKey = encrypt(k.keys[0].aead, dataKey, owner)
	out, err := json.Marshal(rec)
	if err != nil {
		return sealed, false, fmt.Errorf("encoding sealed secrets: %w", err)
	}
	return out, true, nil
}

// Derived returns a key for another purpose from each of the master keys, the current one's first. It says nothing of the master key,
// nor of what is derived for other purposes.
func (k *Keys) Derived(purpose string) [][]byte {
	var out [][]byte
	for _, key := range k.keys {
		derived, err := hkdf.Key(sha256.New, key.raw[:], nil, purpose, keySize)
		if err != nil {
			panic("seal: " + err.Error()) // only a length that is too large does this
		}
		out = append(out, derived)
	}
	return out
}

// Names returns the names in a record, sorted. It needs no key.
func Names(sealed []byte) ([]string, error) {
	rec, err := parse(sealed)
	return slices.Sorted(maps.Keys(rec.Values)), err
}

// IDs returns the ids of the keys, the current one first.
func (k *Keys) IDs() []string {
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id
	}
	return ids
}

// KeyID returns the id of the master key that a record needs; empty for a record that holds nothing.
func KeyID(sealed []byte) (string, error) {
	rec, err := parse(sealed)
	if err != nil || len(rec.Values) == 0 {
		return "", err
	}
	return rec.KeyID, nil
}

// dataKey opens a record's data key.
func (k *Keys) dataKey(owner string, rec record) ([]byte, error) {
	for _, key := range k.keys {
		if key.id != rec.KeyID {
			continue
		}
		dataKey, err := decrypt(key.aead, rec.DataKey, owner)
		if err != nil {
			return nil, fmt.Errorf("opening the data key: %w", err)
		}
		if len(dataKey) != keySize {
			return nil, fmt.Errorf("opening the data key: %d bytes", len(dataKey))
		}
		return dataKey, nil
	}
	return nil, fmt.Errorf("master key %s: %w", rec.KeyID, ErrUnknownKey)
}

func parse(sealed []byte) (record, error) {
	var rec record
	if len(sealed) == 0 {
		return rec, nil
	}
	if err := json.Unmarshal(sealed, &rec); err != nil {
		return record{}, fmt.Errorf("reading sealed secrets: %w", err)
	}
	if rec.Version > version {
		return record{}, fmt.Errorf("reading sealed secrets: format %d is newer than this program", rec.Version)
	}
	return rec, nil
}

// binding is what a value is authenticated with, so that it opens only in its place.
func binding(owner, name string) string { return owner + "\x00" + name }

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("seal: " + err.Error()) // only a key of a wrong size does this, and every caller checks it
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("seal: " + err.Error())
	}
	return aead
}

func encrypt(aead cipher.AEAD, text []byte, bound string) []byte {
	return aead.Seal(nil, nil, text, []byte(bound))
}

func decrypt(aead cipher.AEAD, box []byte, bound string) ([]byte, error) {
	return aead.Open(nil, nil, box, []byte(bound))
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the program ends first
	return b
}
