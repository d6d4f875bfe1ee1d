package runtime

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

// maxCharacter is how many bytes a character has at most, with its sealed secrets. What the owner brings in files may be larger.
const maxCharacter = 256 << 10

const noName = "must have a character that can be seen"

// AgentIDs returns the ids of agents that characters give none, of which the last is that of a new one: they follow from the name, and in
// another tenant than the default one from its server id, too. What a tenant has given away keeps its ids.
func AgentIDs(of store.Naming, name string) []uuid.UUID {
	id := agent.ID(name)
	if of.ServerID != uuid.Nil {
		id = agent.UUIDFor(of.ServerID, name)
	}
	ids := []uuid.UUID{id}
	for i := range of.Given {
		ids = append(ids, agent.UUIDFor(id, strconv.Itoa(i+1)))
	}
	return ids
}

// identify cleans a character's names, and gives it an id where it has none.
func (a *Agents) identify(ctx context.Context, who auth.Identity, c *agent.Character) (err error) {
	if c.Name, c.Username = names.Clean(c.Name), names.Clean(c.Username); c.Name == "" {
		return agent.Refuse(apierr.CreateFailed, agent.Problem{Path: "/name", Reason: noName})
	}
	if c.ID == uuid.Nil {
		c.ID, err = a.idOf(ctx, who, c.Name)
	}
	return err
}

// idOf returns the id of an agent that is named and has none: that of the one which is there under this name, or else that of a new one.
func (a *Agents) idOf(ctx context.Context, who auth.Identity, name string) (uuid.UUID, error) {
	var ids []uuid.UUID
	for _, n := range a.namings {
		ids = append(ids, AgentIDs(n, name)...)
	}
	last := len(ids) - 1
	for _, id := range ids[:last] {
		if _, err := a.row(ctx, who, id); !apierr.IsCode(err, apierr.NotFound) {
			return id, err
		}
	}
	return ids[last], nil
}

// creationCheck says whether a new agent may be stored. It runs in the transaction that does it.
type creationCheck func(ctx context.Context, q db.Scoped, row db.Agent) error

// mayCreate refuses what would let a caller fill the server, or take the id of a person or something else: an agent speaks for
// all that is said under its id.
func (a *Agents) mayCreate(ctx context.Context, q db.Scoped, row db.Agent) error {
	if err := checkSize(len(row.Character)+len(row.Secrets), 0); err != nil {
		return err
	}
	if err := a.tally.Admit(1, func(int64) (int64, error) { return q.CountAgents(ctx) }, nil); err != nil {
		return err
	}
	what, err := q.WhatHasID(ctx, row.ID)
	if err != nil {
		return err
	}
	if row.ID == messaging.AnonymousID {
		what = "author"
	}
	if what != "" {
		return apierr.New(apierr.Conflict, "The id %s is taken by a %s; leave the id out, or send another one", row.ID, what).
			WithDetails("Where the character has no id, it follows from the name: then send one")
	}
	return nil
}

// checkSize refuses a character of too many bytes, unless it had as many before.
func checkSize(size, before int) error {
	if size <= max(maxCharacter, before) {
		return nil
	}
	return apierr.New(apierr.TooLarge, "The character has %d bytes, and may have %d", size, maxCharacter).
		WithDetails("A larger one can be brought along at start, with --character")
}
