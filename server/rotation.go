package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/instance"
	"github.com/elizad/elizad/server/internal/reseal"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/settings"
)

// RotationOptions says how [RotateSecrets] goes about its work.
type RotationOptions struct {
	DryRun   bool            // only say what would happen
	Alone    bool            // no server runs on the PostgreSQL database
	Progress func(found int) // is called now and then with the number of records that were looked at; nil: nobody is
}

// Rotation is what [RotateSecrets] did, or would do.
type Rotation struct {
	DryRun  bool           `json:"dryRun"`
	NewKey  bool           `json:"newKey"`        // a key was made, or would be
	Key     string         `json:"key,omitempty"` // the id of the key to which everything moves; empty for one that would be made
	Older   []string       `json:"older"`         // the ids of the others
	Moved   int            `json:"moved"`         // records of secrets that had an older key
	Current int            `json:"current"`       // that had the current key already
	Unknown map[string]int `json:"unknown"`       // that are sealed with keys which aren't here, by the ids of these
	Broken  int            `json:"broken"`        // that don't open with the key that they name
	Backup  string         `json:"backup,omitempty"`
	Next    string         `json:"next,omitempty"` // what is left to do
}

// NewMasterKey returns a key for ELIZAD_MASTER_KEY.
func NewMasterKey() string { return seal.Generate() }

// RotateSecrets moves everything that is sealed in a database, of all tenants, to a new master key. Where the keys are in the file of
// the data folder it makes that key, and takes the older ones out of the file in the end; else, or where other servers may run on the
// database, the operator brings it, on top of the older ones. Broken off, it can be called again, and goes on. Of the settings those of the storage and the
// master key matter.
func RotateSecrets(ctx context.Context, cfg settings.Settings, opts RotationOptions) (Rotation, error) {
	dir, err := cfg.Storage.DataDir()
	if err != nil {
		return Rotation{}, err
	}
	r := rotator{cfg: cfg, dir: dir, file: filepath.Join(dir, seal.KeyFileName), opts: opts}
	if err := r.readKeys(); err != nil {
		return Rotation{}, err
	}
	if cfg.Storage.PostgresURL != "" && len(r.keys.IDs()) == 1 && !opts.DryRun && !opts.Alone {
		return Rotation{}, fmt.Errorf("other servers may run on this PostgreSQL database, and need the new key before it is used.\n"+
			"Put a new key (elizad secrets new-key) on top of %s, of every server; restart them; then run this again.\n"+
			"If no server runs on the database, say so with --alone", r.file)
	}
	if err := r.checkAlone(); err != nil {
		return Rotation{}, err
	}
	return r.rotate(ctx)
}

// rotator moves secrets to another key.
type rotator struct {
	cfg  settings.Settings
	dir  string
	file string // of the keys
	keys *seal.Keys
	opts RotationOptions
}

func (r *rotator) readKeys() (err error) {
	if r.cfg.Security.MasterKey != "" {
		if r.keys, err = seal.Parse(r.cfg.Security.MasterKey); err != nil {
			return fmt.Errorf("reading ELIZAD_MASTER_KEY: %w", err)
		}
		if len(r.keys.IDs()) == 1 && !r.opts.DryRun {
			return errors.New("ELIZAD_MASTER_KEY holds one key, which can't be changed from here.\n" +
				"Set it to NEW,OLD for every server on the database: a new key (elizad secrets new-key), a comma, and the present one. Restart them,\n" +
				"run this again with the same value, and take the old key out then")
		}
		return nil
	}
	if _, err := os.Stat(r.file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no master key at %s: say with --data-dir where the server's data folder is, or give its ELIZAD_MASTER_KEY", r.file)
	}
	r.keys, err = seal.Load(r.file)
	return err
}

// ownsFile reports whether nobody else needs the keys in the file.
func (r *rotator) ownsFile() bool {
	return r.cfg.Security.MasterKey == "" && (r.cfg.Storage.PostgresURL == "" || r.opts.Alone)
}

// checkAlone fails if a server lives in the data folder that is not to.
func (r *rotator) checkAlone() error {
	if r.cfg.Storage.PostgresURL == "" || !r.opts.Alone {
		return nil // SQLite has a lock of its own
	}
	in, err := instance.Open(r.dir)
	if err != nil {
		return err
	}
	if running := !in.Returned; running {
		err = fmt.Errorf("a server runs in %s: stop it first", r.dir)
	}
	return errors.Join(err, in.Close())
}

