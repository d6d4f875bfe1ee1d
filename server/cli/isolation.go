package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// isolationCmd shows whose data a database has, and gives it to others.
type isolationCmd struct {
	Status isolationStatusCmd `cmd:"" help:"Say which server ids the database has, what each holds, whether it is isolated, and who was never proven. On SQLite the server must not run."`
	Adopt  isolationAdoptCmd  `cmd:"" help:"Move all that the default server id has, or another, to the one of ELIZA_SERVER_ID. The server must not run."`
	Assign isolationAssignCmd `cmd:"" help:"Give the conversations of an entity that was never proven to somebody who has proven who they are. On SQLite the server must not run."`
}

// isolationStatusCmd shows whose data a database has.
type isolationStatusCmd struct {
	Storage settings.Storage `embed:"" group:"storage"`
	Limit   int              `name:"limit" default:"20" placeholder:"N" help:"Name at most so many entities that were never proven."`
	JSON    bool             `name:"json" help:"Print JSON."`
}

// Help has examples.
func (*isolationStatusCmd) Help() string {
	return `Examples:
  elizad isolation status
  POSTGRES_URL=postgres://… ELIZA_SERVER_ID=office elizad isolation status --json`
}

// Run prints the status.
func (c *isolationStatusCmd) Run(p *program) error {
	if c.Limit < 0 {
		return &exitError{code: exitUsage, message: "--limit: must not be negative"}
	}
	return p.interruptible(func(ctx context.Context) error {
		found, err := server.Isolation(ctx, settings.Settings{Storage: c.Storage}, c.Limit)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(found)
		}
		w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "SERVER ID\tISOLATED SINCE\tAGENTS\tCHANNELS\tMESSAGES\tSESSIONS\tJOBS\tMEMORIES\tUSERS\tKEYS")
		for _, s := range found.All {
			isolated := "not isolated"
			if s.IsolatedSince != nil {
				isolated = s.IsolatedSince.UTC().Format(time.DateTime)
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", shownID(s.Name), isolated, s.Agents, s.Channels, s.Messages, s.Sessions, s.Jobs, s.Memories, s.Users, s.Keys)
		}
		if err := w.Flush(); err != nil || len(found.Unproven) == 0 {
			return err
		}
		fmt.Fprintf(p.out, "\nUnder %s these take part, and nobody was seen to prove to be them (users, keys and the audit log tell; tokens that only read and write don't):\n", shownID(found.Own))
		fmt.Fprintln(w, "ENTITY\tCHANNELS\tMESSAGES")
		for _, e := range found.Unproven {
			fmt.Fprintf(w, "%s\t%d\t%d\n", e.ID, e.Channels, e.Messages)
		}
		if err := w.Flush(); err != nil || !found.More {
			return err
		}
		_, err = fmt.Fprintln(p.out, "… and more; see --limit.")
		return err
	})
}

// shownID returns a server id for people.
func shownID(name string) string {
	if name == "" {
		return "(default)"
	}
	return name
}

// confirmed are the flags of what changes whose things are.
type confirmed struct {
	DryRun bool `name:"dry-run" help:"Only say what would be done."`
	Yes    bool `name:"yes" short:"y" help:"Do it. Without it, only what would be done is said."`
	JSON   bool `name:"json" help:"Print JSON."`
}

// errNotYet ends a command that would have changed something, and was not told to.
var errNotYet = errors.New("nothing was changed; say --yes to do it")

// isolationAdoptCmd moves what a server id has.
type isolationAdoptCmd struct {
	Storage settings.Storage `embed:"" group:"storage"`
	From    string           `name:"from" placeholder:"NAME" help:"The server id whose data moves, as its ELIZA_SERVER_ID says it. By default what was stored without one."`
	Alone   bool             `name:"alone" help:"No server runs under either server id, though others are connected to the PostgreSQL database."`
	confirmed
}

// Help says more, with examples.
func (*isolationAdoptCmd) Help() string {
	return `All moves in one transaction, or nothing does: agents with their secrets, channels, messages, sessions, jobs, memories, keys, users. Ids stay as they are. The audit log stays where it was written; the other one names its end. Uploads are files of the data folder, and stay.

Where both server ids use what each may use once (a user's name, the DM of the same two people), nothing moves, and that is listed. The exit code is 0 if all was moved, or nothing is left to move; 1 if it was not; 2 if a flag is wrong.

Examples:
  ELIZA_SERVER_ID=office elizad isolation adopt --dry-run
  ELIZA_SERVER_ID=office elizad isolation adopt --yes
  elizad isolation adopt --server-id office --from branch --yes
  elizad isolation adopt --from office --yes      (back to the default)`
}

