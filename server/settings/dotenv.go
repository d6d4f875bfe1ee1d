package settings

import (
	"bytes"
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
	"syscall"

	"github.com/elizad/elizad/server/internal/dotenv"
	"github.com/elizad/elizad/server/plaintext"
)

// Sources says where settings were read from.
type Sources struct {
	Files []string // the files that were read, as absolute paths
	Notes []string // what their owner should know, such as lines that could not be read; never a value
}

// LoadEnvironment prepares the process environment for kong and [ReadAgentEnvironment]. What .env.local and .env in dir define
// is added; no folder above is looked into. A variable that is set stays as it is, so the real environment wins over
// .env.local, and that over .env. Of the settings, the white space and line ends around values go, and those that are empty are
// unset.
//
// A line that cannot be read takes nothing from the others and is noted, unless it seems to be about a setting: to go on
// without one could open the server to all callers, or start another database.
func LoadEnvironment(dir string) (Sources, error) {
	var sources Sources
	if err := tidy(); err != nil {
		return sources, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return sources, fmt.Errorf("finding the .env files: %w", err)
	}
	for _, name := range []string{".env.local", ".env"} {
		if err := sources.load(filepath.Join(dir, name)); err != nil {
			return sources, err
		}
	}
	return sources, tidy()
}

// StoredHeader begins the file in which the server stores settings for callers of its API. Where it is also the .env of the
// working folder, it adds nothing to the environment but settings, of which [AgentEnvironment.WithStored] finds the agents': what
// callers write is not for the process to obey.
const StoredHeader = "# Settings of agents, kept by elizad. The process environment wins over them."

// load adds what one file defines.
func (s *Sources) load(path string) error {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.EISDIR): // such as a folder of Python's
		return nil
	case err != nil:
		return fmt.Errorf("reading settings: %w", err)
	}
	file, err := dotenv.Parse(data)
	if err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	for _, fault := range file.Faults {
		if fault.Mentions(isSetting) {
			return fmt.Errorf("%s: %w; write NAME=value", path, fault)
		}
		s.note("%s: %v; it is passed over", path, fault)
	}
	s.noteOddities(path, file)
	stored := bytes.HasPrefix(data, []byte(StoredHeader))
	for name, value := range file.Values() {
		if _, set := os.LookupEnv(name); set || value == "" || stored && !isSetting(name) {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting %s from %s: %w", name, path, err)
		}
	}
	s.Files = append(s.Files, path)
	return nil
}

func (s *Sources) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// placeholder is what other programs put a variable in the place of.
var placeholder = regexp.MustCompile(`\$\{[A-Za-z_]\w*\}`)

// noteOddities notes what a file says that may not be what was meant.
func (s *Sources) noteOddities(path string, file dotenv.File) {
	seen := map[string]dotenv.Entry{}
	for _, e := range file.Entries {
		if before, ok := seen[e.Name]; ok && before.Value != e.Value {
			s.note("%s: %s stands in line %d and in line %d: the last is used", path, e.Name, before.Line, e.Line)
		}
		seen[e.Name] = e
		if isSetting(e.Name) && placeholder.MatchString(e.Value) {
			s.note("%s: line %d: ${NAME} in %s is kept as written; nothing is put in its place", path, e.Line, e.Name)
		}
	}
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

// settingNames are the variables that this package knows.
var settingNames = sync.OnceValue(func() map[string]bool {
	names := ServerNames()
	maps.Copy(names, agentNames())
	return names
})

// isSetting reports whether a variable is a setting, of the server or of agents.
func isSetting(name string) bool {
	return settingNames()[name] || strings.HasPrefix(name, characterPrefix)
}

// tidy takes the white space from around the settings in the process environment, and unsets those that are empty: compose
// files set such, and what a file or a command ends with often ends the value too.
func tidy() error {
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !isSetting(name) {
			continue
		}
		var err error
		switch trimmed := plaintext.Trim(value); trimmed {
		case "":
			err = os.Unsetenv(name)
		case value:
		default:
			err = os.Setenv(name, trimmed)
		}
		if err != nil {
			return fmt.Errorf("tidying the variable %s: %w", name, err)
		}
	}
	return nil
}
