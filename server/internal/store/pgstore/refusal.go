package pgstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/elizad/elizad/server/internal/pgaddress"
)

// Codes of what keeps a server from starting.
const (
	wrongPassword    = "28P01"
	refusedRole      = "28000" // there is no such role, or it may not connect like this
	noDatabase       = "3D000"
	noSchema         = "3F000"
	noRight          = "42501"
	noParameter      = "42704" // undefined_object: of the address
	poolerRefuses    = "08P01" // protocol_violation: what poolers answer to session parameters
	tooManyClients   = "53300"
	startingUp       = "57P03"
	readOnlyDatabase = "25006"
)

// errExempt is why a role can't be used that PostgreSQL lets see the rows of every tenant.
var errExempt = errors.New("its user is a superuser, or bypasses row-level security: it would see what belongs to other servers")

// refusalError says for people why a database can't be used, and what to do. The error behind it repeats itself: the driver
// tries with TLS and without, on every address of a host.
type refusalError struct {
	text string
	err  error
}

// Error returns the reason and, on a separate line, the advice.
func (e *refusalError) Error() string { return e.text }

// Unwrap returns what the driver said.
func (e *refusalError) Unwrap() error { return e.err }

// refusal explains an error of opening or migrating the database.
func refusal(address *pgaddress.Address, config *pgxpool.Config, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	r := refuser{address: address, user: config.ConnConfig.User, database: config.ConnConfig.Database}
	if r.database == "" {
		r.database = r.user
	}
	reason, advice := r.explain(err)
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); !connecting && advice == "" {
		reason = err.Error() // only what came of connecting repeats itself
	}
	text := fmt.Sprintf("the database %s, as user %s: %s", address, r.user, reason)
	if advice != "" {
		text += "\n" + advice
	}
	return &refusalError{text, err}
}

// refuser has the names for an explanation.
type refuser struct {
	address        *pgaddress.Address
	user, database string
}

func (r *refuser) explain(err error) (reason, advice string) {
	if errors.Is(err, errExempt) {
		return err.Error(), "Connect as an ordinary role, which owns the database:\n" + r.create(true) + "\nOr leave ELIZA_SERVER_ID out."
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Message, r.advice(answer)
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("there is no host %q", unknown.Name), "Correct the host in POSTGRES_URL. Names such as db exist only inside of the network of their containers."
	}
	if timeout, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout() {
		return "it does not answer in time", "Check host and port in POSTGRES_URL, and whether a firewall is in between."
	}
	_, unknownCA := errors.AsType[x509.UnknownAuthorityError](err)
	_, wrongHost := errors.AsType[x509.HostnameError](err)
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return "no PostgreSQL listens there", "Start PostgreSQL, or correct host and port in POSTGRES_URL. Without POSTGRES_URL and DATABASE_URL elizad uses SQLite."
	case errors.Is(err, fs.ErrPermission):
		return last(err), "Correct the host in POSTGRES_URL."
	case unknownCA, wrongHost, badCertificate:
		return "its TLS certificate can't be verified: " + last(err),
			"Name the authority with sslrootcert=FILE in POSTGRES_URL, or write sslmode=no-verify to use TLS without a check."
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "it closed the connection", "Check whether host and port in POSTGRES_URL are those of a PostgreSQL server, and whether it wants TLS (sslmode=require)."
	default:
		return last(err), ""
	}
}

// named is a name in the text of an answer.
var named = regexp.MustCompile(`"([^"]+)"|: ([\w.]+)$`)

// advice says what to do about an answer of the database.
func (r *refuser) advice(answer *pgconn.PgError) string {
	name := ""
	if found := named.FindStringSubmatch(answer.Message); found != nil {
		name = found[1] + found[2]
	}
	switch answer.Code {
	case wrongPassword:
		return "Correct the password in POSTGRES_URL. If there is no such user, make it and its database:\n" + r.create(true)
	case refusedRole:
		if answer.Routine == "InitializeSessionUserId" { // there is none
			return "Make the user and its database:\n" + r.create(true)
		}
		return "Let the user in by pg_hba.conf, or change POSTGRES_URL: sslmode=require where the server wants TLS, host=localhost where it wants a password."
	case noDatabase:
		return "Make the database:\n" + r.create(false)
	case noRight, noSchema: // a schema that may not be used is as good as none
		return "Let the user make tables there (since version 15 PostgreSQL allows it the owner of the database only):\n" +
			r.sql("GRANT USAGE, CREATE ON SCHEMA "+r.schema()+" TO "+quoted(r.user))
	case noParameter:
		return "Remove " + name + "=… from POSTGRES_URL."
	case poolerRefuses:
		return "The pooler does not take " + name + " from POSTGRES_URL: remove it, or set it for the user:\n" + r.sql("ALTER ROLE "+quoted(r.user)+" SET "+name+" = …")
	case tooManyClients:
		return "Let this server have fewer connections: add connection_limit=5 to POSTGRES_URL."
	case startingUp:
		return "It is starting or stopping. Try again in a moment."
	case readOnlyDatabase:
		return "Write the address of the primary into POSTGRES_URL; this is a copy that can only be read."
	default:
		return ""
	}
}

func (r *refuser) schema() string {
	if r.address.Schema == "" {
		return "public"
	}
	return quoted(r.address.Schema)
}

// create returns the commands that make what is missing.
func (r *refuser) create(user bool) string {
	var lines []string
	if user {
		lines = append(lines, "  createuser"+r.where()+" --pwprompt "+argument(r.user))
	}
	return strings.Join(append(lines, "  createdb"+r.where()+" --owner="+argument(r.user)+" "+argument(r.database)), "\n")
}

// sql returns a command that runs a statement as a user that may.
func (r *refuser) sql(statement string) string {
	return "  psql" + r.where() + " -d " + argument(r.database) + " -c " + argument(statement)
}

// where is the place of the database in the arguments of a command, and the user that may do everything.
func (r *refuser) where() string {
	if len(r.address.Hosts) == 0 {
		return " -U postgres"
	}
	text := " -h " + argument(r.address.Hosts[0])
	if port := r.address.Ports[0]; port != "" {
		text += " -p " + port
	}
	return text + " -U postgres"
}

var plainArgument = regexp.MustCompile(`^[\w@%+:,./-]+$`)

// argument writes a text as one word of a shell.
func argument(text string) string {
	if plainArgument.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// quoted writes a name for SQL.
func quoted(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// last returns the text of the innermost error; of several at once, that of the last, which is without TLS.
func last(err error) string {
	for {
		var inner error
		switch e := err.(type) {
		case *fs.PathError: // with the name of the file
		case interface{ Unwrap() error }:
			inner = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				inner = all[len(all)-1]
			}
		}
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
