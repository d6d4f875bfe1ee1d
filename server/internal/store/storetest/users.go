package storetest

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

func testUsers(t *testing.T, setup func(t *testing.T) *fixture) {
	user := func(email string) db.InsertUserParams {
		return db.InsertUserParams{ID: uuid.New(), Email: email, Username: "u", Password: "p", CreatedAt: start}
	}
	none := func(t *testing.T, f *fixture, query func(ctx context.Context, q db.System) error) {
		t.Helper()
		f.view(t, func(ctx context.Context, q db.System) error {
			if err := query(ctx, q); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("found: %v", err)
			}
			return nil
		})
	}

	t.Run("one address, one id", func(t *testing.T) {
		f := setup(t)
		made := user("a@b.c")
		updated(t, f, db.System.InsertUser, made)
		for _, again := range []db.InsertUserParams{user("a@b.c"), {ID: made.ID, Email: "d@e.f"}} {
			if err := failing(t, f, db.System.InsertUser, again); !apierr.IsCode(err, apierr.Conflict) {
				t.Errorf("again: %v", err)
			}
		}
		if got := viewed(t, f, db.System.FindUser, "a@b.c"); got.ID != made.ID || got.Admin || got.LastLoginAt != nil || got.DisabledAt != nil {
			t.Errorf("found %+v", got)
		}
		none(t, f, func(ctx context.Context, q db.System) error { _, err := q.FindUser(ctx, "A@b.c"); return err })
		for _, tt := range []struct {
			old  string
			rows int64
		}{{"other", 0}, {"p", 1}, {"p", 0}} {
			if n := updated(t, f, db.System.ChangeUserPassword, db.ChangeUserPasswordParams{Password: "q", ID: made.ID, OldPassword: tt.old}); n != tt.rows {
				t.Errorf("from %s: %d rows", tt.old, n)
			}
		}
		updated(t, f, db.System.UpdateUser, db.UpdateUserParams{ID: made.ID, Password: "q", Admin: true, DisabledAt: new(start)})
		if n := updated(t, f, db.System.NoteUserLogin, db.NoteUserLoginParams{Now: new(start), ID: made.ID, Password: "q"}); n != 0 {
			t.Errorf("%d disabled users logged in", n)
		}
	})

	t.Run("logins", func(t *testing.T) {
		f := setup(t)
		made := user("a@b.c")
		updated(t, f, db.System.InsertUser, made)
		var logins []uuid.UUID
		for _, handle := range []string{"a", "b", "c"} {
			l := db.InsertLoginParams{ID: uuid.New(), UserID: made.ID, Handle: []byte(handle), Secret: []byte("s"), CreatedAt: start + 1, ExpiresAt: start + 10}
			exec(t, f, db.System.InsertLogin, l)
			logins = append(logins, l.ID)
		}
		for _, want := range []int64{1, 0} {
			p := db.RefreshLoginParams{Secret: []byte("next"), OldSecret: []byte("s"), Now: start + 2, ID: logins[0]}
			if n := updated(t, f, db.System.RefreshLogin, p); n != want {
				t.Errorf("refreshed %d, want %d", n, want)
			}
		}
		if got := viewed(t, f, db.System.FindLogin, []byte("a")); string(got.Secret) != "next" || string(got.LastSecret) != "s" || got.RefreshedAt != start+2 || got.EndedAt != nil {
			t.Errorf("refreshed: %+v", got)
		}
		if got := viewed(t, f, db.System.GetLoginUser, db.GetLoginUserParams{ID: logins[1], Now: start + 9}); got.ID != made.ID {
			t.Errorf("the user: %+v", got)
		}
		none(t, f, func(ctx context.Context, q db.System) error {
			_, err := q.GetLoginUser(ctx, db.GetLoginUserParams{ID: logins[1], Now: start + 10})
			return err
		})
		ended := updated(t, f, db.System.EndLogins, db.EndLoginsParams{EndedAt: new(start + 3), UserID: made.ID, LoginID: logins[0]})
		if len(ended) != 2 {
			t.Errorf("ended %v", ended)
		}
		none(t, f, func(ctx context.Context, q db.System) error {
			_, err := q.GetLoginUser(ctx, db.GetLoginUserParams{ID: logins[1], Now: start + 3})
			return err
		})
		if got := viewed(t, f, db.System.ListEndedLogins, new(start+3)); len(got) != 2 {
			t.Errorf("ended lately: %v", got)
		}
		if n := updated(t, f, db.System.DeleteEndedLogins, new(start+3)); n != 2 {
			t.Errorf("forgot %d", n)
		}
		if n := updated(t, f, db.System.DeleteSurplusLogins, db.DeleteSurplusLoginsParams{UserID: made.ID, KeepRows: 0}); n != 1 {
			t.Errorf("%d too many", n)
		}
	})

	t.Run("revocations", func(t *testing.T) {
		f := setup(t)
		for _, p := range []db.UpsertRevocationParams{
			{Kind: "token", Subject: "a", CreatedAt: start, ExpiresAt: start + 9}, {Kind: "entity", Subject: "a", CreatedAt: start + 1, ExpiresAt: start + 5},
			{Kind: "token", Subject: "a", CreatedAt: start + 2, ExpiresAt: start + 3},
		} {
			updated(t, f, db.System.UpsertRevocation, p)
		}
		if got := viewed(t, f, db.System.FindRevocations, db.FindRevocationsParams{TokenID: "a", Entity: "b"}); len(got) != 1 || got[0].CreatedAt != start+2 || got[0].ExpiresAt != start+9 {
			t.Errorf("of a token: %+v", got)
		}
		if got := viewed(t, f, db.System.FindRevocations, db.FindRevocationsParams{TokenID: "b", Entity: "a"}); len(got) != 1 || got[0].Kind != "entity" {
			t.Errorf("of an entity: %+v", got)
		}
		if got := viewed(t, f, db.System.ListNewRevocations, start+2); len(got) != 1 {
			t.Errorf("new: %+v", got)
		}
		if n := updated(t, f, db.System.DeleteExpiredRevocations, start+5); n != 1 {
			t.Errorf("forgot %d", n)
		}
	})
}
