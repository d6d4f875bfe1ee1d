// Package audit keeps the audit log: who did what to which thing, from where, when, and with which credential.
//
// An [Entry] is made where a request comes in, and what the contract does not know of it is added on the way by [Target] and
// [Detail]. [Service.Append] stores it before the request is answered; for keys, agents, their secrets, users and revocations [Within] does, in the
// transaction of the change. Refusals, of which anybody can cause many, are counted first: see
// [Service.Refused]. Each entry has the hash of the one before it in its own, as package chain says, and entries of a tenant are written
// one after the other, by all nodes. Those that are old are dropped from the front, and the hash of the last stays.
package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/elizad/elizad/api/chain"
	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// maxDetails is how long the details of an entry may be, in bytes.
const maxDetails = 500

// Entry is what somebody did.
type Entry struct {
	Action    string // such as agent.create
	Operation string // of the contract
	Status    int    // of the answer; for Within, of the one that is expected
	Who       auth.Identity
	Owner     bool // has shown the owner's token where nobody needs a key, so that Who doesn't say it
	Address   string
	Target    uuid.UUID // the thing that it was done to
	Within    uuid.UUID // what that is a part of
	Details   string
	RequestID string

	within bool // a transaction has it
}

// Stored reports whether [Within] has written the entry, as far as that transaction was committed.
func (e *Entry) Stored() bool { return e.within }

type contextKey struct{}

// NewContext returns a context in which [Target] and the others add to e.
func NewContext(ctx context.Context, e *Entry) context.Context {
	return context.WithValue(ctx, contextKey{}, e)
}

// about returns the entry of a request; one that nobody reads, if the request has none.
func about(ctx context.Context) *Entry {
	if e, ok := ctx.Value(contextKey{}).(*Entry); ok {
		return e
	}
	return new(Entry)
}

// Target says to which thing something is done, where the path of the request does not.
func Target(ctx context.Context, id uuid.UUID) {
	e := about(ctx)
	if e.Target != uuid.Nil {
		e.Within = e.Target // such as the agent that a room is made for
	}
	e.Target = id
}

// ByOwner says that the caller has shown the owner's token.
func ByOwner(ctx context.Context) { about(ctx).Owner = true }

// Detail says more, in the words of what and a list of names. Never give it what must not be known.
func Detail(ctx context.Context, what string, names ...string) {
	e := about(ctx)
	e.Details = joined(e.Details, Words(what, names...))
}

