package socketio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Handshake is what a client presented when it connected. Header, URL and Query are those of the request that opened the
// connection, Auth is that of the CONNECT packet of the namespace. It is read-only.
type Handshake struct {
	// Time is when the connection to the namespace was asked for.
	Time time.Time
	// Address is the client's address, as told by engineio.Config.ClientIP.
	Address string
	// CrossDomain tells whether the request had an Origin header.
	CrossDomain bool
	// Secure tells whether the request came over TLS.
	Secure bool
	URL    string
	Query  url.Values
	// Header holds the headers kept by engineio.Config.KeepHeaders.
	Header http.Header
	// Auth is the JSON object that the client gave as "auth", "{}" if none.
	Auth json.RawMessage
}

// DecodeAuth decodes Auth into v.
func (h *Handshake) DecodeAuth(v any) error { panic("under construction") }
