// Package settingsfile keeps settings of agents and their plugins in a .env file of the server's own, so that they can be
// changed while it runs. The file is in the data directory; no other file is ever read or written, and the process environment
// neither. It may hold any name but those that the server itself, or the process around it, obeys.
package settingsfile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/dotenv"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/settings"
)

// Name is the name of the file in the data directory.
const Name = ".env"

// mask replaces the value of a secret that is set.
const mask = "********"

// What may be stored.
const (
	maxName     = 128      // bytes
	maxValue    = 8 << 10  // bytes
	maxSettings = 256      // in number
	maxAll      = 64 << 10 // bytes of all names and values
)

// File is the file of one data directory. It is safe for concurrent use.
type File struct {
	path   string
	routes func(values map[string]string) []secrets.Route
	secret map[string]bool // by the name of every setting that the server's agents have
	server map[string]bool // names that the file must not have

	mu sync.Mutex // of changes
}

// New returns the file in a data directory. It need not exist. The function says where settings send the keys of models; nil
// for nowhere.
func New(dir string, routes func(values map[string]string) []secrets.Route) *File {
	f := &File{path: filepath.Join(dir, Name), routes: routes, secret: map[string]bool{}, server: settings.ServerNames()}
	for _, s := range settings.AgentSettings() {
		for _, name := range s.Names() {
			f.secret[name] = s.Secret
		}
	}
	return f
}

// nameForm is how settings are called. A name with a point would be one of CHARACTER.<NAME>.<KEY>, which is the operator's.
var nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// obeyed are the names that a process obeys, whatever reads the file into its environment.
var obeyed = regexp.MustCompile(`(?i)^(.*_proxy|path|home|user|shell|lang|term|tmp|temp|tmpdir|godebug|gogc|gomemlimit|gomaxprocs|gotraceback|` +
	`ssl_cert_.*|ld_.*|dyld_.*|pg.*|xdg_.*|elizad_.*|node_.*)$`)

// mayHave reports whether the file may have a name.
func (f *File) mayHave(name string) bool {
	_, known := f.secret[name]
	return known || len(name) <= maxName && nameForm.MatchString(name) && !f.server[name] && !obeyed.MatchString(name)
}

// isSecret reports whether a setting is masked.
func (f *File) isSecret(name, value string) bool {
	secret, known := f.secret[name]
	return secret || !known && secrets.Held(name, value)
}

// Load returns the settings in the file by name; none if there is no file. Names that the file must not have are left out.
func (f *File) Load() (map[string]string, error) {
	all, err := f.all()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name, value string) bool { return !f.mayHave(name) || value == "" })
	return all, nil
}

func (f *File) all() (map[string]string, error) {
	data, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return map[string]string{}, nil
	case err != nil:
		return nil, fmt.Errorf("reading stored settings: %w", err)
	}
	file, err := dotenv.Parse(data)
	if err == nil && len(file.Faults) > 0 { // to write the file again without that line would lose what it means
		err = file.Faults[0]
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; correct the file or remove it", f.path, err)
	}
	return file.Values(), nil
}

// Read returns the settings with a mask for each secret.
func (f *File) Read() (map[string]string, error) {
	values, err := f.Load()
	for name, value := range values {
		if f.isSecret(name, value) {
			values[name] = mask
		}
	}
	return values, err
}

// Names returns the settings with a mask for each, for callers that may know no more than what is set.
func (f *File) Names() (map[string]string, error) {
	values, err := f.Load()
	for name := range values {
		values[name] = mask
	}
	return values, err
}

// Replace makes the file hold exactly these settings; a mask leaves a value as it is, unless the others would now
// send it to another address: then it goes, and is among those that are returned. What else was written into the file by hand
// stays. The file changes as a whole or not at all. A name that the file must not have, a value that is too long or that no .env
// file can hold, and too much of all is a VALIDATION_ERROR.
func (f *File) Replace(values map[string]string) (dropped []string, err error) {
	if err := f.check(values); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.all()
	if err != nil {
		return nil, err
	}
	before, next, others := map[string]string{}, map[string]string{}, map[string]string{}
	for name, value := range all {
		if f.mayHave(name) {
			before[name] = value
		} else {
			others[name] = value
		}
	}
	var kept []string
	for name, value := range values {
		if value == mask {
			value = before[name]
			if f.isSecret(name, value) {
				kept = append(kept, name)
			}
		}
		if value != "" {
			next[name] = value
		}
	}
	dropped = secrets.Rerouted(kept, f.view(before), f.view(next))
	for _, name := range dropped {
		delete(next, name)
	}
	maps.Copy(next, others)
	return dropped, f.write(next)
}

// check refuses settings that can't be stored.
func (f *File) check(values map[string]string) error {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !f.mayHave(name) {
			return apierr.New(apierr.ValidationFailed, "%.100q can't be stored", name).
				WithDetails("Settings of agents and plugins are letters, digits and _, such as FOO_API_KEY; those of the server itself are set where it is started")
		}
		value := values[name]
		if _, ok := line(name, value); len(value) > maxValue || !ok {
			return apierr.New(apierr.ValidationFailed, "The value of %s is too long, or can't be stored in this file", name)
		}
		size += len(name) + len(value)
	}
	if len(values) > maxSettings || size > maxAll {
		return apierr.New(apierr.ValidationFailed, "These are too many settings: at most %d, of %d bytes in all", maxSettings, maxAll)
	}
	return nil
}

func (f *File) view(values map[string]string) secrets.View {
	v := secrets.View{Values: values}
	if f.routes != nil {
		v.Routes = f.routes(values)
	}
	return v
}

// write replaces the file by way of another one beside it.
func (f *File) write(values map[string]string) error {
	var text strings.Builder
	text.WriteString(settings.StoredHeader + "\n")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		entry, ok := line(name, values[name])
		if !ok {
			return fmt.Errorf("storing values: the file can't be written with what it has under %s", name)
		}
		text.WriteString(entry)
	}
	temp, err := os.CreateTemp(filepath.Dir(f.path), Name+".*") // readable by its owner alone
	if err != nil {
		return fmt.Errorf("storing values: %w", err)
	}
	_, err = temp.WriteString(text.String())
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("storing values: %w", errors.Join(err, os.Remove(temp.Name())))
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
		file, err := dotenv.Parse([]byte(entry + "NEXT=line\n"))
		if read := file.Values(); err == nil && len(read) == 2 && read[name] == value && read["NEXT"] == "line" {
			return entry, true
		}
	}
	return "", false
}
