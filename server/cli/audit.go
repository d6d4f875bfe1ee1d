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

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/client"
)

// auditCmd reads the audit log of a running server.
type auditCmd struct {
	List   auditListCmd   `cmd:"" help:"List who did what to which thing, the newest first."`
	Verify auditVerifyCmd `cmd:"" help:"Compute the hashes of the log anew: whether an entry was changed, taken out or moved."`
}

// auditListCmd lists entries.
type auditListCmd struct {
	Server remote    `embed:""`
	Action string    `name:"action" placeholder:"ACTION" help:"Only this action, as key.create or refusal, or one kind of them, as key."`
	Who    uuid.UUID `name:"who" placeholder:"ID" help:"Only what this entity did, or was done with this key."`
	Target uuid.UUID `name:"target" placeholder:"ID" help:"Only what was done to this thing."`
	Since  string    `name:"since" placeholder:"WHEN" help:"Only what is not older: so long, as in 12h or 90d, or from a day on, as in 2027-01-31."`
	Limit  int       `name:"limit" default:"100" placeholder:"N" help:"At most so many; 0 for all."`
	JSON   bool      `name:"json" help:"Print JSON, an entry a line."`
}

// Run prints the entries, the newest first.
func (c *auditListCmd) Run(p *program) error {
	query := client.AuditQuery{Action: c.Action, Who: c.Who, Target: c.Target}
	if c.Since != "" {
		now := time.Now()
		at, err := parseEnd(c.Since, now)
		if err != nil {
			return &exitError{code: exitUsage, message: "--since: " + err.Error()}
		}
		if at.After(now) {
			at = now.Add(now.Sub(at)) // so long ago
		}
		query.From = at
	}
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(w, "NUMBER\tWHEN\tACTION\tSTATUS\tWHO\tFROM\tWHAT\tDETAILS")
		}
		n := 0
		for e, err := range api.AuditEntries(ctx, query) {
			if err != nil {
				return err
			}
			if n++; c.Limit > 0 && n > c.Limit {
				break
			}
			if c.JSON {
				if err := json.NewEncoder(p.out).Encode(e); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", e.Seq, moment(&e.At), e.Action, e.Status, callerOf(e), e.Address, thingOf(e), detailsOf(e))
		}
		return w.Flush()
	})
}

// callerOf says who somebody is, and with which credential.
func callerOf(e client.AuditEntry) string {
	text := e.Kind
	switch {
	case e.EntityID == nil:
	case e.Proven:
		text += " " + e.EntityID.String()
	default:
		text += " as " + e.EntityID.String()
	}
	if e.KeyID != nil {
		return text + " with key " + e.KeyID.String()
	}
	if e.Proof != "" && e.Proof != "itself" {
		text += " with a " + e.Proof
	}
	return text
}

// thingOf says to what something was done, or, for a refusal, what was wanted.
func thingOf(e client.AuditEntry) string {
	if e.TargetID == nil {
		return e.Operation
	}
	return e.TargetID.String()
}

func detailsOf(e client.AuditEntry) string {
	if e.Times > 1 {
		return strings.TrimSuffix(fmt.Sprintf("%d times since %s; %s", e.Times, moment(&e.Since), e.Details), "; ")
	}
	return e.Details
}

// auditVerifyCmd verifies the chain of entries.
type auditVerifyCmd struct {
	Server remote `embed:""`
	Known  string `name:"known" placeholder:"NUMBER:HASH" help:"The last entry that an earlier verify printed: shows whether the log was cut or made anew since."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run verifies the log. The exit code is that of a failure if it does not hold.
func (c *auditVerifyCmd) Run(p *program) error {
	known, err := parseLink(c.Known)
	if err != nil {
		return &exitError{code: exitUsage, message: "--known: " + err.Error()}
	}
	return c.Server.ask(func(ctx context.Context, api *client.Client) error {
		check, err := api.VerifyAudit(ctx, known)
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(p.out).Encode(auditReport(check))
		} else {
			err = printCheck(p, check)
		}
		if err == nil && check.Broken != nil {
			err = &exitError{code: exitFailure}
		}
		return err
	})
}

func printCheck(p *program, check client.AuditCheck) error {
	if check.Dropped.Seq > 0 {
		fmt.Fprintf(p.out, "Entries up to %d were dropped because they were old.\n", check.Dropped.Seq)
	}
	if b := check.Broken; b != nil {
		fmt.Fprintf(p.out, "The audit log does not hold: entry %d is %s.\n", b.Seq, b.Why)
		return nil
	}
	_, err := fmt.Fprintf(p.out, "The audit log holds: %d entries. Keep its end for --known:\n%d:%s\n", check.Checked, check.Head.Seq, check.Head.Hash)
	return err
}

// auditReport is what verify prints as JSON.
func auditReport(check client.AuditCheck) map[string]any {
	out := map[string]any{
		"ok": check.Broken == nil, "checked": check.Checked,
		"head": linkText(check.Head), "dropped": linkText(check.Dropped),
	}
	if b := check.Broken; b != nil {
		out["broken"] = map[string]any{"seq": b.Seq, "why": b.Why}
	}
	return out
}

func linkText(l chain.Link) string { return fmt.Sprintf("%d:%s", l.Seq, l.Hash) }

// parseLink reads an entry's number and hash; nil for an empty text.
func parseLink(text string) (*chain.Link, error) {
	if text == "" {
		return nil, nil
	}
	number, digits, _ := strings.Cut(text, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not NUMBER:HASH", text)
	}
	hash, err := chain.ParseHash(digits)
	if err != nil {
		return nil, err
	}
	return &chain.Link{Seq: seq, Hash: hash}, nil
}
