// Package user holds the people who register and log in at this server.
//
// A login is a family of tokens: access tokens, which are good for a quarter of an hour and are verified like those of other issuers,
// and one refresh token at a time, which is good once. Its handle stays, its secret does not; who brings the handle with an old
// secret has copied a token, or was copied, so that the login ends. The database has hashes only.
//
// What is asked of the database about an access token is believed for a few seconds by [auth.Remembered], which is told of each end
// here, and, by [Service.Start], of those on other nodes.
package user

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/auth/token"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/throttle"
)

const (
	maxEmail                 = 254 // bytes
	minUsername, maxUsername = 3, 50
	minPassword              = 8    // characters
	maxPassword              = 1024 // bytes
)

// User is what is known of somebody who logs in.
type User struct {
	ID         uuid.UUID // of the entity
	Email      string
	Username   string
	Admin      bool
	CreatedAt  time.Time
	LastLogin  *time.Time
	DisabledAt *time.Time
}

// NewUser is a user to be.
type NewUser struct {
	Email, Username, Password string
	Admin                     bool
}

// Change is what changes of a user; what is nil stays.
type Change struct {
	Password        *string
	Admin, Disabled *bool
}

// Config is what a Service is made of. All fields are required.
type Config struct {
	Store    store.System
	Logger   *slog.Logger
	Now      func() time.Time
	Signer   *token.Signer
	IsAgent  func(ctx context.Context, id uuid.UUID) (bool, error)
	Ended    func(revoked func(auth.Grant) bool) // is told of tokens that are not good any more
	Open     bool                                // anybody may register
	Most     int                                 // users that there may be; 0 is no limit
	Attempts throttle.Limit                      // of one address to log in
}

// Service registers people and logs them in. It is safe for concurrent use.
type Service struct {
	cfg      Config
	store    store.System
	log      *slog.Logger
	now      func() time.Time
	hasher   *hasher
	attempts *attempts

	tending sync.WaitGroup
	stop    context.CancelFunc
}

// New returns the users of a store. Start must follow.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, store: cfg.Store, log: cfg.Logger, now: cfg.Now, hasher: newHasher(), attempts: newAttempts(cfg.Attempts)}
}

// Register makes a user who asks for it, and logs in. Each try counts as an attempt of the address.
func (s *Service) Register(ctx context.Context, address string, n NewUser) (Login, error) {
	if !s.cfg.Open {
		return Login{}, apierr.New(apierr.Forbidden, "Nobody may register here").WithDetails("An admin of the server makes users")
	}
	n.Admin = false
	n, err := n.checked()
	if err != nil {
		return Login{}, err
	}
	if _, err := s.attempts.begin(address, "", s.now()); err != nil {
		return Login{}, err
	}
	u, hash, err := s.make(ctx, n)
	if err != nil {
		return Login{}, err
	}
	return s.login(ctx, u, hash, nil)
}

// Create makes a user, on behalf of an admin.
func (s *Service) Create(ctx context.Context, n NewUser) (User, error) {
	n, err := n.checked()
	if err != nil {
		return User{}, err
	}
	u, _, err := s.make(ctx, n)
	return u, err
}

// EnsureAdmin makes an admin, unless there is a user with the address, who must be one then: else whoever registered with it first
// would become one.
func (s *Service) EnsureAdmin(ctx context.Context, n NewUser) error {
	n.Admin = true
	n, err := n.checked()
	if err != nil {
		return err
	}
	for range 2 {
		var u db.User
		err := store.SystemView(ctx, s.store, "looking for the first admin", func(q db.System) (err error) {
			u, err = q.FindUser(ctx, n.Email)
			return err
		})
		switch {
		case err == nil && !u.Admin:
			return errors.New("there is a user with that address who is no admin")
		case err == nil:
			return nil
		case !apierr.IsCode(err, apierr.NotFound):
			return err
		}
		if _, _, err = s.make(ctx, n); !apierr.IsCode(err, apierr.EmailExists) { // which another node may have made
			return err
		}
	}
	return nil
}

// make stores a user that was checked, and returns it with the hash of its password.
func (s *Service) make(ctx context.Context, n NewUser) (u User, hash string, err error) {
	id := token.EntityOf(n.Username)
	if agent, err := s.cfg.IsAgent(ctx, id); err != nil {
		return User{}, "", err
	} else if agent {
		return User{}, "", apierr.New(apierr.UsernameExists, "Username already taken")
	}
	if hash, err = s.hasher.hash(ctx, n.Password); err != nil {
		return User{}, "", err
	}
	for range 2 {
		err = store.SystemUpdate(ctx, s.store, "making a user", func(q db.System) error {
			if _, err := q.FindUser(ctx, n.Email); !errors.Is(err, sql.ErrNoRows) {
				return cmpErr(err, apierr.New(apierr.EmailExists, "Email already registered"))
			}
			if _, err := q.GetUser(ctx, id); !errors.Is(err, sql.ErrNoRows) {
				return cmpErr(err, apierr.New(apierr.UsernameExists, "Username already taken"))
			}
			if count, err := q.CountUsers(ctx); err != nil {
				return err
			} else if s.cfg.Most > 0 && count >= int64(s.cfg.Most) {
				return apierr.New(apierr.QuotaExceeded, "There are %d users, which is as many as there may be", s.cfg.Most).WithDetails("ELIZAD_MAX_USERS moves the bound")
			}
			row, err := q.InsertUser(ctx, db.InsertUserParams{ID: id, Email: n.Email, Username: n.Username, Password: hash, Admin: n.Admin, CreatedAt: dbtype.MillisOf(s.now())})
			if err != nil {
				return err
			}
			u = fromRow(row)
			return audit.Within(ctx, q, u.ID, "")
		})
		if !apierr.IsCode(err, apierr.Conflict) { // somebody was faster, whom the next look finds
			break
		}
	}
	return u, hash, err
}