func (r *rotator) rotate(ctx context.Context) (Rotation, error) {
	out := Rotation{DryRun: r.opts.DryRun, NewKey: len(r.keys.IDs()) == 1, Unknown: map[string]int{}}
	own := tenantOf(r.cfg)
	var tenants []store.Tenant
	err := r.within(ctx, own, func(ctx context.Context, st store.System) (err error) {
		if tenants, err = st.Tenants(ctx); err != nil {
			return err
		}
		if err := r.addKey(ctx, st, &out); err != nil {
			return err
		}
		if err := r.move(ctx, st, &out); err != nil || r.opts.DryRun {
			return err
		}
		return r.note(ctx, st, out)
	})
	if err != nil {
		return out, err
	}
	for _, t := range tenants {
		if t.ServerID == own.ServerID {
			continue
		}
		if err := r.within(ctx, t, func(ctx context.Context, st store.System) error { return r.move(ctx, st, &out) }); err != nil {
			return out, fmt.Errorf("ELIZA_SERVER_ID %q: %w", t.Name, err)
		}
	}
	if r.opts.DryRun {
		return out, nil
	}
	return out, r.finish(&out)
}

// within does something with the store of a tenant.
func (r *rotator) within(ctx context.Context, t store.Tenant, do func(ctx context.Context, st store.System) error) error {
	return withStore(ctx, r.cfg, t, func(st store.System) error { return do(ctx, st) })
}

// addKey makes the new key where the file has but one. That one must be of this database.
func (r *rotator) addKey(ctx context.Context, st store.System, out *Rotation) error {
	if out.NewKey && r.cfg.Security.MasterKey == "" {
		have, err := reseal.Run(ctx, reseal.Config{Store: st, Keys: r.keys, DryRun: true})
		if err != nil {
			return err
		}
		if have.Current+have.Broken == 0 && len(have.Unknown) > 0 {
			return fmt.Errorf("no secret in the database is sealed with the key in %s: say with --data-dir where the server's data folder is, or give its ELIZAD_MASTER_KEY", r.file)
		}
		if !r.opts.DryRun {
			if r.keys, err = seal.AddKey(r.file); err != nil {
				return err
			}
		}
	}
	ids := r.keys.IDs()
	if out.Key, out.Older = ids[0], ids[1:]; len(ids) == 1 { // in a dry run
		out.Key, out.Older = "", ids
	}
	return nil
}

// move moves the secrets of a tenant.
func (r *rotator) move(ctx context.Context, st store.System, out *Rotation) error {
	c, err := reseal.Run(ctx, reseal.Config{Store: st, Keys: r.keys, DryRun: r.opts.DryRun, Progress: r.opts.Progress})
	if out.Key == "" {
		c.Moved, c.Current = c.Current, 0 // the key that they have will be an older one
	}
	out.Moved += c.Moved
	out.Current += c.Current
	out.Broken += c.Broken
	for id, n := range c.Unknown {
		out.Unknown[id] += n
	}
	return err
}

// note puts into the audit log what was done.
func (r *rotator) note(ctx context.Context, st store.System, done Rotation) error {
	return audit.New(audit.Config{Store: st, Logger: slog.New(slog.DiscardHandler), Now: time.Now}).Append(ctx, audit.Entry{
		Action: "secrets.rotate", Who: auth.System(), Details: "to the key " + done.Key + ": " + strconv.Itoa(done.Moved) + " records",
	})
}

// finish takes the older keys away, unless somebody may need them, and says what is left to do.
func (r *rotator) finish(out *Rotation) error {
	switch {
	case out.Broken > 0:
		out.Next = "Some records don't open with the key that they name. The older keys stay; restore those records from a backup"
		return nil
	case r.cfg.Security.MasterKey != "":
		out.Next = "Take the older keys out of ELIZAD_MASTER_KEY, for every server on the database, and keep them with its older backups"
		return nil
	case !r.ownsFile():
		out.Next = "Take the older keys out of " + r.file + ", of every server on the database, and keep them with its older backups"
		return nil
	}
	out.Backup = r.file + ".until-" + time.Now().UTC().Format("20060102T150405.000")
	out.Next = "Keep " + out.Backup + " with older backups of the database: they need the key in it"
	return seal.KeepCurrent(r.file, out.Backup)
}
