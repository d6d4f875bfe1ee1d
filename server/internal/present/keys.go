package present

import (
	"time"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/apikey"
)

// APIKey shows what is known of a key.
func APIKey(k apikey.Key) api.APIKey {
	w := api.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, EntityID: k.EntityID, CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt.UnixMilli(),
		ExpiresAt: optionalMillis(k.ExpiresAt), LastUsedAt: optionalMillis(k.LastUsed), RevokedAt: optionalMillis(k.RevokedAt),
	}
	for _, name := range k.Scopes.Names() {
		w.Scopes = append(w.Scopes, api.KeyScope(name))
	}
	return w
}

// optionalMillis returns a moment that may be missing in milliseconds since 1970.
func optionalMillis(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	return new(t.UnixMilli())
}
