package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// LoadEnvironment prepares the process environment for kong and [ReadAgentEnvironment]. It first unsets the known variables
// that are set but empty, then adds what .env.local in dir, and the nearest .env in dir or a folder above it, define. A
// variable that is set stays as it is, so the real environment wins over .env.local, and that over .env. It returns the files
// that were read, and never shows a value in an error.
func LoadEnvironment(dir string) (files []string, err error) {
	if err := unsetEmpty(); err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("finding the .env files: %w", err)
	}
	for _, path := range []string{filepath.Join(dir, ".env.local"), nearest(dir, ".env")} {
		if path == "" {
			continue
		}
		values, err := godotenv.Read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			return files, fmt.Errorf("reading settings: %w", pathErr)
		}
		if err != nil {
			// The parser's error quotes the line, which may hold a secret.
			return files, fmt.Errorf("%s is not readable as a file of NAME=value lines", path)
		}
		for name, value := range values {
			if _, set := os.LookupEnv(name); set || value == "" {
				continue
			}
			if err := os.Setenv(name, value); err != nil {
				return files, fmt.Errorf("setting %s from %s: %w", name, path, err)
			}
		}
		files = append(files, path)
	}
	return files, nil
}

// Conflicts names the settings for which several variables are set and disagree, and says which one counts. environ has the
// form of os.Environ.
func Conflicts(environ []string) []string {
	values := make(map[string]string, len(environ))
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	var out []string
	for _, row := range Table() {
		set := slices.DeleteFunc(slices.Clone(row.Env), func(name string) bool { return values[name] == "" })
		for _, other := range set[min(1, len(set)):] {
			if values[other] != values[set[0]] {
				out = append(out, fmt.Sprintf("%s and %s are both set and differ: %s is used", set[0], other, set[0]))
			}
		}
	}
	return out
}

// unsetEmpty removes the known variables whose value is empty.
func unsetEmpty() error {
	known := AgentSettings()
	names := make([]string, 0, len(known))
	for _, s := range known {
		names = append(names, s.Name)
	}
	for _, row := range Table() {
		names = append(names, row.Env...)
	}
	for _, name := range names {
		if value, set := os.LookupEnv(name); set && value == "" {
			if err := os.Unsetenv(name); err != nil {
				return fmt.Errorf("unsetting the empty %s: %w", name, err)
			}
		}
	}
	return nil
}

// nearest returns the path of the named file in dir or the closest folder above it, or "" if there is none.
func nearest(dir, name string) string {
	for {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
