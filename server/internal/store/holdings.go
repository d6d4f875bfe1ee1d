package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/unscoped"
)

// Holding is a tenant, and what it holds.
type Holding struct {
	Tenant
	Isolated *time.Time // since when its data is kept isolated; nil: it isn't
	unscoped.CountHoldingsRow

	number int64
}

// Holdings counts what each tenant of the database holds, the default one first.
func (b Bound) Holdings(ctx context.Context) ([]Holding, error) {
	holdings, err := b.tenants(ctx)
	for i := range holdings {
		if err != nil {
			break
		}
		h := &holdings[i]
		err = b.engine.ReadOf(ctx, h.number, func(q unscoped.Querier) (err error) {
			h.CountHoldingsRow, err = q.CountHoldings(ctx, h.number)
			return err
		})
	}
	return holdings, while("counting what tenants hold", err)
}

// leftMost bounds how much of what another tenant holds is counted at the start.
const leftMost = 10_000

// Left is about what another tenant holds.
type Left struct {
	Agents, Channels int64 // at most [leftMost]
	Messages         int64 // those that were ever said in these channels
}

// LeftBehind estimates what the default tenant holds, if the store is another's, at a cost that does not grow with the data.
func (b Bound) LeftBehind(ctx context.Context) (Left, error) {
	if b.tenant == DefaultTenant {
		return Left{}, nil
	}
	var left unscoped.EstimateHoldingsRow
	err := b.engine.ReadOf(ctx, DefaultTenant, func(q unscoped.Querier) (err error) {
		left, err = q.EstimateHoldings(ctx, unscoped.EstimateHoldingsParams{Tenant: DefaultTenant, MaxRows: leftMost})
		return err
	})
	return Left(left), while("looking at what the default tenant holds", err)
}

// tenants lists the tenants, without what they hold.
func (b Bound) tenants(ctx context.Context) ([]Holding, error) {
	var out []Holding
	err := b.engine.Read(ctx, func(q unscoped.Querier) (err error) {
		out, err = listTenants(ctx, q)
		return err
	})
	return out, err
}

func listTenants(ctx context.Context, q unscoped.Querier) ([]Holding, error) {
	rows, err := q.ListTenants(ctx)
	out := make([]Holding, len(rows))
	for i, row := range rows {
		out[i] = Holding{Tenant: Tenant{ServerID: row.ServerID, Name: row.Name}, number: row.ID}
		if row.IsolatedAt != nil {
			out[i].Isolated = new(row.IsolatedAt.Time())
		}
	}
	return out, err
}

// withID finds the tenant of a server id; nil: there is none.
func withID(tenants []Holding, id uuid.UUID) *Holding {
	for i := range tenants {
		if tenants[i].ServerID == id {
			return &tenants[i]
		}
	}
	return nil
}
