package present

import (
	"github.com/google/uuid"

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/audit"
)

// AuditLog shows a part of the audit log.
func AuditLog(p audit.Page) api.AuditLog {
	return api.AuditLog{Entries: Each(p.Records, auditEntry), Head: auditLink(p.Head), Dropped: auditLink(p.Dropped)}
}

func auditEntry(r audit.Record) api.AuditEntry {
	return api.AuditEntry{
		Seq: r.Seq, At: r.At, Since: r.Since, Times: r.Times, Action: r.Action, Operation: r.Operation, Status: r.Status, Kind: r.Kind, Proof: r.Proof,
		KeyID: textID(r.KeyID), EntityID: textID(r.EntityID), Proven: r.Proven, Address: r.Address, TargetID: textID(r.TargetID), WithinID: textID(r.WithinID),
		Details: r.Details, RequestID: r.RequestID, Hash: r.Hash.String(),
	}
}

func auditLink(l chain.Link) api.AuditLink { return api.AuditLink{Seq: l.Seq, Hash: l.Hash.String()} }

// textID returns an id from its text, which is empty for none.
func textID(text string) *uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return nil
	}
	return &id
}
