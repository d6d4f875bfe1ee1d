package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/handover"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/settings"
)

// ServerIDs is whose data a database has.
type ServerIDs struct {
	Own      string           `json:"own"` // ELIZA_SERVER_ID; empty: the default one
	All      []ServerID       `json:"serverIds"`
	Unproven []UnprovenEntity `json:"unproven"`     // of the own one, those with the most channels
	More     bool             `json:"moreUnproven"` // there are more of them
}

// ServerID is one server's part of a database.
type ServerID struct {
	Name          string     `json:"name"` // empty: the default one
	IsolatedSince *time.Time `json:"isolatedSince"`
	Agents        int64      `json:"agents"`
	Channels      int64      `json:"channels"`
	Messages      int64      `json:"messages"`
	Sessions      int64      `json:"sessions"`
	Jobs          int64      `json:"jobs"`
	Memories      int64      `json:"memories"`
	Users         int64      `json:"users"`
	Keys          int64      `json:"keys"`
}

// UnprovenEntity takes part in conversations, and nobody was seen to prove to be it: it is no user, has no API key, and is not in the
// audit log as proven. Whether somebody read or wrote with a token of another issuer is not kept.
type UnprovenEntity struct {
	ID       uuid.UUID `json:"id"`
	Channels int64     `json:"channels"`
	Messages int64     `json:"messages"`
}

// Isolation says whose data the database of the settings has, and which entities were never proven, at most so many.
func Isolation(ctx context.Context, cfg settings.Settings, most int) (ServerIDs, error) {
	out := ServerIDs{Own: tenantOf(cfg).Name, All: []ServerID{}, Unproven: []UnprovenEntity{}}
	own := false
	err := withStore(ctx, cfg, store.Tenant{}, func(st store.System) error {
		holdings, err := st.Holdings(ctx)
		for _, h := range holdings {
			own = own || h.ServerID == tenantOf(cfg).ServerID
			out.All = append(out.All, ServerID{h.Name, h.Isolated, h.Agents, h.Channels, h.Messages, h.Sessions, h.Jobs, h.Memories, h.Users, h.APIKeys})
		}
		return err
	})
	if err != nil || !own {
		return out, err
	}
	err = withStore(ctx, cfg, tenantOf(cfg), func(st store.System) error {
		found, more, err := handover.Unproven(ctx, st, most)
		for _, e := range found {
			out.Unproven = append(out.Unproven, UnprovenEntity(e))
		}
		out.More = more
		return err
	})
	return out, err
}

// AdoptOptions says what [AdoptData] is to move.
type AdoptOptions struct {
	From     string                          // the server id whose data moves; empty: the default one
	DryRun   bool                            // only say what would happen
	Alone    bool                            // no server works for one of the two ids, though others are connected to the PostgreSQL database
	Progress func(table string, moved int64) // is called after each table; nil: nobody is
}

// Adoption is what [AdoptData] moved, or would move.
type Adoption struct {
	From          string           `json:"from"` // server ids; empty: the default one
	To            string           `json:"to"`
	DryRun        bool             `json:"dryRun"`
	Moved         bool             `json:"moved"`
	Rows          map[string]int64 `json:"rows"`                    // by table
	All           int64            `json:"all"`                     // rows
	Clashes       []store.Clash    `json:"clashes"`                 // keys that both use; then nothing moves
	IsolatedSince *time.Time       `json:"isolatedSince,omitempty"` // of the data that moves: the other's is from now on, too
	AuditEnd      string           `json:"auditEnd,omitempty"`      // number and hash of the last entry of the audit log that stays
	Twins         []handover.Twin  `json:"twins"`                   // agents of the same name
}

