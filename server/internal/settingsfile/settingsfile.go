// Package settingsfile keeps settings of agents in a .env file of the server's own, so that they can be changed while it
// runs. The file is in the data directory and holds nothing but the names of [config.AgentSettings]; no other file is ever
// read or written, and the process environment neither.
package settingsfile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/joho/godotenv"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/config"
)

// Name is the name of the file in the data directory.
const Name = ".env"

// mask stands for the value of a secret that is set.
const mask = "********"

const maxValue = 8 << 10 // bytes

// File is the file of one data directory. It is safe for concurrent use.
type File struct {
	path   string
	secret map[string]bool // by the name of every setting that may be in it

	mu sync.Mutex // of changes
}

// New returns the file in a data directory. It need not exist.
func New(dir string) *File {
	f := &File{path: filepath.Join(dir, Name), secret: map[string]bool{}}
	for _, s := range config.AgentSettings() {
		f.secret[s.Name] = s.Secret
	}
	return f
}

// Load returns the settings in the file by name; none if there is no file. Names that the file must not have are left out.
func (f *File) Load() (map[string]string, error) {
	all, err := f.all()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name, value string) bool {
		_, known := f.secret[name]
		return !known || value == ""
	})
	return all, nil
}

func (f *File) all() (map[string]string, error) {
	all, err := godotenv.Read(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return map[string]string{}, nil
	case err != nil: // the parser's error quotes the line, which may hold a secret
		return nil, fmt.Errorf("%s is not readable as a file of NAME=value lines", f.path)
	}
	return all, nil
}

// Read returns the settings with a mask for each secret.
func (f *File) Read() (map[string]string, error) {
	settings, err := f.Load()
	for name := range settings {
		if f.secret[name] {
			settings[name] = mask
		}
	}
	return settings, err
}

// Replace makes the file hold exactly these settings; the mask of a secret leaves that one as it is. What else somebody wrote
// into the file by hand stays. The file changes as a whole or not at all. A name that is no setting of agents, or a value
// that is too long or that no .env file can hold, is a VALIDATION_ERROR.
func (f *File) Replace(settings map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, known := f.secret[name]; !known {
			return apierr.New(apierr.ValidationFailed, "%.100q is not a setting of agents", name).
				WithDetails(`"elizad help settings" lists them`)
		}
		value := settings[name]
		if _, ok := line(name, value); len(value) > maxValue || !ok {
			return apierr.New(apierr.ValidationFailed, "The value of %s is too long, or nothing that such a file can hold", name)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.all()
	if err != nil {
		return err
	}
	next := map[string]string{}
	for name, value := range all {
		if _, known := f.secret[name]; !known {
			next[name] = value
		}
	}
	for name, value := range settings {
		if value == mask && f.secret[name] {
			value = all[name]
		}
		if value != "" {
			next[name] = value
		}
	}
	return f.write(next)
}

// write replaces the file by way of another one beside it.
func (f *File) write(settings map[string]string) error {
	var text strings.Builder
	text.WriteString("# Settings of agents, kept by elizad. The process environment wins over them.\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		entry, ok := line(name, settings[name])
		if !ok {
			return fmt.Errorf("storing settings: the file can't be written with what it has under %s", name)
		}
		text.WriteString(entry)
	}
	temp, err := os.CreateTemp(filepath.Dir(f.path), Name+".*") // readable by its owner alone
	if err != nil {
		return fmt.Errorf("storing settings: %w", err)
	}
	_, err = temp.WriteString(text.String())
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("storing settings: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// line returns the line of the file for a setting. There is a way to write almost every value, but no single one for all:
// the first is taken that readers understand.
func line(name, value string) (entry string, ok bool) {
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`).Replace(value)
	if strings.ContainsRune(value, 0) { // no process environment can hold it
		return "", false
	}
	for _, form := range []string{value, `"` + escaped + `"`, "'" + value + "'"} {
		entry = name + "=" + form + "\n"
		read, err := godotenv.Unmarshal(entry + "NEXT=line\n")
		if err == nil && len(read) == 2 && read[name] == value && read["NEXT"] == "line" {
			return entry, true
		}
	}
	return "", false
}