// Run moves the data.
func (c *isolationAdoptCmd) Run(p *program) error {
	if strings.TrimSpace(c.Storage.ServerID) == "" && strings.TrimSpace(c.From) == "" {
		return &exitError{code: exitUsage, message: "ELIZA_SERVER_ID (--server-id) is not set: it names the server id that gets the data"}
	}
	return p.interruptible(func(ctx context.Context) error {
		done, err := server.AdoptData(ctx, settings.Settings{Storage: c.Storage}, server.AdoptOptions{
			From: c.From, DryRun: c.DryRun || !c.Yes, Alone: c.Alone,
			Progress: func(table string, moved int64) {
				if moved >= progressStep {
					fmt.Fprintf(p.err, "moved %d rows of %s\n", moved, table)
				}
			},
		})
		if ctx.Err() != nil && !done.Moved {
			return errors.New("broken off: nothing was changed")
		}
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(p.out).Encode(done)
		} else {
			err = printAdoption(p, done)
		}
		switch {
		case err != nil:
			return err
		case len(done.Clashes) > 0:
			return &exitError{code: exitFailure, message: "nothing was moved: both server ids use what each may use once"}
		case done.All > 0 && !c.DryRun && !c.Yes:
			return errNotYet
		}
		return nil
	})
}

func printAdoption(p *program, done server.Adoption) error {
	if done.All == 0 {
		_, err := fmt.Fprintf(p.out, "Nothing is left under %s.\n", shownID(done.From))
		return err
	}
	for _, c := range done.Clashes {
		fmt.Fprintf(p.out, "Both have %d rows of %s with the same %s: %s\n", c.Times, c.Table, strings.Join(c.Columns, " and "), strings.Join(c.Values, ", "))
	}
	verb := "Would move"
	switch {
	case done.Moved:
		verb = "Moved"
	case len(done.Clashes) > 0:
		verb = "Did not move"
	}
	fmt.Fprintf(p.out, "%s %d rows from %s to %s:\n", verb, done.All, shownID(done.From), shownID(done.To))
	w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
	for _, table := range slices.Sorted(maps.Keys(done.Rows)) {
		fmt.Fprintf(w, "  %s\t%d\n", table, done.Rows[table])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if done.IsolatedSince != nil {
		fmt.Fprintf(p.out, "This data has been isolated since %s, and stays so: start with ENABLE_DATA_ISOLATION=true.\n", done.IsolatedSince.UTC().Format(time.DateOnly))
	}
	if done.AuditEnd != "" {
		fmt.Fprintf(p.out, "The audit log of %s stays there. Its end, for elizad audit verify --known:\n%s\n", shownID(done.From), done.AuditEnd)
	}
	for _, t := range done.Twins {
		fmt.Fprintf(p.out, "There is more than one agent called %s: %s, made %s. Delete what you don't need.\n", t.Name, t.ID, t.CreatedAt.UTC().Format(time.DateTime))
	}
	return nil
}

// isolationAssignCmd gives conversations to somebody.
type isolationAssignCmd struct {
	Storage settings.Storage `embed:"" group:"storage"`
	Old     uuid.UUID        `arg:"" name:"old" help:"The entity whose conversations they are: an id that somebody called themselves."`
	New     uuid.UUID        `arg:"" name:"new" help:"The entity of the person who gets them: the sub of their token, or their user id."`
	Force   bool             `name:"force" help:"Though somebody has proven to be the old one."`
	confirmed
}

// Help says more, with examples.
func (*isolationAssignCmd) Help() string {
	return `The new entity takes part where the old one did, has written what the old one wrote, and has its sessions and jobs, in one transaction that is in the audit log. What messages and metadata say in words stays as it is. Where the new one has a DM with the same agent, both stay.

An agent gives nothing away, and a user of this server, an entity with an API key, or one that is in the audit log as proven only with --force. The exit code is 0 if it was done, or nothing is left; 1 if it was not; 2 if a flag is wrong.

Examples:
  elizad isolation status                        (lists ids that were never proven)
  elizad isolation assign 1b4e28ba-2fa1-4d3b-883f-0016d3cca427 6f3c9d2e-0b51-4c8a-9a57-2f6d1e7b4c90 --dry-run
  ELIZA_SERVER_ID=office elizad isolation assign 1b4e28ba-2fa1-4d3b-883f-0016d3cca427 6f3c9d2e-0b51-4c8a-9a57-2f6d1e7b4c90 --yes`
}

// Run hands the conversations over.
func (c *isolationAssignCmd) Run(p *program) error {
	return p.interruptible(func(ctx context.Context) error {
		done, err := server.AssignEntity(ctx, settings.Settings{Storage: c.Storage}, server.Assign{From: c.Old, To: c.New, DryRun: c.DryRun || !c.Yes, Force: c.Force})
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(p.out).Encode(done)
		} else {
			err = printAssignment(p, done)
		}
		if err == nil && done.All() > 0 && !c.DryRun && !c.Yes {
			err = errNotYet
		}
		return err
	})
}

func printAssignment(p *program, done server.Assignment) error {
	if done.All() == 0 {
		_, err := fmt.Fprintf(p.out, "Nothing is left of %s.\n", done.From)
		return err
	}
	verb := "Gave"
	if done.DryRun {
		verb = "Would give"
	}
	fmt.Fprintf(p.out, "%s to %s what was of %s: %d channels, and %d where both took part; %d messages, %d sessions, %d jobs, %d memories of agents.\n",
		verb, done.To, done.From, done.Channels, done.Shared, done.Messages, done.Sessions, done.Jobs, done.Memories)
	for _, id := range done.Apart {
		fmt.Fprintf(p.out, "The channel %s stays beside the DM that %s has with the same entity.\n", id, done.To)
	}
	if !done.Known {
		fmt.Fprintf(p.out, "Nobody was seen here as %s: check the id.\n", done.To)
	}
	return nil
}
