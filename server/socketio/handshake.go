package socketio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// Handshake is what a client presented when it connected. Header and URL are those of the request that opened the
// connection, Auth is that of the CONNECT packet of the namespace. It is read-only.
type Handshake struct {
	// Time is when the connection to the namespace was asked for.
	Time time.Time
	// Address is the client's address, as engineio.Config.ClientIP found it.
	Address string
	// CrossDomain reports whether the request had an Origin header.
	CrossDomain bool
	// Secure reports whether the request came over TLS.
	Secure bool
	URL    string
	// Header holds the headers kept by engineio.Config.KeepHeaders.
	Header http.Header
	// Auth is the JSON object that the client gave as "auth", "{}" if none.
	Auth json.RawMessage
}

// Query returns the parameters in the URL.
func (h *Handshake) Query() url.Values { return engineio.QueryOf(h.URL) }

// DecodeAuth decodes Auth into v.
func (h *Handshake) DecodeAuth(v any) error {
	if err := json.Unmarshal(h.Auth, v); err != nil {
		return fmt.Errorf("decoding auth: %w", err)
	}
	return nil
}

func newHandshake(r *engineio.Request, auth json.RawMessage) *Handshake {
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	return &Handshake{
		Time:        time.Now(),
		Address:     r.Address,
		CrossDomain: r.CrossDomain,
		Secure:      r.Secure,
		URL:         r.URL,
		Header:      r.Header,
		Auth:        auth,
	}
}
