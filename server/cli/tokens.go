package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
)

// tokensCmd revokes tokens that a running server would take, whoever issued them.
type tokensCmd struct {
	Revoke tokensRevokeCmd `cmd:"" help:"Revoke tokens: nobody is let in with them any more, and what came with them ends."`
	List   tokensListCmd   `cmd:"" help:"List what was revoked, the newest first."`
}

// tokensRevokeCmd revokes tokens.
type tokensRevokeCmd struct {
	Server  remote   `embed:""`
	IDs     []string `arg:"" optional:"" name:"id" help:"Single tokens, by the jti in them."`
	Of      []string `name:"of" placeholder:"WHO" help:"All tokens that this person has now, and their logins: the id of an entity, or the address or name of a user."`
	Expires string   `name:"expires" placeholder:"WHEN" help:"When the last of them ends by itself, until when this is kept: in so long, as in 12h or 90d, or on a day, as in 2027-01-31. By default in 400 days."`
	JSON    bool     `name:"json" help:"Print JSON."`
}

// Help has examples.
func (tokensRevokeCmd) Help() string {
	return `Examples:
  elizad tokens revoke --of ada
  elizad tokens revoke --of 5a4f5d0e-94b7-4ad5-9a3c-1c62f3a3f0b7 --expires 30d
  elizad tokens revoke 7d1f0c3e-a1 7d1f0c3e-a2`
}

// Run revokes the tokens, those of persons first.
func (c *tokensRevokeCmd) Run(p *program) error {
	if len(c.IDs)+len(c.Of) == 0 {
		return &exitError{code: exitUsage, message: "say which tokens: their ids, or --of WHO"}
	}
	var expires *int64
	if c.Expires != "" {
		end, err := parseEnd(c.Expires, time.Now())
		if err != nil {
			return &exitError{code: exitUsage, message: "--expires: " + err.Error()}
		}
		expires = new(end.UnixMilli())
	}
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		entities, err := findEntities(ctx, api, c.Of)
		if err != nil {
			return err
		}
		which := make([]client.RevokedTokens, 0, len(entities)+len(c.IDs))
		for _, id := range entities {
			which = append(which, client.RevokedTokens{EntityID: &id, ExpiresAt: expires})
		}
		for _, id := range c.IDs {
			which = append(which, client.RevokedTokens{TokenID: &id, ExpiresAt: expires})
		}
		revoked := make([]client.Revocation, 0, len(which))
		for _, w := range which {
			r, err := api.RevokeTokens(ctx, w)
			if err != nil {
				return err
			}
			if revoked = append(revoked, r); !c.JSON {
				fmt.Fprintf(p.out, "Revoked %s\n", tokensOf(r))
			}
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(revoked)
		}
		return nil
	})
}

// findEntities returns the ids of persons. Those who are no users of the server are named by their ids.
func findEntities(ctx context.Context, api *client.Client, who []string) ([]uuid.UUID, error) {
	ids, err := findUsers(ctx, api, who)
	if client.IsNotFound(err) {
		return nil, fmt.Errorf("the server has no users, so that --of takes the id of an entity")
	}
	return ids, err
}

// tokensOf says which tokens a revocation is about.
func tokensOf(r client.Revocation) string {
	if r.TokenID != nil {
		return "token " + *r.TokenID
	}
	return fmt.Sprintf("all tokens of %s up to %s", r.EntityID, moment(&r.CreatedAt))
}

// tokensListCmd lists revocations.
type tokensListCmd struct {
	Server remote `embed:""`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run prints what was revoked, the newest first.
func (c *tokensListCmd) Run(p *program) error {
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		list := []client.Revocation{}
		for r, err := range api.AllRevocations(ctx) {
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(list)
		}
		w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "REVOKED\tWHICH\tKEPT UNTIL")
		for _, r := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", moment(&r.CreatedAt), tokensOf(r), moment(&r.ExpiresAt))
		}
		return w.Flush()
	})
}
