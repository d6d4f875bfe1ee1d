package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// ErrSalt is the error of opening what an ElizaOS server sealed with another salt.
var ErrSalt = errors.New("sealed with another salt")

// OpenOriginal returns the text of a value that an ElizaOS server sealed with a salt, as its answers and exports show it: a
// vector of 16 bytes and the text in AES-256-CBC (PKCS #7), in hexadecimal with a colon between them; the key is the SHA-256
// of the salt. sealed is false for a value of any other form, which is returned as it is. Nothing is sealed this way here: the
// form is no proof against changes, and the salt is the same on most servers.
func OpenOriginal(salt, value string) (text string, sealed bool, err error) {
	left, right, _ := strings.Cut(value, ":")
	vector, vectorErr := hex.DecodeString(left)
	box, boxErr := hex.DecodeString(right)
	if vectorErr != nil || boxErr != nil || len(vector) != aes.BlockSize || len(box) == 0 || len(box)%aes.BlockSize != 0 {
		return value, false, nil
	}
	key := sha256.Sum256([]byte(salt))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has a size that AES knows
	}
	plain := make([]byte, len(box))
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(plain, box)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize {
		return "", true, ErrSalt
	}
	out, tail := plain[:len(plain)-padding], plain[len(plain)-padding:]
	for _, b := range tail {
		if int(b) != padding {
			return "", true, ErrSalt
		}
	}
	if !utf8.Valid(out) {
		return "", true, ErrSalt
	}
	return string(out), true, nil
}
