package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd prints the version and the build.
type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// build describes the program, as the compiler recorded it.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // the tree had changes that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run prints the version.
func (c *versionCmd) Run(p *program) error {
	b := readBuild()
	if c.JSON {
		return json.NewEncoder(p.out).Encode(b)
	}
	text := "elizad " + b.Version
	if b.Commit != "" {
		text += " (" + b.Commit[:min(12, len(b.Commit))] + ")"
	}
	_, err := fmt.Fprintf(p.out, "%s, %s, %s\n", text, b.Go, b.Platform)
	return err
}

// versionFlag is versionCmd for people who try a flag first.
type versionFlag bool

// BeforeReset prints the version and ends the program.
func (versionFlag) BeforeReset(p *program) error {
	if err := new(versionCmd).Run(p); err != nil {
		return err
	}
	p.parser.Exit(0)
	return nil
}

// module is the module that elizad is in.
const module = "github.com/elizad/elizad"

// readBuild describes the program. Of one that has elizad as a library it is elizad's version; its commit would be another's.
func readBuild() build {
	b := build{Version: "dev", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Path != module { // the program is another's
		for _, dep := range info.Deps {
			if dep.Path == module {
				b.Version = dep.Version
			}
		}
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
