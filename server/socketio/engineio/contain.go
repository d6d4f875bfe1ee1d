package engineio

import "runtime/debug"

// contain keeps a panic from ending the process: it is deferred first in each goroutine, and by what a timer calls.
func (s *Server) contain(what string) {
	if v := recover(); v != nil {
		s.cfg.Logger.Error("engineio: panic in "+what, "panic", v, "stack", string(debug.Stack()))
	}
}
