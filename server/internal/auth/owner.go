package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OwnerTokenFile is the name of the file with the owner's token in the data directory.
const OwnerTokenFile = "owner-token"

// OwnerToken returns the token that identifies the owner of a server without an API key, from its file in the data
// directory. Only the owner can read it there; a request from this machine proves nothing, as any page that is open there,
// and a proxy, can send one. The file is made when there is none.
func OwnerToken(dir string) (string, error) {
	path := filepath.Join(dir, OwnerTokenFile)
	text, err := os.ReadFile(path)
	switch token := strings.TrimSpace(string(text)); {
	case err == nil && token != "":
		return token, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("reading the owner's token: %w", err)
	}
	token := rand.Text()
	if err := writeToken(path, token); err != nil {
		return "", fmt.Errorf("making the owner's token: %w", err)
	}
	return token, nil
}

// writeToken makes the file, which appears complete or not at all.
func writeToken(path, token string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), OwnerTokenFile+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(token + "\n")
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
