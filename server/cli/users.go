package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
)

// usersCmd makes, lists and changes the people who log in to a running server.
type usersCmd struct {
	List          usersListCmd          `cmd:"" help:"List the users."`
	Add           usersAddCmd           `cmd:"" help:"Make a user, also where nobody may register."`
	Disable       usersDisableCmd       `cmd:"" help:"Log users out everywhere, and in no more."`
	Enable        usersEnableCmd        `cmd:"" help:"Let users who were disabled log in again."`
	ResetPassword usersResetPasswordCmd `cmd:"" help:"Give a user another password, and log them out everywhere."`
	Promote       usersPromoteCmd       `cmd:"" help:"Make users admins, who may do everything."`
	Demote        usersDemoteCmd        `cmd:"" help:"Make admins users who read and chat."`
}

// Help has examples.
func (usersCmd) Help() string {
	return `Examples:
  elizad users add ada@example.com ada
  elizad users add root@example.com root --admin --password-file first-password.txt
  pass show ada | elizad users reset-password ada --password-file -
  elizad users disable ada bob@example.com
  elizad users list --json

Users are named by their ids, addresses or names. Nobody is removed, since what they have written stays theirs: disable them.`
}

// usersListCmd lists the users.
type usersListCmd struct {
	Server remote `embed:""`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run prints the users, the newest first.
func (c *usersListCmd) Run(p *program) error {
	return c.Server.askUsers(func(ctx context.Context, api *client.Client) error {
		users, err := allUsers(ctx, api)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(users)
		}
		return printUsers(p.out, users)
	})
}

func allUsers(ctx context.Context, api *client.Client) ([]client.User, error) {
	users := []client.User{}
	for user, err := range api.AllUsers(ctx) {
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}

func printUsers(out io.Writer, users []client.User) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tADDRESS\tROLE\tMADE\tLAST LOGIN\tSTATE")
	for _, u := range users {
		role, state := "user", "enabled"
		if u.Admin {
			role = "admin"
		}
		if u.DisabledAt != nil {
			state = "disabled " + moment(u.DisabledAt)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.EntityID, u.Username, u.Email, role, moment(&u.CreatedAt), moment(u.LastLoginAt), state)
	}
	return w.Flush()
}

// usersAddCmd makes a user.
type usersAddCmd struct {
	Server   remote      `embed:""`
	Email    string      `arg:"" name:"address" help:"The e-mail address with which the user logs in."`
	Name     string      `arg:"" help:"What the user is called: 3 to 50 letters of ASCII, digits, and ._-"`
	Password newPassword `embed:""`
	Admin    bool        `name:"admin" help:"Let the user do everything; others read and chat."`
	JSON     bool        `name:"json" help:"Print JSON."`
}

// Help has examples.
func (usersAddCmd) Help() string {
	return `Examples:
  elizad users add ada@example.com ada
  elizad users add root@example.com root --admin --password-file first-password.txt`
}

// Run makes the user.
func (c *usersAddCmd) Run(p *program) error {
	password, err := c.Password.read(p, c.Name)
	if err != nil {
		return err
	}
	return c.Server.askUsers(func(ctx context.Context, api *client.Client) error {
		u, err := api.CreateUser(ctx, client.NewUserByAdmin{Email: c.Email, Username: c.Name, Password: password, Admin: c.Admin})
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(u)
		}
		_, err = fmt.Fprintf(p.out, "Made %s (%s)\n", u.Username, u.EntityID)
		return err
	})
}

// usersResetPasswordCmd gives a user another password.
type usersResetPasswordCmd struct {
	Server   remote      `embed:""`
	Who      string      `arg:"" help:"The user: an id, address or name."`
	Password newPassword `embed:""`
	JSON     bool        `name:"json" help:"Print JSON."`
}

// Help has examples.
func (usersResetPasswordCmd) Help() string {
	return `Examples:
  elizad users reset-password ada
  pass show ada | elizad users reset-password ada@example.com --password-file -`
}

