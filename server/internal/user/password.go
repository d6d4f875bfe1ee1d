package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/elizad/elizad/server/apierr"
)

// What hashing a password costs: the second choice of OWASP, for machines of any size.
const (
	hashTime    = 2
	hashMemory  = 19 << 10 // KiB
	hashThreads = 1
	hashSize    = 32
	saltSize    = 16
)

const (
	// hashWait is how long somebody waits for a turn to have a password hashed.
	hashWait = 5 * time.Second
	// mostWaiting is how many wait, for each of those that are served.
	mostWaiting = 8
)

// hasher hashes passwords by argon2id: few at a time, since each takes memory and a core, and with few waiting.
type hasher struct {
	slots   chan struct{}
	waiting chan struct{}
	nobody  string // the hash of a password that nobody knows
}

func newHasher() *hasher {
	slots := 2 * runtime.GOMAXPROCS(0)
	h := &hasher{slots: make(chan struct{}, slots), waiting: make(chan struct{}, slots*mostWaiting)}
	h.nobody = encode(salt(), make([]byte, hashSize))
	return h
}

// errBusy is the answer where too many passwords are hashed already.
func errBusy(cause error) error {
	return apierr.Wrap(cause, apierr.Unavailable, "Too many people log in at the moment").WithDetails("Try again in a few seconds")
}

// enter waits for a turn.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, errBusy(errors.New("too many wait for a password to be hashed"))
	}
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-timer.C:
		return nil, errBusy(errors.New("a password was not hashed in time"))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns what is kept of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	s := salt()
	return encode(s, derive(password, s)), nil
}

// matches reports whether a password is the one of which kept is the hash. It costs the same if kept is empty, and is false then.
func (h *hasher) matches(ctx context.Context, password, kept string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	known := kept != ""
	if !known {
		kept = h.nobody
	}
	s, want, err := decode(kept)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(derive(password, s), want) == 1 && known, nil
}

func salt() []byte {
	s := make([]byte, saltSize)
	_, _ = rand.Read(s) // which does not fail
	return s
}

func derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashSize)
}

// prefix says how a hash was made, in the form of the reference implementation.
var prefix = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, hashMemory, hashTime, hashThreads)

func encode(salt, hash []byte) string {
	return prefix + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(hash)
}

func decode(kept string) (salt, hash []byte, err error) {
	rest, ok := strings.CutPrefix(kept, prefix)
	first, second, both := strings.Cut(rest, "$")
	if !ok || !both {
		return nil, nil, errors.New("a stored password is hashed in a way that is not known")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(first); err == nil {
		hash, err = base64.RawStdEncoding.DecodeString(second)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading a stored password: %w", err)
	}
	return salt, hash, nil
}
