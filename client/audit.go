package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/gen/api"
)

// AuditQuery says which entries of the audit log are wanted. Its zero value leaves none out.
type AuditQuery struct {
	Action   string    // or one kind of them, by what stands before the point
	Who      uuid.UUID // an entity or a key
	Target   uuid.UUID // the thing that something was done to
	From, To time.Time
}

// AuditEntries yields the entries of the audit log, the newest first, and reads them page by page as they are taken. What is written
// meanwhile is not among them. After an error nothing more comes.
func (c *Client) AuditEntries(ctx context.Context, q AuditQuery) iter.Seq2[AuditEntry, error] {
	return all(func(cursor string) ([]AuditEntry, string, error) {
		page, next, err := c.auditPage(ctx, q, cursor)
		return page.Entries, next, err
	})
}

func (c *Client) auditPage(ctx context.Context, q AuditQuery, cursor string) (page api.AuditLog, next string, err error) {
	const most = 1000
	params := api.ListAuditEntriesParams{Action: text(q.Action), Limit: positive(most), Cursor: text(cursor)}
	for id, param := range map[*uuid.UUID]**uuid.UUID{&q.Who: &params.Who, &q.Target: &params.Target} {
		if *id != uuid.Nil {
			*param = id
		}
	}
	for at, param := range map[*time.Time]**string{&q.From: &params.From, &q.To: &params.To} {
		if !at.IsZero() {
			*param = text(at.UTC().Format(time.RFC3339Nano))
		}
	}
	page, err = call[api.AuditLog](ctx, c, "reading the audit log", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAuditEntries(ctx, &params)
	}))
	return page, next, err
}

// AuditCheck is what VerifyAudit found.
type AuditCheck struct {
	Checked int64        // how many entries were checked
	Head    chain.Link   // the last of them: who keeps it notices later if the log was cut or made anew
	Dropped chain.Link   // the last of those that the server had dropped, because they were old
	Broken  *chain.Break // where the log does not hold; nil: nowhere
}

// VerifyAudit reads the whole audit log, and computes its hashes anew. known is an entry that was the head before; it may be nil.
func (c *Client) VerifyAudit(ctx context.Context, known *chain.Link) (AuditCheck, error) {
	for again := true; ; again = false {
		check, moved, err := c.verifyAudit(ctx, known)
		// Where old entries were dropped meanwhile, it is looked at once more.
		if err != nil || check.Broken == nil || !moved || !again {
			return check, err
		}
	}
}

// verifyAudit also reports whether the begin of the log has moved meanwhile.
func (c *Client) verifyAudit(ctx context.Context, known *chain.Link) (check AuditCheck, moved bool, err error) {
	var v *chain.Verifier
	var began chain.Link
	for cursor := ""; v == nil || cursor != ""; {
		page, next, err := c.auditPage(ctx, AuditQuery{}, cursor)
		if err != nil {
			return check, false, err
		}
		if check.Dropped, err = auditLink(page.Dropped); err != nil {
			return check, false, err
		}
		if v == nil {
			if check.Head, err = auditLink(page.Head); err != nil {
				return check, false, err
			}
			v, began = chain.NewVerifier(check.Head, known), check.Dropped
		}
		for _, e := range page.Entries {
			hash, err := chain.ParseHash(e.Hash)
			if err != nil {
				return check, false, fmt.Errorf("reading entry %d of the audit log: %w", e.Seq, err)
			}
			v.Next(linked(e), hash)
		}
		cursor = next
	}
	check.Checked, check.Broken = v.End(check.Dropped)
	return check, began != check.Dropped, nil
}

func auditLink(l api.AuditLink) (chain.Link, error) {
	hash, err := chain.ParseHash(l.Hash)
	if err != nil {
		return chain.Link{}, fmt.Errorf("reading the ends of the audit log: %w", err)
	}
	return chain.Link{Seq: l.Seq, Hash: hash}, nil
}

// linked returns what the hash of an entry is about.
func linked(e AuditEntry) chain.Entry {
	id := func(id *uuid.UUID) string {
		if id == nil {
			return ""
		}
		return id.String()
	}
	return chain.Entry{
		Seq: e.Seq, At: e.At, Since: e.Since, Times: e.Times, Action: e.Action, Operation: e.Operation, Status: e.Status, Kind: e.Kind, Proof: e.Proof,
		KeyID: id(e.KeyID), EntityID: id(e.EntityID), Proven: e.Proven, Address: e.Address, TargetID: id(e.TargetID), WithinID: id(e.WithinID),
		Details: e.Details, RequestID: e.RequestID,
	}
}
