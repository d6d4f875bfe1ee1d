package webhook

import (
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/egress"
)

// CheckCallback returns how to refuse the address of a callback by its looks.
func CheckCallback(g *egress.Guard) func(address string) error {
	return func(address string) error {
		if err := g.Check(address); err != nil {
			return apierr.Wrap(err, apierr.ValidationFailed, "The callback URL %v", err)
		}
		return nil
	}
}
