package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// DataDir returns the absolute path of the data directory: the one that is set, or elizad in the folder where the platform
// keeps a user's data. It creates nothing. A leading ~ means the user's home.
func (s Storage) DataDir() (string, error) {
	dir := s.Dir
	if dir == "" {
		base, err := userDataDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(base, "elizad")
	}
	return absolute(dir)
}

// MediaDirs is where files are kept: absolute paths.
type MediaDirs struct{ AgentUploads, ChannelUploads, Generated string }

// MediaDirs returns the folders that are set, and for the others their places in the data directory. It creates nothing.
func (s Storage) MediaDirs() (MediaDirs, error) {
	data, err := s.DataDir()
	if err != nil {
		return MediaDirs{}, err
	}
	dirs := MediaDirs{s.AgentUploads, s.ChannelUploads, s.Generated}
	for _, d := range []struct {
		dir    *string
		within string
	}{{&dirs.AgentUploads, "uploads/agents"}, {&dirs.ChannelUploads, "uploads/channels"}, {&dirs.Generated, "generated"}} {
		if *d.dir == "" {
			*d.dir = filepath.Join(data, filepath.FromSlash(d.within))
		}
		if *d.dir, err = absolute(*d.dir); err != nil {
			return MediaDirs{}, err
		}
	}
	return dirs, nil
}

// KnowledgeDir returns the folder of the files that characters may name. It need not be there.
func (s Settings) KnowledgeDir() (string, error) {
	if s.Agents.Knowledge != "" {
		return absolute(s.Agents.Knowledge)
	}
	data, err := s.Storage.DataDir()
	return filepath.Join(data, "knowledge"), err
}

// absolute returns the absolute form of a path in which a leading ~ means the user's home.
func absolute(dir string) (string, error) {
	if dir == "~" || strings.HasPrefix(dir, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", errNoHome
		}
		dir = filepath.Join(home, dir[1:])
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding a folder for data: %w", err)
	}
	return abs, nil
}

var errNoHome = errors.New("the user has no home folder; set ELIZAD_DATA_DIR to a folder for the data")

// userDataDir returns the platform's folder for a user's application data.
func userDataDir() (string, error) {
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
			return dir, nil
		}
		return "", errNoHome
	}
	// The XDG specification says that a relative path is to be ignored.
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errNoHome
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support"), nil
	}
	return filepath.Join(home, ".local", "share"), nil
}