// AdoptData moves all that one server id has in a database to the server id of the settings, in one transaction: agents, conversations,
// keys, users and the rest; the audit log stays. Of the settings those of the storage matter. Uploads are files of the data folder,
// whoever's they are, and stay where they are.
func AdoptData(ctx context.Context, cfg settings.Settings, opts AdoptOptions) (Adoption, error) {
	from, to := tenantNamed(opts.From), tenantOf(cfg)
	out := Adoption{From: from.Name, To: to.Name, DryRun: opts.DryRun, Rows: map[string]int64{}, Clashes: []store.Clash{}, Twins: []handover.Twin{}}
	if from.ServerID == to.ServerID {
		return out, fmt.Errorf("the data is that of %s already; ELIZA_SERVER_ID (--server-id) names the server id that gets it, and --from the one that has it", called(to))
	}
	err := withStore(ctx, cfg, store.Tenant{}, func(st store.System) error {
		done, err := handover.Adopt(ctx, st, store.Adopt{From: from, To: to, DryRun: opts.DryRun, Alone: opts.Alone, Progress: opts.Progress})
		switch {
		case errors.Is(err, store.ErrConnected):
			return fmt.Errorf("%w\nStop the servers under both server ids first, and say so with --alone if those that are left are others", err)
		case errors.Is(err, store.ErrNoTenant):
			return fmt.Errorf("%w: %q; elizad isolation status lists them", err, opts.From)
		case err != nil:
			return err
		}
		out.Rows, out.All, out.IsolatedSince = done.Rows, done.All(), done.Isolated
		out.Moved = out.All > 0 && len(done.Clashes) == 0 && !opts.DryRun
		out.Clashes = append(out.Clashes, done.Clashes...)
		out.Twins = append(out.Twins, done.Twins...)
		if out.Moved {
			out.AuditEnd = fmt.Sprintf("%d:%s", done.Left.Seq, done.Left.Hash)
		}
		return nil
	})
	return out, err
}

// Assign says which entity's conversations become whose.
type Assign = handover.Assign

// Assignment is what [AssignEntity] handed over, or would.
type Assignment = handover.Assignment

// AssignEntity gives the conversations of one entity to another, within the server id of the settings, of which those of the storage
// matter.
func AssignEntity(ctx context.Context, cfg settings.Settings, a Assign) (out Assignment, err error) {
	own, known := tenantOf(cfg), false
	err = withStore(ctx, cfg, store.Tenant{}, func(st store.System) error {
		tenants, err := st.Tenants(ctx)
		for _, t := range tenants {
			known = known || t.ServerID == own.ServerID
		}
		return err
	})
	if err != nil {
		return out, err
	}
	if !known { // nor is made
		return out, fmt.Errorf("%w: %q; elizad isolation status lists them", store.ErrNoTenant, own.Name)
	}
	err = withStore(ctx, cfg, own, func(st store.System) error {
		out, err = handover.AssignEntity(ctx, st, a)
		return err
	})
	if errors.Is(err, handover.ErrProven) {
		err = fmt.Errorf("%w\nWhat is theirs is not given away; if it has to be all the same, say --force", err)
	}
	return out, err
}

// withStore does something with the database of a tenant.
func withStore(ctx context.Context, cfg settings.Settings, t store.Tenant, do func(st store.System) error) error {
	dir, err := cfg.Storage.DataDir()
	if err != nil {
		return err
	}
	st, _, err := openDatabase(ctx, cfg, dir, t, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(do(st), st.Close())
}

// tenantNamed returns the tenant of a server id, as the operator writes it.
func tenantNamed(name string) store.Tenant {
	if name = strings.TrimSpace(name); name == "" {
		return store.Tenant{}
	}
	return store.Tenant{ServerID: agent.UUIDOf(name), Name: name}
}

func called(t store.Tenant) string {
	if t.Name == "" {
		return "the default server id"
	}
	return fmt.Sprintf("%q", t.Name)
}

// sayLeftBehind says once what the server doesn't see because it was given a name since.
func (s *Server) sayLeftBehind(ctx context.Context) error {
	left, err := s.parts.store.LeftBehind(ctx)
	if err != nil || left.Channels == 0 && left.Agents == 0 {
		return err
	}
	s.log.Info("the database has data of the default server id, which is not seen under this one: what was stored before ELIZA_SERVER_ID was set, or another server's",
		"channels", left.Channels, "messages", left.Messages, "agents", left.Agents, "to move it here", "elizad isolation adopt --dry-run")
	return nil
}
