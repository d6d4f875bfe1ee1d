package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/elizad/elizad/server/selftest"
)

// selftestCmd tries on a running server what it promises.
type selftestCmd struct {
	Isolation selftestIsolationCmd `cmd:"" help:"Try every operation as somebody else, as nobody and with keys of each scope: who may not must neither see nor change what is another's."`
}

// selftestIsolationCmd tries isolation.
type selftestIsolationCmd struct {
	Server remote `embed:""`
	Other  struct {
		URL string `name:"other-url" placeholder:"URL" help:"Address of a server under another name (ELIZA_SERVER_ID) on the same database: its admin must see nothing, either."`
		Key string `name:"other-key" env:"ELIZAD_OTHER_KEY" placeholder:"KEY" help:"Key of an admin there."`
	} `embed:""`
	JSON bool `name:"json" help:"Print every case as JSON."`
}

// Help is shown below the flags.
func (selftestIsolationCmd) Help() string {
	return `The server must isolate data (ENABLE_DATA_ISOLATION=true). It needs the key of an admin:

  elizad selftest isolation --url https://chat.example.org --key "$ADMIN_KEY"

It makes an agent, keys, two message servers, channels, messages, files, a session and a job, whose names begin with "selftest-",
tries to get at them over REST, streams, files and sockets, and removes them, also when it is interrupted. What stays are its entries in the
audit log, its keys in the list of keys, revoked, and its jobs, until the server forgets them by itself. What would change the server for all is
tried only by those who must be refused, and after everything else held. Exit code 1 says that something did not hold, or could not be removed.

A run sends more than a thousand requests. A server that counts requests makes it wait; ELIZAD_RATE_LIMIT=off there saves that.`
}

// Run tries everything and prints a table of operations and callers.
func (c *selftestIsolationCmd) Run(p *program) error {
	key, err := c.Server.credential()
	if err != nil {
		return err
	}
	test := selftest.Isolation{URL: c.Server.address(), Key: key, Waiting: func(seconds int) {
		fmt.Fprintf(p.err, "The server asks to wait for %d seconds. ELIZAD_RATE_LIMIT=off (--no-rate-limit) on it saves that.\n", seconds)
	}}
	if c.Other.URL != "" {
		test.Other = &selftest.Server{URL: c.Other.URL, Key: c.Other.Key}
	}
	told := 0
	test.Progress = func(tried int, next string) {
		if tried >= told {
			fmt.Fprintf(p.err, "%5d cases tried, next %s\n", tried, next)
			told = tried + 100
		}
	}
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	var report selftest.Report
	done := make(chan error, 1)
	go func() {
		var err error
		report, err = test.Run(ctx)
		done <- err
	}()
	err = p.untilStopped(done, func() {
		fmt.Fprintln(p.err, "Interrupted: removing what was made. A second signal ends at once.")
		stop(errors.New("interrupted"))
	})
	if _, forced := errors.AsType[*exitError](err); forced {
		return err
	}
	if errors.Is(err, selftest.ErrNotIsolating) {
		return fmt.Errorf("the server at %s does not isolate data, so there is nothing to try\nStart it with ENABLE_DATA_ISOLATION=true (--data-isolation)", c.Server.address())
	}
	return errors.Join(c.print(p, report), c.Server.explain(err))
}

// print prints a report, and returns the failure if something did not hold.
func (c *selftestIsolationCmd) print(p *program, report selftest.Report) error {
	failed := report.Failed()
	summary := fmt.Sprintf("%d cases, %d held, %d failed", len(report.Cases), len(report.Cases)-len(failed), len(failed))
	if c.JSON {
		if err := json.NewEncoder(p.out).Encode(struct {
			selftest.Report
			Summary string `json:"summary"`
		}{report, summary}); err != nil {
			return err
		}
	} else if len(report.Cases) > 0 {
		if err := printMatrix(p, report); err != nil {
			return err
		}
		for _, u := range report.NotTried {
			fmt.Fprintf(p.out, "Not tried: %s %s\n", u.Operation, u.Why)
		}
		for _, f := range failed {
			fmt.Fprintf(p.out, "Failed: %s on %s as %s, which %s: %s\n        %s\n", f.Operation, f.Way, f.Caller, f.Want, f.Found, f.Request)
		}
		fmt.Fprintln(p.out, summary)
	}
	if len(failed) > 0 {
		return &exitError{code: exitFailure}
	}
	return nil
}

// printMatrix prints a row for each operation and way, and a column for each caller.
func printMatrix(p *program, report selftest.Report) error {
	type row struct{ operation, way string }
	var rows []row
	cells := map[row]map[string]string{}
	for _, c := range report.Cases {
		at := row{c.Operation, c.Way}
		if cells[at] == nil {
			cells[at] = map[string]string{}
			rows = append(rows, at)
		}
		word := "refused"
		switch {
		case !c.Held:
			word = "FAILED"
		case c.Want == selftest.LetIn:
			word = "may"
		}
		if before := cells[at][c.Caller]; before != "FAILED" {
			cells[at][c.Caller] = word
		}
	}
	w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "OPERATION\tWAY\t%s\n", strings.ToUpper(strings.Join(report.Callers, "\t")))
	for _, at := range rows {
		line := []string{at.operation, at.way}
		for _, caller := range report.Callers {
			line = append(line, cells[at][caller])
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}
