// Package authtest makes identities for tests, which nobody can have but by a credential.
package authtest

import (
	"context"
	"log/slog"

	"github.com/elizad/elizad/server/internal/auth"
)

// Holder returns who holds a key that allows what grant says.
func Holder(grant auth.Grant) auth.Identity {
	guard := auth.NewGuard(auth.Keys{}, auth.NewFailures(slog.New(slog.DiscardHandler), nil)).With(anyKey(grant), auth.Keys{})
	who, err := guard.Admit(context.Background(), "a", auth.Credentials{Key: "key"})
	if err != nil {
		panic(err)
	}
	return who
}

// anyKey grants the same to all keys.
type anyKey auth.Grant

func (anyKey) Any() bool { return true }

func (k anyKey) Find(context.Context, string) (auth.Grant, bool, error) {
	return auth.Grant(k), true, nil
}

func (anyKey) Watch(auth.Grant, func()) (stop func()) { return func() {} }
