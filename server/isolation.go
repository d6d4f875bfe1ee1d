package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elizad/elizad/server/internal/store"
)

// holdIsolation refuses to promise isolation where nobody has to prove who they are. It notes in the database that its data is
// isolated, and keeps a server from showing to everybody what was written under that promise, unless the operator says so in as many
// words.
func (s *Server) holdIsolation(ctx context.Context) error {
	isolate := s.cfg.Security.Isolation
	if isolate && !s.parts.guard.Required() {
		return errors.New("ENABLE_DATA_ISOLATION (--data-isolation) is on, and nobody has to prove who they are; " +
			"let people log in with ELIZAD_USERS, set how tokens are verified, such as JWT_SECRET or JWT_JWKS_URI, or set ELIZA_SERVER_AUTH_TOKEN and make a key for each person with elizad keys create --entity")
	}
	since, isolated, err := store.IsolatedSince(ctx, s.parts.store)
	if err != nil || isolated == isolate {
		return err
	}
	if isolated && !s.cfg.Security.Unisolated {
		return fmt.Errorf("this database has kept data isolated since %s, and without that everybody would see what all wrote; "+
			"set ENABLE_DATA_ISOLATION=true (--data-isolation), or ELIZAD_ISOLATION_OFF=true (--isolation-off) to open it all the same",
			since.UTC().Format(time.DateOnly))
	}
	if err := store.SetIsolated(ctx, s.parts.store, isolate); err != nil {
		return err
	}
	if isolated {
		s.log.Warn("data is not isolated any longer: everybody sees what all wrote")
	}
	return nil
}
