package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/settings"
)

// remote is the flags of commands that ask a running server.
type remote struct {
	URL  string `name:"url" placeholder:"URL" help:"Address of the server; by default the one on this machine that the settings name."`
	Key  string `name:"key" env:"ELIZA_SERVER_AUTH_TOKEN,SERVER_API_KEY" placeholder:"KEY" help:"API key to present; by default the token of the server's owner, from the data folder. Prefer the variable: flags are visible to other users."`
	Host string `name:"host" env:"SERVER_HOST,HOST" default:"127.0.0.1" help:"Address that the server listens on."`
	Port int    `name:"port" env:"SERVER_PORT,PORT" default:"3000" help:"Port that the server listens on."`
	Dir  string `name:"data-dir" env:"ELIZAD_DATA_DIR,ELIZA_DATABASE_DIR,PGLITE_DATA_DIR" placeholder:"DIR" help:"The server's data folder, where its owner's token is."`
}

// address returns where the server is.
func (r remote) address() string {
	if r.URL != "" {
		return r.URL
	}
	host := strings.Trim(r.Host, "[]")
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(r.Port))
}

// credential returns the key to present. The owner's token goes to this machine only.
func (r remote) credential() (string, error) {
	if key := strings.TrimSpace(r.Key); key != "" || !isThisMachine(r.address()) {
		return key, nil
	}
	return server.OwnerToken(settings.Storage{Dir: r.Dir})
}

// client returns a client for the server.
func (r remote) client() (*client.Client, error) {
	address := r.address()
	key, err := r.credential()
	if err != nil {
		return nil, err
	}
	c, err := client.New(address, client.WithAPIKey(key), client.WithRetries(0))
	if err != nil {
		return nil, &exitError{code: exitUsage, message: fmt.Sprintf("--url: %q is not an http or https address", address)}
	}
	return c, nil
}

// isThisMachine reports whether an address names this machine.
func isThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// explain says what to do about an error of the server, or when none answers.
func (r remote) explain(err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		text := refused.Message
		if refused.Details != "" {
			text += ": " + refused.Details
		}
		return errors.New(text)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("no server answers at %s\nStart one with \"elizad\", or say where it is with --url or --port", r.address())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the server at %s does not answer", r.address())
	}
	return err
}