// Words returns a detail.
func Words(what string, names ...string) string {
	if len(names) == 0 {
		return what
	}
	return what + ": " + strings.Join(names, ", ")
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// Within writes the entry of a request in a transaction of what is done, so that neither is stored without the other. It should be the
// last of it, for others wait from then on. Where ctx has no entry it does nothing.
func Within(ctx context.Context, q db.Scoped, target uuid.UUID, details string) error {
	e, ok := ctx.Value(contextKey{}).(*Entry)
	if !ok {
		return nil
	}
	e.within = true // and nothing else, as a transaction may be run again
	stored, now := *e, time.Now()
	stored.Target, stored.Details = target, joined(e.Details, details)
	return write(ctx, q, stored.record(now, now, 1))
}

// In writes an entry in a transaction, and returns its place in the log. It should be the last of it, as for [Within].
func In(ctx context.Context, q db.Scoped, e Entry) (chain.Link, error) {
	now := time.Now()
	if err := write(ctx, q, e.record(now, now, 1)); err != nil {
		return chain.Link{}, err
	}
	head, err := q.GetAuditChain(ctx)
	if err != nil {
		return chain.Link{}, err
	}
	return link(head.LastSeq, head.LastHash)
}

// Config is what a Service is made of.
type Config struct {
	Store  store.System
	Logger *slog.Logger
	Now    func() time.Time
	Keep   time.Duration // how long entries are kept; 0: for ever
}

// Service is the audit log of a server.
type Service struct {
	store store.System
	log   *slog.Logger
	now   func() time.Time
	keep  time.Duration

	refusals refusals
	writing  sync.Mutex // refusals are written by one caller at a time

	tending sync.WaitGroup
	soon    chan struct{} // a refusal is to be written
	stop    context.CancelFunc
}

// New returns the log in a store. Start must follow.
func New(cfg Config) *Service {
	return &Service{store: cfg.Store, log: cfg.Logger, now: cfg.Now, keep: cfg.Keep, soon: make(chan struct{}, 1)}
}

// Append stores an entry.
func (s *Service) Append(ctx context.Context, e Entry) error {
	now := s.now()
	return store.Update(ctx, s.store, e.Who.Scope(), "writing to the audit log", func(q db.Scoped) error {
		return write(ctx, q, e.record(now, now, 1))
	})
}

// record returns an entry as it is stored, without a number.
func (e Entry) record(at, since time.Time, times int64) chain.Entry {
	kind, proof := e.Who.Kind(), e.Who.Proof()
	if e.Owner && proof == auth.NoProof {
		kind, proof = auth.KeyHolder, auth.ByKey
	}
	return chain.Entry{
		At: at.UnixMilli(), Since: since.UnixMilli(), Times: times, Action: e.Action, Operation: e.Operation, Status: int64(e.Status),
		Kind: kind.String(), Proof: string(proof), KeyID: idText(e.Who.Key()), EntityID: idText(e.Who.Entity()), Proven: e.Who.Proven(),
		Address: e.Address, TargetID: idText(e.Target), WithinID: idText(e.Within), Details: plain(e.Details), RequestID: e.RequestID,
	}
}

// write appends an entry to the log. From its first statement on, other writers wait for the end of the transaction.
func write(ctx context.Context, q db.Scoped, e chain.Entry) error {
	var first chain.Hash
	c, err := q.UpsertAuditChain(ctx, first[:])
	if err != nil {
		return err
	}
	before, err := hashOf(c.LastHash)
	if err != nil {
		return err
	}
	e.Seq = c.LastSeq
	hash := e.Hash(before)
	err = q.InsertAuditEntry(ctx, db.InsertAuditEntryParams{
		Seq: e.Seq, At: dbtype.Millis(e.At), Since: dbtype.Millis(e.Since), Times: e.Times, Action: e.Action, Operation: e.Operation, Status: e.Status,
		Kind: e.Kind, Proof: e.Proof, KeyID: idIn(e.KeyID), EntityID: idIn(e.EntityID), Proven: e.Proven, Address: e.Address,
		TargetID: idIn(e.TargetID), WithinID: idIn(e.WithinID), Details: e.Details, RequestID: e.RequestID, Hash: hash[:],
	})
	if err != nil {
		return err
	}
	return q.EndAuditChain(ctx, hash[:])
}

// Filter narrows a list. Its zero value leaves nothing out.
type Filter struct {
	Action   string // or what stands before its point
	Who      uuid.UUID
	Target   uuid.UUID
	From, To *time.Time
	Before   int64 // only entries of lower numbers; 0: all
}

// Record is an entry as it is stored.
type Record struct {
	chain.Entry
	Hash chain.Hash
}

// Page is a part of the log.
type Page struct {
	Records []Record   // the newest first
	More    bool       // there are older ones
	Head    chain.Link // the last entry of the log
	Dropped chain.Link // the last of those that were dropped
}

// List returns at most limit entries. What was refused until now is among them.
func (s *Service) List(ctx context.Context, who auth.Identity, f Filter, limit int) (page Page, err error) {
	if err := s.writeRefusals(ctx, false); err != nil {
		return page, err
	}
	params := db.ListAuditEntriesParams{
		AnyAction: f.Action == "", Action: f.Action, Anybody: f.Who == uuid.Nil, WhoID: &f.Who, AnyTarget: f.Target == uuid.Nil, TargetID: &f.Target,
		ToTime: dbtype.Until(f.To), LimitRows: int64(limit) + 1,
	}
	if f.From != nil {
		params.FromTime = dbtype.MillisOf(*f.From)
	}
	err = store.View(ctx, s.store, who.Scope(), "reading the audit log", func(q db.Scoped) error {
		page = Page{Records: []Record{}}
		head, err := q.GetAuditChain(ctx)
		if err != nil {
			return unlessNone(err)
		}
		if params.BeforeSeq = head.LastSeq + 1; f.Before > 0 { // of what is written meanwhile, nothing
			params.BeforeSeq = min(params.BeforeSeq, f.Before)
		}
		rows, err := q.ListAuditEntries(ctx, params)
		if err != nil {
			return err
		}
		// Read behind the entries, for some of them may be dropped meanwhile.
		begin, err := q.GetAuditChain(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			record, err := fromRow(row)
			if err != nil {
				return err
			}
			page.Records = append(page.Records, record)
		}
		if page.Head, err = link(head.LastSeq, head.LastHash); err != nil {
			return err
		}
		page.Dropped, err = link(begin.DroppedSeq, begin.DroppedHash)
		return err
	})
	if page.More = len(page.Records) > limit; page.More {
		page.Records = page.Records[:limit]
	}
	return page, err
}

// unlessNone returns nil for the error that there is no log yet.
func unlessNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func fromRow(row db.AuditEntry) (Record, error) {
	hash, err := hashOf(row.Hash)
	return Record{
		Entry: chain.Entry{
			Seq: row.Seq, At: int64(row.At), Since: int64(row.Since), Times: row.Times, Action: row.Action, Operation: row.Operation, Status: row.Status,
			Kind: row.Kind, Proof: row.Proof, KeyID: idOut(row.KeyID), EntityID: idOut(row.EntityID), Proven: row.Proven, Address: row.Address,
			TargetID: idOut(row.TargetID), WithinID: idOut(row.WithinID), Details: row.Details, RequestID: row.RequestID,
		},
		Hash: hash,
	}, err
}

func link(seq int64, hash []byte) (chain.Link, error) {
	h, err := hashOf(hash)
	return chain.Link{Seq: seq, Hash: h}, err
}

// hashOf reads a stored hash.
func hashOf(raw []byte) (h chain.Hash, err error) {
	if copy(h[:], raw) != len(h) || len(raw) != len(h) {
		return h, fmt.Errorf("a hash of the audit log has %d bytes", len(raw))
	}
	return h, nil
}

// idText returns an id as the chain has it.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// idIn returns an id of an entry as the database has it. [idText] has made it, so that it is none only if there is none.
func idIn(text string) *uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return nil
	}
	return &id
}

func idOut(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

// plain returns a text that both engines keep as it is, of bounded length.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxDetails {
		text = strings.ToValidUTF8(text[:maxDetails], "") + "…"
	}
	return text
}