// Run sets the password.
func (c *usersResetPasswordCmd) Run(p *program) error {
	password, err := c.Password.read(p, c.Who)
	if err != nil {
		return err
	}
	change := usersChange{Server: c.Server, Who: []string{c.Who}, JSON: c.JSON}
	return change.run(p, client.UserChange{Password: &password}, "Changed the password of %s (%s), who is logged out everywhere\n")
}

// usersChange is what the commands that change users have in common.
type usersChange struct {
	Server remote   `embed:""`
	Who    []string `arg:"" help:"The users: ids, addresses or names."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// run changes the users, once all of them were found, and says so by a format of name and id.
func (c usersChange) run(p *program, change client.UserChange, said string) error {
	return c.Server.askUsers(func(ctx context.Context, api *client.Client) error {
		ids, err := findUsers(ctx, api, c.Who)
		if err != nil {
			return err
		}
		changed := make([]client.User, 0, len(ids))
		for _, id := range ids {
			u, err := api.UpdateUser(ctx, id, change)
			if err != nil {
				return err
			}
			if changed = append(changed, u); !c.JSON {
				fmt.Fprintf(p.out, said, u.Username, u.EntityID)
			}
		}
		if c.JSON {
			return json.NewEncoder(p.out).Encode(changed)
		}
		return nil
	})
}

type usersDisableCmd struct {
	Change usersChange `embed:""`
}

// Run disables the users.
func (c *usersDisableCmd) Run(p *program) error {
	return c.Change.run(p, client.UserChange{Disabled: new(true)}, "Disabled %s (%s)\n")
}

type usersEnableCmd struct {
	Change usersChange `embed:""`
}

// Run enables the users.
func (c *usersEnableCmd) Run(p *program) error {
	return c.Change.run(p, client.UserChange{Disabled: new(false)}, "Enabled %s (%s)\n")
}

type usersPromoteCmd struct {
	Change usersChange `embed:""`
}

// Run makes the users admins.
func (c *usersPromoteCmd) Run(p *program) error {
	return c.Change.run(p, client.UserChange{Admin: new(true)}, "%s (%s) is an admin\n")
}

type usersDemoteCmd struct {
	Change usersChange `embed:""`
}

// Run makes the users no admins.
func (c *usersDemoteCmd) Run(p *program) error {
	return c.Change.run(p, client.UserChange{Admin: new(false)}, "%s (%s) is no admin\n")
}

// findUsers returns the ids of users who are named by them, by their addresses or names. The list is read only for the latter.
func findUsers(ctx context.Context, api *client.Client, who []string) ([]uuid.UUID, error) {
	ids, byName := make([]uuid.UUID, len(who)), false
	for i, text := range who {
		id, err := uuid.Parse(text)
		ids[i], byName = id, byName || err != nil
	}
	if !byName {
		return ids, nil
	}
	users, err := allUsers(ctx, api)
	if err != nil {
		return nil, err
	}
	known := map[string]uuid.UUID{}
	for _, u := range users {
		known[strings.ToLower(u.Username)], known[strings.ToLower(u.Email)] = u.EntityID, u.EntityID
	}
	for i, text := range who {
		if ids[i] != uuid.Nil {
			continue
		}
		id, found := known[strings.ToLower(strings.TrimSpace(text))]
		if !found {
			return nil, fmt.Errorf("there is no user %q; \"elizad users list\" shows who there is", text)
		}
		ids[i] = id
	}
	return ids, nil
}

// askUsers lets do ask the server about users, and says so if it has none.
func (r remote) askUsers(do func(ctx context.Context, api *client.Client) error) error {
	return r.ask(func(ctx context.Context, api *client.Client) error {
		err := do(ctx, api)
		if !client.IsNotFound(err) {
			return err
		}
		if cfg, asked := api.Config(ctx); asked == nil && cfg.Users == nil {
			return errors.New("the server has no users; start it with ELIZAD_USERS=true to let people log in")
		}
		return err
	})
}
