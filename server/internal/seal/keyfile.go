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
// The file holds one key per line, the current one first; lines that begin with # are comments. To change keys, call [AddKey], move
// what is sealed, and call [KeepCurrent].
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
		for _, field := range strings.FieldsFunc(line, separates) {
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

// separates reports whether a character stands between keys.
func separates(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) }

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

// heading is the first line of a key file.
const heading = "# Master key of this server's secrets. Keep a copy: without it they cannot be read.\n"

// create writes a key file unless there is one. The file appears complete or not at all.
func create(path string) error {
	return written(path, heading+Generate()+"\n", func(tmp string) error {
		if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// AddKey puts a new key on top of those in a key file. Two processes must not do so at once.
func AddKey(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = replace(path, heading+Generate()+"\n# The older keys. What they sealed is moved to the one above by: elizad secrets rotate\n"+string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("adding a master key: %w", err)
	}
	return Load(path)
}

// KeepCurrent takes all keys but the current one out of a key file, and keeps the file as it was under another name, for backups of
// the database from before.
func KeepCurrent(path, backup string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the master key: %w", err)
	}
	current, ok := "", false
	for line := range strings.Lines(string(text)) {
		if fields := strings.FieldsFunc(line, separates); len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
			_, ok = decodeKey(fields[0])
			current = fields[0]
			break
		}
	}
	if !ok {
		return fmt.Errorf("reading the master key file %s: its first line is no key", path)
	}
	if err := written(backup, string(text), func(tmp string) error { return os.Link(tmp, backup) }); err != nil {
		return fmt.Errorf("keeping the older master keys: %w", err)
	}
	if err := replace(path, heading+current+"\n"); err != nil {
		return fmt.Errorf("taking out the older master keys: %w", err)
	}
	return nil
}

// replace changes a file as a whole or not at all. Of a link it changes what that leads to.
func replace(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return written(path, text, func(tmp string) error { return os.Rename(tmp, path) })
}

// written writes a text to a file beside the one at path, which only its owner may read, and gives it the name by place.
func written(path, text string, place func(tmp string) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), KeyFileName+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if e := os.Remove(tmp.Name()); err == nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}()
	_, err = tmp.WriteString(text)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := place(tmp.Name()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes names in a folder survive a crash, where the system can.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every system does that to folders
	return dir.Close()
}
