// Package cli is the program elizad: its command line, as a function that other programs may call. A program with plugins of its own,
// or anything else that the options of package server bring along, is a few lines:
//
//	func main() { cli.Main(server.WithPlugins(dice.Plugin())) }
//
// It has all commands, flags and settings of elizad:
//
//	elizad            serve on http://127.0.0.1:3000
//	elizad --help     every flag and variable
//	elizad help settings
//	elizad keys       make, list and revoke API keys
//	elizad users      make, list and change the people who log in
//	elizad tokens     revoke tokens
//	elizad secrets    list the names of agents' secrets, change the master key
//	elizad audit      read and verify the audit log
//	elizad selftest   try on a running server that people see only what is theirs
//	elizad isolation  see whose data a database has, and give it to others
//
// Flags win over environment variables, and those over .env.local and .env of the working folder.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// Exit codes. Success is 0; a second signal gives 128 and the number of the signal, as shells expect.
const (
	exitFailure = 1 // the server could not start, or not stop cleanly
	exitUsage   = 2 // a flag or a setting is wrong
)

// cli is the command line.
type cli struct {
	ShowVersion versionFlag `name:"version" short:"v" help:"Print the version."`

	Serve     serveCmd     `cmd:"" default:"withargs" help:"Run the server. This is what elizad does without a command."`
	Keys      keysCmd      `cmd:"" help:"Make, list and revoke the API keys of a running server."`
	Users     usersCmd     `cmd:"" help:"Make, list and change the people who log in to a running server."`
	Tokens    tokensCmd    `cmd:"" help:"Revoke tokens on a running server, and list what was revoked."`
	Secrets   secretsCmd   `cmd:"" help:"List the secrets of a running server's agents by name, and change the key that seals them."`
	Audit     auditCmd     `cmd:"" help:"Read and verify the audit log of a running server."`
	Isolation isolationCmd `cmd:"" help:"See whose data a database has, move it to another server id, and give old conversations to people who have proven who they are."`
	Selftest  selftestCmd  `cmd:"" help:"Try on a running server whether people see only what is theirs."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
	Help      helpCmd      `cmd:"" help:"Explain a command, or every setting."`
}

// program holds what a command may use of its environment.
type program struct {
	in       io.Reader
	out, err io.Writer
	signals  <-chan os.Signal
	parser   *kong.Kong
	sources  settings.Sources // where settings were read from
	options  []server.Option  // of the server that it runs
}

// exitError ends the program with an exit code. An empty message prints nothing.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

// Main runs the command line of the process, and ends the process. The server that it runs has the options. They come after those of
// elizad itself, which are the version and the heap floor, and so win over them.
func Main(options ...server.Option) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(run(os.Args[1:], &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, signals: signals, options: options}))
}

// run executes a command line and returns the exit code.
func run(args []string, p *program) (code int) {
	var app cli
	var err error
	if p.sources, err = settings.LoadEnvironment("."); err != nil {
		return p.fail(&exitError{code: exitUsage, message: err.Error()})
	}
	// kong exits the program after --help through this function.
	type exit int
	defer func() {
		if r := recover(); r != nil {
			left, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(left)
		}
	}()
	parser, err := kong.New(&app, append(settings.Options(),
		kong.Name("elizad"),
		kong.Description("A complete agent server in one file. Without a command it serves."),
		kong.Writers(p.out, p.err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Help(printHelp),
		kong.Bind(p),
	)...)
	if err != nil {
		return p.fail(err)
	}
	p.parser = parser
	ctx, err := parser.Parse(args)
	if name, unknown := unknownCommand(parser, args); err != nil && unknown {
		return p.fail(noSuchCommand(parser, name))
	}
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "serve: ") // the command that need not be typed
		return p.fail(&exitError{code: exitUsage, message: text + "\nRun \"elizad --help\" to see what can be set."})
	}
	if err := ctx.Run(); err != nil {
		return p.fail(err)
	}
	return 0
}

// unknownCommand returns the word that was meant as a command: the first argument, if it is neither that nor a flag.
func unknownCommand(parser *kong.Kong, args []string) (name string, unknown bool) {
	if len(args) == 0 || args[0] == "" || args[0][0] == '-' {
		return "", false
	}
	return args[0], !slices.Contains(commands(parser), args[0])
}

// commands lists the names of all commands.
func commands(parser *kong.Kong) []string {
	var names []string
	for _, command := range parser.Model.Children {
		names = append(names, command.Name)
	}
	return names
}

// noSuchCommand is the error for an unknown command.
func noSuchCommand(parser *kong.Kong, name string) error {
	return &exitError{code: exitUsage, message: fmt.Sprintf("no such command: %q\nThe commands are %s. Run \"elizad --help\" to see what they do and what can be set.",
		name, strings.Join(commands(parser), ", "))}
}

// fail prints an error and returns the exit code for it.
func (p *program) fail(err error) int {
	code := exitFailure
	if e, ok := errors.AsType[*exitError](err); ok {
		code = e.code
	}
	if err.Error() != "" {
		fmt.Fprintf(p.err, "elizad: %v\n", err)
	}
	return code
}
