package pgstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/elizad/elizad/gen/postgres"
	"github.com/elizad/elizad/server/internal/store"
)

// tenantSetting is the parameter by which the policies of the tables tell whose rows a connection sees.
const tenantSetting = "elizad.tenant"

// findTenant returns the number of a tenant. Beside others it must be bound by the policies, so a role that PostgreSQL exempts from them
// is refused.
func findTenant(ctx context.Context, config *pgx.ConnConfig, tenant store.Tenant) (int64, error) {
	if tenant == (store.Tenant{}) {
		return store.DefaultTenant, nil
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it has answered
	if err := mustBeBound(ctx, conn); err != nil {
		return 0, err
	}
	return tenant.Number(ctx, postgres.New(conn))
}

// mustBeBound returns an error for a role that the policies don't bind.
func mustBeBound(ctx context.Context, conn interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}) error {
	var exempt bool
	const query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
	if err := conn.QueryRow(ctx, query, pgx.QueryExecModeExec).Scan(&exempt); err != nil {
		return fmt.Errorf("asking for the role: %w", err)
	}
	if exempt {
		return errExempt
	}
	return nil
}

// begin begins a transaction that sees the rows of the store's tenant. Through a pooler each one says whose they are, since it may run
// on any connection; others have it from their connection.
func (s *Store) begin(ctx context.Context, conn interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}, options pgx.TxOptions) (pgx.Tx, error) {
	if s.pooled {
		options.BeginQuery = "begin"
		if options.AccessMode != "" {
			options.BeginQuery += " " + string(options.AccessMode)
		}
		options.BeginQuery += "; set local " + tenantSetting + " = '" + strconv.FormatInt(s.tenant, 10) + "'"
	}
	return conn.BeginTx(ctx, options)
}
