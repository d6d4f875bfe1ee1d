package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/seal"
)

// sealedV is "v" as a server with the usual salt seals it.
const sealedV = "dabf52d6aacc1a780eda3223bf42bc80:ac89a86dc748c8cd1cb5433db883939d"

func TestOpenOriginal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		salt, value, text string
		sealed            bool
		err               error
	}{
		{"secretsalt", sealedV, "v", true, nil},
		{"secretsalt", strings.ToUpper(sealedV), "v", true, nil},
		{"another", sealedV, "", true, seal.ErrSalt},
		{"secretsalt", "", "", false, nil},
		{"secretsalt", "sk-plain", "sk-plain", false, nil},
		{"secretsalt", "user:password", "user:password", false, nil},
		{"secretsalt", "https://x:1", "https://x:1", false, nil},
		{"secretsalt", sealedV + ":00", sealedV + ":00", false, nil},
		{"secretsalt", sealedV[:33], sealedV[:33], false, nil},
		{"secretsalt", sealedV[:len(sealedV)-2], sealedV[:len(sealedV)-2], false, nil},
		{"secretsalt", sealedV[2:], sealedV[2:], false, nil},
	} {
		text, sealed, err := seal.OpenOriginal(tt.salt, tt.value)
		if text != tt.text || sealed != tt.sealed || !errors.Is(err, tt.err) {
			t.Errorf("%q: %q %t %v", tt.value, text, sealed, err)
		}
	}
}
