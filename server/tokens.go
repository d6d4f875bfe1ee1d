package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/internal/revocation"
	"github.com/elizad/elizad/server/internal/throttle"
	"github.com/elizad/elizad/server/internal/user"
)

// openTokens prepares the verifying of tokens, those of users of this server among them; nil if the settings name no way to.
func (s *Server) openTokens() (auth.Tokens, error) {
	cfg := s.cfg.Security.Tokens
	people := people{isAgent: func(ctx context.Context, id uuid.UUID) (bool, error) { return s.parts.messaging.IsAgent(ctx, id) }, admins: map[uuid.UUID]bool{}}
	for name := range strings.SplitSeq(cfg.Admins, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		id, err := auth.ParseID(name)
		if err != nil {
			return nil, fmt.Errorf("ADMIN_ENTITY_IDS (--admin-entity-ids) contains %q, which is not a UUID; write the ids of entities, with commas", name)
		}
		people.admins[id] = true
	}
	verifier, err := token.New(cfg, token.Options{Log: s.log})
	if err != nil {
		return nil, err
	}
	s.parts.verifier, people.verifier = verifier, verifier
	tokens := auth.Remember(&people, time.Now)
	logins, err := s.openUsers(tokens)
	if err != nil {
		return nil, err
	}
	s.parts.revocations = revocation.New(revocation.Config{Store: s.parts.store, Logger: s.log, Now: time.Now, Ended: tokens.End, Logins: logins})
	people.users, people.revocations = s.parts.users, s.parts.revocations
	if verifier.Method() == token.Disabled && people.users == nil {
		return nil, nil // which is no Tokens, and not one that refuses all
	}
	return tokens, nil
}

// openUsers prepares the users of this server, and returns what ends an entity's logins; nothing is there where the settings have none.
func (s *Server) openUsers(tokens *auth.Remembered) (logins revocation.Logins, err error) {
	cfg := s.cfg.Security.Users
	if !cfg.Enable {
		return nil, nil
	}
	if s.parts.secrets, err = s.loadKeys(); err != nil {
		return nil, err
	}
	s.parts.users = user.New(user.Config{
		Store: s.parts.store, Logger: s.log, Now: time.Now,
		Signer:  token.NewSigner(s.parts.secrets.Derived("access tokens"), time.Now),
		IsAgent: func(ctx context.Context, id uuid.UUID) (bool, error) { return s.parts.messaging.IsAgent(ctx, id) },
		Ended:   tokens.End, Open: cfg.Registration == "open", Most: cfg.Most,
		Attempts: throttle.Limit{Max: s.cfg.Limits.AuthMax, Window: s.cfg.Limits.AuthWindow},
	})
	return s.parts.users.EndAll, nil
}

// startUsers makes the admin that the settings name, and has tokens end here that end elsewhere.
func (s *Server) startUsers(ctx context.Context) error {
	if cfg := s.cfg.Security.Users; cfg.AdminEmail != "" {
		err := s.parts.users.EnsureAdmin(ctx, user.NewUser{Email: cfg.AdminEmail, Username: cfg.AdminName, Password: cfg.AdminPassword})
		if err != nil {
			return fmt.Errorf("making the user of ELIZAD_ADMIN_EMAIL (--admin-email): %w", err)
		}
	}
	s.parts.revocations.Start(ctx)
	if s.parts.users != nil {
		s.parts.users.Start(ctx)
	}
	return nil
}

func (s *Server) stopUsers(ctx context.Context) error {
	err := s.parts.revocations.Stop(ctx)
	if s.parts.users != nil {
		err = errors.Join(err, s.parts.users.Stop(ctx))
	}
	return err
}

// people are who has a token of the operator's issuer, or of this server.
type people struct {
	verifier    *token.Verifier
	users       *user.Service // nil: there are none
	revocations *revocation.Service
	isAgent     func(ctx context.Context, id uuid.UUID) (bool, error)
	admins      map[uuid.UUID]bool
}

// Verify implements [auth.Verifier].
func (p *people) Verify(ctx context.Context, text string) (auth.Grant, error) {
	verify := p.foreign
	if p.users != nil && p.users.Knows(text) {
		verify = p.users.Verify
	}
	grant, err := verify(ctx, text)
	if err != nil {
		return auth.Grant{}, err
	}
	if agent, err := p.isAgent(ctx, grant.Entity); err != nil {
		return auth.Grant{}, err
	} else if agent {
		return auth.Grant{}, apierr.Wrap(auth.ErrRefused, apierr.Unauthorized, "Invalid JWT token").WithDetails("The token is for an agent of this server")
	}
	if revoked, err := p.revocations.Revoked(ctx, grant); err != nil {
		return auth.Grant{}, err
	} else if revoked {
		return auth.Grant{}, apierr.Wrap(auth.ErrEnded, apierr.Unauthorized, "Invalid JWT token").WithDetails("The token was revoked")
	}
	if p.admins[grant.Entity] {
		grant.Scopes = auth.ScopeAdmin.Granted()
	}
	return grant, nil
}

// foreign returns what a token of the operator's issuer allows.
func (p *people) foreign(ctx context.Context, text string) (auth.Grant, error) {
	claims, err := p.verifier.Verify(ctx, text)
	if reason, refused := errors.AsType[token.Refusal](err); refused {
		if reason == token.Expired {
			return auth.Grant{}, errors.Join(auth.ErrEnded, err)
		}
		return auth.Grant{}, errors.Join(auth.ErrRefused, err)
	} else if err != nil {
		return auth.Grant{}, err
	}
	return auth.Grant{
		Scopes: auth.ScopeChat.Granted(), Entity: claims.Entity, Until: claims.Expires.Add(token.Leeway), Token: auth.Token{ID: claims.ID, Issued: claims.Issued},
	}, nil
}
