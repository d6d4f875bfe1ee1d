package engineio

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rejection is a request that is refused: the protocol's error code and message, and the HTTP status.
type rejection struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	status  int
	wait    time.Duration // the wait sent to a client that may try again
}

// The protocol's error codes.
var (
	unknownTransport = rejection{Code: 0, Message: "Transport unknown", status: http.StatusBadRequest}
	unknownSession   = rejection{Code: 1, Message: "Session ID unknown", status: http.StatusBadRequest}
	badMethod        = rejection{Code: 2, Message: "Bad handshake method", status: http.StatusBadRequest}
	badRequest       = rejection{Code: 3, Message: "Bad request", status: http.StatusBadRequest}
	forbidden        = rejection{Code: 4, Message: "Forbidden", status: http.StatusForbidden}
	badVersion       = rejection{Code: 5, Message: "Unsupported protocol version", status: http.StatusBadRequest}
)

// Refusals that the protocol has no code for.
var (
	tooLong     = rejection{Code: 3, Message: "Request header too large", status: http.StatusRequestHeaderFieldsTooLarge}
	unavailable = rejection{Code: 4, Message: "Server is not taking connections", status: http.StatusServiceUnavailable, wait: 5 * time.Second}
	throttled   = rejection{Code: 4, Message: "Too many connections", status: http.StatusTooManyRequests}
)

// verify makes the checks that come before anything else, in the order that clients and test suites rely on. It returns the
// session that the request belongs to, nil for a handshake.
func (s *Server) verify(r *http.Request, query url.Values, upgrade bool) (*Session, *rejection) {
	transport := last(query, "transport")
	if !slices.Contains(s.cfg.Transports, transport) {
		return nil, &unknownTransport
	}
	if !validHeaderValue(r.Header.Get("Origin")) {
		return nil, &badRequest
	}
	if upgrade && transport != WebSocket {
		return nil, &badRequest
	}
	if sid := last(query, "sid"); sid != "" {
		session := s.lookup(sid)
		switch {
		case session == nil:
			return nil, &unknownSession
		case !upgrade && (transport != Polling || session.Transport() != Polling):
			return nil, &badRequest
		case upgrade && s.cfg.DisableUpgrades:
			return nil, &badRequest
		case upgrade && !s.cfg.CORS.allows(r):
			return nil, &forbidden
		}
		return session, nil
	}
	return nil, s.verifyHandshake(r, query, transport, upgrade)
}

func (s *Server) verifyHandshake(r *http.Request, query url.Values, transport string, upgrade bool) *rejection {
	if r.Method != http.MethodGet {
		return &badMethod
	}
	if transport == WebSocket && !upgrade {
		return &badRequest
	}
	if upgrade && !s.cfg.CORS.allows(r) {
		return &forbidden
	}
	if s.cfg.AllowRequest != nil {
		if err := s.cfg.AllowRequest(r); err != nil {
			refused := forbidden
			if text := err.Error(); text != "" {
				refused.Message = text
			}
			return &refused
		}
	}
	if last(query, "EIO") != "4" {
		return &badVersion
	}
	return nil
}

// reject answers a request that verify refused. An upgrade gets plain text and the connection is closed, as a WebSocket
// client shows no body anyway.
func (s *Server) reject(w http.ResponseWriter, refused *rejection, upgrade bool) {
	s.stats.rejected(refused.Code)
	header := w.Header()
	if refused.wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(refused.wait.Seconds()))))
	}
	if upgrade {
		header.Set("Connection", "close")
		header.Set("Content-Type", "text/html")
		status := refused.status
		if status == http.StatusForbidden {
			status = http.StatusBadRequest
		}
		writeBody(w, status, []byte(refused.Message))
		return
	}
	header.Set("Content-Type", "application/json")
	body, err := json.Marshal(refused)
	if err != nil {
		body = nil // unreachable: an int and a string marshal
	}
	writeBody(w, refused.status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A client that is gone can't be answered; the request's context reports that.
	_, _ = w.Write(body)
}

// isUpgrade reports whether r asks to switch to WebSocket.
func isUpgrade(r *http.Request) bool {
	return hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

func hasToken(h http.Header, name, token string) bool {
	for _, value := range h.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// validHeaderValue reports whether v has no control characters, which must not be echoed into a response.
func validHeaderValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
