package seal

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/elizad/elizad/server/plaintext"
)

// KeyFileName is the name of the key file in the data directory.
const KeyFileName = "master.key"

// Load returns the master keys in the file at path and makes the file, with one new key and readable by its owner only,
// when there is none. Two processes that do so at once get the same key.
//
// The file holds one key per line, the current one first; lines that begin with # are comments. To change keys, put a new
// line on top.
func Load(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("making the master key: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	if text, err = plaintext.Decode(text); err != nil {
		return nil, fmt.Errorf("reading the master key file %s: %w", path, err)
	}
	keys, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the master key file %s: %w", path, err)
	}
	return keys, nil
}

// Parse returns the master keys in a text: 32 bytes each, in base64 or hexadecimal, separated by white space or commas, the
// current one first.
func Parse(text string) (*Keys, error) {
	var raw [][keySize]byte
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, field := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) }) {
			key, ok := decodeKey(field)
			if !ok {
				return nil, errors.New("a master key must be 32 bytes in base64 or hexadecimal")
			}
			raw = append(raw, key)
		}
	}
	if len(raw) == 0 {
		return nil, errors.New("there is no master key")
	}
	return newKeys(raw), nil
}

// Generate returns a new master key in the form that [Parse] reads.
func Generate() string { return base64.StdEncoding.EncodeToString(random(keySize)) }

func decodeKey(text string) (key [keySize]byte, ok bool) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if b, err := decode(text); err == nil && len(b) == keySize {
			return [keySize]byte(b), true
		}
	}
	return key, false
}

// create writes a key file unless there is one. The file appears complete or not at all.
func create(path string) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), KeyFileName+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if e := os.Remove(tmp.Name()); err == nil {
			err = e
		}
	}()
	_, err = tmp.WriteString("# Master key of this server's secrets. Keep a copy: without it they cannot be read.\n" + Generate() + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
