package server

import (
	"net/http"
	"time"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/fileurl"
)

// newSigner returns what signs the addresses of files; nil where whoever has an address may have the file.
func (s *Server) newSigner() *fileurl.Signer {
	if !s.parts.guard.Isolates() {
		return nil
	}
	return fileurl.New(s.parts.secrets.Derived("addresses of files"), s.tenant.ServerID, time.Now)
}

// signs reports whether addresses of files are signed.
func (s *Server) signs(*http.Request) bool { return s.parts.files != nil }

// signing returns a guard that takes signed addresses, where there are any.
func (s *Server) signing(g auth.Guard) auth.Guard {
	if s.parts.files == nil {
		return g
	}
	return g.Signing(s.parts.files)
}

// takeFiles takes the signatures off the addresses of files in a request.
func (s *Server) takeFiles(r *http.Request, body []byte) []byte {
	return s.parts.files.Taken(body, auth.FromContext(r.Context()).SeesAgents())
}
