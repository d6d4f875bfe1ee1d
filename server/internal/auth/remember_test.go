package auth_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
)

// issuer verifies all tokens but "bad", and counts.
type issuer struct {
	n     int
	until time.Time
}

func (i *issuer) Verify(_ context.Context, token string) (auth.Grant, error) {
	i.n++
	if token == "bad" {
		return auth.Grant{}, auth.ErrRefused
	}
	return auth.Grant{Entity: uuid.NewSHA1(uuid.Nil, []byte(token)), Until: i.until}, nil
}

func TestRemember(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	i := &issuer{until: now.Add(time.Minute)}
	tokens := auth.Remember(i, func() time.Time { return now })
	verify := func(token string, want int) {
		t.Helper()
		grant, err := tokens.Verify(t.Context(), token)
		if refused := token == "bad"; (err != nil) != refused || !refused && grant.Entity != uuid.NewSHA1(uuid.Nil, []byte(token)) {
			t.Errorf("%s: %+v, %v", token, grant, err)
		}
		if i.n != want {
			t.Errorf("after %s: verified %d times, want %d", token, i.n, want)
		}
	}
	verify("a", 1)
	verify("a", 1)
	verify("b", 2)
	verify("a", 2)
	verify("bad", 3)
	verify("bad", 4)
	now = now.Add(5 * time.Second)
	verify("a", 5)
	now = i.until.Add(-time.Second)
	verify("a", 6)
	now = i.until // and not a moment longer
	verify("a", 7)

	i.until = time.Time{} // which doesn't say
	for n := range 20_000 {
		if _, err := tokens.Verify(t.Context(), fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	verify("19999", 20_007)
	verify("0", 20_008) // forgotten: no number of tokens fills the memory
}
