package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
)

// keysCmd makes, lists and revokes the API keys of a running server.
type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key, and print it, this once."`
	List   keysListCmd   `cmd:"" help:"List the keys."`
	Revoke keysRevokeCmd `cmd:"" help:"Revoke keys: nobody is let in with them any more."`
}

// keysCreateCmd makes a key.
type keysCreateCmd struct {
	Server  remote    `embed:""`
	Name    string    `arg:"" help:"What people call the key."`
	Scopes  []string  `name:"scope" required:"" enum:"read,chat,manage,admin,service" placeholder:"SCOPE" help:"What it is good for: read, chat, manage (agents) or admin, each with those before it; service for bridges and agents elsewhere."`
	Entity  uuid.UUID `name:"entity" placeholder:"ID" help:"The only person or agent that callers with it may be."`
	Expires string    `name:"expires" placeholder:"WHEN" help:"When it ends: in so long, as in 12h or 90d, or on a day, as in 2027-01-31. By default never."`
	JSON    bool      `name:"json" help:"Print JSON."`
}

// Run makes the key. It alone is printed on standard output, for scripts.
func (c *keysCreateCmd) Run(p *program) error {
	wanted := client.NewKey{Name: c.Name}
	for _, scope := range c.Scopes {
		wanted.Scopes = append(wanted.Scopes, client.KeyScope(scope))
	}
	if c.Entity != uuid.Nil {
		wanted.EntityID = &c.Entity
	}
	if c.Expires != "" {
		end, err := parseEnd(c.Expires, time.Now())
		if err != nil {
			return &exitError{code: exitUsage, message: "--expires: " + err.Error()}
		}
		wanted.ExpiresAt = new(end.UnixMilli())
	}
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		made, err := api.CreateKey(ctx, wanted)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(made)
		}
		fmt.Fprintln(p.out, made.Key)
		fmt.Fprintf(p.err, "This is the key %s (%s). It is not shown again.\n", made.APIKey.Name, made.APIKey.ID)
		if made.Notice != nil {
			fmt.Fprintf(p.err, "%s. The owner's token remains one that may do everything.\n", *made.Notice)
		}
		return nil
	})
}

// keysListCmd lists the keys.
type keysListCmd struct {
	Server remote `embed:""`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run prints the keys, the newest first.
func (c *keysListCmd) Run(p *program) error {
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		keys := []client.APIKey{}
		for key, err := range api.AllKeys(ctx) {
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(keys)
		}
		w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tKEY\tSCOPES\tENDS\tLAST USED")
		for _, key := range keys {
			scopes := make([]string, len(key.Scopes))
			for i, scope := range key.Scopes {
				scopes[i] = string(scope)
			}
			fmt.Fprintf(w, "%s\t%s\t%s…\t%s\t%s\t%s\n", key.ID, key.Name, key.Prefix, strings.Join(scopes, ","), endOf(key, time.Now()), moment(key.LastUsedAt))
		}
		return w.Flush()
	})
}

// keysRevokeCmd revokes keys.
type keysRevokeCmd struct {
	Server remote      `embed:""`
	IDs    []uuid.UUID `arg:"" name:"id" help:"The keys, by the ids that \"elizad keys list\" shows."`
	JSON   bool        `name:"json" help:"Print JSON."`
}

// Run revokes the keys, in their order.
func (c *keysRevokeCmd) Run(p *program) error {
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		for _, id := range c.IDs {
			if err := api.RevokeKey(ctx, id); err != nil {
				return err
			}
			if !c.JSON {
				fmt.Fprintf(p.out, "Revoked %s\n", id)
			}
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(map[string]any{"revoked": c.IDs})
		}
		return nil
	})
}

// ask lets do ask the server.
func (r remote) ask(do func(ctx context.Context, api *client.Client) error) error {
	api, err := r.client()
	if err != nil {
		return err
	}
	return r.explain(do(context.Background(), api))
}

// parseEnd reads a moment: so long after now, or the begin of a day.
func parseEnd(text string, now time.Time) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.AddDate(0, 0, n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a time, as in 12h or 90d, nor a day, as in 2027-01-31", text)
}

// endOf says when a key ends, or that it has.
func endOf(key client.APIKey, now time.Time) string {
	switch {
	case key.RevokedAt != nil:
		return "revoked " + moment(key.RevokedAt)
	case key.ExpiresAt == nil:
		return "never"
	case *key.ExpiresAt <= now.UnixMilli():
		return "expired " + moment(key.ExpiresAt)
	default:
		return moment(key.ExpiresAt)
	}
}

// moment writes a time for people; "never" for none.
func moment(ms *int64) string {
	if ms == nil {
		return "never"
	}
	return time.UnixMilli(*ms).Format("2006-01-02 15:04")
}
