// Command gensql makes the code that sqlc generates for two databases share one set of Go types.
//
// sqlc knows one engine at a time: it declares the row types, the parameter types and the Querier interface once in each
// output package, and the two never meet. gensql compares the declarations, moves them to one shared package and leaves
// aliases behind, so that both Queries types implement the identical interface and no conversion code is needed. When the
// two disagree (a column is nullable in one schema only, a query is missing), it prints both versions and changes nothing.
//
// Usage:
//
//	gensql clean DIR...                       removes the generated Go files of the directories
//	gensql share -import PATH SHARED DIR DIR  moves the common declarations of two directories to a third
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
		return fmt.Errorf("missing command: clean or share")
	}
	switch command, args := args[0], args[1:]; command {
	case "clean":
		return clean(args)
	case "share":
		flags := flag.NewFlagSet("share", flag.ContinueOnError)
		importPath := flags.String("import", "", "import `path` of the shared package")
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *importPath == "" || flags.NArg() != 3 {
			return fmt.Errorf("usage: gensql share -import PATH SHARED DIR DIR")
		}
		return share(*importPath, flags.Arg(0), flags.Arg(1), flags.Arg(2))
	default:
		return fmt.Errorf("unknown command %q", command)
	}
}
