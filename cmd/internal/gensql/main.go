// Command gensql makes the code that sqlc generates for two databases share one set of Go types.
//
// sqlc knows one engine at a time: it declares the row types, the parameter types and the Querier interface once in each
// output package, and the two never meet. gensql compares the declarations, moves them to one shared package and leaves
// aliases behind, so that both Queries types implement the identical interface and no conversion code is needed. When the
// two disagree (a column is nullable in one schema only, a query is missing), it prints both versions and changes nothing.
//
// The head of every query says whose rows it touches: -- scope: tenant, viewer, system or database. gensql refuses a query that doesn't, or
// that lacks the arguments of its scope, and writes interfaces without these arguments, which are bound once.
//
// Usage:
//
//	gensql clean DIR...                       removes the generated Go files of the directories
//	gensql share -import PATH SHARED DIR DIR  moves the common declarations of two directories to a third
//	gensql scope -import PATH SHARED SCOPED   writes a package of the same queries whose callers can't choose their scope
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gensql:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("missing command: clean, share or scope")
	}
	switch command, args := args[0], args[1:]; command {
	case "clean":
		return clean(args)
	case "share":
		importPath, dirs, err := paths(args, "share -import PATH SHARED DIR DIR", 3)
		if err != nil {
			return err
		}
		return share(importPath, dirs[0], dirs[1], dirs[2])
	case "scope":
		importPath, dirs, err := paths(args, "scope -import PATH SHARED SCOPED", 2)
		if err != nil {
			return err
		}
		return scope(importPath, dirs[0], dirs[1])
	default:
		return fmt.Errorf("unknown command %q", command)
	}
}

// paths reads the import path of the shared package and so many directories.
func paths(args []string, usage string, n int) (importPath string, dirs []string, err error) {
	flags := flag.NewFlagSet("gensql", flag.ContinueOnError)
	flags.StringVar(&importPath, "import", "", "import `path` of the shared package")
	if err := flags.Parse(args); err != nil {
		return "", nil, err
	}
	if importPath == "" || flags.NArg() != n {
		return "", nil, fmt.Errorf("usage: gensql %s", usage)
	}
	return importPath, flags.Args(), nil
}
