package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// maxPasswordLine bounds what is read as a password, in bytes. The server takes less.
const maxPasswordLine = 4096

// exitInterrupted is the exit code after Ctrl-C, as shells expect it.
const exitInterrupted = 130

// newPassword is the flag of commands that set a password, which is never an argument: other users of the machine see those.
type newPassword struct {
	File string `name:"password-file" placeholder:"FILE" help:"File whose first line is the password; - for standard input. Without it, the terminal asks."`
}

// read returns the password from the file, or asks for it, twice.
func (n newPassword) read(p *program, who string) (string, error) {
	switch n.File {
	case "":
		return p.askPassword(who)
	case "-":
		return firstLine(p.in, "standard input")
	}
	f, err := os.Open(n.File)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	defer f.Close()
	return firstLine(f, n.File)
}

// firstLine reads a password from r.
func firstLine(r io.Reader, name string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPasswordLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", &exitError{code: exitUsage, message: fmt.Sprintf("--password-file: the first line of %s is empty", name)}
	}
	return line, nil
}

// askPassword asks the terminal for a new password, twice, and shows neither.
func (p *program) askPassword(who string) (string, error) {
	in, ok := p.in.(*os.File)
	if !ok || !isatty.IsTerminal(in.Fd()) {
		return "", &exitError{code: exitUsage, message: "there is no terminal to ask for the password: say --password-file FILE, or - for standard input"}
	}
	first, err := p.readHidden(in, fmt.Sprintf("New password of %s: ", who))
	if err != nil {
		return "", err
	}
	again, err := p.readHidden(in, "Again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", &exitError{code: exitFailure, message: "these are two different passwords; nothing was changed"}
	}
	return first, nil
}

// readHidden reads a line that the terminal doesn't show. Ctrl-C ends the command, and leaves the terminal as it was.
func (p *program) readHidden(in *os.File, prompt string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	fmt.Fprint(p.err, prompt)
	type answer struct {
		text []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		fmt.Fprintln(p.err)
		if a.err != nil {
			return "", fmt.Errorf("asking for the password: %w", a.err)
		}
		return string(a.text), nil
	case <-p.signals: // the goroutine ends with the program
		_ = term.Restore(fd, before)
		fmt.Fprintln(p.err)
		return "", &exitError{code: exitInterrupted}
	}
}
