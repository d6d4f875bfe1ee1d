package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	leastSecret = 32 // bytes
	leastRSA    = 2048
	mostRSA     = 8192 // bits; larger ones cost more to use than a caller should be able to make us spend
)

// algorithmsOf returns the algorithms that a public key is for, nil if it is no key that is taken here.
func algorithmsOf(key any) []string {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= leastRSA && bits <= mostRSA {
			return []string{"RS256", "PS256", "RS384", "PS384", "RS512", "PS512"}
		}
	}
	return nil
}

// staticKey is a source of one key that does not change.
type staticKey struct{ key any }

func (s staticKey) find(context.Context) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return s.key, nil }
}
func (staticKey) start() {}
func (staticKey) stop()  {}

func openSecret(w way, _ Options) (source, []string, error) {
	if n := len(w.value); n < leastSecret {
		return nil, nil, fmt.Errorf("%s has %d bytes, which can be guessed; write at least %d, such as openssl rand -hex 32 prints", w.setting, n, leastSecret)
	}
	return staticKey{[]byte(w.value)}, []string{"HS256", "HS384", "HS512"}, nil
}

func openPublic(w way, _ Options) (source, []string, error) {
	fault := func(format string, args ...any) (source, []string, error) {
		return nil, nil, fmt.Errorf("%s "+format, append([]any{w.setting}, args...)...)
	}
	const wanted = `write the issuer's public key as PEM, from -----BEGIN PUBLIC KEY----- on; line ends may be written as \n`
	text := strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(w.value) // as they stand in .env files
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return fault("is no PEM; %s", wanted)
	case strings.Contains(block.Type, "PRIVATE"):
		return fault("is a private key, which belongs to the issuer alone; write the public one, as openssl pkey -pubout prints it")
	case block.Type != "PUBLIC KEY":
		return fault("is a PEM of the kind %s; %s", block.Type, wanted)
	case strings.TrimSpace(string(rest)) != "":
		return fault("holds more than one key; write one")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fault("holds no key that can be read; %s", wanted)
	}
	known := []string{"EdDSA", "ES256", "RS256", "PS256"}
	algorithms := slices.DeleteFunc(algorithmsOf(key), func(a string) bool { return !slices.Contains(known, a) })
	if len(algorithms) == 0 {
		return fault("is a key of a kind that is not taken; write one of Ed25519, of P-256, or of RSA with %d to %d bits", leastRSA, mostRSA)
	}
	return staticKey{key}, algorithms, nil
}
