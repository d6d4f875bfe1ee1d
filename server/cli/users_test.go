package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/client"
)

const somePassword = "correct horse battery"

// people runs commands about a server that has users.
type people struct {
	t        *testing.T
	url, dir string
}

func withPeople(t *testing.T) people {
	t.Helper()
	dir := t.TempDir()
	i, url := serving(t, dir, "--users", "--registration=closed")
	t.Cleanup(func() {
		i.signals <- os.Interrupt
		<-i.code
	})
	return people{t, url, dir}
}

// run runs a command whose standard input is in.
func (p people) run(in string, args ...string) (code int, out, err string) {
	p.t.Helper()
	i := beginWith(strings.NewReader(in), append(args, "--url", p.url, "--data-dir", p.dir)...)
	code = <-i.code
	return code, i.out.String(), i.err.String()
}

// ok runs a command that must succeed, and returns what it printed.
func (p people) ok(in string, args ...string) string {
	p.t.Helper()
	code, out, err := p.run(in, args...)
	if code != 0 {
		p.t.Fatalf("%s: %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

// login reports whether somebody can log in, and returns the token.
func (p people) login(email, password string) (token string, ok bool) {
	p.t.Helper()
	c, err := client.New(p.url, client.WithRetries(0))
	if err != nil {
		p.t.Fatal(err)
	}
	login, err := c.Login(p.t.Context(), email, password)
	if err != nil && !client.IsCode(err, "INVALID_CREDENTIALS") {
		p.t.Fatal(err)
	}
	return login.Token, err == nil
}

// takes reports whether the server takes a token.
func (p people) takes(token string) bool {
	p.t.Helper()
	source := func(context.Context) (string, error) { return token, nil }
	c, err := client.New(p.url, client.WithRetries(0), client.WithToken(source))
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = c.Me(p.t.Context())
	return err == nil
}

// The operator makes users whose passwords come from standard input and from a file, and disables, enables and promotes them.
func TestUsers(t *testing.T) {
	t.Parallel()
	p := withPeople(t)
	if out := p.ok(somePassword+"\n", "users", "add", "ada@example.com", "Ada", "--password-file=-"); !strings.HasPrefix(out, "Made Ada (") {
		t.Errorf("add: %s", out)
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(somePassword+"\r\nanother line"), 0o600); err != nil {
		t.Fatal(err)
	}
	var bob client.User
	if out := p.ok("", "users", "add", "bob@example.com", "bob", "--admin", "--password-file", file, "--json"); json.Unmarshal([]byte(out), &bob) != nil || !bob.Admin {
		t.Errorf("add as JSON: %s", out)
	}
	token, ok := p.login("ada@example.com", somePassword)
	if _, also := p.login("bob@example.com", somePassword); !ok || !also {
		t.Errorf("ada logs in: %t, bob: %t", ok, also)
	}
	if out := p.ok("", "users", "list"); !strings.Contains(out, bob.EntityID.String()) || !strings.Contains(out, "ada@example.com") || !strings.Contains(out, "admin") {
		t.Errorf("list:\n%s", out)
	}

	if out := p.ok("", "users", "disable", "ADA", "bob@example.com"); !strings.Contains(out, "Disabled Ada") || !strings.Contains(out, "Disabled bob") {
		t.Errorf("disable: %s", out)
	}
	if _, ok := p.login("ada@example.com", somePassword); ok || p.takes(token) {
		t.Error("somebody who was disabled is let in")
	}
	p.ok("", "users", "enable", "ada")
	p.ok("", "users", "demote", bob.EntityID.String())
	p.ok("", "users", "promote", "ada")
	var listed []client.User
	if err := json.Unmarshal([]byte(p.ok("", "users", "list", "--json")), &listed); err != nil || len(listed) != 2 {
		t.Fatalf("list as JSON: %v %+v", err, listed)
	}
	for _, u := range listed {
		if ada := u.Username == "Ada"; u.Admin != ada || (u.DisabledAt == nil) != ada {
			t.Errorf("%+v", u)
		}
	}
}

// Another password logs the user out, and the one before is refused.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	p := withPeople(t)
	p.ok(somePassword, "users", "add", "ada@example.com", "ada", "--password-file=-")
	token, _ := p.login("ada@example.com", somePassword)
	p.ok("staple incorrect cell\n", "users", "reset-password", "ada", "--password-file=-")
	if _, ok := p.login("ada@example.com", somePassword); ok || p.takes(token) {
		t.Error("the older password or login is good")
	}
	if _, ok := p.login("ada@example.com", "staple incorrect cell"); !ok {
		t.Error("the new password is not good")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	p := withPeople(t)
	p.ok(somePassword, "users", "add", "ada@example.com", "ada", "--password-file=-")
	token, _ := p.login("ada@example.com", somePassword)
	if !p.takes(token) {
		t.Fatal("the token is not good")
	}
	if out := p.ok("", "tokens", "list", "--json"); out != "[]\n" {
		t.Errorf("nothing was revoked, but: %s", out)
	}
	if out := p.ok("", "tokens", "revoke", "some-jti", "--of", "ada"); !strings.Contains(out, "Revoked token some-jti") || !strings.Contains(out, "Revoked all tokens of ") {
		t.Errorf("revoke: %s", out)
	}
	if p.takes(token) {
		t.Error("the revoked token is taken")
	}
	if out := p.ok("", "tokens", "list"); !strings.Contains(out, "token some-jti") || !strings.Contains(out, "all tokens of ") {
		t.Errorf("list:\n%s", out)
	}
	var revoked []client.Revocation
	if err := json.Unmarshal([]byte(p.ok("", "tokens", "revoke", "other", "--expires", "1h", "--json")), &revoked); err != nil || len(revoked) != 1 || *revoked[0].TokenID != "other" {
		t.Errorf("revoke as JSON: %v %+v", err, revoked)
	}
}

// What is wrong is refused with words that say what to do, and changes nothing.
func TestUsersRefused(t *testing.T) {
	t.Parallel()
	p := withPeople(t)
	p.ok(somePassword, "users", "add", "ada@example.com", "ada", "--password-file=-")
	for name, tt := range map[string]struct {
		in, args string
		code     int
		want     string
	}{
		"no terminal":      {"", "users add eve@example.com eve", exitUsage, "--password-file"},
		"an empty line":    {"\n", "users add eve@example.com eve --password-file -", exitUsage, "is empty"},
		"no file":          {"", "users add eve@example.com eve --password-file nowhere", exitFailure, "nowhere"},
		"a short password": {"short", "users add eve@example.com eve --password-file -", exitFailure, "at least 8 characters"},
		"an argument":      {"", "users add eve@example.com eve secret-password", exitUsage, "unexpected argument"},
		"no address":       {somePassword, "users add eve eve --password-file -", exitFailure, "Valid email"},
		"somebody's name":  {somePassword, "users add eve@example.com ADA --password-file -", exitFailure, "already taken"},
		"one is nobody":    {"", "users disable ada nobody", exitFailure, "no user \"nobody\""},
		"nobody's id":      {"", "users enable 00000000-0000-4000-8000-000000000000", exitFailure, "User not found"},
		"no tokens":        {"", "tokens revoke", exitUsage, "--of WHO"},
		"no end":           {"", "tokens revoke x --expires soon", exitUsage, "--expires"},
		"tokens of nobody": {"", "tokens revoke x --of nobody", exitFailure, "no user \"nobody\""},
	} {
		if code, out, err := p.run(tt.in, strings.Fields(tt.args)...); code != tt.code || out != "" || !strings.Contains(err, tt.want) {
			t.Errorf("%s: %d %s%s", name, code, out, err)
		}
	}
	if _, ok := p.login("ada@example.com", somePassword); !ok {
		t.Error("ada was disabled")
	}
	if out := p.ok("", "tokens", "list", "--json"); out != "[]\n" {
		t.Errorf("revoked: %s", out)
	}

	dir := t.TempDir()
	i, url := serving(t, dir)
	alone := people{t, url, dir}
	for args, want := range map[string]string{"users list": "ELIZAD_USERS=true", "tokens revoke --of ada": "takes the id of an entity"} {
		if code, _, err := alone.run("", strings.Fields(args)...); code != exitFailure || !strings.Contains(err, want) {
			t.Errorf("%s without users: %d %s", args, code, err)
		}
	}
	i.signals <- os.Interrupt
	<-i.code
}
