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
)

// openTokens prepares the verifying of tokens; nil if the settings name no way to.
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
	if verifier.Method() == token.Disabled {
		return nil, nil // which is no Tokens, and not one that refuses all
	}
	return auth.Remember(people, time.Now), nil
}

// people are who has a token of the operator's issuer.
type people struct {
	verifier *token.Verifier
	isAgent  func(ctx context.Context, id uuid.UUID) (bool, error)
	admins   map[uuid.UUID]bool
}

// Verify implements [auth.Tokens].
func (p people) Verify(ctx context.Context, text string) (auth.Grant, error) {
	claims, err := p.verifier.Verify(ctx, text)
	if reason, refused := errors.AsType[token.Refusal](err); refused {
		if reason == token.Expired {
			return auth.Grant{}, errors.Join(auth.ErrEnded, err)
		}
		return auth.Grant{}, errors.Join(auth.ErrRefused, err)
	} else if err != nil {
		return auth.Grant{}, err
	}
	if agent, err := p.isAgent(ctx, claims.Entity); err != nil {
		return auth.Grant{}, err
	} else if agent {
		return auth.Grant{}, apierr.Wrap(auth.ErrRefused, apierr.Unauthorized, "Invalid JWT token").WithDetails("The token is for an agent of this server")
	}
	grant := auth.Grant{Scopes: auth.ScopeChat.Granted(), Entity: claims.Entity, Until: claims.Expires.Add(token.Leeway)}
	if p.admins[claims.Entity] {
		grant.Scopes = auth.ScopeAdmin.Granted()
	}
	return grant, nil
}
