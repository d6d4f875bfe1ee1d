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

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// secretsCmd lists the secrets of agents, and changes the key that seals them.
type secretsCmd struct {
	List   secretsListCmd   `cmd:"" help:"List the names of the agents' secrets on a running server, when each was changed, and when it was last used."`
	Rotate secretsRotateCmd `cmd:"" help:"Seal all secrets with a new master key. The server must not run; on PostgreSQL, where others may, read --help first."`
	NewKey newKeyCmd        `cmd:"" help:"Print a new master key, for ELIZAD_MASTER_KEY or the file master.key. It is put nowhere."`
}

// secretsListCmd lists secrets by their names.
type secretsListCmd struct {
	Server remote    `embed:""`
	Agent  uuid.UUID `arg:"" optional:"" name:"agent" help:"Only those of this agent, by its id."`
	JSON   bool      `name:"json" help:"Print JSON."`
}

// agentSecret is a secret in the list.
type agentSecret struct {
	AgentID   uuid.UUID `json:"agentId"`
	AgentName string    `json:"agentName"`
	client.AgentSecret
}

// Run prints the secrets, agent by agent.
func (c *secretsListCmd) Run(p *program) error {
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		agents, err := api.Agents(ctx)
		if err != nil {
			return err
		}
		listed, found := []agentSecret{}, c.Agent == uuid.Nil
		for _, a := range agents {
			if c.Agent != uuid.Nil && a.ID != c.Agent {
				continue
			}
			found = true
			secrets, err := api.AgentSecrets(ctx, a.ID)
			if err != nil {
				return err
			}
			for _, s := range secrets {
				listed = append(listed, agentSecret{a.ID, a.Name, s})
			}
		}
		if !found {
			return fmt.Errorf("there is no agent %s", c.Agent)
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(listed)
		}
		w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "AGENT\tNAME\tSECRET\tCHANGED\tLAST USED")
		for _, s := range listed {
			changed := "not known"
			if s.ChangedAt != nil {
				changed = moment(s.ChangedAt)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.AgentID, s.AgentName, s.Name, changed, moment(s.LastUsedAt))
		}
		return w.Flush()
	})
}

// secretsRotateCmd changes the master key.
type secretsRotateCmd struct {
	Storage   settings.Storage `embed:"" group:"storage"`
	MasterKey string           `name:"master-key" env:"ELIZAD_MASTER_KEY" placeholder:"NEW,OLD" help:"The keys, where the servers have them from the environment: the new one, a comma, and the older ones. First restart every server with this value, then run this. Prefer the variable."`
	Alone     bool             `name:"alone" help:"No server runs on the PostgreSQL database, and none but this one has its key in a file. Without it, put the new key on top of master.key of every server and restart them first."`
	DryRun    bool             `name:"dry-run" help:"Only say what would be done."`
	JSON      bool             `name:"json" help:"Print JSON."`
}

// progressStep is after how many records the progress is said.
const progressStep = 1000

// Run rotates. A signal ends it after what is being written; it goes on when it is called again.
func (c *secretsRotateCmd) Run(p *program) error {
	return p.interruptible(func(ctx context.Context) error { return c.rotate(ctx, p) })
}

func (c *secretsRotateCmd) rotate(ctx context.Context, p *program) error {
	said := 0
	cfg := settings.Settings{Storage: c.Storage, Security: settings.Security{MasterKey: strings.TrimSpace(c.MasterKey)}}
	done, err := server.RotateSecrets(ctx, cfg, server.RotationOptions{
		Alone: c.Alone, DryRun: c.DryRun,
		Progress: func(found int) {
			if found < said {
				said = 0 // of another part of the database
			}
			if found-said >= progressStep {
				said = found
				fmt.Fprintf(p.err, "looked at %d records\n", found)
			}
		},
	})
	switch {
	case ctx.Err() != nil:
		return errors.New("broken off: every secret can still be read. Run it again to finish")
	case err != nil && done.Key != "" && !c.DryRun:
		return fmt.Errorf("%w\nEvery secret can still be read. Run it again to finish", err)
	case err != nil:
		return err
	case c.JSON:
		err = json.NewEncoder(p.out).Encode(done)
	default:
		err = printRotation(p, done)
	}
	if err == nil && done.Broken > 0 {
		err = &exitError{code: exitFailure}
	}
	return err
}

func printRotation(p *program, done server.Rotation) error {
	verb, key := "Sealed", "the key "+done.Key
	if done.DryRun {
		verb = "Would seal"
	}
	if done.Key == "" {
		key = "a new key"
	}
	fmt.Fprintf(p.out, "%s the secrets of %d agents and jobs with %s; %d had it already.\n", verb, done.Moved, key, done.Current)
	for _, id := range slices.Sorted(maps.Keys(done.Unknown)) {
		fmt.Fprintf(p.out, "%d are sealed with the key %s, which is not here, and stay as they are.\n", done.Unknown[id], id)
	}
	if done.Broken > 0 {
		fmt.Fprintf(p.out, "%d don't open with the key that they name.\n", done.Broken)
	}
	if done.Next != "" {
		fmt.Fprintln(p.out, done.Next+".")
	}
	return nil
}

// newKeyCmd prints a master key.
type newKeyCmd struct{}

// Run prints the key.
func (c *newKeyCmd) Run(p *program) error {
	_, err := fmt.Fprintln(p.out, server.NewMasterKey())
	return err
}
