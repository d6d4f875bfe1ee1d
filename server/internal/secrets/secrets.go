// Package secrets knows secrets by their names, and which changes of settings would send one to another place.
package secrets

import (
	"bytes"
	"strconv"
)

// Named reports whether a key names a secret, in any spelling: apiKey, API_KEY, X-Api-Key.
func Named(key string) bool {
	var room [64]byte // the usual key needs no more, and no memory of its own: every attribute of every line of the log comes by
	return named(fold(room[:0], key))
}

func named(folded []byte) bool {
	for _, word := range [...]string{
		"authorization", "apikey", "token", "secret", "password", "passwd", "passphrase", "cookie", "credential", "privatekey",
	} {
		if bytes.Contains(folded, []byte(word)) {
			return true
		}
	}
	return false
}

// Held reports whether a setting of a name holds a secret. That of a setting whose last word is "key" is one as well, unless the
// key is public. Counts of tokens and switches are none: MODEL_MAX_TOKEN is 4096.
func Held(key, value string) bool {
	if value == "" || !Named(key) && !isKey(key) {
		return false
	}
	number := false
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		number = true
	} else if _, err := strconv.ParseBool(value); err == nil {
		return false
	}
	return !number || isKey(key) || named(bytes.ReplaceAll(fold(nil, key), []byte("token"), nil))
}

func isKey(name string) bool {
	all := words(name)
	last := len(all) - 1
	return last > 0 && (all[last] == "key" || all[last] == "mnemonic") && all[last-1] != "public"
}

// fold appends the letters and digits of a key in lower case.
func fold(to []byte, key string) []byte {
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'A' && c <= 'Z':
			to = append(to, c-'A'+'a')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			to = append(to, c)
		}
	}
	return to
}
