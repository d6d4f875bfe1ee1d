// Package pgaddress reads the addresses of PostgreSQL databases as hosts, libraries and people write them, and says them again
// as our driver takes them.
//
// Each program has its own parameters in addresses. Those that say something about the connection keep their meaning;
// those that only tune the program they were made for are left out. What is in neither list goes to the database, as a session
// parameter, which it refuses if it has none of that name. An address that cannot be read is an error which says what to write,
// and never repeats the password.
package pgaddress

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
)

// Address is where a database is, and how to talk to it.
type Address struct {
	Hosts    []string // names, numbers or the folders of sockets; none: the driver's default
	Ports    []string // for each host; "" for the usual one
	User     string   // "" for the user of the operating system
	Database string   // "" for the one named like the user
	Schema   string   // that unqualified names are looked for in; "" for the database's default
	Pooled   bool     // by a pooler between us and the database connections are shared within transactions

	password string
	settings map[string]string // the rest, in the words of the driver
}

// Example is what an address looks like.
const Example = "postgres://user:password@host:5432/database"

// Driver returns the address in the form that our driver reads. It holds the password.
func (a *Address) Driver() string {
	all := maps.Clone(a.settings)
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range map[string]string{
		"host": strings.Join(a.Hosts, ","), "port": strings.Trim(strings.Join(a.Ports, ","), ","), "user": a.User, "password": a.password,
		"dbname": a.Database, "search_path": quoteIdentifier(a.Schema),
	} {
		if value != "" {
			all[key] = value
		}
	}
	if a.Pooled {
		// Statements that were prepared on one connection of the database are not there on the next.
		all["default_query_exec_mode"] = "exec"
	}
	words := make([]string, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		words = append(words, key+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(all[key])+"'")
	}
	return strings.Join(words, " ")
}

// String names the database for people, without the password.
func (a *Address) String() string {
	name := a.Database
	if name == "" {
		name = "the default database"
	}
	if a.Schema != "" {
		name += " (schema " + a.Schema + ")"
	}
	return name + " on " + a.Place()
}

// Place names the hosts.
func (a *Address) Place() string {
	if len(a.Hosts) == 0 {
		return "this machine"
	}
	places := make([]string, len(a.Hosts))
	for i, host := range a.Hosts {
		switch {
		case strings.HasPrefix(host, "/"):
			places[i] = host
		case a.Ports[i] == "":
			places[i] = net.JoinHostPort(host, "5432")
		default:
			places[i] = net.JoinHostPort(host, a.Ports[i])
		}
	}
	return strings.Join(places, ", ")
}

// IsLocal reports whether the database is on this machine.
func (a *Address) IsLocal() bool {
	return !slices.ContainsFunc(a.Hosts, func(host string) bool {
		ip := net.ParseIP(host)
		return host != "localhost" && !strings.HasPrefix(host, "/") && (ip == nil || !ip.IsLoopback())
	})
}

// quoteIdentifier quotes a name for SQL; nothing stays nothing.
func quoteIdentifier(name string) string {
	if name == "" {
		return ""
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Parse reads an address: a URL of any of the known kinds, or pairs such as "host=db dbname=ada".
func Parse(text string) (*Address, error) {
	text = unwrap(text)
	scheme, rest, isURL := strings.Cut(text, "://")
	if jdbc, ok := strings.CutPrefix(text, "jdbc:postgresql:"); ok {
		scheme, rest, isURL = "postgresql", strings.TrimPrefix(jdbc, "//"), true
		if !strings.HasPrefix(jdbc, "//") {
			rest = "/" + strings.TrimPrefix(jdbc, "/") // the database alone
		}
	}
	if strings.ContainsAny(text, "\x00\n\r") {
		return nil, errors.New("holds the end of a line; write it on one line")
	}
	switch {
	case isURL && !isPostgres(scheme):
		return nil, notPostgres(scheme)
	case isURL:
		return parseURL(rest)
	case strings.Contains(text, "="):
		return parsePairs(text)
	default:
		return nil, notPostgres("")
	}
}

// unwrap takes an address out of what it is pasted with: quotes, or the command that hosts show.
func unwrap(text string) string {
	text = strings.TrimSpace(text)
	if command, ok := strings.CutPrefix(text, "psql "); ok {
		text = strings.TrimSpace(command)
	}
	if n := len(text); n >= 2 && text[0] == text[n-1] && strings.IndexByte("\"'`", text[0]) >= 0 {
		text = text[1 : n-1]
	}
	return text
}

// isPostgres knows the schemes of libraries: the usual two, those with the name of a driver, and some older ones.
func isPostgres(scheme string) bool {
	name, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	return slices.Contains([]string{"postgres", "postgresql", "postgis", "pgsql", "psql", "pg", "cockroachdb"}, name)
}

// schemes are those that people have beside ours; others may be the beginning of a password.
var schemes = []string{"mysql", "mariadb", "mongodb", "mongodb+srv", "sqlite", "redis", "http", "https", "prisma", "prisma+postgres", "sqlserver", "mssql", "libsql", "pglite"}

func notPostgres(scheme string) error {
	if slices.Contains([]string{"prisma", "prisma+postgres"}, scheme) {
		return errors.New("is the address of a proxy of Prisma; write the database's own, " + Example)
	}
	if slices.Contains(schemes, scheme) {
		return fmt.Errorf("begins with %s://, which is no PostgreSQL database; write %s, or leave it out and use SQLite", scheme, Example)
	}
	return fmt.Errorf("is not the address of a PostgreSQL database; write %s, or leave it out and use SQLite", Example)
}