// cmpErr returns the first error, if there is one, and else the other.
func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// Get returns a user.
func (s *Service) Get(ctx context.Context, who auth.Identity, id uuid.UUID) (u User, err error) {
	err = store.View(ctx, s.store, who.Scope(), "reading a user", func(q db.Scoped) error {
		row, err := q.GetUser(ctx, id)
		u = fromRow(row)
		return noUser(err)
	})
	return u, err
}

// Me returns the user who has logged in.
func (s *Service) Me(ctx context.Context, who auth.Identity) (User, error) {
	if _, err := loginOf(who); err != nil {
		return User{}, err
	}
	return s.Get(ctx, who, who.Entity())
}

// List returns users, the newest first, behind offset others that are not newer than until. more reports whether there are others
// behind them.
func (s *Service) List(ctx context.Context, who auth.Identity, limit, offset int, until *time.Time) (users []User, more bool, err error) {
	err = store.View(ctx, s.store, who.Scope(), "listing users", func(q db.Scoped) error {
		rows, err := q.ListUsers(ctx, db.ListUsersParams{Until: dbtype.Until(until), LimitRows: int64(limit) + 1, OffsetRows: int64(offset)})
		users = make([]User, 0, len(rows))
		for _, row := range rows {
			users = append(users, fromRow(row))
		}
		return err
	})
	if more = len(users) > limit; more {
		users = users[:limit]
	}
	return users, more, err
}

// Update changes a user. Who may less than before, or has another password, is logged out everywhere.
func (s *Service) Update(ctx context.Context, who auth.Identity, id uuid.UUID, c Change) (u User, err error) {
	hash := ""
	if c.Password != nil {
		password, err := checkPassword(*c.Password)
		if err != nil {
			return User{}, err
		}
		if hash, err = s.hasher.hash(ctx, password); err != nil {
			return User{}, err
		}
	}
	var ended []uuid.UUID
	err = store.Update(ctx, s.store, who.Scope(), "changing a user", func(q db.Scoped) error {
		ended = nil
		row, err := q.GetUser(ctx, id)
		if err != nil {
			return noUser(err)
		}
		p := db.UpdateUserParams{ID: id, Password: row.Password, Admin: row.Admin, DisabledAt: row.DisabledAt}
		out := hash != ""
		if out {
			p.Password = hash
		}
		if c.Admin != nil {
			p.Admin, out = *c.Admin, out || row.Admin && !*c.Admin
		}
		switch {
		case c.Disabled == nil:
		case !*c.Disabled:
			p.DisabledAt = nil
		case p.DisabledAt == nil:
			p.DisabledAt, out = new(dbtype.MillisOf(s.now())), true
		}
		if row, err = q.UpdateUser(ctx, p); err != nil {
			return noUser(err)
		}
		u = fromRow(row)
		if out {
			if ended, err = q.EndLogins(ctx, db.EndLoginsParams{EndedAt: new(dbtype.MillisOf(s.now())), UserID: id}); err != nil {
				return err
			}
		}
		return audit.Within(ctx, q, id, "")
	})
	if err == nil {
		s.ended(ended)
	}
	return u, err
}

// noUser says which thing there is none of.
func noUser(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return apierr.Wrap(err, apierr.NotFound, "User not found")
	}
	return err
}

func fromRow(row db.User) User {
	return User{
		ID: row.ID, Email: row.Email, Username: row.Username, Admin: row.Admin,
		CreatedAt: row.CreatedAt.Time(), LastLogin: dbtype.TimeOf(row.LastLoginAt), DisabledAt: dbtype.TimeOf(row.DisabledAt),
	}
}

// checked returns n as it is stored, or what is wrong with it.
func (n NewUser) checked() (NewUser, error) {
	email, ok := emailOf(n.Email)
	if !ok {
		return n, apierr.New(apierr.InvalidEmail, "Valid email is required").WithDetails("An address such as ada@example.com, of at most 254 bytes")
	}
	name := norm.NFKC.String(strings.TrimSpace(n.Username)) // letters of full width are the same name
	if len(name) < minUsername || len(name) > maxUsername || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) {
		return n, apierr.New(apierr.InvalidUsername, "Username must be between %d and %d characters", minUsername, maxUsername).WithDetails("Letters of ASCII, digits, and ._-")
	}
	password, err := checkPassword(n.Password)
	return NewUser{Email: email, Username: name, Password: password, Admin: n.Admin}, err
}

// emailOf returns an address as it is stored.
func emailOf(text string) (email string, ok bool) {
	if len(text) > maxEmail || !utf8.ValidString(text) {
		return "", false
	}
	email = strings.ToLower(norm.NFKC.String(strings.TrimSpace(text)))
	local, domain, _ := strings.Cut(email, "@")
	plain := !strings.ContainsFunc(email, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) })
	return email, local != "" && domain != "" && !strings.Contains(domain, "@") && len(email) <= maxEmail && plain
}

// checkPassword returns a password as it is hashed: two keyboards may write one letter in two ways.
func checkPassword(text string) (string, error) {
	password, ok := passwordOf(text)
	if !ok || utf8.RuneCountInString(password) < minPassword {
		return "", apierr.New(apierr.InvalidPassword, "Password must be at least %d characters", minPassword).WithDetails("And at most 1024 bytes")
	}
	return password, nil
}

// passwordOf returns a password as it is hashed; ok is false for one that nobody can have.
func passwordOf(text string) (password string, ok bool) {
	if len(text) > maxPassword || !utf8.ValidString(text) {
		return "", false
	}
	password = norm.NFC.String(text)
	return password, len(password) <= maxPassword
}
