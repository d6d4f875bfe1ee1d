package user

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/internal/store"
)

const (
	// AccessFor is how long an access token is good.
	AccessFor = 15 * time.Minute
	// loginFor is how long a login lasts. Refreshing does not move its end.
	loginFor = 30 * 24 * time.Hour
	// mostLogins is how many logins a user has at a time; the oldest end.
	mostLogins = 50
	// grace is how long the refresh token before the present one is only refused: two pages of one browser ask at once, and an answer gets
	// lost. Nobody gets anything for it, so that a copied token is good for nothing in this time either.
	grace = 10 * time.Second
)

const (
	mark       = "elr_" // what every refresh token begins with
	handleSize = 16
	secretSize = 32
)

// refreshText spells refresh tokens.
var refreshText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Login is what somebody gets who logs in.
type Login struct {
	User           User
	Access         string
	AccessExpires  time.Time
	Refresh        string
	RefreshExpires time.Time
}

// Login logs a user in. All that is wrong gets one answer, after the same work.
func (s *Service) Login(ctx context.Context, address, email, password string) (Login, error) {
	if strings.TrimSpace(email) == "" || password == "" {
		return Login{}, apierr.New(apierr.MissingCredentials, "Email and password are required")
	}
	email, possible := emailOf(email)
	password, writable := passwordOf(password)
	if !possible || !writable { // nobody has these
		if _, err := s.attempts.begin(address, "", s.now()); err != nil {
			return Login{}, err
		}
		return Login{}, errCredentials(nil)
	}
	forgive, err := s.attempts.begin(address, email, s.now())
	if err != nil {
		return Login{}, err
	}
	var row db.User
	err = store.SystemView(ctx, s.store, "finding a user", func(q db.System) (err error) {
		row, err = q.FindUser(ctx, email)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	right := false
	if err == nil {
		if row.DisabledAt != nil {
			row.Password = ""
		}
		right, err = s.hasher.matches(ctx, password, row.Password)
	}
	if err != nil {
		forgive() // which says nothing about the password
		return Login{}, err
	}
	if !right {
		return Login{}, errCredentials(nil)
	}
	forgive()
	return s.login(ctx, fromRow(row), row.Password, func(q db.Scoped) error { return audit.Within(ctx, q, row.ID, "") })
}

func errCredentials(cause error) error {
	return apierr.Wrap(cause, apierr.InvalidCredentials, "Invalid credentials")
}

func errToken() error { return apierr.New(apierr.InvalidToken, "Invalid or expired token") }

// login begins a login of somebody whose password is the one of which hash is kept, if that is still so. Also, unless it is nil, is done
// in the transaction.
func (s *Service) login(ctx context.Context, u User, hash string, also func(db.Scoped) error) (Login, error) {
	now := s.now()
	handle, secret := random(handleSize), random(secretSize)
	id, ends := uuid.New(), now.Add(loginFor)
	err := store.SystemUpdate(ctx, s.store, "beginning a login", func(q db.System) error {
		n, err := q.NoteUserLogin(ctx, db.NoteUserLoginParams{Now: new(dbtype.MillisOf(now)), ID: u.ID, Password: hash})
		if err == nil && n == 0 {
			err = errCredentials(nil)
		}
		if err == nil {
			_, err = q.DeleteSurplusLogins(ctx, db.DeleteSurplusLoginsParams{UserID: u.ID, KeepRows: mostLogins - 1})
		}
		if err != nil {
			return err
		}
		err = q.InsertLogin(ctx, db.InsertLoginParams{
			ID: id, UserID: u.ID, Handle: sum(handle), Secret: sum(secret), CreatedAt: dbtype.MillisOf(now), ExpiresAt: dbtype.MillisOf(ends),
		})
		if err != nil || also == nil {
			return err
		}
		return also(q)
	})
	if err != nil {
		return Login{}, err
	}
	return s.tokens(u, id, handle, secret, ends)
}

// tokens returns what a login has at the moment.
func (s *Service) tokens(u User, id uuid.UUID, handle, secret []byte, ends time.Time) (Login, error) {
	expires := s.now().Add(AccessFor).Truncate(time.Second)
	if ends.Before(expires) {
		expires = ends
	}
	access, err := s.cfg.Signer.Sign(token.Owner{Username: u.Username, Email: u.Email, Login: id}, expires)
	return Login{
		User: u, Access: access, AccessExpires: expires, Refresh: mark + refreshText.EncodeToString(append(handle, secret...)), RefreshExpires: ends,
	}, err
}

// Refresh exchanges a refresh token. Of those who bring the same, one gets the next.
func (s *Service) Refresh(ctx context.Context, address, text string) (Login, error) {
	forgive, err := s.attempts.begin(address, "", s.now())
	if err != nil {
		return Login{}, err
	}
	raw, err := refreshText.DecodeString(strings.TrimPrefix(text, mark))
	if err != nil || !strings.HasPrefix(text, mark) || len(raw) != handleSize+secretSize {
		return Login{}, errToken()
	}
	handle, old := raw[:handleSize:handleSize], sum(raw[handleSize:])
	next := random(secretSize)
	var (
		row     db.Login
		u       User
		refusal error
		copied  bool
	)
	err = store.SystemUpdate(ctx, s.store, "refreshing a login", func(q db.System) error {
		refusal, copied = nil, false
		now := s.now()
		if row, err = q.FindLogin(ctx, sum(handle)); errors.Is(err, sql.ErrNoRows) {
			refusal = errToken()
			return nil
		} else if err != nil {
			return err
		}
		user, err := q.GetLoginUser(ctx, db.GetLoginUserParams{ID: row.ID, Now: dbtype.MillisOf(now)})
		if errors.Is(err, sql.ErrNoRows) {
			refusal = errToken()
			return nil
		} else if err != nil {
			return err
		}
		u = fromRow(user)
		if subtle.ConstantTimeCompare(row.Secret, old) == 1 {
			n, err := q.RefreshLogin(ctx, db.RefreshLoginParams{Secret: sum(next), OldSecret: old, Now: dbtype.MillisOf(now), ID: row.ID})
			if err == nil && n == 0 {
				refusal = errTwice()
			}
			return err
		}
		if subtle.ConstantTimeCompare(row.LastSecret, old) == 1 && now.Sub(row.RefreshedAt.Time()) < grace {
			refusal = errTwice()
			return nil
		}
		refusal, copied = errToken(), true
		_, err = q.EndLogin(ctx, db.EndLoginParams{EndedAt: new(dbtype.MillisOf(now)), ID: row.ID})
		return err
	})
	if copied && err == nil {
		s.log.Warn("a refresh token was used again, so that somebody has a copy of it: the login ends", "user", u.ID, "address", address)
		s.ended([]uuid.UUID{row.ID})
	}
	if err != nil {
		return Login{}, err
	}
	if refusal == nil || apierr.IsCode(refusal, apierr.Conflict) {
		forgive()
	}
	if refusal != nil {
		return Login{}, refusal
	}
	return s.tokens(u, row.ID, handle, next, row.ExpiresAt.Time())
}

func errTwice() error {
	return apierr.New(apierr.Conflict, "The refresh token was exchanged a moment ago").WithDetails("Use the tokens of that answer, or log in again")
}

// loginOf returns the login that a caller belongs to.
func loginOf(who auth.Identity) (uuid.UUID, error) {
	id := who.Token().Login
	if id == uuid.Nil {
		return id, apierr.New(apierr.Unauthorized, "Only a user of this server can do that").WithDetails("Log in, and send the access token as a bearer token")
	}
	return id, nil
}

// Logout ends the login of a caller: all its tokens, and what came with them.
func (s *Service) Logout(ctx context.Context, who auth.Identity) error {
	id, err := loginOf(who)
	if err != nil {
		return err
	}
	err = store.SystemUpdate(ctx, s.store, "ending a login", func(q db.System) error {
		if _, err := q.EndLogin(ctx, db.EndLoginParams{EndedAt: new(dbtype.MillisOf(s.now())), ID: id}); err != nil {
			return err
		}
		return audit.Within(ctx, q, who.Entity(), "")
	})
	if err == nil {
		s.ended([]uuid.UUID{id})
	}
	return err
}

// ChangePassword gives the caller another password, and ends its other logins.
func (s *Service) ChangePassword(ctx context.Context, who auth.Identity, address, current, next string) error {
	id, err := loginOf(who)
	if err != nil {
		return err
	}
	if current == "" {
		return apierr.New(apierr.MissingCredentials, "The current password is required")
	}
	if next, err = checkPassword(next); err != nil {
		return err
	}
	var row db.User
	err = store.View(ctx, s.store, who.Scope(), "reading a user", func(q db.Scoped) (err error) {
		row, err = q.GetUser(ctx, who.Entity())
		return noUser(err)
	})
	if err != nil {
		return err
	}
	forgive, err := s.attempts.begin(address, row.Email, s.now())
	if err != nil {
		return err
	}
	current, possible := passwordOf(current)
	right, err := s.hasher.matches(ctx, current, row.Password)
	if err != nil {
		return err
	}
	if !right || !possible {
		return errCredentials(nil)
	}
	forgive()
	hash, err := s.hasher.hash(ctx, next)
	if err != nil {
		return err
	}
	var ended []uuid.UUID
	err = store.Update(ctx, s.store, who.Scope(), "changing a password", func(q db.Scoped) error {
		n, err := q.ChangeUserPassword(ctx, db.ChangeUserPasswordParams{Password: hash, ID: row.ID, OldPassword: row.Password})
		if err == nil && n == 0 {
			err = apierr.New(apierr.Conflict, "The password was changed meanwhile")
		}
		if err == nil {
			ended, err = q.EndLogins(ctx, db.EndLoginsParams{EndedAt: new(dbtype.MillisOf(s.now())), UserID: row.ID, LoginID: id})
		}
		if err != nil {
			return err
		}
		return audit.Within(ctx, q, row.ID, "")
	})
	if err == nil {
		s.ended(ended)
	}
	return err
}

// EndAll ends all logins of an entity, if it is a user, in a transaction of the caller's, who calls tell after the commit.
func (s *Service) EndAll(ctx context.Context, q db.Scoped, entity uuid.UUID) (tell func(), err error) {
	ended, err := q.EndLogins(ctx, db.EndLoginsParams{EndedAt: new(dbtype.MillisOf(s.now())), UserID: entity})
	return func() { s.ended(ended) }, err
}

// Knows reports whether a token says that it is one of this server's.
func (s *Service) Knows(text string) bool { return s.cfg.Signer.Knows(text) }

// Verify returns what an access token allows, as [auth.Verifier] wants it.
func (s *Service) Verify(ctx context.Context, text string) (auth.Grant, error) {
	claims, id, err := s.cfg.Signer.Verify(ctx, text)
	if err != nil {
		reason, _ := errors.AsType[token.Refusal](err)
		if reason == token.Expired {
			return auth.Grant{}, errors.Join(auth.ErrEnded, err)
		}
		return auth.Grant{}, errors.Join(auth.ErrRefused, err)
	}
	var row db.User
	err = store.SystemView(ctx, s.store, "finding a login", func(q db.System) (err error) {
		row, err = q.GetLoginUser(ctx, db.GetLoginUserParams{ID: id, Now: dbtype.MillisOf(s.now())})
		return err
	})
	if apierr.IsCode(err, apierr.NotFound) || err == nil && row.ID != claims.Entity {
		return auth.Grant{}, apierr.Wrap(auth.ErrEnded, apierr.Unauthorized, "Invalid JWT token").WithDetails("The login has ended")
	}
	if err != nil {
		return auth.Grant{}, err
	}
	grant := auth.Grant{
		Scopes: auth.ScopeChat.Granted(), Entity: row.ID, Until: claims.Expires.Add(token.Leeway),
		Token: auth.Token{ID: claims.ID, Login: id, Issued: claims.Issued},
	}
	if row.Admin {
		grant.Scopes = auth.ScopeAdmin.Granted()
	}
	return grant, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // which does not fail
	return b
}

func sum(secret []byte) []byte {
	hash := sha256.Sum256(secret)
	return hash[:]
}

// String keeps tokens out of logs.
func (l Login) String() string { return fmt.Sprintf("login of %s", l.User.ID) }
